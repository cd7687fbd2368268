"""What models and layers hold inside."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras


def layers_of(model: Any) -> list[Any]:
    """Every layer inside a model, itself first, those of wrappers, cells and inner models too."""
    return list(model._flatten_layers())  # no public way: models list what they call themselves


def recurrent_layers(part: Any) -> list[Any]:
    """Every `keras.layers.RNN` of any class, in the order of the model, each once.

    Args:
        part: A model or layer. Models, wrappers and layers in it are searched, also layers that
            one of the user's own has in an attribute, a list or a dictionary.
    """
    return list(dict.fromkeys(_recurrent(part, set())))


def _recurrent(part: Any, visited: set[int]) -> Iterator[Any]:
    if id(part) in visited:
        return
    visited.add(id(part))
    if isinstance(part, keras.layers.RNN):
        yield part
    elif isinstance(part, keras.Layer):
        listed = part.layers if isinstance(part, keras.Model) else []
        for value in (*listed, *vars(part).values()):
            yield from _recurrent(value, visited)
    elif isinstance(part, Mapping):
        yield from _recurrent(list(part.values()), visited)
    elif isinstance(part, (list, tuple, set)):
        for value in part:
            yield from _recurrent(value, visited)


def cells_of(layer: Any) -> list[Any]:
    """The cells of a `keras.layers.RNN`: one, or those of a stack from the input up."""
    stack = isinstance(layer.cell, keras.layers.StackedRNNCells)
    return list(layer.cell.cells) if stack else [layer.cell]
