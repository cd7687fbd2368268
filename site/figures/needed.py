"""Draws how many sequences each trial of an experiment needed, beside the paper's number."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from keras_lstm_ext.diagram.svg import Drawing
from keras_lstm_ext.experiments import statistics
from keras_lstm_ext.experiments.published import published
from keras_lstm_ext.experiments.report import Record, label, needed_sequences

CAPTION = """\
Sequences needed: a line for each of our trials that solved the task, a bar for the 95 % confidence
interval of their mean, a diamond for the paper's mean, dots for its lowest and highest."""

WIDTH, MARGIN, TOP = 470, 26, 4

MANY = 12
"""Rows beyond which they stand closer."""


class Row:
    """A line of the figure."""

    def __init__(self, content: Record, name: str) -> None:
        trials = content["rows"][name]["trials"]
        self.needed = needed_sequences(trials)
        self.label = label(content, name)
        self.solved = f"{len(self.needed)} of {len(trials)} trials"
        self.interval = statistics.mean_interval(self.needed)
        theirs = published(content["task"], content["settings"], name)
        self.paper = theirs.sequences if theirs else None
        self.range = (theirs.lowest_highest if theirs else None) or ()

    def numbers(self) -> Iterator[float]:
        """Everything that must fit into the figure."""
        yield from self.needed
        yield from self.range
        if self.paper:
            yield self.paper


def draw(task: str, contents: Sequence[Record]) -> str:
    """The SVG."""
    rows = [Row(content, name) for content in contents for name in content["rows"]]
    numbers = [math.log10(n) for row in rows for n in row.numbers()]
    # Where nothing was needed there is no scale, only the names.
    first, last = (math.floor(min(numbers)), math.ceil(max(numbers) + 0.01)) if numbers else (0, -1)
    lane = 32 if len(rows) > MANY else 46
    bottom = TOP + lane * len(rows)
    title = f"{task}: sequences needed"
    picture = Drawing(
        f"needed-{task}", (0, 0, WIDTH, bottom + 28), title, "; ".join(map(words, rows))
    )

    def across(n: float) -> float:
        place = (math.log10(max(n, 1)) - first) / (last - first)
        return MARGIN + (WIDTH - 2 * MARGIN) * min(1.0, max(0.0, place))  # an interval may be wide

    for power in range(first, last + 1):
        x = across(10**power)
        picture.add(f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>')
        picture.text(round(x), bottom + 18, f"{10**power:,}", "small")
    for place, row in enumerate(rows):
        y = TOP + lane * (place + 1) - 10
        name = escape(f"{place + 1}. {row.label}: {row.solved}")
        picture.add(f'<text class="name" x="{MARGIN}" y="{y - 15}">{name}</text>')
        if row.interval:
            low, high = map(across, row.interval)
            size = f'width="{high - low:.1f}" height="14"'
            picture.add(f'<rect class="interval" x="{low:.1f}" y="{y - 7}" {size}/>')
        for n in row.needed:
            picture.add(f'<path class="trial" d="M{across(n):.1f} {y - 9}v18"/>')
        for n in row.range:
            picture.add(f'<circle class="paper" cx="{across(n):.1f}" cy="{y}" r="3"/>')
        if row.paper:
            x = across(row.paper)
            picture.add(f'<path class="paper" d="M{x:.1f} {y - 8}l7 8 -7 8 -7 -8z"/>')
    return str(picture)


def words(row: Row) -> str:
    """The row for those who do not see it."""
    ours = ""
    if row.needed:
        ours = f", {sum(row.needed) / len(row.needed):,.0f} sequences on average"
    paper = f", paper {row.paper:,}" if row.paper else ""
    return f"{row.label}: {row.solved}{ours}{paper}"
