"""What each Keras layer becomes in an ONNX graph."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_lstm_ext.export.graph import Graph, Value
from keras_lstm_ext.export.lstm import lstm, why_not
from keras_lstm_ext.layers._layer import RecurrentLayer

Converter = Callable[..., Value | list[Value]]


class NotExpressible(ValueError):
    """A layer has no form in ONNX that this package can write."""

    def __init__(self, layer: Any, reason: str) -> None:
        super().__init__(
            f"`model` has the layer {layer.name!r} ({type(layer).__name__}), which export_onnx "
            f"cannot write: {reason}. The generic route writes a loop instead: "
            'model.export(path, format="onnx"), which needs tf2onnx'
        )


def recurrent(
    graph: Graph, layer: Any, x: Value, initial_state: Any = None, mask: Any = None
) -> Any:
    """A layer of this package."""
    _check(layer)
    x = x if mask is None else x.masked(mask.name)
    ((last, y, h, c),) = lstm(graph, [layer], x, _flat(initial_state))
    output = _output(graph, layer, x, y, last)
    return [output, Value(h), Value(c)] if layer.return_state else output


def bidirectional(
    graph: Graph, wrapper: Any, x: Value, initial_state: Any = None, mask: Any = None
) -> Any:
    """A wrapper of two layers of this package, as one node."""
    both = [wrapper.forward_layer, wrapper.backward_layer]
    for layer in both:
        if not isinstance(layer, RecurrentLayer):
            raise NotExpressible(wrapper, f"it wraps a {type(layer).__name__}")
        _check(layer)
    if both[0].go_backwards or both[0].units != both[1].units:
        raise NotExpressible(wrapper, "one node goes forward first, with the same units both ways")
    x = x if mask is None else x.masked(mask.name)
    results = lstm(graph, both, x, _flat(initial_state))
    forward, backward = (
        _output(graph, layer, x, y, last, in_reading_order=True)
        for layer, (last, y, _, _) in zip(both, results, strict=True)
    )
    merged = [forward, backward]
    if wrapper.merge_mode is not None:
        name = _MERGE[wrapper.merge_mode](graph, [forward.name, backward.name])
        merged = [Value(name, forward.mask)]
    if wrapper.return_state:
        merged += [Value(name) for _, _, *states in results for name in states]
    return merged if len(merged) > 1 else merged[0]


_MERGE: dict[str, Callable[[Graph, list[str]], str]] = {
    "concat": lambda graph, names: graph.node("Concat", *names, axis=-1),
    "sum": lambda graph, names: graph.node("Sum", *names),
    "mul": lambda graph, names: graph.node("Mul", *names),
    "ave": lambda graph, names: graph.node("Mean", *names),
}


def _check(layer: Any) -> None:
    reason = why_not(layer)
    if reason:
        raise NotExpressible(layer, reason)


def _output(
    graph: Graph, layer: Any, x: Value, y: str, last: str, in_reading_order: bool = False
) -> Value:
    """What a layer gives, of the outputs y of every step and the last one."""
    if not layer.return_sequences:
        return Value(last)
    if layer.go_backwards and not in_reading_order:
        past_the_start = np.iinfo(np.int64).min
        bounds = (graph.integers(k) for k in (-1, past_the_start, 1, -1))
        y = graph.node("Slice", y, *bounds)
    return Value(y, x.mask)


def _flat(states: Any) -> list[Value]:
    if states is None:
        return []
    return [states] if isinstance(states, Value) else [s for part in states for s in _flat(part)]


def identity(graph: Graph, layer: Any, x: Value) -> Value:
    """A layer that does nothing outside training."""
    return x


def dense(graph: Graph, layer: Any, x: Value) -> Value:
    """Product, bias, activation, on the last axis."""
    y = graph.node("MatMul", x.name, graph.constant(keras.ops.convert_to_numpy(layer.kernel)))
    if layer.bias is not None:
        y = graph.node("Add", y, graph.constant(keras.ops.convert_to_numpy(layer.bias)))
    return Value(_activated(graph, layer, y), x.mask)


def embedding(graph: Graph, layer: Any, x: Value) -> Value:
    """Rows of a table, and the mask of the entries that are not 0."""
    indices = graph.cast(x.name, "int64")
    table = graph.constant(keras.ops.convert_to_numpy(layer.embeddings))
    mask = None
    if layer.mask_zero:
        mask = graph.node("Not", graph.node("Equal", indices, graph.constant(0, "int64")))
    return Value(graph.node("Gather", table, indices, axis=0), mask)


def masking(graph: Graph, layer: Any, x: Value) -> Value:
    """The mask of the steps that are not all `mask_value`; the others become 0."""
    same = graph.node("Equal", x.name, graph.constant(layer.mask_value))
    differs = graph.cast(graph.node("Not", same), "float32")
    any_differs = graph.node("ReduceMax", differs, graph.integers(-1), keepdims=1)
    mask = graph.node("Squeeze", graph.cast(any_differs, "bool"), graph.integers(-1))
    return Value(graph.node("Mul", x.name, any_differs), mask)


def activation(graph: Graph, layer: Any, x: Value) -> Value:
    """An activation on its own."""
    return Value(_activated(graph, layer, x.name), x.mask)


ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "relu": ("Relu", {}),
    "softmax": ("Softmax", {}),
    "log_softmax": ("LogSoftmax", {}),
    "softsign": ("Softsign", {}),
    "softplus": ("Softplus", {}),
    "elu": ("Elu", {}),
    "selu": ("Selu", {}),
    "exponential": ("Exp", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
}


def _activated(graph: Graph, layer: Any, name: str) -> str:
    known = keras.activations.serialize(layer.activation)
    if known == "linear":
        return name
    if not isinstance(known, str) or known not in ACTIVATIONS:
        raise NotExpressible(layer, f"activation={known!r} is none of {tuple(ACTIVATIONS)}")
    op, attributes = ACTIVATIONS[known]
    return str(graph.node(op, name, **attributes))


def reshape(graph: Graph, layer: Any, x: Value) -> Value:
    """Any shape after the batch axis, which 0 leaves as it is."""
    return Value(graph.node("Reshape", x.name, graph.integers(0, *layer.target_shape)))


def flatten(graph: Graph, layer: Any, x: Value) -> Value:
    """All axes after the batch axis in one."""
    return Value(graph.node("Flatten", x.name, axis=1))


def permute(graph: Graph, layer: Any, x: Value) -> Value:
    """Axes after the batch axis in another order."""
    return Value(graph.node("Transpose", x.name, perm=[0, *layer.dims]))


def repeat_vector(graph: Graph, layer: Any, x: Value) -> Value:
    """A vector for each of n steps."""
    step = graph.node("Unsqueeze", x.name, graph.integers(1))
    return Value(graph.node("Expand", step, graph.integers(1, layer.n, 1)))


def time_distributed(graph: Graph, wrapper: Any, x: Value) -> Value:
    """A dense layer at every step, which is the same as a dense layer."""
    if not isinstance(wrapper.layer, keras.layers.Dense):
        raise NotExpressible(wrapper, f"it wraps a {type(wrapper.layer).__name__}, not a Dense")
    return dense(graph, wrapper.layer, x)


def concatenate(graph: Graph, layer: Any, parts: Sequence[Value]) -> Value:
    """Tensors side by side."""
    mask = _same_mask(layer, parts)
    if mask and layer.axis not in (-1, 2):
        raise NotExpressible(layer, f"its inputs have masks, and axis={layer.axis} is not the last")
    return Value(graph.node("Concat", *(part.name for part in parts), axis=layer.axis), mask)


def merged(op: str) -> Converter:
    """Tensors combined entry by entry."""

    def convert(graph: Graph, layer: Any, parts: Sequence[Value]) -> Value:
        name = parts[0].name
        if op == "Mul":
            for part in parts[1:]:
                name = graph.node("Mul", name, part.name)
        else:
            name = graph.node(op, *(part.name for part in parts))
        return Value(name, _same_mask(layer, parts))

    return convert


def _same_mask(layer: Any, parts: Sequence[Value]) -> str | None:
    masks = {part.mask for part in parts}
    if len(masks) > 1:
        raise NotExpressible(layer, "its inputs have different masks")
    return masks.pop()


CONVERTERS: dict[type, Converter] = {
    RecurrentLayer: recurrent,
    keras.layers.Bidirectional: bidirectional,
    keras.layers.Dense: dense,
    keras.layers.Embedding: embedding,
    keras.layers.Masking: masking,
    keras.layers.Activation: activation,
    keras.layers.TimeDistributed: time_distributed,
    keras.layers.Reshape: reshape,
    keras.layers.Flatten: flatten,
    keras.layers.Permute: permute,
    keras.layers.RepeatVector: repeat_vector,
    keras.layers.Concatenate: concatenate,
    keras.layers.Add: merged("Sum"),
    keras.layers.Average: merged("Mean"),
    keras.layers.Multiply: merged("Mul"),
    keras.layers.Maximum: merged("Max"),
    keras.layers.Minimum: merged("Min"),
    keras.layers.Identity: identity,
    keras.layers.Dropout: identity,
    keras.layers.SpatialDropout1D: identity,
    keras.layers.GaussianDropout: identity,
    keras.layers.GaussianNoise: identity,
    keras.layers.ActivityRegularization: identity,
}
"""By class; subclasses only of the first, since those of others may compute anything."""


def converter(layer: Any) -> Converter:
    """Finds what writes a layer.

    Args:
        layer: A Keras layer or operation.

    Returns:
        `convert(graph, layer, *values, **values)`, which gives a value or a list of them.

    Raises:
        NotExpressible: If nothing does.
    """
    kind = RecurrentLayer if isinstance(layer, RecurrentLayer) else type(layer)
    if kind not in CONVERTERS:
        raise NotExpressible(layer, "it knows no ONNX form of this class")
    return CONVERTERS[kind]
