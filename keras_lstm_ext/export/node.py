"""What the ONNX operator `LSTM` can compute, as data."""

from collections.abc import Sequence
from typing import Any

from keras_lstm_ext.variants import CLASSIC, Variant

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


def why_not(variant: Variant, squashers: Sequence[Any], more: str = "") -> str | None:
    """What the operator cannot compute of a variant; None if it can.

    Args:
        variant: The variant.
        squashers: Names of those of the gates, of the cell input and of the cell output.
        more: What else the cell has, of what the operator has not, in words.
    """
    unknown = [name for name in squashers if not isinstance(name, str) or name not in FUNCTIONS]
    if variant.feeds_gates:
        return "its gates are fed back, and those of an ONNX LSTM are not"
    if more:
        return f"an ONNX LSTM does not compute {more}"
    if variant.coupled and squashers[0] != "sigmoid":
        return f"its forget gate, 1 - i, is a gate by itself with sigmoid only, not {squashers[0]}"
    if variant.peepholes and variant.block_size > 1:
        return "a peephole of an ONNX LSTM sees one cell, and these see a block of them"
    if variant.nets != CLASSIC.nets and squashers[0] != "sigmoid":
        return f"a gate that it lacks can only be held constant with sigmoid, not {squashers[0]}"
    if unknown:
        return f"an ONNX LSTM has no activation {unknown[0]!r}, only {tuple(FUNCTIONS)}"
    return None
