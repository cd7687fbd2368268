r"""The squashing functions of the 1997 paper and of Keras 2, beside those that Keras has.

A layer's `activation` accepts their names as it accepts ``"tanh"``.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

Activation = Callable[[Any], Any]


@keras.saving.register_keras_serializable(package="keras_lstm_ext")
def centered_sigmoid_2(x: Any) -> Any:
    r"""Logistic function centred and scaled to the range (-2, 2): the 1997 cell input squasher.

    $$4 \sigma(x) - 2 = 2 \tanh(x / 2)$$

    Source: Hochreiter and Schmidhuber 1997, equation A.3.

    Args:
        x: Tensor of any shape and float dtype.

    Returns:
        Tensor like `x`.

    Examples:
        >>> float(centered_sigmoid_2(0.0))
        0.0
    """
    return 2.0 * ops.tanh(0.5 * ops.convert_to_tensor(x))


@keras.saving.register_keras_serializable(package="keras_lstm_ext")
def centered_sigmoid_1(x: Any) -> Any:
    r"""Logistic function centred and scaled to the range (-1, 1): the 1997 cell output squasher.

    $$2 \sigma(x) - 1 = \tanh(x / 2)$$

    Source: Hochreiter and Schmidhuber 1997, equation A.2.

    Args:
        x: Tensor of any shape and float dtype.

    Returns:
        Tensor like `x`.

    Examples:
        >>> float(centered_sigmoid_1(0.0))
        0.0
    """
    return ops.tanh(0.5 * ops.convert_to_tensor(x))


@keras.saving.register_keras_serializable(package="keras_lstm_ext")
def hard_sigmoid_of_keras_2(x: Any) -> Any:
    r"""What Keras 1 and 2 called `hard_sigmoid`, the default of their gates before 2.3.

    $$\max(0, \min(1, 0.2 x + 0.5))$$

    Under that name Keras 3 has a slope of 1/6.

    Args:
        x: Tensor of any shape and float dtype.

    Returns:
        Tensor like `x`.

    Examples:
        >>> round(float(hard_sigmoid_of_keras_2(1.0)), 3)
        0.7
    """
    return ops.clip(0.2 * ops.convert_to_tensor(x) + 0.5, 0.0, 1.0)


OWN_ACTIVATIONS: dict[str, Activation] = {
    "centered_sigmoid_2": centered_sigmoid_2,
    "centered_sigmoid_1": centered_sigmoid_1,
    "hard_sigmoid_of_keras_2": hard_sigmoid_of_keras_2,
}

SLOPES: dict[Activation, Activation] = {
    keras.activations.sigmoid: lambda y: y * (1.0 - y),
    keras.activations.tanh: lambda y: 1.0 - y * y,
    keras.activations.linear: ops.ones_like,
    keras.activations.relu: lambda y: ops.cast(y > 0.0, y.dtype),
    keras.activations.hard_sigmoid: lambda y: ops.cast((y > 0.0) & (y < 1.0), y.dtype) / 6.0,
    keras.activations.softsign: lambda y: ops.square(1.0 - ops.abs(y)),
    keras.activations.softplus: lambda y: -ops.expm1(-y),
    keras.activations.exponential: lambda y: y,
    hard_sigmoid_of_keras_2: lambda y: ops.cast((y > 0.0) & (y < 1.0), y.dtype) / 5.0,
    centered_sigmoid_2: lambda y: 1.0 - 0.25 * y * y,
    centered_sigmoid_1: lambda y: 0.5 - 0.5 * y * y,
}
"""Derivatives that the hand-written gradients know, as functions of the activation's value."""


def get(name: str, identifier: Any) -> Activation:
    """Finds an activation function, by our names first and then by Keras'.

    Args:
        name: The argument that `identifier` was given for, named in the error.
        identifier: Name, function, serialised function, or None for the identity.

    Returns:
        The function.

    Raises:
        ValueError: If nothing is known under `identifier`.

    Examples:
        >>> get("activation", "centered_sigmoid_1").__name__
        'centered_sigmoid_1'
    """
    if isinstance(identifier, str) and identifier in OWN_ACTIVATIONS:
        return OWN_ACTIVATIONS[identifier]
    try:
        function: Activation = keras.activations.get(identifier)
    except (ValueError, TypeError):
        raise ValueError(
            f"`{name}` must be None, a callable, the name of a Keras activation or one of "
            f"{tuple(OWN_ACTIVATIONS)}. Received: {name}={identifier!r}"
        ) from None
    return function


def serialize(function: Activation) -> Any:
    """Inverse of `get`: a name where there is one, otherwise Keras' serialised function.

    Args:
        function: What `get` returned.

    Returns:
        A value for `get_config`.

    Examples:
        >>> serialize(centered_sigmoid_2)
        'centered_sigmoid_2'
    """
    for name, known in OWN_ACTIVATIONS.items():
        if function is known:
            return name
    return keras.activations.serialize(function)
