"""Draws how the error of the trials of an experiment fell."""

from collections.abc import Sequence

import numpy as np
from plot import Frame

from keras_lstm_ext.diagram.svg import Drawing
from keras_lstm_ext.experiments.report import Record, label

CAPTION = """\
Learning curves: the median over the trials of the mean absolute error, against the sequences
learned, both on logarithmic scales. Numbers are those of the figure above. A trial that has ended
keeps its last error."""

WIDTH, HEIGHT, LEFT, TOP = 470, 170, 52, 8
POINTS = 48


def median(trials: Sequence[Record]) -> np.ndarray:
    """Sequences and error, both as powers of ten, `(2, POINTS)`."""
    curves = [np.log10(np.maximum(np.transpose(trial["curve"]), 1e-6)) for trial in trials]
    x = np.linspace(max(c[0][0] for c in curves), max(c[0][-1] for c in curves), POINTS)
    return np.stack([x, np.median([np.interp(x, *curve) for curve in curves], axis=0)])


def draw(task: str, contents: Sequence[Record]) -> str:
    """The SVG."""
    rows = {
        label(content, name): median(row["trials"])
        for content in contents
        for name, row in content["rows"].items()
    }
    low, high = (f([f(curve, axis=1) for curve in rows.values()], axis=0) for f in (np.min, np.max))
    x, y = ((np.floor(a), max(np.ceil(b), np.floor(a) + 1)) for a, b in zip(low, high, strict=True))
    description = "; ".join(
        f"{name}: {10 ** curve[1, -1]:.2g} at last" for name, curve in rows.items()
    )
    box = (0, 0, WIDTH, TOP + HEIGHT + 28)
    picture = Drawing(f"curves-{task}", box, f"{task}: learning curves", description)
    frame = Frame((LEFT, TOP, WIDTH - LEFT - 26, HEIGHT), x, y)
    frame.draw_powers(picture, np.arange(y[0], y[1] + 1))
    for power in np.arange(x[0], x[1] + 1):
        picture.text(round(frame.across(power)), TOP + HEIGHT + 18, f"{10**power:,.0f}", "small")
    for curve in rows.values():
        places = [f"{frame.across(a):.0f} {frame.down(b):.0f}" for a, b in curve.T]
        picture.add(f'<path class="trial" d="M{"L".join(places)}"/>')
    frame.number(picture, [curve[:, -1] for curve in rows.values()])
    return str(picture)
