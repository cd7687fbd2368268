"""Draws the timeline: an axis true to scale, and beside it a list that links pages and papers."""

import tomllib
from html import escape
from pathlib import Path
from typing import Any

from keras_lstm_ext.diagram.svg import Drawing

EVENTS: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("events.toml").read_text("utf-8")
)["event"]

STEP, AXIS, LIST, WIDTH = 28, 44, 106, 390
FIRST, LAST = 1940, 2026
HEIGHT = STEP * len(EVENTS) + 16


def draw() -> str:
    """The SVG; its links work on the index page of the history section."""
    title = "Timeline of the LSTM"
    description = f"{len(EVENTS)} steps from {EVENTS[0]['year']} to {EVENTS[-1]['year']}."
    picture = Drawing("timeline", (0, 0, WIDTH, HEIGHT), title, description)
    # A picture with links in it is a group; as an image it would hide them.
    picture.add(f'<path class="line" d="M{AXIS} 4V{HEIGHT - 4}"/>')
    for decade in range(FIRST, LAST, 10):
        picture.add(f'<path class="line" d="M{AXIS - 5} {_scale(decade)}h10"/>')
        picture.text(AXIS - 26, _scale(decade) + 4, str(decade), "decade")
    for row, event in enumerate(EVENTS):
        _event(picture, STEP * row + 22, event)
    return str(picture).replace('role="img"', 'role="group"', 1)


def _scale(year: int) -> int:
    """The height of a year on the axis."""
    return 8 + (HEIGHT - 16) * (year - FIRST) // (LAST - FIRST)


def _event(picture: Drawing, y: int, event: dict[str, Any]) -> None:
    at = _scale(event["year"])
    picture.add(
        f'<path class="link" d="M{AXIS} {at}C{AXIS + 24} {at} {LIST - 34} {y - 5} '
        f'{LIST - 12} {y - 5}"/>'
    )
    picture.add(f'<circle class="dot" cx="{AXIS}" cy="{at}" r="3.5"/>')
    picture.add(
        f'<text class="event" x="{LIST - 8}" y="{y}"><tspan class="year">{event["year"]}</tspan> '
        f'<a href="{event["page"]}/"><tspan>{escape(event["what"])}</tspan></a> '
        f'<a class="source" href="../bibliography/#{event["key"]}">'
        f'<tspan aria-label="paper: {escape(event["what"])}">[paper]</tspan></a></text>'
    )
