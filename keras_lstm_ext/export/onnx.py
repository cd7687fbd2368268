"""From a Keras model to an ONNX file."""

import importlib.util
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_lstm_ext.export import elsewhere, lstm
from keras_lstm_ext.export.trace import all_nodes, dtype_of, trace
from keras_lstm_ext.files import whole
from keras_lstm_ext.walk import cells_of, recurrent_layers


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
    cells, alone or in a wrapper; a stack of cells is a node for each. Everything else is written by
    tf2onnx, from the graph that Keras traces. On JAX and PyTorch a process with TensorFlow does it,
    with what it can load: layers of your own must be importable.

    Peepholes are the node's input `P`, and a `Bidirectional` wrapper is one node. Of a mask of any
    pattern, the valid steps of a row move to its front for the node, and their number is its
    `sequence_lens`. Everything is float32, as the model is outside training; inputs and outputs
    keep the names and shapes that Keras gives them, with open sizes for what is None.

    Args:
        model: A `Sequential` or functional model, built. Its layers of this package are without fed
            back gates, and have peepholes only where `block_size=1`; no layer is `stateful`, and no
            stack has LSTM cells and others.
        path: Where the file is to be. It is written whole or not at all.

    Raises:
        ValueError: If a layer or operation cannot be written so; it is named, with the reason.
        ImportError: If `onnx` or `tf2onnx` is not installed.

    Examples:
        >>> model = keras.Sequential([keras.Input((None, 3)), PeepholeLSTM(8)])
        >>> export_onnx(model, "model.onnx")
    """
    _check(model)
    _check_installed()
    if keras.backend.backend() != "tensorflow":
        return elsewhere.export(model, Path(path))
    made = trace(model)
    _describe(made, model)
    _check_written(made)
    with whole(Path(path)) as temporary:
        temporary.write_bytes(made.SerializeToString())


def _check(model: Any) -> None:
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(f"`model` must be a built Keras model. Received: model={model!r}")
    try:
        _ = model.inputs, model.outputs
    except (AttributeError, ValueError):
        raise NotExpressible(model, "only Sequential and functional models can be read") from None
    for layer in recurrent_layers(model):
        reason = _why_not(layer)
        if reason:
            raise NotExpressible(layer, reason)


def _why_not(layer: Any) -> str | None:
    if layer.stateful:
        return (
            "stateful=True has no place in a file; make the states inputs and outputs of the model"
        )
    cells = cells_of(layer)
    nodes = [cell for cell in cells if lstm.is_lstm(cell)]
    if nodes and len(nodes) < len(cells):
        others = sorted({type(cell).__name__ for cell in cells if cell not in nodes})
        return f"its stack has LSTM cells and {others}; make a layer of each cell"
    return next(filter(None, map(lstm.why_not, nodes)), None)


def _check_installed() -> None:
    missing = [name for name in ("onnx", "tf2onnx") if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(
            f"export_onnx needs {' and '.join(missing)}, which comes with the extra `onnx`: "
            'pip install "keras-lstm-ext[onnx]"'
        )


def _describe(made: Any, model: Any) -> None:
    """Gives inputs and outputs the shapes and the order that they have in the model."""
    inputs = [_tensor(tensor.name, tensor) for tensor in model.inputs]
    outputs = [_tensor(f"output_{k}", tensor) for k, tensor in enumerate(model.outputs)]
    for field, values in {"input": inputs, "output": outputs, "value_info": []}.items():
        made.graph.ClearField(field)
        getattr(made.graph, field).extend(values)
    made.producer_name = "keras_lstm_ext"


def _tensor(name: str, tensor: Any) -> Any:
    """Describes an input or output; a size that is not fixed gets a name."""
    from onnx import helper

    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(dtype_of(tensor)))
    shape = [f"{name}_{k}" if size is None else size for k, size in enumerate(tensor.shape)]
    if shape and tensor.shape[0] is None:
        shape[0] = "batch"
    return helper.make_tensor_value_info(name, dtype, shape)


def _check_written(made: Any) -> None:
    from onnx import checker, defs

    for node in all_nodes(made.graph):
        if not defs.has(node.op_type, node.domain):
            raise ValueError(
                f"`model` computes {node.name!r} with TensorFlow's operation {node.op_type!r}, for "
                "which tf2onnx knows no ONNX form: leave it out of the model that is exported, or "
                "compute it with other operations"
            )
    checker.check_model(made, full_check=True)
