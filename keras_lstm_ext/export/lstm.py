"""Cells of the family as ONNX `LSTM` nodes: which can be, with what weights and attributes."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from keras_lstm_ext import activations
from keras_lstm_ext.convert import get_weights
from keras_lstm_ext.export import node
from keras_lstm_ext.export.node import FUNCTIONS, OPEN
from keras_lstm_ext.layers import PeepholeLSTM
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.variants import CLASSIC, PEEPHOLE, Variant

INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
"""The inputs of the node."""

Array = np.ndarray[Any, np.dtype[Any]]


def is_lstm(cell: Any) -> bool:
    """Whether a cell computes the equations of Keras or of this package, not a subclass's own."""
    return getattr(type(cell), "call", None) in (RecurrentCell.call, keras.layers.LSTMCell.call)


def why_not(cell: Any) -> str | None:
    """What a node cannot compute of a cell for which `is_lstm` holds; None if it can."""
    names = [activations.serialize(function) for function in _squashers(cell)]
    more = cell.more() if isinstance(cell, RecurrentCell) else ""
    return node.why_not(_variant(cell), names, more)


def attributes(cells: Iterable[Any]) -> dict[str, Any]:
    """Size and activations, with alpha and beta, of a node of these cells, one per direction."""
    found = [FUNCTIONS[activations.serialize(f)] for cell in cells for f in _squashers(cell)]
    constants = [given for _, given in found if given]
    sizes = {cell.units for cell in cells}
    made: dict[str, Any] = {"hidden_size": sizes.pop(), "activations": [name for name, _ in found]}
    if constants:
        alpha, beta = zip(*constants, strict=True)
        made |= {"activation_alpha": list(alpha), "activation_beta": list(beta)}
    return made


def weights(cell: Any) -> dict[str, Array]:
    """The part of a cell, which is that of one direction, in the inputs W, R, B and P of a node."""
    return get_weights(as_peephole(cell), "onnx")


def as_peephole(cell: Any) -> PeepholeLSTM:
    """Makes a layer with all gates and peepholes that computes what a cell does.

    An absent gate is held open by its bias, an absent forget gate at the constant decay; one that
    is 1 - i has the negative weights of i, so that no runtime needs to know `input_forget`. A gate
    of a block stands once for each of its cells; absent weights are 0.
    """
    v, units = _variant(cell), cell.units
    same = PeepholeLSTM(units, dtype="float32")
    same.build((None, None, cell.kernel.shape[0]))
    W, R, p, b = (np.zeros_like(array) for array in same.get_weights())
    bias = cell.full_bias() if isinstance(cell, RecurrentCell) and cell.use_bias else cell.bias
    pairs = [(W, cell.kernel), (R, cell.recurrent_kernel), (b, bias)]
    decay = np.clip(v.decay, 1e-13, 1.0 - 1e-13)
    arrays = [(new, keras.ops.convert_to_numpy(own)) for new, own in pairs if own is not None]
    for net, columns in PEEPHOLE.columns(units).items():
        if net not in v.nets:
            b[columns] = np.log(decay) - np.log1p(-decay) if net == "f" else OPEN
            continue
        cells_of_gate = 1 if net == "c" else v.block_size
        for new, own in arrays:
            new[..., columns] = np.repeat(own[..., v.columns(units)[net]], cells_of_gate, axis=-1)
    if v.peepholes and v.gates:
        rows = [gate in v.gates for gate in PEEPHOLE.gates]
        p[rows] = keras.ops.convert_to_numpy(cell.peephole_kernel)
    if v.coupled:
        i, f = (PEEPHOLE.columns(units)[net] for net in "if")
        for array in (W, R, b):
            array[..., f] = -array[..., i]
        p[PEEPHOLE.gates.index("f")] = -p[PEEPHOLE.gates.index("i")]
    same.set_weights([W, R, p, b])
    return same


def _variant(cell: Any) -> Variant:
    return cell.variant if isinstance(cell, RecurrentCell) else CLASSIC


def _squashers(cell: Any) -> tuple[Any, Any, Any]:
    """Activation of the gates, of the cell input, of the cell output."""
    if isinstance(cell, RecurrentCell):
        e = cell.equations
        return e.sigma, e.activation, e.output_activation
    return cell.recurrent_activation, cell.activation, cell.activation
