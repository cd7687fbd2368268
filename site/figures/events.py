"""Draws the timeline: a lane for each kind of step, beside a list that links pages and papers."""

import tomllib
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from lstm_forms.known import KNOWN

from keras_lstm_ext.diagram import drawing
from keras_lstm_ext.diagram.svg import Drawing

EVENTS: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("events.toml").read_text("utf-8")
)["event"]
LANES = ("problem", "cell", "training", "uses", "hardware")

STEP, GAP, HEAD, LANE, LIST, WIDTH = 28, 8, 76, 16, 96, 400
CELL = 96
"""What the picture of a cell takes up below an event."""

LONG = 5
"""Years without an event after which there is a gap in the list."""


def draw() -> str:
    """The SVG; its links work on the index page of the history section."""
    heights = _heights()
    counts = ", ".join(f"{lane} {sum(e['lane'] == lane for e in EVENTS)}" for lane in LANES)
    title = "Timeline of the LSTM"
    description = (
        f"{len(EVENTS)} steps from {EVENTS[0]['year']} to {EVENTS[-1]['year']}, by lane: {counts}."
    )
    picture = Drawing("timeline", (0, 0, WIDTH, heights[-1] + 16), title, description)
    # A picture with links in it is a group; as an image it would hide them.
    for n, lane in enumerate(LANES):
        x = 12 + LANE * n
        of_lane = [y for y, event in zip(heights, EVENTS, strict=True) if event["lane"] == lane]
        picture.add(f'<path class="lane {lane}" d="M{x} {of_lane[0]}V{of_lane[-1]}"/>')
        picture.add(
            f'<text class="head-of-lane" transform="translate({x + 4} {HEAD - 10}) rotate(-60)">'
            f"{lane}</text>"
        )
    before = "carousel"
    for y, event in zip(heights, EVENTS, strict=True):
        _event(picture, y, event)
        if "cell" in event:
            picture.add(_cell(y, event["cell"], before))
            before = event["cell"]
    return str(picture).replace('role="img"', 'role="group"', 1)


def _heights() -> list[int]:
    """Where each event is; years without any make a gap."""
    heights = [HEAD + 12]
    for before, after in pairwise(EVENTS):
        gap = GAP * (after["year"] - before["year"] > LONG) + CELL * ("cell" in before)
        heights.append(heights[-1] + STEP + gap)
    return heights


def _cell(y: int, name: str, before: str) -> str:
    """A small picture of a cell, marked what is new in it; it leads to the explorer."""
    known = KNOWN[name]
    svg = str(drawing(f"of-{name}", known.variant, KNOWN[before].variant, title=known.title))
    place = f'<svg x="{LIST - 8}" y="{y + 12}" width="180" height="{CELL - 8}"'
    svg = svg.replace("<svg", f'{place} preserveAspectRatio="xMinYMid"', 1)
    return f'<a href="../equations/comparison/?cell={name}">{svg}</a>'


def _event(picture: Drawing, y: int, event: dict[str, Any]) -> None:
    lane, step = event["lane"], " step" * event.get("step", False)
    x = 12 + LANE * LANES.index(lane)
    what = escape(event["what"])
    picture.add(f'<path class="link" d="M{x} {y}H{LIST - 12}"/>')
    picture.add(f'<circle class="dot {lane}" cx="{x}" cy="{y}" r="{6 if step else 4}"/>')
    picture.add(
        f'<text class="event{step}" x="{LIST - 8}" y="{y + 5}">'
        f'<tspan class="year">{event["year"]}</tspan> '
        f'<a href="{event["page"]}/" aria-label="{what}, lane: {lane}"><tspan>{what}</tspan></a> '
        f'<a class="source" href="../bibliography/#{event["key"]}">'
        f'<tspan aria-label="paper: {what}">[paper]</tspan></a></text>'
    )
