"""Drawings of the history pages that are curves: each is computed from the equation it is about."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from math import exp

import lstm_sources  # noqa: F401  (stands in for the package, see there)
import numpy as np
import plot

from keras_lstm_ext.diagram.svg import Drawing
from keras_lstm_ext.reference import Run, forward, linear, sigma
from keras_lstm_ext.variants import FAMILY, Variant

WEIGHTS = (2.0, 4.0, 6.0)
"""Weights of a unit to itself, of which the decay of an error is drawn."""

BIASES = (1, 2, 3, 5)
"""Biases of a forget gate, of which what is kept is drawn."""

PERIOD, STEPS = 10, 40
DEPTH, WIDTH, NETWORKS, SCALE = 40, 64, 10, 0.7
FEATURES, LARGEST = 40, 2048

SIZES = (
    (1997, 93, "1997, adding"),
    (1997, 10_504, "1997, experiments 2a, 2b"),
    (1999, 375, "1999, endless strings"),
    (2014, 384_000_000, "2014, translation"),
    (2025, 35_000_000, "2025, TiRex"),
    (2025, 7_000_000_000, "2025, xLSTM 7B"),
)
"""Year, number of weights, and what it is of."""


def resting(weight: float) -> float:
    """Where a logistic unit with this weight to itself rests: y = sigma(w (y - 1/2))."""
    if weight <= 4:  # 1/2 is the only such place
        return 0.5
    y = 0.9
    for _ in range(1000):
        y = 1 / (1 + exp(weight * (0.5 - y)))
    return y


def factor(weight: float) -> float:
    """What a step multiplies an error by in that unit: slope times weight."""
    y = resting(weight)
    return y * (1 - y) * weight


def vanishing() -> str:
    """The factor of a step against the weight, and what is left after some steps."""
    said = "; ".join(f"weight {w:g}: {factor(w):.3f} per step" for w in WEIGHTS)
    picture = Drawing("vanishing", (0, 0, 480, 226), "An error in a unit that feeds itself", said)
    weights = np.arange(0.0, 12.01, 0.2)
    left = plot.Frame((34, 30, 178, 150), (0, 12), (0, 1.2))
    left.draw(picture, (1,))
    _line(picture, left, "first", weights, [factor(w) for w in weights])
    _ticks(picture, left, (0, 4, 8, 12), ("0", "1"), "weight", "factor per step")
    right = plot.Frame((276, 30, 150, 150), (0, 30), (-12, 0))
    right.draw(picture, (-4, -8))
    for name, weight in zip(("second", "first", "third"), WEIGHTS, strict=True):
        steps = np.arange(31)
        _line(picture, right, name, steps, steps * np.log10(factor(weight)))
    for name, weight, at in (("second", 2, -8.9), ("first", 4, -0.1), ("third", 6, -11.6)):
        picture.text(430, round(right.down(at)) + 5, f"w = {weight}", "start", name)
    _ticks(picture, right, (0, 10, 20, 30), (), "steps", "what is left of the error")
    for power in (0, -4, -8, -12):
        label = f"10{_power(power)}" if power else "1"
        picture.text(270, round(right.down(power)) + 5, label, "end")
    return str(picture)


def gates() -> str:
    """A gate's value against its net input, and what a forget gate keeps after T steps."""
    said = "; ".join(f"bias {b}: {float(sigma(np.array(float(b)))):.3f} per step" for b in BIASES)
    picture = Drawing("gates", (0, 0, 480, 226), "A gate, and what it keeps", said)
    left = plot.Frame((34, 30, 178, 150), (-6, 6), (0, 1))
    left.draw(picture, (0.5,))
    nets = np.linspace(-6, 6, 61)
    _line(picture, left, "first", nets, sigma(nets))
    for b in BIASES:
        at = f'cx="{left.across(b):.1f}" cy="{left.down(float(sigma(np.array(float(b))))):.1f}"'
        picture.add(f'<circle class="dot" {at} r="3.5"/>')
    _ticks(picture, left, (-6, 0, 6), ("0", "1"), "net input", "gate")
    right = plot.Frame((276, 30, 150, 150), (0, 3), (0, 1))
    right.draw(picture, (0.5,))
    powers = np.linspace(0, 3, 91)
    for b in BIASES:
        kept = sigma(np.array(float(b))) ** (10**powers)
        _line(picture, right, "first", powers, kept)
        half = round(float(np.interp(-0.5, -kept, powers)), 2)
        picture.text(round(right.across(half)) + 5, round(right.down(0.5)) - 4, f"{b}", "first")
    _ticks(picture, right, (), ("0", "1"), "steps", "what is kept, by bias")
    for power in range(4):
        picture.text(round(right.across(power)), 196, f"{10**power:,}", "small")
    return str(picture)


