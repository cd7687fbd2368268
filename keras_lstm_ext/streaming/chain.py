"""The layers that a sequence passes through, one after the other."""

from collections.abc import Iterator
from typing import Any

import keras


class NotStreamable(ValueError):
    """A layer or model that cannot be computed one step at a time, and why.

    Args:
        what: The layer or model.
        reason: Why not, and what to do.
    """

    def __init__(self, what: Any, reason: str) -> None:
        kind, name = type(what).__name__, getattr(what, "name", "?")
        super().__init__(f"`model` cannot be streamed: {kind} {name!r}: {reason}")


def chain(model: Any) -> list[Any]:
    """The layers of a model in the order in which a sequence passes through them.

    Args:
        model: A built Sequential or functional model with one input and one output, in which each
            layer is called once, on what the layer before it gave. Models may be inside models.

    Returns:
        The layers.

    Raises:
        ValueError: If it is no built model.
        NotStreamable: If the model is not such a chain.
    """
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(f"`model` must be a built Keras model. Received: model={model!r}")
    return list(_flat(model))


def _flat(model: Any) -> Iterator[Any]:
    for layer in model.layers if isinstance(model, keras.Sequential) else _functional(model):
        inner = layer.layer if type(layer) is keras.layers.TimeDistributed else layer
        layers = list(_flat(inner)) if isinstance(inner, keras.Model) else [inner]
        if inner is not layer and any(isinstance(one, keras.layers.RNN) for one in layers):
            raise NotStreamable(layer, "its recurrent layer begins anew at every step")
        yield from layers


def _functional(model: Any) -> Iterator[Any]:
    """Reads the calls from the configuration, which lists every one of every layer."""
    config = model.get_config()
    if "input_layers" not in config:
        raise NotStreamable(model, "only Sequential and functional models can be read")
    if len(model.outputs) != 1:
        raise NotStreamable(model, f"it has {len(model.outputs)} outputs, and a stream has one")
    operations = {operation.name: operation for operation in model.operations}
    before: list[str] = []
    for entry in config["layers"]:
        operation = operations[entry["name"]]
        sources = [name for call in entry["inbound_nodes"] for name in _sources(call)]
        if sources != before:
            raise NotStreamable(
                operation, "it is not called once, on nothing but what the layer before it gave"
            )
        if before:
            yield operation
        before = [entry["name"]]


def _sources(given: Any) -> Iterator[str]:
    """Names of the operations whose results are among the arguments of a call."""
    if isinstance(given, dict) and given.get("class_name") == "__keras_tensor__":
        yield given["config"]["keras_history"][0]
    elif isinstance(given, (dict, list, tuple)):
        for value in given.values() if isinstance(given, dict) else given:
            yield from _sources(value)
