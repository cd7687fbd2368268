"""The points of the family that the reference is tested at: random weights, unequal sizes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_lstm_ext.reference import linear

BATCH, TIMESTEPS, FEATURES, UNITS = 2, 5, 3, 6


@dataclass(frozen=True)
class Member:
    """A variant, the nets that it has, what is fed back, which nets have a bias, and options."""

    variant: str
    nets: str
    fed_back: str = "cells"
    biases: str = "ifco"
    options: dict[str, Any] = field(default_factory=dict)


MEMBERS = {
    "cec": Member("cec", "c"),
    "cec, nothing fed back": Member("cec", "c", "nothing"),
    "cec, linear": Member("cec", "c", options={"activation": linear, "output_activation": linear}),
    "original": Member("original", "ico", "gates"),
    "original, cells fed back": Member("original", "ico"),
    "original, no output gate, nothing fed back": Member("original", "ic", "nothing"),
    "original, no output gate": Member("original", "ic", "gates"),
    "original, no input gate, no bias": Member("original", "co", "gates", biases=""),
    "classic": Member("classic", "ifco"),
    "classic, decay": Member("classic", "ico", options={"decay": 0.9}),
    "classic, no input gate": Member("classic", "fco", biases="fo"),
    "peephole": Member("peephole", "ifco"),
    "peephole, linear": Member("peephole", "ifco", options={"activation": linear}),
    "peephole, gates fed back": Member("peephole", "ifco", "gates"),
    "peephole, no forget gate, gates fed back": Member("peephole", "ico", "gates"),
    "coupled": Member("coupled", "ico"),
    "coupled, no output gate": Member("coupled", "ic"),
    "peephole, no output gate": Member("peephole", "ifc", biases="c"),
}

# Every block size for the four variants themselves, one for the points between them.
MEMBERS_AND_BLOCK_SIZES = [
    (name, size)
    for name, member in MEMBERS.items()
    for size in ([1] if member.nets == "c" else [1, 2, 3] if name == member.variant else [2])
]

_HOLES = np.array([[0, 1, 0, 1, 1], [1, 0, 0, 1, 0]], bool)
SITUATIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "backwards": {"go_backwards": True},
    "right-padded": {"mask": np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], bool)},
    "holes": {"mask": _HOLES},
    "holes, backwards": {"mask": _HOLES, "go_backwards": True},
    "holes, zero output": {"mask": _HOLES, "zero_output_for_mask": True},
    "row without valid step": {"mask": np.array([[0, 0, 0, 0, 0], [1, 0, 1, 1, 0]], bool)},
    "multipliers": {"feedback_multiplier": True, "input_multiplier": True},
    "multipliers, holes": {"feedback_multiplier": True, "mask": _HOLES},
}


@dataclass(frozen=True)
class Case:
    """The arguments of `forward`, and derivatives of a random loss on outputs and final states."""

    variant: str
    x: np.ndarray
    state: tuple[np.ndarray, ...]
    weights: dict[str, np.ndarray]
    options: dict[str, Any]
    d_outputs: np.ndarray
    d_states: tuple[np.ndarray, ...]


def make_case(name: str, block_size: int, situation: str = "plain") -> Case:
    rng = np.random.default_rng([1997, *name.encode(), block_size, *situation.encode()])
    member, blocks = MEMBERS[name], UNITS // block_size
    widths = [UNITS, UNITS]
    if member.fed_back == "gates":
        widths.append(blocks * len(member.nets.replace("c", "")))
    fed = sum(widths) - UNITS
    weights = {}
    for k in member.nets:
        n = UNITS if k == "c" else blocks
        weights[f"W_{k}"] = rng.normal(size=(FEATURES, n))
        if member.fed_back != "nothing":
            weights[f"R_{k}"] = 0.6 * rng.normal(size=(fed, n))
        if member.variant in ("peephole", "coupled") and k != "c":
            weights[f"p_{k}"] = rng.normal(size=UNITS)
        if k in member.biases:
            weights[f"b_{k}"] = rng.normal(size=n)
    options = {**member.options, **SITUATIONS[situation], "block_size": block_size}
    for multiplier, width in (("feedback_multiplier", fed), ("input_multiplier", FEATURES)):
        if multiplier in options:
            options[multiplier] = rng.uniform(-0.5, 2.0, (BATCH, width))
    return Case(
        variant=member.variant,
        x=rng.normal(size=(BATCH, TIMESTEPS, FEATURES)),
        state=tuple(rng.normal(size=(BATCH, width)) for width in widths),
        weights=weights,
        options=options,
        d_outputs=rng.normal(size=(BATCH, TIMESTEPS, UNITS)),
        d_states=tuple(rng.normal(size=(BATCH, width)) for width in widths),
    )