@cache
def timer() -> Run:
    """A peephole cell that counts to the period and fires: weights by hand, nothing squashed."""
    weights = {
        "W_c": np.zeros((1, 1)), "b_c": np.ones(1),
        "W_i": np.zeros((1, 1)), "b_i": np.full(1, 30.0),
        "W_f": np.zeros((1, 1)), "b_f": np.full(1, 20.0), "R_f": np.full((1, 1), -40.0),
        "W_o": np.zeros((1, 1)), "b_o": np.full(1, -40.0 * (PERIOD - 0.5)), "p_o": np.full(1, 40.0),
    }  # fmt: skip
    x = np.zeros((1, STEPS, 1))
    return forward("peephole", x, None, weights, activation=linear, output_activation=linear)


def generation() -> str:
    """The state and the output gate of the cell that counts."""
    states = [t.c.item() for t in timer().trace]
    fires = [n + 1 for n, t in enumerate(timer().trace) if t.o.item() > 0.5]
    picture = Drawing(
        "timer", (0, 0, 480, 212), "A cell that counts steps",
        f"The state grows by 1 at each of {STEPS} steps and begins again after {PERIOD}. The "
        f"output gate opens at steps {', '.join(map(str, fires))}.",
    )  # fmt: skip
    state = plot.Frame((60, 10, 410, 84), (1, STEPS), (0, PERIOD))
    gate = plot.Frame((60, 116, 410, 50), (1, STEPS), (0, 1))
    state.draw(picture)
    gate.draw(picture)
    _line(picture, state, "first", np.arange(1, STEPS + 1), states)
    for n in fires:
        picture.add(f'<path class="mark" d="M{gate.across(n) - 2:.1f} 166v-50h4v50z"/>')
    for frame, letter, top in ((state, "c", str(PERIOD)), (gate, "o", "1")):
        picture.text(
            22, frame.top + frame.height // 2 + 5, f'<tspan class="letter">{letter}</tspan>'
        )
        picture.text(54, frame.top + 12, top, "end")
        picture.text(54, frame.top + frame.height, "0", "end")
    for n in (1, 10, 20, 30, 40):
        picture.text(round(gate.across(n)), 184, str(n), "small")
    picture.text(265, 206, "step", "small")
    return str(picture)


def weights_of(variant: Variant, units: int, features: int = FEATURES) -> int:
    """How many weights a layer has, biases, peepholes and projection included."""
    columns = sum(variant.widths(units).values())
    rows = features + sum(variant.feedback_widths(units).values()) + 1
    peepholes = len(variant.gates) * units if variant.peepholes else 0
    return rows * columns + peepholes + units * (variant.projection or 0)


