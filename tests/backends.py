"""What Keras has no common name for: gradients, compilation and devices of each backend."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np

Tensor = Any
Function = Callable[..., Tensor]
Gradients = tuple[Any, list[np.ndarray], list[np.ndarray]]

BACKEND = keras.backend.backend()


def gradients(
    function: Function,
    arrays: Sequence[np.ndarray],
    variables: Sequence[keras.Variable] = (),
    jit: bool = False,
) -> Gradients:
    """Differentiates a scalar function of tensors and of the weights that it reads.

    Args:
        function: Takes one tensor per array, returns a scalar tensor.
        arrays: Where to differentiate; each keeps its dtype (JAX makes float64 into float32).
        variables: Trainable variables that `function` reads.
        jit: Whether function and gradient are compiled together.

    Returns:
        The value, its gradients by the arrays, and by the variables, zero where nothing flows.
    """

    def differentiate() -> Any:
        return _GRADIENTS[BACKEND](function, arrays, variables)

    value, d_arrays, d_variables = compiled(differentiate)() if jit else differentiate()
    return keras.ops.convert_to_numpy(value), _to_numpy(d_arrays), _to_numpy(d_variables)


def _to_numpy(tensors: Sequence[Tensor]) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(t) for t in tensors]


def _tensorflow(function: Function, arrays: Any, variables: Any) -> Any:
    import tensorflow as tf

    tensors = [tf.constant(a) for a in arrays]
    sources = [tensors, [v.value for v in variables]]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = function(*tensors)
    return value, *tape.gradient(value, sources, unconnected_gradients="zero")


def _jax(function: Function, arrays: Any, variables: Any) -> Any:
    import jax

    def of_values(tensors: Any, values: Any) -> Tensor:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return function(*tensors)

    tensors = [jax.numpy.asarray(a) for a in arrays]
    values = [v.value for v in variables]
    value, d = jax.value_and_grad(of_values, argnums=(0, 1))(tensors, values)
    return value, *d


def _torch(function: Function, arrays: Any, variables: Any) -> Any:
    import torch

    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    values = [v.value for v in variables]
    value = function(*tensors)
    d = torch.autograd.grad(value, tensors + values, allow_unused=True, materialize_grads=True)
    return value, d[: len(tensors)], d[len(tensors) :]


_GRADIENTS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}


def compiled(function: Function) -> Function:
    """The function, compiled by XLA where the backend has it, unchanged in PyTorch."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True)
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    return function


def step_by_step() -> AbstractContextManager[Any]:
    """Within it, JAX runs its loops in Python: an oracle of many lengths need not compile each."""
    if BACKEND == "jax":
        import jax

        return jax.disable_jit()
    return nullcontext()


def has_gpu() -> bool:
    """Whether the backend sees a GPU."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    if BACKEND == "jax":
        import jax

        return jax.default_backend() == "gpu"
    import torch

    return torch.cuda.is_available()


def disable_tf32() -> None:
    """Makes float32 products on a GPU float32."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(False)
    elif BACKEND == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")
    else:
        import torch

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


def second_derivative(layer: Function, x: Any) -> Tensor:
    """Differentiates the squared size of the gradient of a layer's summed outputs."""
    if BACKEND == "jax":
        import jax

        def gradient_size(x: Any) -> Any:
            return (jax.grad(lambda x: layer(x).sum())(x) ** 2).sum()

        return jax.grad(gradient_size)(x)
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_sum(layer(x))
        size = tf.reduce_sum(inner.gradient(y, x) ** 2)
    return outer.gradient(size, x)
