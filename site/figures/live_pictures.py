"""The pictures of the networks that learn in the browser, from the recorded run.

`live/live.js` draws the same in the same frames, which it finds by their `data-part`.
"""

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import lstm_sources  # noqa: F401  (stands in for the package, see there)
import plot

from keras_lstm_ext.diagram.svg import Drawing, sub
from keras_lstm_ext.experiments.published import PUBLISHED

DATA = Path(__file__).parents[1] / "content" / "assets" / "live.json"

OF_1997 = ("LSTM of 1997", "simple recurrent network")
TASKS: dict[str, dict[str, Any]] = {
    "adding": {
        "name": "adding",
        "label": "T, steps",
        "shortest": 20,
        "usual": 100,
        "longest": 1000,
        "top": 0.2,
        "networks": OF_1997,
        "key": "T",
    },
    "lag-2c": {
        "name": "2c, distractors",
        "label": "q, distractors",
        "shortest": 5,
        "usual": 50,
        "longest": 1000,
        "top": 0.6,
        "networks": OF_1997,
        "key": "q",
    },
    "order-6a": {
        "name": "6a, order of two symbols",
        "label": "T, steps",
        "shortest": 100,
        "usual": 100,
        "longest": 100,
        "top": 0.4,
        "networks": OF_1997,
        "key": "T",
    },
    "timed-spikes": {
        "name": "timed spikes, 2002",
        "label": "F, steps",
        "shortest": 3,
        "usual": 10,
        "longest": 50,
        "top": 1.0,
        "networks": ("with peepholes", "without peepholes"),
        "key": "F",
    },
}
"""What can be chosen: the name and least, usual and largest length of a task; `top` of the axis."""

BIN, LAST, LOWEST = 500, 100_000, -12
"""Sequences of a point of the curve, and on its axis; the least power of ten of a share."""

LANES = {"c": 66, "i": 24, "f": 24, "o": 24, "y": 24}
"""How high each is."""

LEFT, WIDTH, TOP, GAP, SHARE = 52, 418, 44, 11, 66


@cache
def record() -> dict[str, Any]:
    """The recorded run."""
    made: dict[str, Any] = json.loads(DATA.read_text("utf-8"))
    return made


def papers(task: str, key: str) -> dict[int, int]:
    """The paper's mean number of sequences by length."""
    usual = TASKS[task]["usual"]
    rows = [p for p in PUBLISHED if p.task == task and set(p.settings) <= {key} and p.sequences]
    return {p.settings.get(key, usual): p.sequences for p in rows if p.sequences}


def progress() -> str:
    """The errors of both networks against the sequences that they have read."""
    made, high = record(), 190
    picture = Drawing(
        "live-errors",
        (0, 0, 480, 44 + high + 26),
        "Error against sequences",
        "The mean error of two networks, and a line where the paper's networks were done.",
    )
    top = TASKS[made["task"]]["top"]
    frame = plot.Frame((LEFT, 44, WIDTH, high), (0, LAST), (0, top))
    frame.draw(picture, (top / 2,))
    picture.add(_named_box("errors", frame))
    for x, name, network in ((LEFT, "lstm", 0), (LEFT + 160, "other", 1)):
        of_network = TASKS[made["task"]]["networks"][network]
        picture.add(f'<path class="curve {name}" d="M{x} 14h28"/>')
        picture.add(
            f'<text class="start" data-part="{name}-name" x="{x + 36}" y="19">{of_network}</text>'
        )
    places = [BIN * (n + 0.5) for n in range(len(made["points"]))]
    for n, name in enumerate(("lstm", "other")):
        path = _path(frame, places, [point[n] for point in made["points"]])
        picture.add(f'<path class="curve {name}" data-part="{name}" d="{path}"/>')
    mean = papers(made["task"], "T")[made["T"]]
    x = frame.across(mean)
    picture.add(f'<path class="cursor" data-part="paper" d="M{x:.1f} {frame.top}v{high}"/>')
    picture.add(
        f'<text class="end" data-part="paper-name" x="{x - 5:.1f}" y="{frame.top + 16}">'
        f"the paper: {mean:,}</text>"
    )
    for k in range(5):
        middle = round(frame.across(LAST * k / 4))
        picture.add(_tick(f"x{k}", middle, frame.top + high + 18, f"{LAST * k // 4:,}"))
    for k in range(3):
        y = round(frame.down(top * k / 2)) + 5
        picture.add(_tick(f"y{k}", LEFT - 8, y, f"{top * k / 2:g}", "end"))
    return str(picture)


