"""Cells of the family as ONNX `LSTM` nodes: which can be, with what weights and attributes."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from keras_lstm_ext import activations
from keras_lstm_ext.convert import get_weights
from keras_lstm_ext.layers import PeepholeLSTM
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.variants import CLASSIC, PEEPHOLE, Variant

INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
"""The inputs of the node."""

OPEN = 30.0
"""Net input of a gate that is always open: its sigmoid is 1 in float32."""

FUNCTIONS: dict[str, tuple[str, tuple[float, ...]]] = {
    "sigmoid": ("Sigmoid", ()),
    "tanh": ("Tanh", ()),
    "linear": ("Affine", (1.0, 0.0)),
    "relu": ("Relu", ()),
    "softsign": ("Softsign", ()),
    "softplus": ("Softplus", ()),
    "hard_sigmoid": ("HardSigmoid", (1 / 6, 0.5)),
    "hard_sigmoid_of_keras_2": ("HardSigmoid", (1 / 5, 0.5)),
    "centered_sigmoid_2": ("ScaledTanh", (2.0, 0.5)),
    "centered_sigmoid_1": ("ScaledTanh", (1.0, 0.5)),
}
"""Activations as the node names them, with their alpha and beta."""

Array = np.ndarray[Any, np.dtype[Any]]


def is_lstm(cell: Any) -> bool:
    """Whether a cell computes the equations of Keras or of this package, not a subclass's own."""
    return getattr(type(cell), "call", None) in (RecurrentCell.call, keras.layers.LSTMCell.call)


def why_not(cell: Any) -> str | None:
    """What a node cannot compute of a cell for which `is_lstm` holds; None if it can."""
    v = _variant(cell)
    names = [activations.serialize(function) for function in _squashers(cell)]
    unknown = [name for name in names if not isinstance(name, str) or name not in FUNCTIONS]
    if v.feeds_gates:
        return "its gates are fed back, and those of an ONNX LSTM are not"
    more = cell.more() if isinstance(cell, RecurrentCell) else ""
    if more:
        return f"an ONNX LSTM does not compute {more}"
    if v.coupled and names[0] != "sigmoid":
        return f"its forget gate, 1 - i, is a gate by itself with sigmoid only, not {names[0]}"
    if v.peepholes and v.block_size > 1:
        return "a peephole of an ONNX LSTM sees one cell, and these see a block of them"
    if v.nets != CLASSIC.nets and names[0] != "sigmoid":
        return f"a gate that it lacks can only be held constant with sigmoid, not {names[0]}"
    if unknown:
        return f"an ONNX LSTM has no activation {unknown[0]!r}, only {tuple(FUNCTIONS)}"
    return None


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
