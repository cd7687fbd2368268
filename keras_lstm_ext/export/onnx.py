"""From a Keras model to an ONNX file."""

import os
from pathlib import Path
from typing import Any

import keras

from keras_lstm_ext.export import elsewhere, lstm
from keras_lstm_ext.export.graph import IR_VERSION, Graph, all_nodes, remove_unread
from keras_lstm_ext.export.nodes import Replacement
from keras_lstm_ext.export.trace import DOMAIN, INPUT, trace
from keras_lstm_ext.files import whole
from keras_lstm_ext.walk import layers_of


class NotExpressible(ValueError):
    """A layer has no form in ONNX that this package can write."""

    def __init__(self, layer: Any, reason: str) -> None:
        super().__init__(
            f"`model` has the layer {layer.name!r} ({type(layer).__name__}), which export_onnx "
            f"cannot write: {reason}. The generic route writes a loop instead: "
            'model.export(path, format="onnx")'
        )


def export_onnx(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Writes a model as an ONNX file with a real `LSTM` node for each LSTM layer.

    These are the layers of this package, `keras.layers.LSTM`, and `keras.layers.RNN` of their
    cells, alone or in a wrapper; everything else is written by tf2onnx, from the graph that Keras
    traces. On JAX and PyTorch a process with TensorFlow does it, with what it can load: layers of
    your own must be importable.

    Peepholes are the node's input `P`, and a `Bidirectional` wrapper is one node. Of a mask of any
    pattern, the valid steps of a row move to its front for the node, and their number is its
    `sequence_lens`. Everything is float32, as the model is outside training; inputs and outputs
    keep the names and shapes that Keras gives them, with open sizes for what is None.

    Args:
        model: A `Sequential` or functional model, built. Its layers of this package are without fed
            back gates, and have peepholes only where `block_size=1`; no layer is `stateful`.
        path: Where the file is to be. It is written whole or not at all.

    Raises:
        ValueError: If a layer or operation cannot be written so; it is named, with the reason.
        ImportError: If `onnx` or `tf2onnx` is not installed.

    Examples:
        >>> model = keras.Sequential([keras.Input((None, 3)), PeepholeLSTM(8)])
        >>> export_onnx(model, "model.onnx")
    """
    _check(model)
    new = Graph()  # or what is missing is said
    if keras.backend.backend() != "tensorflow":
        return elsewhere.export(model, Path(path))
    made, called = trace(model)
    wrappers = [w for w in layers_of(model) if isinstance(w, keras.layers.Bidirectional)]
    pairs = {id(w.forward_layer): w.backward_layer for w in wrappers}
    Replacement(new, called, pairs).replace(made.graph)
    _name_as_keras_does(new, made, model)
    _check_written(new, made)
    with whole(Path(path)) as temporary:
        temporary.write_bytes(made.SerializeToString())


def _check(model: Any) -> None:
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(f"`model` must be a built Keras model. Received: model={model!r}")
    try:
        _ = model.inputs, model.outputs
    except (AttributeError, ValueError):
        raise NotExpressible(model, "only Sequential and functional models can be read") from None
    for layer in layers_of(model):
        if not isinstance(layer, keras.layers.RNN):
            continue
        if layer.stateful:
            reason: str | None = (
                "stateful=True has no place in a file; make the states inputs and outputs of the "
                "model"
            )
        else:
            reason = lstm.why_not(layer) if lstm.is_lstm(layer.cell) else None
        if reason:
            raise NotExpressible(layer, reason)


def _name_as_keras_does(new: Graph, made: Any, model: Any) -> None:
    """Gives inputs and outputs the names, shapes and order that they have in the model."""
    graph, make = made.graph, new.onnx.helper.make_node
    first = [make("Identity", [t.name], [f"{INPUT}{k}"]) for k, t in enumerate(model.inputs)]
    names = [f"output_{k}" for k in range(len(graph.output))]
    last = [make("Identity", [o.name], [n]) for o, n in zip(graph.output, names, strict=True)]
    outputs = zip(names, model.outputs, strict=True)
    changed = {
        "node": [*first, *graph.node, *last],
        "input": [new.tensor(tensor.name, tensor) for tensor in model.inputs],
        "output": [new.tensor(name, tensor) for name, tensor in outputs],
        "value_info": [],
        "initializer": [*graph.initializer, *new.constants],
    }
    for field, values in changed.items():
        graph.ClearField(field)
        getattr(graph, field).extend(values)
    remove_unread(graph)
    made.ir_version, made.producer_name = IR_VERSION, "keras_lstm_ext"
    kept = [opset for opset in made.opset_import if opset.domain != DOMAIN]
    del made.opset_import[:]
    made.opset_import.extend(kept)


def _check_written(new: Graph, made: Any) -> None:
    for node in all_nodes(made.graph):
        if not new.onnx.defs.has(node.op_type, node.domain):
            raise ValueError(
                f"`model` computes {node.name!r} with TensorFlow's operation {node.op_type!r}, for "
                "which tf2onnx knows no ONNX form: leave it out of the model that is exported, or "
                "compute it with other operations"
            )
    new.onnx.checker.check_model(made, full_check=True)
