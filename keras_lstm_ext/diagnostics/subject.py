"""What can be looked into: cells of this package and of Keras, wherever a model has them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras

from keras_lstm_ext.acceleration.counterparts import converted
from keras_lstm_ext.layers import ClassicLSTMCell
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.walk import cells_of, recurrent_layers


def as_member(cell: Any) -> RecurrentCell | None:
    """A cell as a member of the family.

    Args:
        cell: Any cell.

    Returns:
        A cell of this package as it is; one of `keras.layers.LSTM` as a `ClassicLSTMCell` with the
        same weights, not copies of them; None for any other, also for a subclass of Keras' cell
        that computes its steps itself.
    """
    if isinstance(cell, RecurrentCell):
        return cell
    if not isinstance(cell, keras.layers.LSTMCell) or _step(cell) is not keras.layers.LSTMCell.call:
        return None
    member = converted(cell, ClassicLSTMCell)
    if cell.built:
        member.kernel, member.recurrent_kernel = cell.kernel, cell.recurrent_kernel
        member.bias, member.built = cell.bias, True
    return member


def _step(cell: Any) -> Any:
    return type(cell).call


@dataclass(frozen=True)
class Subject:
    """A cell, and the layer that runs it.

    Args:
        layer: The layer, a `keras.layers.RNN` of any class.
        number: Which of its cells, where the layer has a stack of them.
    """

    layer: Any
    number: int | None = None

    @property
    def cells(self) -> list[Any]:
        """All cells of the layer."""
        return cells_of(self.layer)

    @property
    def member(self) -> RecurrentCell:
        """The cell, as a member of the family."""
        found = as_member(self.cells[self.number or 0])
        assert found is not None
        return found

    @property
    def name(self) -> str:
        """What it is called in messages, titles and logs."""
        name: str = self.layer.name
        return name if self.number is None else f"{name}, cell {self.number}"


def subjects(model: Any) -> list[Subject]:
    """Finds all that can be looked into.

    Args:
        model: A Keras model or layer. Models, wrappers and layers in it are searched, also layers
            that a layer or model of the user's own has in an attribute, a list or a dictionary.

    Returns:
        What was found, in the order of the model.
    """
    return [
        Subject(layer, number if isinstance(layer.cell, keras.layers.StackedRNNCells) else None)
        for layer in recurrent_layers(model)
        for number, cell in enumerate(cells_of(layer))
        if as_member(cell) is not None
    ]


def subject(layer: Any, cell: int | None = None) -> Subject:
    """What a user means by a layer and, if it has a stack of cells, the number of one.

    Args:
        layer: What the user gave.
        cell: Which cell.

    Returns:
        The one cell that is meant.

    Raises:
        ValueError: If it is another thing, such as a wrapper, or it is not clear which cell.
    """
    if not isinstance(layer, keras.layers.RNN):
        raise ValueError(
            "`layer` must be a layer of keras_lstm_ext, a keras.layers.LSTM or a keras.layers.RNN "
            f"around one of their cells{_instead(layer)}. Received: layer={layer!r}"
        )
    cells = cells_of(layer)
    if len(cells) == 1 and cell in (None, 0):
        number, one = None, cells[0]
    elif cell in range(len(cells)):
        number, one = cell, cells[cell or 0]
    else:
        raise ValueError(
            f"`cell` must say which cell of {layer.name!r} is meant, by a number from 0 to "
            f"{len(cells) - 1}. Received: cell={cell!r}"
        )
    member = as_member(one)
    if member is None:
        raise ValueError(
            "`layer` must run a cell of keras_lstm_ext, or that of a keras.layers.LSTM with its "
            f"own equations. Received: layer={layer.name!r} with a {type(one).__name__}"
        )
    more = member.more("normalize_nets", "normalize_output")
    if more:
        raise ValueError(
            "`layer` must put out what its cells do, without projection and zoneout. Received: "
            f"layer={layer.name!r} with {more}"
        )
    return Subject(layer, number)


def _instead(layer: Any) -> str:
    if isinstance(layer, keras.layers.Bidirectional):
        return ", in a Bidirectional wrapper its `forward_layer` or `backward_layer`"
    if isinstance(layer, str):
        return ", the layer itself and not its name: model.get_layer(name)"
    inner = names(subjects(layer)) if isinstance(layer, keras.Layer) else []
    return f", here one of those in it, {inner}" if inner else ""


def only(model: Any, cell: int | None) -> Subject:
    """The one thing in a model that can be looked into, or an error that names all."""
    found = subjects(model)
    layers = list(dict.fromkeys(each.layer for each in found))
    if len(layers) != 1:
        raise ValueError(
            "`layer` must be given, unless the model has exactly one layer that can be looked "
            f"into, of keras_lstm_ext or a keras.layers.LSTM. Received: a model with {names(found)}"
        )
    return found[0] if len(found) == 1 and cell is None else subject(layers[0], cell)


def names(found: Iterable[Subject]) -> list[str]:
    """Their names."""
    return [each.name for each in found]