def bottom() -> int:
    """Where the lanes end."""
    return TOP + sum(high + GAP for high in LANES.values())


def steps() -> str:
    """One sequence, step by step: cells, gates, outputs, and how much of the error gets there."""
    made = record()
    lstm, other = made["traces"]
    last = len(lstm)
    picture = Drawing(
        "live-steps",
        (0, 0, 480, bottom() + SHARE + 24),
        "One sequence in the networks",
        "The cells, the gates and the outputs of the LSTM at each step of a sequence, and the "
        "share of the last step's error that reaches each step, in both networks.",
    )
    high = math.ceil(max(1.0, *(abs(c) for step in lstm for c in step["c"])))
    top = TOP
    frames = {}
    for lane, tall in LANES.items():
        ends = (-high, high) if lane == "c" else (0, 1)
        frames[lane] = plot.Frame((LEFT, top, WIDTH, tall), (0, last), ends)
        _lane(picture, lane, sub(lane, "t"), frames[lane], lstm)
        top += tall + GAP
    share = plot.Frame((LEFT, top, WIDTH, SHARE), (0, last), (LOWEST, 0))
    share.draw(picture, (LOWEST / 2,))
    picture.add(_named_box("share", share))
    picture.text(LEFT - 26, top + SHARE // 2 - 4, "error", "small")
    picture.text(LEFT - 26, top + SHARE // 2 + 11, "share", "small")
    picture.text(LEFT - 8, top + 9, "1", "end")
    picture.text(LEFT - 8, top + SHARE + 1, f"1e{plot.minus(str(LOWEST))}", "end")
    for name, trace in (("lstm", lstm), ("other", other)):
        powers = [max(math.log10(step["share"]), LOWEST) for step in trace]
        path = _path(share, [t + 0.5 for t in range(last)], powers)
        picture.add(f'<path class="curve {name}" data-part="share-{name}" d="{path}"/>')
    across = frames["c"].across
    marked = "".join(
        f"M{across(t + 0.5):.1f} {TOP - 6}V{bottom()}" for t, _ in made["shown"]["marks"]
    )
    picture.add(f'<path class="cursor" data-part="marks" d="{marked}"/><g data-part="names">')
    for k, (t, name) in enumerate(made["shown"]["marks"]):
        x, y = across(t + 0.5), TOP - 10 - 14 * (k % 2)
        picture.add(f'<text x="{x:.1f}" y="{y}">{plot.minus(name)}</text>')
    picture.add("</g>")
    picture.text(LEFT + 4, top + SHARE + 18, "1", "small")
    picture.add(_tick("last", LEFT + WIDTH - 6, top + SHARE + 18, str(last)))
    return str(picture)


def _lane(
    picture: Drawing, lane: str, name: str, frame: plot.Frame, trace: Sequence[dict[str, Any]]
) -> None:
    """A frame with up to four curves; a script finds them by the name of the lane."""
    frame.draw(picture, (0,) if lane == "c" else ())
    picture.add(_named_box(lane, frame))
    picture.text(LEFT - 34, frame.top + frame.height // 2 + 5, name)
    for y, end, value in ((9, "high", frame.y[1]), (frame.height + 1, "low", frame.y[0])):
        picture.add(
            _tick(f"{lane}-{end}", LEFT - 8, frame.top + y, plot.minus(f"{value:g}"), "end")
        )
    units = len(trace[0].get(lane, ()))
    paths = ["M0 0"] * 4
    for n in range(units):
        steps = [t + 0.5 for t in range(len(trace))]
        paths[n * (4 // units)] = _path(frame, steps, [step[lane][n] for step in trace])
    curves = "".join(f'<path class="curve unit{n}" d="{path}"/>' for n, path in enumerate(paths))
    picture.add(f'<g data-part="{lane}-curves">{curves}</g>')


def _named_box(name: str, frame: plot.Frame) -> str:
    """A frame that a script finds."""
    return (
        f'<rect class="frame" data-part="{name}" x="{frame.left}" y="{frame.top}" '
        f'width="{frame.width}" height="{frame.height}"/>'
    )


def _tick(name: str, x: int, y: int, text: str, kind: str = "small") -> str:
    return f'<text class="{kind}" data-part="{name}" x="{x}" y="{y}">{text}</text>'


def _path(frame: plot.Frame, places: Sequence[float], values: Sequence[float]) -> str:
    points = (
        f"{frame.across(x):.1f} {frame.down(min(max(y, frame.y[0]), frame.y[1])):.1f}"
        for x, y in zip(places, values, strict=True)
    )
    return f"M{'L'.join(points)}"