def speech() -> str:
    """The weights of a layer with and without projection."""
    plain = FAMILY["peephole"]
    cells = np.arange(128, LARGEST + 1, 64)
    whole = [weights_of(plain, n) / 1e6 for n in cells]
    less = [weights_of(replace(plain, projection=int(n) // 4), int(n)) / 1e6 for n in cells]
    said = f"{LARGEST} cells: {whole[-1]:.1f} million weights; projected, {less[-1]:.1f} million."
    picture = Drawing("projection", (0, 0, 480, 246), "Weights of a layer, by its cells", said)
    frame = plot.Frame((52, 26, 300, 170), (0, LARGEST), (0, 18))
    frame.draw(picture, (5, 10, 15))
    _line(picture, frame, "third", cells, whole)
    _line(picture, frame, "first", cells, less)
    for name, text, at in (("third", "without", whole[-1]), ("first", "projection to ¼", less[-1])):
        picture.text(358, round(frame.down(at)) + 5, text, "start", name)
    _ticks(picture, frame, (0, 512, 1024, 1536, 2048), (), "cells", "million weights")
    for n in (0, 5, 10, 15):
        picture.text(46, round(frame.down(n)) + 5, str(n), "end")
    return str(picture)


def depth() -> dict[str, np.ndarray]:
    """The error, in norm, that reaches each layer of three deep networks with random weights.

    Each is the mean over the networks, as a power of ten, from the last layer to the first.
    """
    made: dict[str, list[np.ndarray]] = {"plain": [], "highway": [], "residual": []}
    for seed in range(NETWORKS):
        rng = np.random.default_rng(seed)
        W, R = rng.normal(0, SCALE * WIDTH**-0.5, (2, DEPTH, WIDTH, WIDTH))
        start, error = rng.normal(size=WIDTH), rng.normal(size=WIDTH)
        for name, norms in made.items():
            norms.append(_through(name, start, error / np.linalg.norm(error), W, R))
    return {name: np.log10(norms).mean(axis=0) for name, norms in made.items()}


def _through(name: str, x: np.ndarray, d_x: np.ndarray, W: np.ndarray, R: np.ndarray) -> np.ndarray:
    """Forward through all layers, then an error of norm 1 back; its norm after each layer."""
    slopes = []
    for w, r in zip(W, R, strict=True):
        new, gate = np.tanh(w @ x), sigma(r @ x - 2.0)
        of_new, of_gate = np.diag(1 - new**2) @ w, np.diag(gate * (1 - gate)) @ r
        if name == "plain":
            x, slope = new, of_new
        elif name == "residual":
            x, slope = x + new, np.eye(WIDTH) + of_new
        else:
            slope = np.diag(1 - gate) + np.diag(gate) @ of_new + np.diag(new - x) @ of_gate
            x = gate * new + (1 - gate) * x
        slopes.append(slope)
    norms = [1.0]
    for slope in reversed(slopes):
        d_x = d_x @ slope
        norms.append(float(np.linalg.norm(d_x)))
    return np.array(norms)


def legacy() -> str:
    """Three ways through the layers."""
    found = depth()
    said = "; ".join(f"{name}: {10 ** norms[-1]:.2g} of 1" for name, norms in found.items())
    picture = Drawing("depth", (0, 0, 480, 246), "The error that reaches earlier layers", said)
    frame = plot.Frame((52, 26, 330, 170), (0, DEPTH), (-8, 2))
    frame.draw(picture, (0,))
    for name, curve in zip(("third", "first", "second"), found, strict=True):
        _line(picture, frame, name, np.arange(DEPTH + 1), found[curve])
        picture.text(388, round(frame.down(found[curve][-1])) + 5, curve, "start", name)
    _ticks(picture, frame, (0, 10, 20, 30, 40), (), "layers back", "error, in norm")
    for power in (-8, -4, 0):
        label = f"10{_power(power)}" if power else "1"
        picture.text(46, round(frame.down(power)) + 5, label, "end")
    return str(picture)


def sizes() -> str:
    """How many weights networks with LSTM had, where a source that was read says it."""
    said = "; ".join(f"{what}: {n:,}" for _, n, what in SIZES)
    picture = Drawing("sizes", (0, 0, 480, 286), "Weights of networks with LSTM", said)
    frame = plot.Frame((62, 26, 404, 220), (1995, 2027), (1, 10.5))
    powers = (2, 4, 6, 8, 10)
    frame.draw(picture, powers)
    for power in powers:
        picture.text(56, round(frame.down(power)) + 5, f"10{_power(power)}", "end")
    for year, number, what in SIZES:
        x, y = frame.across(year), frame.down(np.log10(number))
        picture.add(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
        first = year < 2010
        picture.text(
            round(x) + (9 if first else -9), round(y) + 5, what, "start" if first else "end"
        )
    _ticks(picture, frame, (1997, 2005, 2014, 2025), (), "", "weights")
    return str(picture)


def _line(
    picture: Drawing, frame: plot.Frame, name: str, x: Sequence[float], y: Sequence[float]
) -> None:
    """A curve, cut off where the frame ends."""
    low, high = frame.y
    points = "L".join(
        f"{frame.across(a):.1f} {frame.down(b):.1f}"
        for a, b in zip(x, y, strict=True)
        if low <= b <= high
    )
    picture.add(f'<path class="curve {name}" d="M{points}"/>')


def _ticks(
    picture: Drawing,
    frame: plot.Frame,
    x: Sequence[float],
    y: Sequence[str],
    below: str,
    above: str,
) -> None:
    """Numbers along the frame, and what is drawn against what."""
    foot = frame.top + frame.height
    for value in x:
        picture.text(round(frame.across(value)), foot + 16, plot.minus(f"{value:g}"), "small")
    for value in y:
        picture.text(frame.left - 6, round(frame.down(float(value))) + 5, value, "end")
    picture.text(frame.left + frame.width // 2, foot + 36, below, "small")
    picture.text(frame.left, frame.top - 10, above, "start")


def _power(power: int) -> str:
    return f'<tspan class="index" dy="-6">{plot.minus(str(power))}</tspan>'
