"""The drawing of zoneout: the state of a cell with and without, computed by the reference."""

from functools import cache

import lstm_sources  # noqa: F401  (stands in for the package, see there)
import numpy as np
import plot

from keras_lstm_ext.diagram.svg import Drawing
from keras_lstm_ext.reference import forward

RATE, STEPS, WAVE, SEED = 0.5, 40, 20, 3
NAMES = {"third": "without", "first": "training", "second": "inference"}
"""The class of each curve, and what it is of."""


@cache
def kept() -> np.ndarray:
    """1 at the steps of the training run where the state keeps its old value, else 0."""
    return np.random.default_rng(SEED).binomial(1, RATE, STEPS).astype(float)


@cache
def states() -> dict[str, np.ndarray]:
    """The state of a cell that reads a wave, without zoneout, with draws, and with their mean."""
    weights = {f"W_{k}": np.zeros((1, 1)) for k in "ifo"} | {"W_c": np.full((1, 1), 2.0)}
    ways = {"without": np.zeros(STEPS), "training": kept(), "inference": np.full(STEPS, RATE)}
    return {name: _states(weights, zones) for name, zones in ways.items()}


def _states(weights: dict[str, np.ndarray], zones: np.ndarray) -> np.ndarray:
    state, made = None, []
    for n, of_c in enumerate(zones, 1):
        x = np.full((1, 1, 1), np.sin(2 * np.pi * n / WAVE))
        state = forward("classic", x, state, weights, zoneout=(0.0, float(of_c))).states
        made.append(state[1].item())
    return np.array(made)


def zoneout() -> str:
    """The three curves; a dot where a value was kept."""
    made, steps = states(), np.arange(1, STEPS + 1)
    at = ", ".join(str(n) for n, k in zip(steps, kept(), strict=True) if k)
    picture = Drawing(
        "zoneout", (0, 0, 480, 236), "The state of a cell with zoneout",
        f"The state of a cell that reads a wave. In training it keeps its value at steps {at}; "
        "in inference it follows the wave more slowly than without.",
    )  # fmt: skip
    frame = plot.Frame((40, 12, 350, 168), (1, STEPS), (-1.2, 1.2))
    frame.draw(picture, (0,))
    for name, of in NAMES.items():
        frame.curve(picture, name, made[of].tolist(), start=1)
    for n, value, k in zip(steps, made["training"], kept(), strict=True):
        if k:
            place = f'cx="{frame.across(n):.1f}" cy="{frame.down(value):.1f}"'
            picture.add(f'<circle class="dot" {place} r="2.5"/>')
    for row, (name, of) in enumerate(NAMES.items()):
        picture.text(398, 40 + 22 * row, of, "start", name)
    for value in (-1, 0, 1):
        picture.text(34, round(frame.down(value)) + 5, plot.minus(str(value)), "end")
    for n in (1, 10, 20, 30, 40):
        picture.text(round(frame.across(n)), 198, str(n), "small")
    picture.text(215, 222, "step", "small")
    return str(picture)
