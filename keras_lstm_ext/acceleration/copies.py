"""A model as Keras clones it, with other layers in the places of some."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import keras

from keras_lstm_ext.acceleration.counterparts import build, converted, counterpart, why_not
from keras_lstm_ext.walk import cells_of, layers_of, recurrent_layers


class Copy:
    """Copies layers and models, each once however often it is met, without their weights.

    Layers that are called in a graph are handed to Keras' `clone_model`; what other layers and
    models hold is replaced in the attributes of their copies.

    Args:
        back: Whether layers of this package become Keras' own, or the other way round.
    """

    def __init__(self, back: bool) -> None:
        self.back = back
        self._copies: dict[int, Any] = {}
        self._seen: dict[int, tuple[Any, Any]] = {}  # holds what is replaced: ids are used again

    def __call__(self, layer: Any) -> Any:
        """The copy of a layer or model; Keras' `clone_function`."""
        if id(layer) not in self._copies:
            self._copies[id(layer)] = self._copy(layer)
        return self._copies[id(layer)]

    def _copy(self, layer: Any) -> Any:
        if is_graph(layer):
            made = self._graph(layer, self)
            if made is not None:
                return made
        cls = self._replaced_by(layer)
        if cls is not None:
            return converted(layer, cls)
        made = remade(layer)
        if made is not layer:
            self.replace_inside(made, layer)
        return made

    def _graph(self, model: Any, clone_function: Any) -> Any:
        """A Sequential or functional model on other layers; None where Keras loses its class."""
        with _not_compiled(model):
            made = keras.models.clone_model(model, clone_function=clone_function)
        return made if type(made) is type(model) else None

    def _replaced_by(self, part: Any) -> Any:
        cls = counterpart(part, self.back)
        return None if cls is None or why_not(part, self.back) else cls

    def replace_inside(self, made: Any, original: Any) -> None:
        """Replaces what a layer has in its attributes, also in lists and dictionaries there.

        Args:
            made: A copy of `original`.
            original: A layer or model. In one with a graph, only Keras replaces layers.
        """
        if is_graph(made) or not isinstance(made, keras.Layer) or _is_whole(made):
            return
        of_original = _attributes(original)
        for name, value in _attributes(made).items():
            new = self._within(value, of_original.get(name), made)
            if new is not value:
                setattr(made, name, new)

    def _within(self, value: Any, original: Any, owner: Any) -> Any:
        """What comes in the place of a part of `owner`: often the part itself."""
        if isinstance(value, keras.Layer):
            new = self._part(value, original)
            if new is not value:
                _track_instead(owner, value, new)
            return new
        if not isinstance(value, (list, tuple, Mapping)):
            return value
        keys = list(value) if isinstance(value, Mapping) else range(len(value))
        alike = type(original) is type(value) and len(original) == len(value)
        parts = {k: self._within(value[k], original[k] if alike else None, owner) for k in keys}
        changed = {k: new for k, new in parts.items() if new is not value[k]}
        if isinstance(value, tuple):
            return tuple(parts.values()) if changed else value
        for key, new in changed.items():
            value[key] = new  # type: ignore[index]
        return value

    def _part(self, value: Any, original: Any = None) -> Any:
        """A layer of our copy, or what comes in its place."""
        if id(value) not in self._seen:
            self._seen[id(value)] = value, self._instead(value, original)
        return self._seen[id(value)][1]

    def _instead(self, value: Any, original: Any) -> Any:
        # Keras' copy has lost what is in no configuration, as `use_cudnn`.
        same = original if type(original) is type(value) else value
        if is_graph(value):
            if not any(self._replaced_by(part) for part in parts_of(value)):
                return value
            originals = dict(zip(map(id, value.layers), same.layers, strict=False))
            new = self._graph(value, lambda part: self._part(part, originals.get(id(part))))
            return new or value
        cls = self._replaced_by(same)
        if cls is None:
            self.replace_inside(value, same)
            return value
        new = converted(same, cls)
        if value.built:
            build(new, value)
        return new


def parts_of(model: Any) -> Iterator[Any]:
    """The recurrent layers of a model and, where one has a stack of cells, these."""
    for layer in recurrent_layers(model):
        yield layer
        if not _is_whole(layer):
            yield from cells_of(layer)


def _is_whole(layer: Any) -> bool:
    """Whether a layer is replaced with its cell, or not at all."""
    is_recurrent = isinstance(layer, keras.layers.RNN)
    return is_recurrent and isinstance(layer.cell, keras.layers.LSTMCell)


def remade(layer: Any) -> Any:
    """A layer anew from its configuration; one without weights that has none is given itself."""
    try:
        return type(layer).from_config(layer.get_config())
    except Exception as error:
        if not getattr(layer, "variables", ()):
            return layer
        raise ValueError(
            f"`model` has the layer {layer.name!r} ({type(layer).__name__}), which Keras cannot "
            "clone: it needs a `get_config` from which its constructor makes it again. "
            f"Received: {layer!r}"
        ) from error


def is_graph(model: Any) -> bool:
    """Whether a model is a Sequential or functional one."""
    return isinstance(model, (keras.Sequential, _functional()))


@cache
def _functional() -> Any:
    x = keras.Input((1,), name="x")  # with names, lest those of others have other numbers
    y = keras.layers.Identity(name="y")(x)
    return type(keras.Model(x, y, name="probe"))  # the class has no public name


@cache
def _of_every(base: Any) -> frozenset[str]:
    probe = base()
    probe.part = keras.Layer()  # backends keep lists of parts, which come with the first
    return frozenset(vars(probe)) - {"part"}


def _attributes(layer: Any) -> dict[str, Any]:
    """The attributes that the class of a layer gives it; on PyTorch some are modules."""
    own = vars(layer) | vars(layer).get("_modules", {})
    of_every = _of_every(keras.Model if isinstance(layer, keras.Model) else keras.Layer)
    return {name: value for name, value in own.items() if name not in of_every}


def _track_instead(owner: Any, old: Any, new: Any) -> None:
    """Gives a layer the place that another one has among the layers of their owner.

    There is no public way: what is assigned to an attribute comes last among the layers, and so
    among the weights, and what was there before stays.
    """
    tracker = owner._tracker
    if tracker.is_in_store("layers", old) and not tracker.is_in_store("layers", new):
        tracker.replace_tracked_value("layers", old, new)


@contextmanager
def _not_compiled(model: Any) -> Iterator[None]:
    """Within it, Keras clones a model without its compilation, which may be of no configuration."""
    compiled = [each for each in layers_of(model) if getattr(each, "compiled", False)]
    try:
        for each in compiled:
            each.compiled = False
        yield
    finally:
        for each in compiled:
            each.compiled = True
