"""From the arrays of any layout to the weights of layers and back: one pair of functions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_lstm_ext.convert.arrays import named, select
from keras_lstm_ext.convert.blocks import KINDS, Array, Place, kind
from keras_lstm_ext.convert.checks import check_layer, check_names, checked
from keras_lstm_ext.convert.layouts import LAYOUTS, Layout, own
from keras_lstm_ext.layers._cell import RecurrentCell


def set_weights(
    layers: Any,
    arrays: Mapping[str, Any],
    layout: str | Layout,
    *,
    prefix: str = "",
    forget_bias: float | None = None,
) -> None:
    """Gives layers the weights of another system's LSTM, all of them or none.

    Args:
        layers: A built `ClassicLSTM` or `PeepholeLSTM`, its cell, a `keras.layers.RNN` around
            cells, a `keras.layers.Bidirectional` of one, or a list of them from the input up, where
            the layout holds several layers (`"pytorch"`). `CoupledLSTM`, `LayerNormLSTM` or a layer
            with `projection` where the layout is of such. Peephole weights are zero where the
            layout has no place for any.
        arrays: The arrays by the names that the layout has, in any float dtype: NumPy arrays,
            variables and tensors of TensorFlow, JAX and PyTorch, on any device and with or without
            a gradient, lists of numbers. As a dictionary, also a `state_dict` or one in which
            dictionaries are (with `/` between the names); as a PyTorch module; or as a list of
            variables that have names. A `:0` at the end of a name is left out.
        layout: A key of `LAYOUTS`, or a `Layout` of your own. With `"pytorch"`, the names of an
            `nn.LSTMCell` are taken as well.
        prefix: What comes before those names; arrays without it are left alone. Default: nothing
            or, if there is no such name, the one prefix with which all names are there.
        forget_bias: What the other system adds to the forget gate when it runs. It is added here
            once, into `bias`. Default: what the layout says.

    Raises:
        ValueError: If an array is missing, unknown, of a wrong shape or dtype, or not finite, if
            several prefixes could be meant, or a layer cannot compute what the weights are for.

    Examples:
        >>> layer = ClassicLSTM(4)
        >>> layer.build((None, None, 3))
        >>> rng = np.random.default_rng(1)
        >>> state_dict = {
        ...     "weight_ih_l0": rng.normal(size=(16, 3)),
        ...     "weight_hh_l0": rng.normal(size=(16, 4)),
        ...     "bias_ih_l0": rng.normal(size=16),
        ...     "bias_hh_l0": rng.normal(size=16),
        ... }
        >>> set_weights(layer, state_dict, "pytorch")
        >>> np.allclose(layer.kernel, state_dict["weight_ih_l0"].T)
        True
    """
    table, added = _layout(layout, forget_bias)
    given = named(arrays, list(table.arrays))
    table = _also(table, given)
    places = list(_places(layers, table, added))
    given = select(given, [place for _, place in places], prefix)
    check_names(given, [place for _, place in places])
    assignments: list[tuple[Any, Array]] = []
    for layer, place in places:
        parts = _read(given, place)
        _add(parts, added, place.layout)
        ours = _ours(layer)
        assignments += [
            (getattr(layer, name), ours.join(parts, blocks).reshape(ours.shape(blocks)))
            for name, blocks in ours.arrays.items()
        ]
    for variable, value in assignments:
        variable.assign(value)


def get_weights(
    layers: Any, layout: str | Layout, *, forget_bias: float | None = None
) -> dict[str, np.ndarray[Any, Any]]:
    """The weights of layers as another system lays them out: the inverse of `set_weights`.

    Where a layout has two biases that are added, the second one is zero. Where it adds to the
    forget gate at run time, that is taken off the bias, which rounds once.

    Args:
        layers: As in `set_weights`.
        layout: As in `set_weights`.
        forget_bias: What the other system will add to the forget gate when it runs. Default: what
            the layout says.

    Returns:
        The arrays by the names of the layout, in the dtype of the layer's variables, with `/`
        between the names of nested dictionaries.

    Raises:
        ValueError: If the layout has no place for what a layer has.

    Examples:
        >>> layer = PeepholeLSTM(4)
        >>> layer.build((None, None, 3))
        >>> {name: array.shape for name, array in get_weights(layer, "onnx").items()}
        {'W': (1, 16, 3), 'R': (1, 16, 4), 'B': (1, 32), 'P': (1, 12)}
    """
    table, added = _layout(layout, forget_bias)
    arrays: dict[str, list[Array]] = {}
    for layer, place in _places(layers, table, added):
        ours = _ours(layer)
        own = {name: keras.ops.convert_to_numpy(getattr(layer, name)) for name in ours.arrays}
        parts = _read(own, ours)
        _add(parts, -added, table)
        for name, blocks in place.arrays.items():
            shape = place.shape(blocks)[1 if table.directions else 0 :]
            array = place.join(parts, blocks).reshape(shape).astype(own["kernel"].dtype)
            arrays.setdefault(name, []).append(np.ascontiguousarray(array))
        if any(part.any() for part in parts.values()):
            raise ValueError(
                f"The layout {table.name!r} has no place for peephole weights, which must be zero. "
                f"Received: {type(layer).__name__} where some of {sorted(parts)} are not"
            )
    return {name: np.stack(each) if table.directions else each[0] for name, each in arrays.items()}


def _layout(layout: str | Layout, forget_bias: float | None) -> tuple[Layout, float]:
    table = layout if isinstance(layout, Layout) else LAYOUTS.get(layout)
    if table is None:
        accepted = f"one of {tuple(LAYOUTS)}, or a Layout"
        raise ValueError(f"`layout` must be {accepted}. Received: layout={layout!r}")
    if forget_bias is not None and table.forget_bias is None:
        at_run_time = tuple(k for k, v in LAYOUTS.items() if v.forget_bias is not None)
        raise ValueError(
            f"`forget_bias` is for layouts that add it at run time, {at_run_time}: "
            f"in {table.name!r} it is in the bias already. Received: forget_bias={forget_bias!r}"
        )
    return table, (table.forget_bias or 0.0) if forget_bias is None else forget_bias


def _add(parts: dict[str, Array], added: float, layout: Layout) -> None:
    """Adds to the bias of the forget gate, of which a coupled input gate has the negative."""
    if added and layout.coupled:
        parts["b_i"] = parts["b_i"] - added
    elif added:
        parts["b_f"] = parts["b_f"] + added


def _also(layout: Layout, given: Mapping[str, Any]) -> Layout:
    """The layout, or the other one of the same system whose names are given."""
    if not layout.also:
        return layout
    other = LAYOUTS[layout.also]
    last = {name.replace("/", ".").split(".")[-1] for name in given}
    own = {name.format(level=0, reverse="") for name in layout.arrays}
    return other if last & set(other.arrays) and not last & own else layout


def _places(layers: Any, layout: Layout, added: float) -> Iterator[tuple[Any, Place]]:
    levels = [
        level
        for one in (layers if isinstance(layers, Sequence) else [layers])
        for level in _levels(one)
    ]
    names = "".join(layout.arrays)
    if len(levels) != 1 and ("{level}" not in names or not levels):
        count = "at least one layer" if "{level}" in names else "one layer"
        raise ValueError(
            f"`layers` must be {count} for the layout {layout.name!r}. Received: {len(levels)}"
        )
    for level, one in enumerate(levels):
        both = isinstance(one, keras.layers.Bidirectional)
        if both and not layout.directions and "{reverse}" not in names:
            raise ValueError(
                f"The layout {layout.name!r} has one direction: convert `forward_layer` and "
                "`backward_layer` one after the other. Received: a Bidirectional layer"
            )
        directions = [one.forward_layer, one.backward_layer] if both else [one]
        directions = [cell for direction in directions for cell in _levels(direction)]
        for direction, layer in enumerate(directions):
            check_layer(layer, layout, added)
            ours = _ours(layer)
            sizes = (ours.features, ours.units, ours.kinds)
            numbers = (level, direction, len(directions))
            yield layer, Place(layout, *sizes, *numbers, ours.outputs)


def _levels(layer: Any) -> list[Any]:
    """A layer as it is; of a `keras.layers.RNN`, its cell or the stack of its cells."""
    if not isinstance(layer, keras.layers.RNN) or hasattr(layer, "peephole_kernel"):
        return [layer]
    stack = isinstance(layer.cell, keras.layers.StackedRNNCells)
    cells = layer.cell.cells if stack else [layer.cell]
    return list(cells) if all(isinstance(cell, RecurrentCell) for cell in cells) else [layer]


def _ours(layer: Any) -> Place:
    """Where the weights of a layer or cell stand in this package."""
    layout, features = own(layer.variant), layer.kernel.shape[0]
    kinds = KINDS if layer.bias is not None else KINDS.replace("b", "")
    blocks = " ".join(layout.arrays.values()).split()
    kinds = "".join(k for k in kinds if k in map(kind, blocks))
    return Place(layout, features, layer.units, kinds, outputs=layer.variant.projection)


def _read(given: Mapping[str, Any], place: Place) -> dict[str, Array]:
    """The blocks of one layer and direction, in float64; one that stands twice is added up."""
    parts: dict[str, Array] = {}
    for name, blocks in place.arrays.items():
        array = checked(name, given, place, blocks)
        if place.layout.directions:
            array = array[place.direction]
        for block, part in place.split(array.reshape(place.matrix_shape(blocks)), blocks):
            parts[block] = parts[block] + part if block in parts else part
    return parts
