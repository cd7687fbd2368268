"""What a layer looks like in a notebook: its equations, its diagram, its parameters."""

from __future__ import annotations

import re
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import keras
import numpy as np

from keras_lstm_ext import activations, diagram

if TYPE_CHECKING:
    from keras_lstm_ext.layers._cell import RecurrentCell
    from keras_lstm_ext.layers._layer import RecurrentLayer
    from keras_lstm_ext.variants import Variant

SQUASHED = {
    keras.activations.linear: "{}",
    keras.activations.tanh: r"\tanh({})",
    keras.activations.sigmoid: r"\sigma({})",
    activations.centered_sigmoid_2: r"4 \sigma({}) - 2",
    activations.centered_sigmoid_1: r"2 \sigma({}) - 1",
}
"""By the functions themselves: another of the same name may be anything."""


def html(layer: RecurrentLayer, cell: RecurrentCell | None = None, name: str = "") -> str:
    """Renders a layer and a cell: see `keras_lstm_ext.diagnostics.notebook.html`."""
    cell = layer.cell if cell is None else cell
    title = f"{type(layer).__name__} <code>{escape(layer.name)}</code>, {cell.units} units"
    # Not a number that is counted: a notebook keeps what earlier processes rendered.
    picture = diagram.draw(name or f"lstm-{uuid4().hex}", cell.variant, cell.variant)
    tex = escape(f"$$\n{equations(cell)}\n$$")
    parts = [f"<p><b>{title}</b></p>", picture, f"<div>{tex}</div>", _parameters(cell)]
    return f'<div class="keras-lstm-ext"><style>{STYLE}</style>{"".join(parts)}</div>'


def equations(cell: RecurrentCell) -> str:
    """Writes equations in TeX: see `keras_lstm_ext.diagnostics.notebook.equations`."""
    v, out = cell.variant, cell.equations.output_activation
    intake = r"i_t \odot g_t" if "i" in v.gates else "g_t"
    kept = _kept(v)
    c, h = _made(cell, 1, "c"), _made(cell, 0, "h")
    shown = rf"\mathrm{{LN}}({c}_t)" if v.normalize_output else f"{c}_t"
    m = _squashed(out, shown, factor="o" in v.gates)
    lines = {"g": _squashed(cell.activation, _net(cell, "c")), c: f"{kept} + {intake}"}
    gates = {k: _squashed(cell.recurrent_activation, _net(cell, k)) for k in v.gates}
    written = {k: gates.pop(k) for k in ("i", "f") if k in gates} | lines | gates
    written[h] = f"P ({m})" if v.projection else m
    for name, rate in zip("hc", cell.zoneout, strict=True):
        if rate:
            written[name] = rf"{rate:g} \, {name}_{{t-1}} + {1 - rate:g} \, \tilde {name}_t"
    rows = [rf"{name}_t &= {tex}" for name, tex in written.items()]
    if v.feeds_gates:
        fed = "; ".join(f"{name}_{{t-1}}" for name in (_fed(v), *v.gates))
        rows.insert(0, f"r_{{t-1}} &= [{fed}]")
    if v.nonrecurrent_projection:
        rows.append(r"[h^1_t; h^2_t] &= h_t")
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _fed(v: Variant) -> str:
    """The letter of the outputs that are fed back."""
    return "h^1" if v.nonrecurrent_projection else "h"


def _made(cell: RecurrentCell, state: int, name: str) -> str:
    """The letter of what a step makes, which zoneout mixes with what there was."""
    return rf"\tilde {name}" if cell.zoneout[state] else name


def _net(cell: RecurrentCell, k: str) -> str:
    v = cell.variant
    fed = "r" if v.feeds_gates and (k != "c" or not v.gates_to_gates) else _fed(v)
    reads = "x_t", f"{fed}_{{t-1}}"
    pairs = list(zip("WR", reads, strict=True))[: 1 if v.feedback == "none" else 2]
    if v.normalize_nets:  # of all nets together, so that gates which net c does not see count too
        pairs = [
            (letter, "r_{t-1}" if letter == "R" and v.feeds_gates else x) for letter, x in pairs
        ]
        terms = [rf"\mathrm{{LN}}({letter} {x})_{k}" for letter, x in pairs]
    else:
        terms = [f"{letter}_{k} {x}" for letter, x in pairs]
    if v.peepholes and k != "c":
        total = r"\textstyle\sum_S " if v.block_size > 1 else ""
        seen = f"{_made(cell, 1, 'c')}_t" if k == "o" else "c_{t-1}"
        terms.append(rf"{total}p_{k} \odot {seen}")
    if k in cell.bias_widths:
        terms.append(f"b_{k}")
    return " + ".join(terms)


def _squashed(function: Any, tex: str, factor: bool = False) -> str:
    known = next((text for each, text in SQUASHED.items() if each is function), None)
    squashed = (known or f"{_named(function)}({{}})").replace("{}", tex)
    if not factor:
        return squashed
    return r"o_t \odot " + (f"({squashed})" if squashed.endswith(" - 1") else squashed)


def _named(function: Any) -> str:
    """The name of any function; with arguments that `functools.partial` gave it, as an index."""
    given: tuple[Any, ...] = ()
    if isinstance(function, partial):
        given = (*function.args, *(f"{k}={v}" for k, v in function.keywords.items()))
        function = function.func
    name = _words(getattr(function, "__name__", type(function).__name__))
    index = ", ".join(_words(value) for value in given)
    return rf"\operatorname{{{name}}}" + (rf"_{{\text{{{index}}}}}" if index else "")


def _words(value: Any) -> str:
    """Any text as TeX writes it, without what has a meaning there."""
    return re.sub(r"[^\w=.,:+ -]", "", str(value)).replace("_", r"\_")


def _kept(v: Variant) -> str:
    if "f" in v.gates or v.coupled:
        factor = "f_t" if "f" in v.gates else "(1 - i_t)"
        return rf"{factor} \odot c_{{t-1}}"
    return "c_{t-1}" if v.decay == 1.0 else rf"{v.decay} \, c_{{t-1}}"


def _parameters(cell: RecurrentCell) -> str:
    if not cell.built:
        return "<p>Not built yet: it has no weights.</p>"
    rows = [(w.name, str(tuple(w.shape)), int(np.prod(w.shape))) for w in cell.weights]
    rows.append(("all", "", sum(count for *_, count in rows)))
    cells = ["".join(f"<td>{value}</td>" for value in (n, s, f"{c:,}")) for n, s, c in rows]
    head = "<tr><th>weight</th><th>shape</th><th>parameters</th></tr>"
    return f"<table>{head}{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


STYLE = """
.keras-lstm-ext svg { max-width: 30em; font: 16px serif; text-anchor: middle; fill: currentColor }
.keras-lstm-ext svg .line { fill: none; stroke: currentColor; stroke-width: 1.5 }
.keras-lstm-ext svg .peephole { stroke-dasharray: 5 4 }
.keras-lstm-ext svg .shape rect, .keras-lstm-ext svg .shape circle {
  fill: none; stroke: currentColor; stroke-width: 1.5 }
.keras-lstm-ext svg .letter { font-style: italic }
.keras-lstm-ext svg .index, .keras-lstm-ext svg .small { font-size: 12px }
"""
