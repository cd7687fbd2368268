"""Series over the same steps, drawn in lanes one below the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lstm_sources  # noqa: F401  (stands in for the package, see there)
import numpy as np
from plot import Frame, minus

from keras_lstm_ext.diagram.svg import Drawing

WIDTH, LEFT, RIGHT, TOP, HIGH, ABOVE, BELOW = 480, 52, 8, 4, 84, 24, 22


@dataclass(frozen=True)
class Lane:
    """A frame with some series.

    Args:
        series: Values by what they are called, at most three.
        bars: Draws bars from zero instead of lines.
        y: Lowest and highest value; None for those of the series.
        log: Draws powers of ten; `y` is then their range.
        high: Height of the frame.
    """

    series: Mapping[str, Sequence[float] | np.ndarray]
    bars: bool = False
    y: tuple[float, float] | None = None
    log: bool = False
    high: int = HIGH


def draw(
    name: str,
    title: str,
    lanes: Sequence[Lane],
    across: str = "step",
    start: float = 1,
    every: float = 1,
) -> str:
    """The SVG; the series begin at `start`, and are `every` apart."""
    steps = max(len(values) for lane in lanes for values in lane.series.values())
    end = start + every * (steps - 1)
    height = TOP + sum(lane.high + ABOVE for lane in lanes) + BELOW
    said = "; ".join(_said(lane) for lane in lanes)
    picture = Drawing(f"lesson-{name}", (0, 0, WIDTH, height), title, said)
    top = TOP
    for lane in lanes:
        top += ABOVE
        _lane(picture, lane, top, steps)
        top += lane.high
    for x, text in ((LEFT, f"{start:g}"), (WIDTH - RIGHT, f"{end:g}")):
        anchor = "start" if x == LEFT else "end"
        picture.add(f'<text class="small {anchor}" x="{x}" y="{top + 16}">{text}</text>')
    picture.text((LEFT + WIDTH - RIGHT) // 2, top + 16, across, "small")
    return str(picture)


def _said(lane: Lane) -> str:
    return "; ".join(
        f"{name}: {values[0]:.2g} to {values[-1]:.2g}" for name, values in lane.series.items()
    )


def _lane(picture: Drawing, lane: Lane, top: int, steps: int) -> None:
    values = np.concatenate([np.asarray(v, float) for v in lane.series.values()])
    low, high = lane.y or (min(0.0, float(values.min())), float(values.max()))
    frame = Frame((LEFT, top, WIDTH - LEFT - RIGHT, lane.high), (-0.5, steps - 0.5), (low, high))
    frame.draw(picture, [0.0] if low < 0 < high and not lane.log else [])
    for value in (low, high):
        text = _power(value) if lane.log else minus(f"{value:.2g}")
        y = frame.down(value) + (10 if value == high else 0)
        picture.add(f'<text class="small end" x="{LEFT - 6}" y="{y:.0f}">{text}</text>')
    x = LEFT
    for number, (name, series) in enumerate(lane.series.items()):
        shown = np.log10(np.maximum(np.abs(series), 1e-300)) if lane.log else np.asarray(series)
        shown = np.clip(shown, low, high)
        if lane.bars:
            _bars(picture, frame, shown, number)
            picture.add(
                f'<rect class="bar s{number}" x="{x}" y="{top - 13}" width="9" height="9"/>'
            )
        else:
            frame.curve(picture, f"s{number}", shown.tolist())
            picture.add(f'<path class="curve s{number}" d="M{x} {top - 9}h22"/>')
        x += 14 if lane.bars else 27
        picture.add(f'<text class="small start" x="{x}" y="{top - 5}">{name}</text>')
        x += 14 + round(7 * len(name))


def _bars(picture: Drawing, frame: Frame, values: np.ndarray, number: int) -> None:
    wide = max(1.5, 0.7 * frame.width / len(values))
    zero = frame.down(0)
    marks = "".join(
        f"M{frame.across(t) - wide / 2:.1f} {zero:.1f}h{wide:.1f}V{frame.down(v):.1f}h-{wide:.1f}z"
        for t, v in enumerate(values)
        if v
    )
    picture.add(f'<path class="bar s{number}" d="{marks or "M0 0"}"/>')


def _power(exponent: float) -> str:
    return f'10<tspan class="index" dy="-5">{minus(f"{exponent:g}")}</tspan>'
