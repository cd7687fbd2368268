"""One time step of the layers around the recurrent ones, in NumPy, between fixed arrays.

Each function takes a layer and the array that the layer before it fills. It gives the array that
this one fills and the function that does it, or None where there is nothing to do.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_lstm_ext.streaming.chain import NotStreamable

Array = np.ndarray[Any, np.dtype[Any]]
Run = Callable[[], None]
Squash = Callable[[Array, Array, Array], Any]
"""In place; with an array of the same shape to work in, and one with a number for each row."""


def numpy(weight: Any) -> Array:
    """A weight as float32."""
    return np.ascontiguousarray(ops.convert_to_numpy(weight), "float32")


def each(weight: Any, like: Array) -> Array:
    """A weight or number for every row: NumPy needs a buffer to repeat it."""
    given = weight if isinstance(weight, (float, int)) else numpy(weight)
    return np.ascontiguousarray(np.broadcast_to(given, like.shape), "float32")


def sigmoid(z: Array, *_: Array) -> None:
    """By tanh, which does not overflow."""
    np.multiply(z, 0.5, out=z)
    np.tanh(z, out=z)
    np.multiply(z, 0.5, out=z)
    np.add(z, 0.5, out=z)


def softmax(z: Array, room: Array, row: Array) -> None:
    """Of each row."""
    np.copyto(room, np.maximum.reduce(z, axis=-1, keepdims=True, out=row))
    np.subtract(z, room, out=z)
    np.exp(z, out=z)
    np.copyto(room, np.add.reduce(z, axis=-1, keepdims=True, out=row))
    np.divide(z, room, out=z)


def silu(z: Array, room: Array, _: Array) -> None:
    """The product of z and its sigmoid."""
    np.copyto(room, z)
    sigmoid(room)
    np.multiply(z, room, out=z)


def elu(z: Array, room: Array, _: Array) -> None:
    """e^z - 1 where z is negative."""
    np.minimum(z, 0.0, out=room)
    np.expm1(room, out=room)
    np.maximum(z, 0.0, out=z)
    np.add(z, room, out=z)


ACTIVATIONS: dict[Any, Squash | None] = {
    keras.activations.linear: None,
    keras.activations.relu: lambda z, *_: np.maximum(z, 0.0, out=z),
    keras.activations.relu6: lambda z, *_: np.clip(z, 0.0, 6.0, out=z),
    keras.activations.sigmoid: sigmoid,
    keras.activations.tanh: lambda z, *_: np.tanh(z, out=z),
    keras.activations.softmax: softmax,
    keras.activations.softplus: lambda z, *_: np.logaddexp(z, np.float32(0.0), out=z),
    keras.activations.silu: silu,
    keras.activations.elu: elu,
    keras.activations.exponential: lambda z, *_: np.exp(z, out=z),
}


def squasher(layer: Any, function: Any, y: Array) -> Run | None:
    """An activation of Keras in place on y, or None if it changes nothing."""
    if function not in ACTIVATIONS:
        known = ", ".join(f.__name__ for f in ACTIVATIONS)
        raise NotStreamable(layer, f"its activation is {function!r}; known are {known}")
    squash, room, row = ACTIVATIONS[function], np.empty_like(y), np.empty_like(y[:, :1])
    return (lambda: squash(y, room, row)) if squash else None


def dense(layer: Any, x: Array) -> tuple[Array, Run]:
    """The product with the weights, the bias, the activation."""
    if layer.quantization_mode:
        raise NotStreamable(layer, f"it is quantized, to {layer.quantization_mode}")
    W = numpy(layer.kernel)
    y = np.empty((len(x), W.shape[1]), "float32")
    b = each(0.0 if layer.bias is None else layer.bias, y)
    squash = squasher(layer, layer.activation, y)

    def run() -> None:
        np.dot(x, W, out=y)
        np.add(y, b, out=y)
        if squash:
            squash()

    return y, run


def embedding(layer: Any, x: Array) -> tuple[Array, Run]:
    """Rows of a table."""
    if layer.mask_zero:
        raise NotStreamable(
            layer, "mask_zero=True masks steps: leave such steps out, and make the layer without it"
        )
    if layer.quantization_mode:
        raise NotStreamable(layer, f"it is quantized, to {layer.quantization_mode}")
    table = numpy(layer.embeddings)
    y = np.empty((len(x), table.shape[1]), "float32")

    def run() -> None:
        if x.min() < 0 or x.max() >= len(table):
            raise ValueError(
                f"`x` must hold whole numbers from 0 to {len(table) - 1}. Received: x={x}"
            )
        np.take(table, x, axis=0, out=y, mode="clip")

    return y, run


def activation(layer: Any, x: Array) -> tuple[Array, Run | None]:
    """A layer that is an activation."""
    y = np.empty_like(x)
    squash = squasher(layer, _function(layer), y)
    if squash is None:
        return x, None

    def run() -> None:
        np.copyto(y, x)
        squash()

    return y, run


def _function(layer: Any) -> Any:
    config = layer.get_config()
    if isinstance(layer, keras.layers.Activation):
        return layer.activation
    if isinstance(layer, keras.layers.Softmax):
        _check_axis(layer, config["axis"])
        return keras.activations.softmax
    if config["max_value"] is not None or config["negative_slope"] or config["threshold"]:
        raise NotStreamable(layer, "max_value, negative_slope and threshold are not known")
    return keras.activations.relu


def _check_axis(layer: Any, axis: Any) -> None:
    if axis not in (-1, [-1], (-1,)):
        raise NotStreamable(layer, f"axis={axis!r}, and a step has its features on axis -1 only")


def affine(layer: Any, x: Array) -> tuple[Array, Run]:
    """(x - mean) scale + offset: normalisation by numbers that stay."""
    mean, scale, offset = (each(a, x) for a in _constants(layer))
    y = np.empty_like(x)

    def run() -> None:
        np.subtract(x, mean, out=y)
        np.multiply(y, scale, out=y)
        np.add(y, offset, out=y)

    return y, run


def _constants(layer: Any) -> tuple[Any, Any, Any]:
    return next(read for base, read in AFFINE.items() if isinstance(layer, base))(layer)


def _batch_normalization(layer: Any) -> tuple[Any, Any, Any]:
    _check_axis(layer, layer.axis)
    scale = 1.0 / np.sqrt(numpy(layer.moving_variance) + layer.epsilon)
    scale = scale * (1.0 if layer.gamma is None else numpy(layer.gamma))
    return numpy(layer.moving_mean), scale, 0.0 if layer.beta is None else numpy(layer.beta)


def _normalization(layer: Any) -> tuple[Any, Any, Any]:
    if layer.axis not in ((), (-1,), (2,), None):
        _check_axis(layer, layer.axis)
    mean = numpy(layer.mean).reshape(-1)
    deviation = np.maximum(np.sqrt(numpy(layer.variance).reshape(-1)), keras.config.epsilon())
    return (0.0, deviation, mean) if layer.invert else (mean, 1.0 / deviation, 0.0)


AFFINE: dict[type, Callable[[Any], tuple[Any, Any, Any]]] = {
    keras.layers.BatchNormalization: _batch_normalization,
    keras.layers.Normalization: _normalization,
    keras.layers.Rescaling: lambda layer: (0.0, layer.scale, layer.offset),
}


def layer_normalization(layer: Any, x: Array) -> tuple[Array, Run]:
    """Each row less its mean, over its deviation."""
    _check_axis(layer, layer.axis)
    gamma = each(1.0 if layer.gamma is None else layer.gamma, x)
    beta = each(0.0 if layer.beta is None else layer.beta, x)
    y, room, row = np.empty_like(x), np.empty_like(x), np.empty_like(x[:, :1])
    share = np.float32(1.0 / x.shape[1])

    def mean(of: Array) -> Array:
        np.add.reduce(of, axis=-1, keepdims=True, out=row)
        return np.multiply(row, share, out=row)

    def run() -> None:
        np.copyto(room, mean(x))
        np.subtract(x, room, out=y)
        np.multiply(y, y, out=room)
        np.add(mean(room), layer.epsilon, out=row)
        np.copyto(room, np.sqrt(row, out=row))
        np.divide(y, room, out=y)
        np.multiply(y, gamma, out=y)
        np.add(y, beta, out=y)

    return y, run


def nothing(layer: Any, x: Array) -> tuple[Array, None]:
    """A layer that changes nothing in a prediction."""
    return x, None


STEPS: dict[type, Callable[[Any, Array], tuple[Array, Run | None]]] = {
    keras.layers.InputLayer: nothing,
    keras.layers.Dropout: nothing,
    keras.layers.SpatialDropout1D: nothing,
    keras.layers.GaussianNoise: nothing,
    keras.layers.GaussianDropout: nothing,
    keras.layers.ActivityRegularization: nothing,
    keras.layers.Identity: nothing,
    keras.layers.Dense: dense,
    keras.layers.Embedding: embedding,
    keras.layers.Activation: activation,
    keras.layers.ReLU: activation,
    keras.layers.Softmax: activation,
    keras.layers.LayerNormalization: layer_normalization,
    **dict.fromkeys(AFFINE, affine),
}
