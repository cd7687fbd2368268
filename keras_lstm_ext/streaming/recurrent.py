"""One time step of a recurrent layer, by the native library, between fixed arrays."""

from typing import Any

import keras
import numpy as np

from keras_lstm_ext.engines import native
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.layers._cell import VariantLSTMCell
from keras_lstm_ext.layers._layer import RecurrentLayer
from keras_lstm_ext.streaming.chain import NotStreamable
from keras_lstm_ext.streaming.library import Handle, Options
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
        reason = packing.why_not_built() or native.why_not_cell(cell)
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
    if isinstance(cell, VariantLSTMCell) and type(cell).call is VariantLSTMCell.call:
        return cell
    if type(cell).call is not keras.layers.LSTMCell.call:
        raise NotStreamable(layer, NO_LSTM)
    names = ("units", "activation", "recurrent_activation", "use_bias")
    made = VariantLSTMCell(**{name: getattr(cell, name) for name in names}, variant=CLASSIC)
    made.build((None, cell.kernel.shape[0]))
    made.set_weights(cell.get_weights())
    return made


def step(cell: Any, x: Array) -> Handle:
    """Opens the cell in the library, with states of its own; its `step` reads x."""
    variant, equations = cell.variant, cell.equations
    h, c = (np.zeros((len(x), cell.units), "float32") for _ in range(2))
    weights = {
        "W": cell.kernel,
        "R": cell.recurrent_kernel,
        "p": cell.peephole_kernel,
        "b": np.zeros(cell.kernel.shape[1]) if cell.bias is None else cell.full_bias(),
    }
    arrays = {name: numpy(w) for name, w in weights.items() if w is not None}
    options = Options(
        batch=len(x),
        time=1,
        features=x.shape[1],
        units=cell.units,
        block_size=variant.block_size,
        gates=sum(bit for gate, bit in (("i", 1), ("f", 2), ("o", 4)) if gate in variant.gates),
        sigma=packing.SQUASHERS[equations.sigma],
        activation=packing.SQUASHERS[equations.activation],
        output_activation=packing.SQUASHERS[equations.output_activation],
        feedback=cell.recurrent_kernel is not None,
        peepholes=cell.peephole_kernel is not None,
        threads=1,
        decay=variant.decay,
    )
    return Handle(options, arrays | {"x": x, "h": h, "c": c})
