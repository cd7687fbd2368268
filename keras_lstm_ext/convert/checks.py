"""What the conversion refuses, with messages that say all that it assumes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np

from keras_lstm_ext.convert.arrays import shape_of, to_numpy
from keras_lstm_ext.convert.blocks import Array, Blocks, Place
from keras_lstm_ext.convert.layouts import LAYOUTS, Layout
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.layers._layer import RecurrentLayer

FLOATS = ("float16", "bfloat16", "float32", "float64")


def check_layer(layer: Any, layout: Layout, added: float) -> None:
    """Refuses a layer that cannot compute what the weights of other systems are for."""
    name = type(layer).__name__
    if not isinstance(layer, RecurrentLayer | RecurrentCell) or not layer.built:
        raise ValueError(
            "`layers` must be layers of this package, their cells, a keras.layers.RNN around them, "
            "or a Bidirectional or a list of them, and "
            "be built, for example with layer.build((None, None, features)). "
            f"Received: {name}, built={getattr(layer, 'built', None)}"
        )
    v = layer.variant
    if v.gates != ("i", "f", "o") or v.feedback != "cells" or v.block_size != 1:
        raise ValueError(
            f"The layout {layout.name!r} is for an LSTM with input, forget and output gate, one of "
            "each for every cell, that feeds back h: ClassicLSTM and PeepholeLSTM accept them. "
            f"Received: {name} with gates={v.gates}, block_size={v.block_size}, "
            f"feedback={v.feedback!r}"
        )
    cell: Any = getattr(layer, "cell", layer)
    more = [f"{name}={value!r}" for name, value in cell.has.items() if value]
    if more:
        raise ValueError(
            f"The layout {layout.name!r} is for an LSTM without layer normalisation, projection "
            f"and zoneout: ClassicLSTM and PeepholeLSTM accept it. Received: {name} with "
            f"{', '.join(more)}"
        )
    if layer.use_bias == "gates" or (added and not layer.use_bias):
        raise ValueError(
            f"The layout {layout.name!r} needs a layer with `use_bias=True`"
            f"{f', for the forget bias {added}' if added else ''}. "
            f"Received: {name} with use_bias={layer.use_bias!r}"
        )


def check_names(given: Mapping[str, Any], places: Sequence[Place]) -> None:
    """Refuses arrays that have no place in the layers."""
    known, layout = [name for place in places for name in place.arrays], places[0].layout.name
    unknown = sorted(set(given) - set(known))
    if unknown:
        possible = replace(places[0], kinds="WRbp").arrays
        kinds = {possible[name][0][0][0] for name in unknown if name in possible}
        hints = {"p": ". PeepholeLSTM accepts peepholes", "b": ". `use_bias=True` accepts biases"}
        raise ValueError(
            f"`arrays` must have {known} in the layout {layout!r} for these layers. "
            f"Received: also {unknown}" + "".join(hints[kind] for kind in sorted(kinds))
        )


def checked(name: str, given: Mapping[str, Any], place: Place, blocks: Blocks) -> Array:
    """One array in float64, or an error that says all that is assumed about it."""
    shape, layout = place.shape(blocks), place.layout

    def refuse(received: str) -> NoReturn:
        raise ValueError(
            f"`{name}` must be a finite float array of shape {shape}, the blocks "
            f"{'; '.join(' '.join(row) for row in blocks)} of the layout {layout.name!r} with gate "
            f"order {', '.join(layout.order)}, {place.features} features and {place.units} units. "
            f"Received: {received}"
        )

    if name not in given:
        hint = ". ClassicLSTM accepts weights without peepholes" if blocks[0][0][0] == "p" else ""
        refuse(f"nothing of that name in {sorted(given)}{hint}{_other_layout(given, place)}")
    try:
        array = to_numpy(given[name])
    except (TypeError, RuntimeError, ValueError) as error:
        refuse(f"what NumPy cannot read ({error})")
    if array.dtype.name not in FLOATS:
        refuse(f"dtype {array.dtype}, shape {array.shape}")
    if array.shape != shape:
        other = _other_layer(name, array, place) or _other_layout(given, place)
        refuse(f"shape {array.shape}{other}")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        finite = np.isfinite(array.astype("float32"))
    if not finite.all():
        refuse(f"shape {shape} with {array.size - finite.sum()} entries NaN or infinite")
    return array.astype("float64")


def _other_layer(name: str, array: Array, place: Place) -> str:
    """Which other layer accepts an array that has peepholes in it, or that has none."""
    kinds = place.kinds.replace("p", "") if "p" in place.kinds else f"{place.kinds}p"
    other = replace(place, kinds=kinds)
    if name not in other.arrays or other.shape(other.arrays[name]) != array.shape:
        return ""
    return f", which {'PeepholeLSTM' if 'p' in kinds else 'ClassicLSTM'} accepts"


def _other_layout(given: Mapping[str, Any], place: Place) -> str:
    """Which other layouts have these names, with these shapes."""
    shapes = {name: shape_of(array) for name, array in given.items()}
    others = [
        name
        for name, layout in LAYOUTS.items()
        if (other := replace(place, layout=layout)).arrays
        and all(shapes.get(k) == other.shape(blocks) for k, blocks in other.arrays.items())
    ]
    return f", which the layout {' or '.join(map(repr, others))} has" if others else ""
