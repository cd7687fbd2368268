"""A Keras model as an ONNX graph by tf2onnx, with a placeholder node for each LSTM layer.

While TensorFlow traces the model, `inner_loop`, where the layers of Keras and of this package
compute a whole sequence, gives an operation that no converter touches. Everything else in the
model, masks and wrappers included, is Keras' own.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import keras
from keras import ops

from keras_lstm_ext.export.graph import OPSET, dtype_of
from keras_lstm_ext.export.lstm import is_lstm
from keras_lstm_ext.layers._layer import RecurrentLayer
from keras_lstm_ext.walk import layers_of

DOMAIN = "keras_lstm_ext"
INPUT = "keras_lstm_ext_input_"
Tensor = Any


def trace(model: Any) -> tuple[Any, list[Any]]:
    """Writes a model with placeholders.

    Args:
        model: A model with known inputs.

    Returns:
        An `onnx.ModelProto` with inputs `INPUT` 0, 1, …; and the layer of each placeholder, whose
        attribute `token` is its index there. Inputs of a placeholder are the sequences, h, c, and
        the mask if there is one; outputs what `inner_loop` gives: last output, outputs, h, c.
    """
    import tensorflow as tf
    import tf2onnx

    # A Sequential model that was not called yet has `inputs`, and no `input`.
    given = model.inputs[0] if isinstance(model, keras.Sequential) else model.input

    def call(*flat: Tensor) -> list[Tensor]:
        outputs = model(keras.tree.pack_sequence_as(given, flat), training=False)
        return [tf.identity(tf.cast(o, dtype_of(o))) for o in keras.tree.flatten(outputs)]

    signature = [
        tf.TensorSpec(tensor.shape, dtype_of(tensor), name=f"{INPUT}{k}")
        for k, tensor in enumerate(model.inputs)
    ]
    called: list[Any] = []
    with _in_float32(model), _placing(called):
        function = tf.function(call, input_signature=signature)
        concrete = function.get_concrete_function()
    made, _ = tf2onnx.convert.from_function(
        function,
        signature,
        opset=OPSET,
        custom_op_handlers={"PyFunc": (_keep, []), "ReverseV2": (_keep, [])},
        custom_rewriter=[_give_shapes(called)],
        extra_opset=[tf2onnx.utils.make_opsetid(DOMAIN, 1)],
    )
    _take_constants(made.graph, concrete)
    return made, called


def _take_constants(graph: Any, concrete: Any) -> None:
    """What the function found outside, such as the mean of a Normalization, is no input."""
    from onnx import numpy_helper

    found = concrete.captured_inputs
    inside = concrete.inputs[len(concrete.inputs) - len(found) :]
    values = {tensor.name: value for tensor, value in zip(inside, found, strict=True)}
    for given in graph.input:
        if given.name in values:
            array = ops.convert_to_numpy(values[given.name])
            graph.initializer.append(numpy_helper.from_array(array, given.name))


def _keep(ctx: Any, node: Any, name: str, args: Any) -> Any:
    node.domain = DOMAIN
    return node


def _give_shapes(called: list[Any]) -> Callable[[Any, Any], Any]:
    """What tf2onnx cannot know of a placeholder: ranks and sizes."""

    def rewrite(graph: Any, nodes: Any) -> Any:
        for node in nodes:
            if node.type == "PyFunc" and node.get_attr_str("token").startswith(DOMAIN):
                units = called[index_of(node.get_attr_str("token"))].cell.units
                for output, rank in zip(node.output, (2, 3, 2, 2), strict=True):
                    graph.set_shape(output, [-1] * (rank - 1) + [units])
        return nodes

    return rewrite


def index_of(token: str) -> int:
    """The index of a placeholder's layer."""
    return int(token.removeprefix(f"{DOMAIN}:"))


@contextmanager
def _placing(called: list[Any]) -> Iterator[None]:
    """Within it, LSTM layers give placeholders, in this thread."""
    thread = threading.get_ident()

    def placing(original: Callable[..., Any]) -> Callable[..., Any]:
        def inner_loop(
            layer: Any, sequences: Tensor, initial_state: Any, mask: Tensor, training: bool = False
        ) -> Any:
            if threading.get_ident() != thread or not is_lstm(layer.cell):
                return original(layer, sequences, initial_state, mask, training=training)
            called.append(layer)
            return _placeholder(len(called) - 1, layer.cell.units, sequences, initial_state, mask)

        return inner_loop

    def folding(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(
            wrapper: Any, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None
        ) -> Any:
            if threading.get_ident() != thread:
                return original(wrapper, inputs, training=training, mask=mask)
            reads_masks = (keras.layers.RNN, keras.layers.Bidirectional, keras.Model)
            if mask is not None and isinstance(wrapper.layer, reads_masks):
                raise ValueError(
                    f"export_onnx cannot write {wrapper.name!r}: a TimeDistributed with a mask "
                    "around a layer that reads masks"
                )
            return _all_steps_at_once(wrapper.layer, inputs)

        return call

    with ExitStack() as stack:
        for cls in (keras.layers.RNN, keras.layers.LSTM, RecurrentLayer):
            loop = placing(cls.inner_loop)
            stack.enter_context(mock.patch.object(cls, "inner_loop", loop))
        wrapper = keras.layers.TimeDistributed
        stack.enter_context(mock.patch.object(wrapper, "call", folding(wrapper.call)))
        yield


def _placeholder(k: int, units: int, sequences: Tensor, states: Any, mask: Tensor) -> Any:
    import tensorflow as tf

    inputs = [sequences, *states] + ([] if mask is None else [tf.cast(mask, "bool")])
    outputs = tf.raw_ops.PyFunc(input=inputs, token=f"{DOMAIN}:{k}", Tout=[tf.float32] * 4)
    batch, steps, _ = sequences.shape
    for output, shape in zip(outputs, ((), (steps,), (), ()), strict=True):
        output.set_shape((batch, *shape, units))
    last, y, h, c = outputs
    return last, y, [h, c]


def _all_steps_at_once(layer: Any, inputs: Tensor) -> Tensor:
    """A layer at every step: as rows, of which each is computed alone outside training."""
    batch, steps, *rest = ops.shape(inputs)
    y = layer(ops.reshape(inputs, (-1, *rest)), training=False)
    return ops.reshape(y, (batch, steps, *ops.shape(y)[1:]))


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
