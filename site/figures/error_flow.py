"""Draws how much of an error reaches earlier steps of an experiment."""

import numpy as np
from plot import Frame

from keras_lstm_ext.diagram.svg import Drawing
from keras_lstm_ext.experiments.report import Record

CAPTION = """\
Before learning: the error in the cell state, k steps before the target, as a share of that at the
target, on a logarithmic scale; the median over all trials and sequences. Numbers are those of the
table."""

WIDTH, HEIGHT, LEFT, TOP, LOWEST = 470, 190, 52, 8, -12


def draw(task: str, content: Record) -> str:
    """The SVG."""
    medians = [row["median"] for row in content["rows"].values()]
    steps = max(map(len, medians))
    description = "; ".join(
        f"{name}: {row['median'][-1]:.2g} at the first step"
        for name, row in content["rows"].items()
    )
    box = (0, 0, WIDTH, TOP + HEIGHT + 28)
    picture = Drawing(f"error-flow-{task}", box, f"{task}: error flow", description)
    frame = Frame((LEFT, TOP, WIDTH - LEFT - 26, HEIGHT), (0, steps), (LOWEST, 1))
    frame.draw_powers(picture, range(LOWEST, 1, 3))
    for k in range(0, steps + 1, max(1, steps // 4)):
        picture.text(round(frame.across(k)), TOP + HEIGHT + 18, str(k), "small")
    curves = [np.log10(np.maximum(median, 10.0**LOWEST)) for median in medians]
    for curve in curves:
        places = [f"{frame.across(k):.0f} {frame.down(y):.1f}" for k, y in enumerate(curve)]
        picture.add(f'<path class="trial" d="M{"L".join(places)}"/>')
    frame.number(picture, [(steps, curve[-1]) for curve in curves])
    return str(picture)
