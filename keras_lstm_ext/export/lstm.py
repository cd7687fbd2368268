"""Layers of the family as ONNX `LSTM` nodes."""

from typing import Any

import keras
import numpy as np

from keras_lstm_ext import activations
from keras_lstm_ext.convert import get_weights
from keras_lstm_ext.export.graph import Array, Graph, Value
from keras_lstm_ext.export.masks import Packing
from keras_lstm_ext.layers import PeepholeLSTM
from keras_lstm_ext.variants import NET_ORDER, Variant

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


def why_not(layer: Any) -> str | None:
    """Says what an `LSTM` node cannot compute of a layer, or gives None.

    Args:
        layer: A layer of this package.

    Returns:
        The reason.
    """
    v, equations = layer.variant, layer.cell.equations
    functions = (equations.sigma, equations.activation, equations.output_activation)
    names = [activations.serialize(function) for function in functions]
    unknown = [name for name in names if not isinstance(name, str) or name not in FUNCTIONS]
    if v.feeds_gates:
        return "its gates are fed back, and those of an ONNX LSTM are not"
    if v.peepholes and v.block_size > 1:
        return "a peephole of an ONNX LSTM sees one cell, and these see a block of them"
    if _absent(v) and names[0] != "sigmoid":
        return f"a gate that it lacks can only be held constant with sigmoid, not {names[0]}"
    if unknown:
        return f"an ONNX LSTM has no activation {unknown[0]!r}, only {tuple(FUNCTIONS)}"
    if layer.stateful:
        return (
            "stateful=True has no place in a file; make the states inputs and outputs of the model"
        )
    return None


def lstm(
    graph: Graph, layers: list[Any], x: Value, states: list[Value]
) -> list[tuple[str, str, str, str]]:
    """Adds one node for a layer, or for the two directions of a wrapper.

    Args:
        graph: Where to add it.
        layers: One layer, or a forward and a backward one.
        x: The sequences, `(batch, timesteps, features)`.
        states: None, or h and c for each layer.

    Returns:
        For each layer what `keras.layers.RNN` gives: last output and outputs, of which those of
        every step are in reading order, final h and final c.
    """
    packing = None if x.mask is None else Packing(graph, x.mask)
    weights = [get_weights(as_peephole(layer), "onnx") for layer in layers]
    W, R, B, P = (np.concatenate([each[name] for each in weights]) for name in "WRBP")
    sequences = x.name if packing is None else packing.packed(x.name)
    inputs = [graph.node("Transpose", sequences, perm=[1, 0, 2]), *map(graph.constant, (W, R, B))]
    lengths = "" if packing is None else packing.lengths
    initial = [_stacked(graph, states[first::2]) if states else "" for first in (0, 1)]
    peepholes = graph.constant(P) if P.any() else ""
    directions = ["reverse" if layer.go_backwards else "forward" for layer in layers]
    Y, Y_h, Y_c = graph.node(
        "LSTM",
        *inputs,
        lengths,
        *initial,
        peepholes,
        outputs=3,
        hidden_size=layers[0].units,
        direction="bidirectional" if len(layers) == 2 else directions[0],
        **_functions(layers),
    )
    in_batch_order = graph.node("Transpose", Y, perm=[2, 1, 0, 3])
    final = [_split(graph, state, 0, len(layers)) for state in (Y_h, Y_c)]
    results = zip(layers, _split(graph, in_batch_order, 1, len(layers)), *final, strict=True)
    return [
        _shown(packing, layer, y, h, c, [s.name for s in states[2 * k : 2 * k + 2]])
        for k, (layer, y, h, c) in enumerate(results)
    ]


def _shown(
    packing: Packing | None, layer: Any, y: str, h: str, c: str, initial: list[str]
) -> tuple[str, str, str, str]:
    """Last output, outputs, h and c of one direction, as the mask makes them."""
    if packing is None:
        return h, y, h, c
    how = {"backwards": layer.go_backwards, "zeros": layer.zero_output_for_mask}
    if layer.return_sequences:
        y = packing.unpacked(y, **how)
    last = packing.last(h, **how)
    if initial:
        h, c = (packing.state(*pair) for pair in zip((h, c), initial, strict=True))
    return last, y, h, c


def as_peephole(layer: Any) -> PeepholeLSTM:
    """Makes a layer with all gates and peepholes that computes the same.

    An absent gate is held open by its bias, an absent forget gate at the constant decay; a gate of
    a block stands once for each of its cells; absent weights are 0.

    Args:
        layer: A layer of this package without fed back gates.

    Returns:
        The other layer, built, with its weights.
    """
    v, units = layer.variant, layer.units
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    recurrent = np.zeros((units, kernel.shape[1]), kernel.dtype)
    if layer.recurrent_kernel is not None:
        recurrent = keras.ops.convert_to_numpy(layer.recurrent_kernel)
    bias = np.zeros((1, kernel.shape[1]), kernel.dtype)
    bias += keras.ops.convert_to_numpy(layer.cell.full_bias())
    peepholes = np.zeros((3, units), kernel.dtype)
    if layer.peephole_kernel is not None:
        rows = [("i", "f", "o").index(gate) for gate in v.gates]
        peepholes[rows] = keras.ops.convert_to_numpy(layer.peephole_kernel)
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


def _functions(layers: list[Any]) -> dict[str, Any]:
    """The activations, with alpha and beta of those that have them."""
    all_equations = [layer.cell.equations for layer in layers]
    found = [
        FUNCTIONS[activations.serialize(function)]
        for e in all_equations
        for function in (e.sigma, e.activation, e.output_activation)
    ]
    constants = [given for _, given in found if given]
    attributes: dict[str, Any] = {"activations": [name for name, _ in found]}
    if constants:
        alpha, beta = zip(*constants, strict=True)
        attributes |= {"activation_alpha": list(alpha), "activation_beta": list(beta)}
    return attributes


def _stacked(graph: Graph, states: list[Value]) -> str:
    axis = graph.integers(0)
    rows = [graph.node("Unsqueeze", state.name, axis) for state in states]
    return str(graph.node("Concat", *rows, axis=0))


def _split(graph: Graph, name: str, axis: int, count: int) -> list[str]:
    """The entries of an axis, as a tensor each."""
    indices = (graph.constant(k, "int64") for k in range(count))
    return [graph.node("Gather", name, index, axis=axis) for index in indices]
