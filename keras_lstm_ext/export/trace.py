"""A Keras model as an ONNX graph by tf2onnx, with an `LSTM` node for each layer of the family."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from keras_lstm_ext.export.calls import TOKEN, Node, Trace
from keras_lstm_ext.export.lstm import INPUTS, attributes, weights
from keras_lstm_ext.walk import layers_of

OPSET = 18


def trace(model: Any) -> Any:
    """Gives a model with known inputs as an `onnx.ModelProto`, in float32.

    Its inputs have the names that they have in the model; its outputs, in no order, are `output_0`,
    `output_1`, …
    """
    import tensorflow as tf
    import tf2onnx
    from onnx import numpy_helper

    # A Sequential model that was not called yet has `inputs`, and no `input`.
    given = model.inputs[0] if isinstance(model, keras.Sequential) else model.input

    def call(*flat: Any) -> dict[str, Any]:
        outputs = model(keras.tree.pack_sequence_as(given, flat), training=False)
        flat_outputs = enumerate(keras.tree.flatten(outputs))
        return {f"output_{k}": tf.identity(tf.cast(o, dtype_of(o))) for k, o in flat_outputs}

    signature = [tf.TensorSpec(t.shape, dtype_of(t), name=t.name) for t in model.inputs]
    traced = Trace()
    with _in_float32(model), traced.placing_nodes():
        function = tf.function(call, input_signature=signature)
        concrete = function.get_concrete_function()
    # Here, since tf2onnx works in a graph, where variables have no values.
    arrays = {cell: weights(cell) for node in traced.nodes for cell in node.cells}
    made, _ = tf2onnx.convert.from_function(
        function, signature, opset=OPSET, custom_op_handlers=_handlers(traced.nodes, arrays)
    )
    # What the function found outside, such as the mean of a Normalization, is no input.
    found = concrete.captured_inputs
    inside = concrete.inputs[len(concrete.inputs) - len(found) :]
    values = {tensor.name: value for tensor, value in zip(inside, found, strict=True)}
    read = {name for node in all_nodes(made.graph) for name in node.input}
    for name in read & {tensor.name for tensor in made.graph.input} & values.keys():
        array = keras.ops.convert_to_numpy(values[name])
        made.graph.initializer.append(numpy_helper.from_array(array, name))
    return made


def all_nodes(graph: Any) -> Iterator[Any]:
    """Every node of a graph and of the graphs inside it: bodies of loops, branches."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from all_nodes(attribute.g)


def dtype_of(tensor: Any) -> str:
    """The dtype in the file: float32 for every float."""
    return "float32" if keras.backend.is_float_dtype(tensor.dtype) else str(tensor.dtype)


@contextmanager
def _in_float32(model: Any) -> Iterator[None]:
    """Within it, every layer computes in float32."""
    policies = [(layer, layer.dtype_policy) for layer in layers_of(model)]
    policies = [(layer, p) for layer, p in policies if p.compute_dtype != "float32"]
    try:
        for layer, _ in policies:
            layer.dtype_policy = "float32"
        yield
    finally:
        for layer, policy in policies:
            layer.dtype_policy = policy


def _handlers(nodes: list[Node], arrays: dict[Any, Any]) -> dict[str, tuple[Any, list[str]]]:
    """How tf2onnx writes what it does not know, or not well."""
    reversals: dict[str, tuple[str, list[int]]] = {}

    def lstm(ctx: Any, operation: Any, name: str, args: Any) -> None:
        token = operation.get_attr_str("token")
        if not token.startswith(TOKEN):
            return  # of the user's own; it has no form in ONNX
        node = nodes[int(token.removeprefix(TOKEN))]
        own = {k: np.concatenate([arrays[cell][k] for cell in node.cells]) for k in "WRBP"}
        own = {k: array for k, array in own.items() if k != "P" or array.any()}
        given = dict(zip(node.inputs, operation.input, strict=True))
        given |= zip(own, _constants(ctx, "float32", *own.values()), strict=True)
        inputs = [given.get(k, "") for k in INPUTS]
        _put(ctx, operation, "LSTM", inputs, direction=node.direction, **attributes(node.cells))

    def reverse(ctx: Any, operation: Any, name: str, args: Any) -> None:
        x, axes = operation.input[0], operation.inputs[1].get_tensor_value()
        if reversals.get(x, (x, None))[1] == axes:
            _put(ctx, operation, "Identity", [reversals[x][0]])
            return
        reversals[operation.output[0]] = x, axes
        back, past_the_start = ([k] * len(axes) for k in (-1, np.iinfo("int64").min))
        _put(
            ctx,
            operation,
            "Slice",
            [x, *_constants(ctx, "int64", back, past_the_start, axes, back)],
        )

    def erfc(ctx: Any, operation: Any, name: str, args: Any) -> None:  # of gelu
        erf = ctx.make_node("Erf", operation.input).output[0]
        _put(ctx, operation, "Sub", [*_constants(ctx, "float32", 1.0), erf])

    def where(ctx: Any, operation: Any, name: str, args: Any) -> None:
        # tf2onnx multiplies by 0 and 1, which makes NaN of what is not finite and not taken.
        _put(ctx, operation, "Where", operation.input)

    handlers = {"PyFuncStateless": lstm, "ReverseV2": reverse, "Erfc": erfc, "SelectV2": where}
    return {name: (handler, []) for name, handler in handlers.items()}


def _constants(ctx: Any, dtype: str, *values: Any) -> list[str]:
    return [constant.output[0] for constant in ctx.make_consts(values, np.dtype(dtype))]


def _put(ctx: Any, operation: Any, op: str, inputs: list[str], **attributes: Any) -> None:
    """Puts a node of ONNX in the place of one of TensorFlow."""
    shapes, dtypes = operation.output_shapes, operation.output_dtypes
    ctx.remove_node(operation.name)
    place = {"outputs": operation.output, "name": operation.name}
    ctx.make_node(op, inputs, attr=attributes, shapes=shapes, dtypes=dtypes, **place)
