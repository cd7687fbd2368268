"""One time step of a recurrent layer, by the native library, between fixed arrays."""

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

from keras_lstm_ext import engines
from keras_lstm_ext.engines import native
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.layers import VariantLSTMCell
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.layers._layer import RecurrentLayer
from keras_lstm_ext.streaming.chain import NotStreamable
from keras_lstm_ext.streaming.steps import Array, numpy
from keras_lstm_ext.variants import CLASSIC

NO_LSTM = "only LSTM layers and cells of this package and of Keras are known, with their own `call`"


def cells(layer: Any) -> list[Any]:
    """The cells of a layer, one for each step that has a state.

    Raises:
        NotStreamable: If the layer does not read its sequence from first to last, or has cells
            that the library does not know.
    """
    _check_layer(layer)
    found = [_ours(layer, cell) for cell in getattr(layer.cell, "cells", [layer.cell])]
    for cell in found:
        reason = (
            packing.why_not_built() or engines.lacks("native", cell) or native.why_not_cell(cell)
        )
        if reason:
            raise NotStreamable(layer, f"the engine `native` cannot run it: {reason}")
    return found


def _check_layer(layer: Any) -> None:
    if layer.go_backwards:
        raise NotStreamable(layer, "go_backwards=True begins with the end of the sequence")
    if layer.return_state:
        raise NotStreamable(layer, "return_state=True: ask the stream for its `state`")
    if not any(
        type(layer).call is base.call
        for base in (RecurrentLayer, keras.layers.LSTM, keras.layers.RNN)
    ):
        raise NotStreamable(layer, NO_LSTM)


def _ours(layer: Any, cell: Any) -> Any:
    """The cell, or the cell of this package that computes what Keras' does."""
    if isinstance(cell, RecurrentCell) and type(cell).call is RecurrentCell.call:
        return cell
    if type(cell).call is not keras.layers.LSTMCell.call:
        raise NotStreamable(layer, NO_LSTM)
    names = ("units", "activation", "recurrent_activation", "use_bias")
    made = VariantLSTMCell(**{name: getattr(cell, name) for name in names}, variant=CLASSIC)
    made.build((None, cell.kernel.shape[0]))
    made.set_weights(cell.get_weights())
    return made


class Step:
    """A cell that the library has open: `run` reads x and moves its states on, where they are.

    Args:
        cell: The cell.
        x: Its input, `(batch, features)`.
    """

    def __init__(self, cell: Any, x: Array) -> None:
        units, gates = cell.units, sum(cell.state_size[2:])
        fed, c = (np.zeros((len(x), n), "float32") for n in (units + gates, units))
        self.h, self.states = fed, [fed, c]
        if gates:
            self.h, self.states = np.zeros_like(c), [fed[:, :units], c, fed[:, units:]]
        layer = SimpleNamespace(cell=cell, go_backwards=False, return_sequences=False)
        plan = packing.plan_of(layer, masked=False, multiplied=False, keeps=False, threads=1)
        weights = map(_or_none, native.weights(cell))
        arrays = [x[:, None], fed, c, *weights, NONE, NONE.astype(bool)]
        types = [packing.TYPES[array.dtype.name] for array in arrays]
        described = zip(arrays, types, strict=True)
        self.at = packing.open_stream(
            plan.words(), [(a.ctypes.data, kind, a.ndim, *a.shape) for a, kind in described]
        )
        self.kept = (x, fed)  # which live as long as their addresses are known
        self.step, self.close = packing.LOADED.lstm_step, packing.LOADED.lstm_close

    def run(self) -> None:
        """Computes one step."""
        self.step(self.at)
        if self.h is not self.kept[1]:
            np.copyto(self.h, self.states[0])

    def __del__(self) -> None:
        if hasattr(self, "close"):
            self.close(self.at)


NONE = np.zeros((0, 0), "float32")
"""Stands for what a call does not have."""


def _or_none(weight: Any) -> Array:
    return NONE if weight is None else numpy(weight)
