"""Layers of the family as ONNX `LSTM` nodes."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_lstm_ext import activations
from keras_lstm_ext.convert import get_weights
from keras_lstm_ext.export.graph import Array, Graph
from keras_lstm_ext.export.masks import Packing
from keras_lstm_ext.layers import PeepholeLSTM, VariantLSTMCell
from keras_lstm_ext.variants import CLASSIC, NET_ORDER, Variant

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
    "centered_sigmoid_2": ("ScaledTanh", (2.0, 0.5)),
    "centered_sigmoid_1": ("ScaledTanh", (1.0, 0.5)),
}
"""Activations as the node names them, with their alpha and beta."""


@dataclass(frozen=True)
class Call:
    """A call of a layer, with the names of its tensors.

    Args:
        layer: The layer.
        x: The sequences, `(batch, timesteps, features)`.
        states: h and c, `(batch, units)` each, or nothing for zeros.
        mask: Boolean, `(batch, timesteps)`, or None.
    """

    layer: Any
    x: str
    states: tuple[str, ...] = ()
    mask: str | None = None


def is_lstm(cell: Any) -> bool:
    """Whether a cell computes the equations of Keras or of this package, not a subclass's own."""
    return getattr(type(cell), "call", None) in (VariantLSTMCell.call, keras.layers.LSTMCell.call)


def why_not(layer: Any) -> str | None:
    """Says what an `LSTM` node cannot compute of a layer, or gives None.

    Args:
        layer: A layer with a cell for which `is_lstm` holds.

    Returns:
        The reason.
    """
    v = _variant(layer.cell)
    names = [activations.serialize(function) for function in _squashers(layer.cell)]
    unknown = [name for name in names if not isinstance(name, str) or name not in FUNCTIONS]
    if v.feeds_gates:
        return "its gates are fed back, and those of an ONNX LSTM are not"
    if v.coupled:
        return "its forget gate is what the input gate leaves"
    if v.peepholes and v.block_size > 1:
        return "a peephole of an ONNX LSTM sees one cell, and these see a block of them"
    if _absent(v) and names[0] != "sigmoid":
        return f"a gate that it lacks can only be held constant with sigmoid, not {names[0]}"
    if unknown:
        return f"an ONNX LSTM has no activation {unknown[0]!r}, only {tuple(FUNCTIONS)}"
    return None


def _variant(cell: Any) -> Variant:
    return cell.variant if isinstance(cell, VariantLSTMCell) else CLASSIC


def _squashers(cell: Any) -> tuple[Any, Any, Any]:
    """Activation of the gates, of the cell input, of the cell output."""
    if isinstance(cell, VariantLSTMCell):
        e = cell.equations
        return e.sigma, e.activation, e.output_activation
    return cell.recurrent_activation, cell.activation, cell.activation


def lstm(graph: Graph, calls: list[Call]) -> list[tuple[str, str, str, str]]:
    """Adds one node for a call, or for the two directions of a wrapper.

    Args:
        graph: Where to add it.
        calls: One call, or a forward and a backward one of the same sequences and mask.

    Returns:
        For each call what `keras.layers.RNN` computes: last output and outputs, of which those of
        every step are in reading order, final h and final c.
    """
    cells = [call.layer.cell for call in calls]
    weights = [get_weights(as_peephole(cell), "onnx") for cell in cells]
    W, R, B, P = (np.concatenate([each[name] for each in weights]) for name in "WRBP")
    x, mask = calls[0].x, calls[0].mask
    packing = None if mask is None else Packing(graph, mask)
    sequences = x if packing is None else packing.packed(x)
    inputs = [graph.node("Transpose", sequences, perm=[1, 0, 2]), *map(graph.constant, (W, R, B))]
    directions = ["reverse" if call.layer.go_backwards else "forward" for call in calls]
    Y, Y_h, Y_c = graph.node(
        "LSTM",
        *inputs,
        "" if packing is None else packing.lengths,
        *(_stacked(graph, calls, k) for k in (0, 1)),
        graph.constant(P) if P.any() else "",
        outputs=3,
        hidden_size=cells[0].units,
        direction="bidirectional" if len(calls) == 2 else directions[0],
        **_functions(cells),
    )
    in_batch_order = graph.node("Transpose", Y, perm=[2, 1, 0, 3])
    final = [_split(graph, state, 0, len(calls)) for state in (Y_h, Y_c)]
    results = zip(calls, _split(graph, in_batch_order, 1, len(calls)), *final, strict=True)
    return [_shown(packing, *result) for result in results]


