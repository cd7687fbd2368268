"""From a Keras model to an ONNX file."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from keras_lstm_ext.export.graph import Graph, Value
from keras_lstm_ext.export.layers import NotExpressible, converter
from keras_lstm_ext.files import whole


def export_onnx(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Writes a model as an ONNX file with a real `LSTM` node for each layer of this package.

    Peepholes are the node's input `P`, and a `Bidirectional` wrapper is one node. Of a mask of any
    pattern, the valid steps of a row move to its front for the node, and their number is its
    `sequence_lens`. Everything is float32, as the model is outside training; inputs and outputs
    keep the names and shapes that Keras gives them, with open sizes for what is None.

    Args:
        model: A `Sequential` or functional model, built: of layers of this package (without fed
            back gates, and with peepholes only where `block_size=1`), `Bidirectional`,
            `TimeDistributed(Dense)`, `Dense`, `Embedding`, `Masking`, activations, dropout, and
            layers that reshape or merge.
        path: Where the file is to be. It is written whole or not at all.

    Raises:
        ValueError: If a layer cannot be written so; it is named, with the reason.
        ImportError: If `onnx` is not installed.

    Examples:
        >>> model = keras.Sequential([keras.Input((None, 3)), PeepholeLSTM(8)])
        >>> export_onnx(model, "model.onnx")
    """
    if not isinstance(model, (keras.Sequential, keras.Model)) or not model.built:
        raise ValueError(f"`model` must be a built Keras model. Received: model={model!r}")
    graph = Graph()
    symbolic = _inputs(model)
    inputs = [Value(tensor.name) for tensor in symbolic]
    results = _convert(graph, model, inputs)
    names = [f"output_{k}" for k in range(len(results))]
    for result, name in zip(results, names, strict=True):
        graph.nodes.append(graph.onnx.helper.make_node("Identity", [result.name], [name]))
    made = graph.model(
        [graph.tensor(tensor.name, tensor) for tensor in symbolic],
        [graph.tensor(n, tensor) for n, tensor in zip(names, model.outputs, strict=True)],
        producer="keras_lstm_ext",
    )
    with whole(Path(path)) as temporary:
        temporary.write_bytes(made.SerializeToString())


def _inputs(model: keras.Model) -> list[Any]:
    try:
        return list(model.inputs)
    except (AttributeError, ValueError):
        raise NotExpressible(model, "only Sequential and functional models can be read") from None


def _convert(graph: Graph, model: Any, inputs: Sequence[Value]) -> list[Value]:
    """Writes the layers of a model, which may be a part of another one."""
    if isinstance(model, keras.Sequential):
        values = list(inputs)
        for layer in model.layers:
            values = _apply(graph, layer, values, {})
        return values
    config = model.get_config()
    if "input_layers" not in config:
        raise NotExpressible(model, "only Sequential and functional models can be read")
    return _Functional(graph, model, config).convert(inputs)


def _apply(graph: Graph, layer: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Value]:
    if isinstance(layer, keras.Model):
        return _convert(graph, layer, [value for arg in args for value in _values(arg)])
    return _values(converter(layer)(graph, layer, *args, **kwargs))


def _values(result: Any) -> list[Value]:
    return [result] if isinstance(result, Value) else list(result)


class _Functional:
    """A functional model, read from its configuration, which lists every call of every layer."""

    def __init__(self, graph: Graph, model: Any, config: dict[str, Any]) -> None:
        self.graph, self.config = graph, config
        self.operations = {operation.name: operation for operation in model.operations}
        self.calls = {
            (entry["name"], k): node
            for entry in config["layers"]
            for k, node in enumerate(entry["inbound_nodes"])
        }
        self.results: dict[tuple[str, int], list[Value]] = {}

    def convert(self, inputs: Sequence[Value]) -> list[Value]:
        """The outputs for the values of the inputs."""
        for (name, call, _), value in zip(_keys(self.config["input_layers"]), inputs, strict=True):
            self.results[name, call] = [value]
        return [self.value(*key) for key in _keys(self.config["output_layers"])]

    def value(self, name: str, call: int, index: int) -> Value:
        """One of the results of a call."""
        if (name, call) not in self.results:
            node = self.calls[name, call]
            args, kwargs = self.restore(node["args"]), self.restore(node["kwargs"])
            given = {key: value for key, value in kwargs.items() if _holds_value(value)}
            results = _apply(self.graph, self.operations[name], args, given)
            self.results[name, call] = results
        return self.results[name, call][index]

    def restore(self, given: Any) -> Any:
        """Arguments of a call, with values in place of tensors."""
        if isinstance(given, dict) and given.get("class_name") == "__keras_tensor__":
            return self.value(*given["config"]["keras_history"])
        if isinstance(given, dict):
            return {key: self.restore(value) for key, value in given.items()}
        return [self.restore(g) for g in given] if isinstance(given, (list, tuple)) else given


def _keys(layers: Any) -> list[Any]:
    """`[name, call, index]` of each, from the structure that the model has, in Keras' order."""
    if isinstance(layers, dict):
        layers = [layers[key] for key in sorted(layers)]
    elif isinstance(layers[0], str):
        return [layers]
    return [key for part in layers for key in _keys(part)]


def _holds_value(given: Any) -> bool:
    if isinstance(given, (list, tuple)):
        return any(map(_holds_value, given))
    return isinstance(given, Value)
