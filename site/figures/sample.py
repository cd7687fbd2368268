"""Draws one sequence of a task: its inputs over time, and where there is a target."""

import sys
from types import ModuleType

import numpy as np

from keras_lstm_ext.diagram.svg import Drawing

# Data sets for `fit` need Keras, which a build of the site does without.
if "keras_lstm_ext.tasks._dataset" not in sys.modules:
    _bare = ModuleType("keras_lstm_ext.tasks._dataset")
    _bare.Batches = object  # type: ignore[attr-defined]
    sys.modules[_bare.__name__] = _bare

from keras_lstm_ext.tasks import TASKS

WIDTH, LEFT, TOP = 470, 56, 10
LANE, GAP = 84, 16
STEPS = 120
"""As many steps as can be told apart."""


def draw(task: str) -> str:
    """The SVG of the first sequence, or of its beginning."""
    # The length of a sequence is drawn with it: all sequences of a small sample have the longest.
    inputs, targets, mask = (array[0] for array in TASKS[task].sample(seed=1997, n=1))
    end = min(STEPS, int(np.flatnonzero(mask)[-1]) + 1)
    cut = end < len(mask) and bool(mask[end:].any())
    lanes = {"inputs": inputs[:end], "targets": np.where(mask[:end, None], targets[:end], np.nan)}
    height = TOP + len(lanes) * (LANE + GAP) + 10
    said = f"{end} steps, {inputs.shape[1]} inputs, {targets.shape[1]} outputs"
    picture = Drawing(f"sample-{task}", (0, 0, WIDTH, height), f"{task}: a sequence", said)
    for number, (name, values) in enumerate(lanes.items()):
        top = TOP + number * (LANE + GAP)
        picture.text(LEFT // 2 - 4, top + LANE // 2 + 4, name, "small")
        (_symbols if values.shape[1] > 2 else _curve)(picture, values, top)
    first, last = "1", f"{end} …" if cut else str(end)
    picture.text(LEFT + 4, height - 6, first, "small")
    picture.text(WIDTH - 16, height - 6, last, "small")
    return str(picture)


def caption(task: str) -> str:
    """What is seen."""
    return (
        "A sequence of the task, step by step from left to right: inputs, and targets where there "
        "are any. Many units are rows of marks, one or two are curves."
    )


def _across(step: float, steps: int) -> float:
    return LEFT + (WIDTH - LEFT - 10) * (step + 0.5) / steps


def _symbols(picture: Drawing, values: np.ndarray, top: int) -> None:
    """A row for each unit, a mark where it is on."""
    steps, units = values.shape
    wide, high = max(1.2, (WIDTH - LEFT - 10) / steps - 0.6), max(1.2, LANE / units - 0.8)
    marks = "".join(
        f"M{_across(t, steps) - wide / 2:.1f} {top + LANE * k / units:.1f}h{wide:.1f}v{high:.1f}"
        f"h-{wide:.1f}z"
        for t, k in np.argwhere(np.nan_to_num(values) > 0.5)
    )
    box = f'x="{LEFT}" y="{top}" width="{WIDTH - LEFT - 10}" height="{LANE}"'
    picture.add(f'<rect class="frame" {box}/><path class="mark" d="{marks or "M0 0"}"/>')


def _curve(picture: Drawing, values: np.ndarray, top: int) -> None:
    """A line for each unit; dots where a line would be none."""
    steps = len(values)
    low, high = np.nanmin(values, initial=0.0), np.nanmax(values, initial=1.0)
    box = f'x="{LEFT}" y="{top}" width="{WIDTH - LEFT - 10}" height="{LANE}"'
    picture.add(f'<rect class="frame" {box}/>')
    for unit, series in enumerate(values.T):
        places = [
            (_across(t, steps), top + 4 + (LANE - 8) * (high - v) / (high - low))
            for t, v in enumerate(series)
            if np.isfinite(v)
        ]
        if len(places) < 12:
            dots = "".join(f"M{x - 3:.1f} {y:.1f}a3 3 0 1 0 6 0a3 3 0 1 0-6 0" for x, y in places)
            picture.add(f'<path class="mark" d="{dots}"/>')
        else:
            line = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
            picture.add(f'<path class="curve unit-{unit}" d="M{line}"/>')
