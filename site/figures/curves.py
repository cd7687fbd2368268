"""Draws how the error in an experiment fell: at most five curves, named at their ends."""

from collections.abc import Sequence

import numpy as np
from plot import Frame
from sample import TASKS  # which can be imported without Keras

from keras_lstm_ext.diagram.svg import Drawing
from keras_lstm_ext.experiments.published import published
from keras_lstm_ext.experiments.report import Record, label

CAPTION = """\
Learning curves: the median over the trials of the mean absolute error, against the sequences
learned, both on logarithmic scales. Solid: the paper's networks; dashed: variations of them;
dotted: today's models. A trial that has ended keeps its last error."""

WIDTH, HEIGHT, LEFT, RIGHT, TOP = 620, 190, 52, 286, 8
POINTS = 48
MOST = 5
CLASSES = ("paper", "variation", "today")
APART = 14
"""Units between two names."""


def median(trials: Sequence[Record]) -> np.ndarray:
    """Sequences and error, both as powers of ten, `(2, POINTS)`."""
    curves = [np.log10(np.maximum(np.transpose(trial["curve"]), 1e-6)) for trial in trials]
    x = np.linspace(max(c[0][0] for c in curves), max(c[0][-1] for c in curves), POINTS)
    return np.stack([x, np.median([np.interp(x, *curve) for curve in curves], axis=0)])


def kind(content: Record, name: str) -> str:
    """Whose network a row is."""
    if name.endswith("Adam") or ", Adam, " in name:
        return "today"
    if published(content["task"], content["settings"], name) or not content["settings"]:
        return "paper"
    return "variation"


def chosen(contents: Sequence[Record]) -> dict[str, tuple[str, np.ndarray]]:
    """The rows that are drawn, by name: of each class in turn, until there are enough."""
    rows = [
        (kind(content, name), label(content, name), row["trials"])
        for content in contents
        for name, row in content["rows"].items()
        if row["trials"]
    ]
    by_class = [[row for row in rows if row[0] == name] for name in CLASSES]
    turns = [group[n] for n in range(MOST) for group in by_class if n < len(group)]
    picked = sorted(turns[:MOST], key=rows.index)
    return {name: (which, median(trials)) for which, name, trials in picked}


def bound(task: str) -> float | None:
    """The error below which a paper calls an output right, or all of them on average."""
    criterion = TASKS[task].criterion
    limits = (criterion.mean_error, criterion.tolerance)
    return next((limit for limit in limits if limit < float("inf")), None)


def draw(task: str, contents: Sequence[Record]) -> str:
    """The SVG."""
    drawn, limit = chosen(contents), bound(task)
    curves = [curve for _, curve in drawn.values()]
    low, high = (f([f(curve, axis=1) for curve in curves], axis=0) for f in (np.min, np.max))
    if limit:
        low[1], high[1] = min(low[1], np.log10(limit)), max(high[1], np.log10(limit))
    x, y = ((np.floor(a), max(np.ceil(b), np.floor(a) + 1)) for a, b in zip(low, high, strict=True))
    description = "; ".join(
        f"{name}: {10 ** curve[1, -1]:.2g} at last" for name, (_, curve) in drawn.items()
    )
    box = (0, 0, WIDTH, TOP + HEIGHT + 28)
    picture = Drawing(f"curves-{task}", box, f"{task}: learning curves", description)
    frame = Frame((LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT), x, y)
    frame.draw_powers(picture, np.arange(y[0], y[1] + 1))
    for power in np.arange(x[0], x[1] + 1):
        picture.text(round(frame.across(power)), TOP + HEIGHT + 18, f"{10**power:,.0f}", "small")
    if limit:
        height = frame.down(float(np.log10(limit)))
        picture.add(f'<path class="bound" d="M{LEFT} {height:.1f}H{WIDTH - RIGHT}"/>')
        words = f"the paper's bound, {limit:g}"
        picture.add(f'<text class="bound" x="{LEFT + 6}" y="{height - 4:.0f}">{words}</text>')
    _curves(picture, frame, drawn)
    return str(picture)


def _curves(picture: Drawing, frame: Frame, drawn: dict[str, tuple[str, np.ndarray]]) -> None:
    """The lines, and from the end of each a thin one to its name."""
    ends = {name: frame.down(curve[1, -1]) for name, (_, curve) in drawn.items()}
    beside = WIDTH - RIGHT + 18
    heights = dict(
        zip(sorted(ends, key=lambda n: ends[n]), _spread(sorted(ends.values())), strict=True)
    )
    for name, (which, curve) in drawn.items():
        places = [f"{frame.across(a):.0f} {frame.down(b):.0f}" for a, b in curve.T]
        picture.add(f'<path class="trial {which}" d="M{"L".join(places)}"/>')
        x, y, height = frame.across(curve[0, -1]), ends[name], heights[name]
        picture.add(f'<path class="lead" d="M{x:.0f} {y:.0f}L{beside - 4} {height}"/>')
        picture.add(f'<text class="end {which}" x="{beside}" y="{height + 4}">{name}</text>')


def _spread(heights: Sequence[float]) -> list[int]:
    """Rising heights, moved until names fit between them and into the frame."""
    placed: list[int] = []
    for height in heights:
        placed.append(max(round(height), placed[-1] + APART if placed else TOP + 4))
    for n in reversed(range(len(placed))):
        most = placed[n + 1] - APART if n + 1 < len(placed) else TOP + HEIGHT - 4
        placed[n] = min(placed[n], most)
    return placed
