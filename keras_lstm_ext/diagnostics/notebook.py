"""What a layer looks like in a notebook: its equations, its diagram, its parameters."""

from html import escape
from typing import Any

import numpy as np

from keras_lstm_ext import activations, diagram
from keras_lstm_ext.layers._cell import VariantLSTMCell
from keras_lstm_ext.layers._layer import RecurrentLayer

SQUASHED = {
    "linear": "{}",
    "tanh": r"\tanh({})",
    "sigmoid": r"\sigma({})",
    "centered_sigmoid_2": r"4 \sigma({}) - 2",
    "centered_sigmoid_1": r"2 \sigma({}) - 1",
}


def html(layer: RecurrentLayer) -> str:
    """Renders a layer for a notebook, which typesets the TeX in it.

    Args:
        layer: A layer of this package, built or not.

    Returns:
        HTML that asks nothing of any other host.

    Examples:
        >>> layer = PeepholeLSTM(4, name="reader")
        >>> layer.build((None, 10, 3))
        >>> "<td>(3, 16)</td><td>48</td>" in html(layer)
        True
    """
    title = f"{type(layer).__name__} <code>{escape(layer.name)}</code>, {layer.units} units"
    picture = diagram.draw(f"lstm-{id(layer)}", layer.variant, layer.variant)
    tex = escape(f"$$\n{equations(layer.cell)}\n$$")
    parts = [f"<p><b>{title}</b></p>", picture, f"<div>{tex}</div>", _parameters(layer)]
    return f'<div class="keras-lstm-ext"><style>{STYLE}</style>{"".join(parts)}</div>'


def equations(cell: VariantLSTMCell) -> str:
    r"""Writes the equations that a cell computes, in TeX.

    Args:
        cell: A cell of this package.

    Returns:
        An `aligned` environment, in the letters of `keras_lstm_ext.reference`.

    Examples:
        >>> print(equations(CECLSTMCell(3, recurrent=False, activation=None)))
        \begin{aligned}
        g_t &= W_c x_t + b_c \\
        c_t &= c_{t-1} + g_t \\
        h_t &= c_t
        \end{aligned}
    """
    v, out = cell.variant, cell.equations.output_activation
    intake = r"i_t \odot g_t" if "i" in v.gates else "g_t"
    kept = r"f_t \odot c_{t-1}" if "f" in v.gates else _times(v.decay, "c_{t-1}")
    h = _squashed(out, "c_t", factor="o" in v.gates)
    lines = {"g": _squashed(cell.activation, _net(cell, "c")), "c": f"{kept} + {intake}"}
    gates = {k: _squashed(cell.recurrent_activation, _net(cell, k)) for k in v.gates}
    written = {k: gates.pop(k) for k in ("i", "f") if k in gates} | lines | gates | {"h": h}
    rows = [rf"{name}_t &= {tex}" for name, tex in written.items()]
    if v.feeds_gates:
        fed = "; ".join(f"{name}_{{t-1}}" for name in ("h", *v.gates))
        rows.insert(0, f"r_{{t-1}} &= [{fed}]")
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _net(cell: VariantLSTMCell, k: str) -> str:
    v = cell.variant
    terms = [f"W_{k} x_t"]
    if v.feedback != "none":
        terms.append(f"R_{k} {'r' if v.feeds_gates else 'h'}_{{t-1}}")
    if v.peepholes and k != "c":
        total = r"\textstyle\sum_S " if v.block_size > 1 else ""
        terms.append(rf"{total}p_{k} \odot c_{'t' if k == 'o' else '{t-1}'}")
    if k in cell.bias_widths:
        terms.append(f"b_{k}")
    return " + ".join(terms)


def _squashed(function: Any, tex: str, factor: bool = False) -> str:
    name = activations.serialize(function)
    if not isinstance(name, str):
        name = getattr(function, "__name__", type(function).__name__)
    words = name.replace("_", r"\_")
    squashed = SQUASHED.get(name, rf"\operatorname{{{words}}}({{}})").replace("{}", tex)
    if not factor:
        return squashed
    return r"o_t \odot " + (f"({squashed})" if squashed.endswith(" - 1") else squashed)


def _times(decay: float, tex: str) -> str:
    return tex if decay == 1.0 else rf"{decay} \, {tex}"


def _parameters(layer: RecurrentLayer) -> str:
    if not layer.built:
        return "<p>Not built yet: it has no weights.</p>"
    rows = [(w.name, str(tuple(w.shape)), int(np.prod(w.shape))) for w in layer.weights]
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
