"""A peephole cell at work: its values on the way forward, its errors on the way back.

Three small trained layers: sunspots (`train_step_through.py`), adding and Reber
(`train_cell_at_work.py`). What they make comes from `keras_lstm_ext.reference`; the script
`cell-at-work.js` shows what is recorded here and computes nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import lstm_sources  # noqa: F401  (stands in for the package, see there)
import moving
import numpy as np
import plot

from keras_lstm_ext import diagram
from keras_lstm_ext.reference import Run, forward, sigmoid, tanh
from keras_lstm_ext.variants import FAMILY

ASSETS = Path(__file__).parents[1] / "content" / "assets"
ALPHABET = "BEPSTVX"

FORWARD = (*moving.WIRES,)
BACKWARD = ("dh", "entered", "later", "peephole", "dc", "on", "dg", "di", "df", "do", "left")
"""What is recorded of a step on the way back: see `errors`."""

START = 11
STRIP = (40, 336, 400, 52)
LEFT, TOP, WIDTH, HEIGHT = STRIP

CAPTION = """\
Wires are as thick as what they carry, relative to the largest of the sequence, and in the second
colour where it is negative. Forward: values. Backward, against the arrows: the error of this
step's output enters by the output gate <i>o</i>, joins what comes from later steps in <i>c</i>,
goes round the loop to the step before, and leaves by the input gate <i>i</i>. The strip has
<i>c</i>, or its error, over all steps."""


@dataclass(frozen=True)
class Case:
    """A sequence, the layer that reads it, and what is said of each step."""

    title: str
    x: np.ndarray
    targets: list[list[float] | None]
    weights: dict[str, np.ndarray]
    readout: tuple[np.ndarray, np.ndarray]

    @property
    def layer(self) -> Run:
        """The layer over the sequence."""
        return forward("peephole", self.x[None], None, self.weights)

    def outputs(self) -> np.ndarray:
        """What the readout makes of each step, `(timesteps, outputs)`."""
        v, d = self.readout
        made: np.ndarray = self.layer.outputs[0] @ v + d
        return made

    def output_errors(self) -> np.ndarray:
        """The derivative of half the squared error by h, of each step alone."""
        errors = [
            np.zeros(y.shape) if t is None else y - t
            for y, t in zip(self.outputs(), self.targets, strict=True)
        ]
        found: np.ndarray = np.array(errors) @ self.readout[0].T
        return found


@cache
def cases() -> dict[str, Case]:
    """The three, by name."""
    spots = _json("step-through")
    counts = np.array(spots["sunspots"]) / spots["scale"]
    weights = {k: np.array(w) for k, w in spots["weights"].items()}
    readout = (weights.pop("v")[:, None], weights.pop("b"))
    found = {
        "sunspots": Case(
            "Sunspots", counts[:-1, None], [[c] for c in counts[1:].tolist()], weights, readout
        )
    }
    others = _json("cell-at-work")
    for name, title in (("adding", "Adding two marked numbers"), ("reber", "Embedded Reber")):
        weights = {k: np.array(w) for k, w in others[name]["weights"].items()}
        readout = (weights.pop("v"), weights.pop("d"))
        x = np.array(others[name]["inputs"])
        found[name] = Case(title, x, others[name]["targets"], weights, readout)
    return found


def _json(name: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((ASSETS / f"{name}.json").read_text("utf-8"))
    return made


def said(name: str) -> list[str]:
    """What is read and what is put out at each step."""
    case, first = cases()[name], _json("step-through")["first_year"]
    lines = []
    for t, (x, y, target) in enumerate(zip(case.x, case.outputs(), case.targets, strict=True)):
        if name == "sunspots":
            counted = 100 * target[0] if target else 0.0
            lines.append(
                f"{first + t}: {100 * x[0]:.1f} sunspots; forecast for {first + t + 1} "
                f"{100 * y[0]:z.1f}, counted {counted:.1f}"
            )
        elif name == "adding":
            mark = {1: ", marked", -1: ", an end", 0: ""}[round(x[1])]
            end = f"; answer {y[0]:.3f}, right {target[0]:.3f}" if target else ""
            lines.append(f"reads {x[0]:z.2f}{mark}{end}")
        else:
            read, next_one = ALPHABET[int(x.argmax())], ALPHABET[int(np.argmax(target or x))]
            guess = ALPHABET[int(y.argmax())]
            lines.append(f"reads {read}; expects {guess} most, {next_one} comes")
    return [plot.minus(line) for line in lines]


def errors(case: Case, truncated: bool) -> list[dict[str, np.ndarray]]:
    """Every error of every step and unit.

    Of the output `dh`; what of it `entered` the cell by the output gate, what came from `later`
    steps and through the output gate's `peephole`, their sum `dc`; what goes `on` to the step
    before; of the cell input `dg` and what of it `left` the cell there; of the gates' net inputs.
    """
    w, found = case.weights, []
    later = through_h = np.zeros(case.weights["b_c"].shape)
    for t, d_out in zip(case.layer.trace[::-1], case.output_errors()[::-1], strict=True):
        i, f, g, c, o, c_prev = (getattr(t, k)[0] for k in ("i", "f", "g", "c", "o", "c_prev"))
        dh = d_out + through_h
        phi = tanh(c)
        entered, do = dh * o * tanh.slope(phi), dh * phi * sigmoid.slope(o)
        peephole = np.zeros_like(do) if truncated else w["p_o"] * do
        dc = entered + later + peephole
        di, df = dc * g * sigmoid.slope(i), dc * c_prev * sigmoid.slope(f)
        left = dc * i * tanh.slope(g)
        made = {"dh": dh, "entered": entered, "later": later, "peephole": peephole, "dc": dc}
        later = f * dc
        if not truncated:
            later = later + w["p_i"] * di + w["p_f"] * df
            nets = {"i": di, "f": df, "c": left, "o": do}
            through_h = sum((w[f"R_{k}"] @ d for k, d in nets.items()), np.zeros_like(dh))
        made |= {"on": later, "dg": dc * i, "di": di, "df": df, "do": do, "left": left}
        found.append(made)
    return found[::-1]


def values(case: Case, unit: int) -> list[dict[str, float]]:
    """What the wires carry forward."""
    made = []
    for t in case.layer.trace:
        v = {k: getattr(t, k)[0, unit].item() for k in ("i", "f", "g", "c", "o", "h", "c_prev")}
        v |= {"before": v["c_prev"], "kept": v["f"] * v["c_prev"], "added": v["i"] * v["g"]}
        made.append({k: v[k] for k in FORWARD})
    return made


def record() -> dict[str, Any]:
    """All that the script shows."""
    sequences = {}
    for name, case in cases().items():
        units = range(case.weights["b_c"].size)
        full, truncated = errors(case, truncated=False), errors(case, truncated=True)
        sequences[name] = {
            "said": said(name),
            "units": [
                {
                    "forward": [_short(v.values()) for v in values(case, n)],
                    "full": [_short(e[k][n] for k in BACKWARD) for e in full],
                    "truncated": [_short(e[k][n] for k in BACKWARD) for e in truncated],
                }
                for n in units
            ],
        }
    return {"forward": FORWARD, "backward": BACKWARD, "sequences": sequences}


def _short(numbers: Any) -> list[float]:
    return [float(f"{v:.3g}") for v in numbers]


def draw() -> str:
    """The whole figure."""
    # As the script has them, so that it begins with the same picture.
    made = record()
    rows = made["sequences"]["sunspots"]["units"][0]["forward"]
    now = [dict(zip(FORWARD, row, strict=True)) for row in rows]
    largest = max(abs(v) for step in now for v in step.values())
    wires = "".join(
        f'<path class="flow{" negative" * (now[START][name] < 0)}" data-wire="{name}" d="{path}" '
        f'style="stroke-width:{1 + moving.WIDEST * abs(now[START][name]) / largest:.2f}"/>'
        for name, path in moving.WIRES.items()
    )
    numbers = "".join(
        f'<text class="small value" data-number="{name}" x="{x}" y="{y}">'
        f"{moving.number(now[START][name])}</text>"
        for name, (x, y) in moving.NUMBERS.items()
    )
    variant = FAMILY["classic"]  # what the peepholes send is said below: they are no wires here
    picture = diagram.draw("at-work", variant, variant).replace("0 0 480 324", "0 0 480 400")
    picture = picture.replace("A member of the family", "A cell at work")
    head, tail = picture.split("</defs>")
    strip = _strip([v["c"] for v in now])
    picture = f"{head}</defs>{wires}{tail.removesuffix('</svg>')}{numbers}{strip}</svg>"
    data = json.dumps(made, separators=(",", ":")).replace("</", "<\\/")
    return (
        '<figure class="interactive cell moving" id="cell-at-work" data-search-exclude '
        f'data-widest="{moving.WIDEST}"><form>'
        + _select("sequence", "Sequence", {name: c.title for name, c in cases().items()})
        + _select("unit", "Cell", {str(n): str(n) for n in (1, 2, 3)})
        + _select("way", "Way", {"forward": "Forward: values", "backward": "Backward: errors"})
        + _select("gradient", "Gradient", {"full": "Full", "truncated": "Truncated"})
        + plot.slider("step", "Step <i>t</i>", 1, len(now), 1, START + 1)
        + '<div><button type="button" name="back">Back</button>'
        '<button type="button" name="play">Play</button>'
        '<button type="button" name="on">Next</button></div></form>'
        f'{picture}<p role="status">{escape(said("sunspots")[START])}</p>'
        f"<figcaption>{CAPTION}</figcaption>"
        f'<script type="application/json">{data}</script>{plot.scripted("cell-at-work")}</figure>'
    )


def _select(name: str, label: str, options: dict[str, str]) -> str:
    made = "".join(f'<option value="{value}">{escape(text)}' for value, text in options.items())
    return f'<label>{label}<select name="{name}" autocomplete="off">{made}</select></label>'


def _strip(series: Sequence[float]) -> str:
    """A line over the steps, with a mark at the one that is shown."""
    largest = max(abs(v) for v in series)
    points = "L".join(
        f"{LEFT + WIDTH * n / (len(series) - 1):.1f} {TOP + HEIGHT / 2 * (1 - v / largest):.1f}"
        for n, v in enumerate(series)
    )
    at = LEFT + WIDTH * START / (len(series) - 1)
    return (
        f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}"/>'
        f'<path class="grid" d="M{LEFT} {TOP + HEIGHT // 2}h{WIDTH}"/>'
        f'<path class="curve lstm" d="M{points}"/>'
        f'<path class="cursor" d="M{at:.1f} {TOP}v{HEIGHT}"/>'
        f'<text class="small strip" x="{LEFT - 18}" y="{TOP + HEIGHT // 2 + 5}">'
        '<tspan class="letter">c</tspan></text>'
    )
