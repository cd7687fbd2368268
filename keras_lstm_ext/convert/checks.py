"""What the conversion refuses, with messages that say all that it assumes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np

from keras_lstm_ext.convert.arrays import shape_of, to_numpy
from keras_lstm_ext.convert.blocks import KINDS, Array, Blocks, Place, kind
from keras_lstm_ext.convert.layouts import LAYOUTS, Layout
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.layers._layer import RecurrentLayer
from keras_lstm_ext.variants import NET_ORDER

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
    nets = (*(k for k in NET_ORDER if k in layout.order),)
    if v.nets != nets or v.coupled != layout.coupled or v.feedback != "cells" or v.block_size != 1:
        gates = (
            "input and output gate, and 1 - i for forget gate"
            if layout.coupled
            else "input, forget and output gate"
        )
        raise ValueError(
            f"The layout {layout.name!r} is for an LSTM with {gates}, one of each for every cell, "
            f"that feeds back h: {_accepts(layout)} them. Received: {name} with gates={v.gates}, "
            f"coupled={v.coupled}, block_size={v.block_size}, feedback={v.feedback!r}"
        )
    _check_more(layer, layout)
    if layer.use_bias == "gates" or (added and not layer.use_bias):
        raise ValueError(
            f"The layout {layout.name!r} needs a layer with `use_bias=True`"
            f"{f', for the forget bias {added}' if added else ''}. "
            f"Received: {name} with use_bias={layer.use_bias!r}"
        )


def _accepts(layout: Layout) -> str:
    """Which layers take the weights of a layout, and the verb."""
    if layout.coupled:
        return "CoupledLSTM accepts"
    return (
        "ClassicLSTM and PeepholeLSTM accept" if layout.epsilon is None else "LayerNormLSTM accepts"
    )


def _check_more(layer: Any, layout: Layout) -> None:
    """Refuses a layer that computes more than the system, or less."""
    name, cell = type(layer).__name__, getattr(layer, "cell", layer)
    norms = {"normalize_nets": True, "normalize_output": True, "epsilon": layout.epsilon}
    if layout.epsilon is not None:
        received = {key: getattr(layer.variant, key) for key in norms}
        if received != norms:
            raise ValueError(
                f"The layout {layout.name!r} is for an LSTM with {_listed(norms)}: a LayerNormLSTM "
                f"with these. Received: {name} with {_listed(received)}"
            )
    known = {"projection": layout.projects, "zoneout_h": layout.zoneout}
    more = cell.more(*(norms if layout.epsilon else ()), *(key for key in known if known[key]))
    if more:
        raise ValueError(
            f"The layout {layout.name!r} is of a system that does not compute {more}: "
            f"{_accepts(layout)} its weights. Received: {name} with {more}"
        )


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def check_names(given: Mapping[str, Any], places: Sequence[Place]) -> None:
    """Refuses arrays that have no place in the layers."""
    known, layout = [name for place in places for name in place.arrays], places[0].layout.name
    unknown = sorted(set(given) - set(known))
    if unknown:
        possible = replace(places[0], kinds=KINDS).arrays
        kinds = {kind(possible[name][0][0]) for name in unknown if name in possible}
        hints = {
            "p": ". PeepholeLSTM accepts peepholes",
            "b": ". `use_bias=True` accepts biases",
            "P": ". ProjectedLSTM, and Variant(projection=...), accept projections",
        }
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
        hint = _without(kind(blocks[0][0]), place)
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


def _without(letter: str, place: Place) -> str:
    """Which other layer does without peepholes, or without projection."""
    if letter == "P":
        return ". PeepholeLSTM accepts weights without projection"
    if letter != "p":
        return ""
    if place.layout.coupled or place.outputs:
        return '. VariantLSTM with `variant.without("peepholes")` accepts weights without peepholes'
    return ". ClassicLSTM accepts weights without peepholes"


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
        if (layout.coupled, layout.epsilon) == (place.layout.coupled, place.layout.epsilon)
        if (other := replace(place, layout=layout)).arrays
        and all(shapes.get(k) == other.shape(blocks) for k, blocks in other.arrays.items())
    ]
    return f", which the layout {' or '.join(map(repr, others))} has" if others else ""
