"""Draws a small trained layer at work: its gates over the years, and one step with every term.

The layer and its years are in `step-through.json`, which `train_step_through.py` wrote. The numbers
come from `keras_lstm_ext.reference`. `step-through.js` computes them in the browser and changes the
same picture and table.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import lstm_sources  # noqa: F401  (stands in for the package, see there)
import numpy as np
import plot

from keras_lstm_ext.diagram import TIMES
from keras_lstm_ext.diagram.svg import Drawing, sub
from keras_lstm_ext.reference import Run, forward

DATA = Path(__file__).parents[1] / "content" / "assets" / "step-through.json"

NAMES = {
    "i": "input gate",
    "f": "forget gate",
    "g": "cell input",
    "c": "cell state",
    "o": "output gate",
    "h": "output",
}
NETS = {"i": "i", "f": "f", "g": "c", "o": "o"}
"""What is a squashed net input, and the index of its weights."""

STEP, UNIT = 12, 0
"""What is shown to begin with: the step, from 1, and the unit, from 0."""

LEFT, WIDTH = 62, 410
TOP, COUNTS, FIRST_LANE, LANE, GAP = 28, 84, 130, 32, 12
BOTTOM = FIRST_LANE + 6 * (LANE + GAP)


@cache
def data() -> dict[str, Any]:
    """The committed layer and years."""
    made: dict[str, Any] = json.loads(DATA.read_text("utf-8"))
    made["weights"] = {k: np.array(w) for k, w in made["weights"].items()}
    return made


@cache
def run() -> Run:
    """The layer over its years."""
    weights = {k: w for k, w in data()["weights"].items() if k not in ("v", "b")}
    x = np.array(data()["sunspots"][:-1]) / data()["scale"]
    return forward("peephole", x[None, :, None], None, weights)


def shown(letter: str) -> float:
    """A value of the step and unit that are shown."""
    value: float = getattr(run().trace[STEP - 1], letter)[0, UNIT]
    return value


def forecasts() -> np.ndarray:
    """The number forecast at each step for the next year, `(timesteps,)`."""
    weights = data()["weights"]
    forecast: np.ndarray = (run().outputs[0] @ weights["v"] + weights["b"]) * data()["scale"]
    return forecast


def draw() -> str:
    """The whole figure: controls, picture, table."""
    made, steps = data(), len(run().trace)
    units = "".join(
        f'<label><input type="radio" name="unit" value="{n}" autocomplete="off"'
        f"{' checked' * (n == UNIT)}>{n + 1}</label>"
        for n in range(run().outputs.shape[-1])
    )
    counted = np.array(made["sunspots"])
    error = np.abs(forecasts() - counted[1:]).mean()
    naive = np.abs(np.diff(counted)).mean()
    return (
        '<figure class="interactive" id="step-through" data-search-exclude><form>'
        f"{plot.slider('step', 'Step <i>t</i>', 1, steps, 1, STEP)}"
        '<div><button type="button" name="back">Back</button>'
        '<button type="button" name="on">Next</button>'
        f"<fieldset><legend>Unit</legend>{units}</fieldset></div></form>"
        f'{picture()}<p role="status">{status()}</p>{table()}'
        f"<figcaption>Mean absolute error of the {steps} forecasts: {error:.1f} sunspots; of last "
        f"year's number as the forecast: {naive:.1f}. {made['data']}. Trained with "
        f"{', '.join(f'{k} {v}' for k, v in made['versions'].items())}.</figcaption>"
        f"{plot.scripted('step-through')}</figure>"
    )


def status() -> str:
    """What is read and forecast at the step."""
    year, counted = data()["first_year"] + STEP - 1, data()["sunspots"]
    return (
        f"{year}: {counted[STEP - 1]:.1f} sunspots. Forecast for {year + 1}: "
        f"{plot.minus(f'{forecasts()[STEP - 1]:z.1f}')}; counted then: {counted[STEP]:.1f}."
    )


def picture() -> str:
    """Years, forecasts, and for each unit a lane per gate and state."""
    drawing = Drawing(
        "steps",
        (0, 0, 480, BOTTOM + 18),
        "A trained peephole layer over a sequence of years",
        "Above, the yearly number of sunspots and the forecast made the year before. Below, input "
        "gate, forget gate, cell input, cell state, output gate and output of one unit. The table "
        "below has the numbers of one step.",
    )
    first, steps = data()["first_year"], len(run().trace)
    counted = data()["sunspots"]
    years = plot.Frame((LEFT, TOP, WIDTH, COUNTS), (first, first + steps), (0, 200))
    years.draw(drawing, (100,))
    years.curve(drawing, "counted", counted, first)
    years.curve(drawing, "forecast", forecasts().tolist(), first + 1)
    for x, name in ((LEFT, "counted"), (LEFT + 120, "forecast")):
        drawing.add(f'<path class="curve {name}" d="M{x} 14h28"/>')
        drawing.text(x + 36, 19, name, "start")
    for value in (0, 100, 200):
        drawing.text(LEFT - 8, round(years.down(value)) + 5, str(value), "end")
    for n in range(run().outputs.shape[-1]):
        drawing.add(f'<g class="unit"{" hidden" * (n != UNIT)}>')
        lanes(drawing, n)
        drawing.add("</g>")
    for year in range(first, first + steps + 1, 5):
        drawing.text(round(years.across(year)), BOTTOM + 10, str(year), "tick")
    cursor = years.across(first + STEP - 1)
    drawing.add(f'<path class="cursor" d="M{cursor:.1f} {TOP}V{BOTTOM - GAP}"/>')
    return str(drawing)


def lanes(drawing: Drawing, unit: int) -> None:
    """The gates and states of a unit."""
    first, steps = data()["first_year"], len(run().trace)
    for row, letter in enumerate(NAMES):
        values = [getattr(t, letter)[0, unit] for t in run().trace]
        highest = float(np.ceil(np.abs(values).max())) if letter == "c" else 1.0
        lowest = 0.0 if letter in "ifo" else -highest
        box = (LEFT, FIRST_LANE + row * (LANE + GAP), WIDTH, LANE)
        lane = plot.Frame(box, (first, first + steps), (lowest, highest))
        lane.draw(drawing, () if letter in "ifo" else (0,))
        lane.curve(drawing, letter, values, first)
        drawing.text(LEFT - 40, lane.top + LANE // 2 + 5, sub(letter, "t"))
        for y, value in ((9, highest), (LANE + 1, lowest)):
            drawing.text(LEFT - 8, lane.top + y, plot.minus(f"{value:.0f}"), "end")


def table() -> str:
    """Every term of the unit at the step, in the order of computation."""
    heads = ("<i>W x</i>", "<i>R h</i>", "<i>p c</i>", "<i>b</i>", "sum", "value")
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    return (
        f'<table class="values"><caption>Unit <span class="which">{UNIT + 1}</span>, step '
        f'<span class="at">{STEP}</span></caption><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(map(row, NAMES))}</tbody></table>"
    )


def row(letter: str) -> str:
    """A row of the table: terms, sum, value; for the states how they are put together."""
    head = f'<th scope="row"><i>{letter}</i> <span class="long">{NAMES[letter]}</span></th>'
    made = (
        "".join(f"<td>{number(term) if term is not None else ''}</td>" for term in terms(letter))
        if letter in NETS
        else f'<td colspan="5">{composition(letter)}</td>'
    )
    return f'<tr id="step-{letter}">{head}{made}<td>{number(shown(letter))}</td></tr>'


def terms(letter: str) -> tuple[float | None, ...]:
    """The terms of a net input and their sum; None where there is no such term."""
    trace, w, k = run().trace[STEP - 1], data()["weights"], NETS[letter]
    from_x = (trace.x @ w[f"W_{k}"])[0, UNIT]
    from_h = (trace.r @ w[f"R_{k}"])[0, UNIT]
    bias = w[f"b_{k}"][UNIT]
    if letter == "g":
        return from_x, from_h, None, bias, from_x + from_h + bias
    from_c = w[f"p_{k}"][UNIT] * shown("c" if letter == "o" else "c_prev")
    return from_x, from_h, from_c, bias, from_x + from_h + from_c + bias


def composition(letter: str) -> str:
    """How a state is put together, with numbers."""
    i, f, g, c_prev, c, o = (number(shown(k)) for k in ("i", "f", "g", "c_prev", "c", "o"))
    if letter == "h":
        formula = "<i>o</i> tanh <i>c</i>"
        numbers = f'<span class="shown">{o} {TIMES} tanh {c}</span>'
    else:
        formula = "<i>f c</i><sub><i>t</i>\u22121</sub> + <i>i g</i>"
        numbers = (
            f'<span class="kept">{f} {TIMES} {c_prev}</span> + '
            f'<span class="added">{i} {TIMES} {g}</span>'
        )
    return f'<span class="long">{formula} = </span>{numbers}'


def number(value: float) -> str:
    """Three decimals, as `step-through.js` writes them."""
    return plot.minus(f"{value:z.3f}")
