"""The points of the family that the reference is tested at: random weights, unequal sizes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_lstm_ext.reference import linear

BATCH, TIMESTEPS, FEATURES, UNITS, OUTPUTS, OTHERS = 2, 5, 3, 6, 4, 2


@dataclass(frozen=True)
class Member:
    """A variant, the nets that it has, what is fed back, which nets have a bias, and more.

    `more`: "n" for normalised nets, "s" for a state normalised on its way out, "P" for a projected
    h, "Q" for one with a part beside it that is not fed back.
    """

    variant: str
    nets: str
    fed_back: str = "cells"
    biases: str = "ifco"
    more: str = ""
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
    "cec, normalised": Member("cec", "c", more="ns"),
    "cec, nothing fed back, normalised": Member("cec", "c", "nothing", more="ns"),
    "original, normalised": Member("original", "ico", "gates", more="n"),
    "classic, normalised": Member("classic", "ifco", more="ns"),
    "classic, no input gate, normalised": Member("classic", "fco", biases="fo", more="n"),
    "peephole, normalised output": Member("peephole", "ifco", more="s"),
    "peephole, projected": Member("peephole", "ifco", more="P"),
    "peephole, gates fed back, all": Member("peephole", "ifco", "gates", more="nsP"),
    "coupled, normalised, projected": Member("coupled", "ico", more="nP"),
    "peephole, projected twice": Member("peephole", "ifco", more="PQ"),
    "original, gates fed back, all twice": Member("original", "ico", "gates", more="nsPQ"),
}

# Every block size for the variants themselves, one for the points between them.
MEMBERS_AND_BLOCK_SIZES = [
    (name, size)
    for name, member in MEMBERS.items()
    if not member.more
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
ZONEOUT: dict[str, dict[str, Any]] = {
    "zoneout, backwards": {"zoneout": True, "go_backwards": True},
    "zoneout, multipliers, holes": {"zoneout": True, "feedback_multiplier": True, "mask": _HOLES},
}
PLAIN_CASES = [(*m, s) for m in MEMBERS_AND_BLOCK_SIZES for s in SITUATIONS]
_EXTENDED = [(name, 1 if m.nets == "c" else 2) for name, m in MEMBERS.items() if m.more]
EXTENDED_CASES = [
    (*member, situation)
    for k, member in enumerate([*_EXTENDED, ("original", 3), ("peephole, gates fed back", 2)])
    for situation in ("plain", [*SITUATIONS][k % len(SITUATIONS)], [*ZONEOUT][k % 2])
]
"""Normalised, projected and zoned out: each member in three situations, each situation once."""


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
    width = OUTPUTS if "P" in member.more else UNITS
    others = OTHERS if "Q" in member.more else 0
    widths = [width + others, UNITS]
    if member.fed_back == "gates":
        widths.append(blocks * len(member.nets.replace("c", "")))
    fed = sum(widths) - UNITS - others
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
    if "n" in member.more:
        names = [name for name in weights if name[0] in "WR"]
        weights |= {f"g{name}": rng.normal(size=weights[name].shape[1]) for name in names}
    if "s" in member.more:
        weights |= {name: rng.normal(size=UNITS) for name in ("gain", "shift")}
    if "P" in member.more:
        weights["P"] = rng.normal(size=(UNITS, OUTPUTS))
    if "Q" in member.more:
        weights["Q"] = rng.normal(size=(UNITS, OTHERS))
    options = {**member.options, **(SITUATIONS | ZONEOUT)[situation], "block_size": block_size}
    for multiplier, width in (("feedback_multiplier", fed), ("input_multiplier", FEATURES)):
        if multiplier in options:
            options[multiplier] = rng.uniform(-0.5, 2.0, (BATCH, width))
    if "zoneout" in options:
        options["zoneout"] = tuple(rng.uniform(size=(BATCH, TIMESTEPS, n)) for n in widths[:2])
    return Case(
        variant=member.variant,
        x=rng.normal(size=(BATCH, TIMESTEPS, FEATURES)),
        state=tuple(rng.normal(size=(BATCH, width)) for width in widths),
        weights=weights,
        options=options,
        d_outputs=rng.normal(size=(BATCH, TIMESTEPS, widths[0])),
        d_states=tuple(rng.normal(size=(BATCH, width)) for width in widths),
    )
