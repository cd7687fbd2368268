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
from keras_lstm_ext.diagram import tex

if TYPE_CHECKING:
    from keras_lstm_ext.layers._cell import RecurrentCell
    from keras_lstm_ext.layers._layer import RecurrentLayer

NAMES = {
    keras.activations.linear: None,
    keras.activations.tanh: "tanh",
    keras.activations.sigmoid: "sigmoid",
    activations.centered_sigmoid_2: "centered_sigmoid_2",
    activations.centered_sigmoid_1: "centered_sigmoid_1",
}
"""By the functions themselves: another of the same name may be anything."""


def html(layer: RecurrentLayer, cell: RecurrentCell | None = None, name: str = "") -> str:
    """Renders a layer and a cell: see `keras_lstm_ext.diagnostics.notebook.html`."""
    cell = layer.cell if cell is None else cell
    title = f"{type(layer).__name__} <code>{escape(layer.name)}</code>, {cell.units} units"
    # Not a number that is counted: a notebook keeps what earlier processes rendered.
    picture = diagram.draw(name or f"lstm-{uuid4().hex}", cell.variant, cell.variant)
    formulas = escape(f"$$\n{equations(cell)}\n$$")
    parts = [f"<p><b>{title}</b></p>", picture, f"<div>{formulas}</div>", _parameters(cell)]
    return f'<div class="keras-lstm-ext"><style>{STYLE}</style>{"".join(parts)}</div>'


def equations(cell: RecurrentCell) -> str:
    """Writes equations in TeX: see `keras_lstm_ext.diagnostics.notebook.equations`."""
    given = (cell.recurrent_activation, cell.activation, cell.equations.output_activation)
    gate, a, phi = (_squash(function) for function in given)
    written = tex.Equations(cell.variant, gate, a, phi, [*cell.bias_widths], cell.zoneout)
    return tex.aligned(written.lines().values())


def _squash(function: Any) -> tex.Squash:
    known = next((name for each, name in NAMES.items() if each is function), "")
    return tex.squash(known) if known != "" else lambda net: f"{_named(function)}({net})"


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