def _shown(
    packing: Packing | None, call: Call, y: str, h: str, c: str
) -> tuple[str, str, str, str]:
    """Last output, outputs, h and c of one direction, as the mask makes them."""
    if packing is None:
        return h, y, h, c
    how = {"backwards": call.layer.go_backwards, "zeros": call.layer.zero_output_for_mask}
    y, last = packing.unpacked(y, **how), packing.last(h, **how)
    if call.states:
        h, c = (packing.state(*pair) for pair in zip((h, c), call.states, strict=True))
    return last, y, h, c


def as_peephole(cell: Any) -> PeepholeLSTM:
    """Makes a layer with all gates and peepholes that computes the same.

    An absent gate is held open by its bias, an absent forget gate at the constant decay; a gate of
    a block stands once for each of its cells; absent weights are 0.

    Args:
        cell: A cell for which `is_lstm` holds, without fed back gates.

    Returns:
        The layer, built, with its weights.
    """
    v, units = _variant(cell), cell.units
    kernel = keras.ops.convert_to_numpy(cell.kernel)
    recurrent = np.zeros((units, kernel.shape[1]), kernel.dtype)
    if cell.recurrent_kernel is not None:
        recurrent = keras.ops.convert_to_numpy(cell.recurrent_kernel)
    bias = np.zeros((1, kernel.shape[1]), kernel.dtype)
    if cell.bias is not None:
        given = cell.full_bias() if isinstance(cell, VariantLSTMCell) else cell.bias
        bias += keras.ops.convert_to_numpy(given)
    peepholes = np.zeros((3, units), kernel.dtype)
    peephole_kernel = getattr(cell, "peephole_kernel", None)
    if peephole_kernel is not None:
        rows = [("i", "f", "o").index(gate) for gate in v.gates]
        peepholes[rows] = keras.ops.convert_to_numpy(peephole_kernel)
    full = [_all_nets(v, units, matrix) for matrix in (kernel, recurrent, bias)]
    for k, value in _absent(v).items():
        full[2][k] += value
    kernel, recurrent, bias = (np.concatenate([m[k] for k in NET_ORDER], axis=1) for m in full)
    same = PeepholeLSTM(units, dtype="float32")
    same.build((None, None, kernel.shape[0]))
    same.set_weights([kernel, recurrent, peepholes, bias[0]])
    return same


def _all_nets(v: Variant, units: int, matrix: Array) -> dict[str, Array]:
    nets = {k: np.zeros((len(matrix), units), matrix.dtype) for k in NET_ORDER}
    for k, columns in v.columns(units).items():
        nets[k] += np.repeat(matrix[:, columns], 1 if k == "c" else v.block_size, axis=1)
    return nets


def _absent(v: Variant) -> dict[str, float]:
    """The net inputs that stand for absent gates."""
    decay = np.clip(v.decay, 1e-13, 1.0 - 1e-13)
    forget = float(np.log(decay) - np.log1p(-decay))
    return {k: forget if k == "f" else OPEN for k in ("i", "f", "o") if k not in v.gates}


def _functions(cells: list[Any]) -> dict[str, Any]:
    """The activations, with alpha and beta of those that have them."""
    found = [FUNCTIONS[activations.serialize(f)] for cell in cells for f in _squashers(cell)]
    constants = [given for _, given in found if given]
    attributes: dict[str, Any] = {"activations": [name for name, _ in found]}
    if constants:
        alpha, beta = zip(*constants, strict=True)
        attributes |= {"activation_alpha": list(alpha), "activation_beta": list(beta)}
    return attributes


def _stacked(graph: Graph, calls: list[Call], k: int) -> str:
    """The initial h or c of all directions, or nothing if all are zeros."""
    if not any(call.states for call in calls):
        return ""
    axis = graph.integers(0)
    rows = [graph.node("Unsqueeze", call.states[k], axis) for call in calls]
    return str(graph.node("Concat", *rows, axis=0))


def _split(graph: Graph, name: str, axis: int, count: int) -> list[str]:
    """The entries of an axis, as a tensor each."""
    indices = (graph.constant(k, "int64") for k in range(count))
    return [graph.node("Gather", name, index, axis=axis) for index in indices]
