"""Draws how much of an error reaches each earlier step, in four networks of one unit.

The numbers come from `keras_lstm_ext.reference`. `gradient-flow.js` computes them for other
settings and changes the same picture and table.
"""

import re
from typing import Any, NamedTuple

import lstm_sources  # noqa: F401  (stands in for the package, see there)
import numpy as np
import plot

from keras_lstm_ext.diagram.svg import Drawing, sub
from keras_lstm_ext.reference import backward, forward, linear

NETWORKS = {
    "recurrent": "Recurrent network",
    "carousel": "Constant error carousel",
    "forget": "Forget gate",
    "peephole": "Peepholes",
}

SETTINGS = {"w": 0.9, "x": 0.1, "i": 0.5, "f": 0.9, "p": 0.1, "T": 60, "t": 0}

SLIDERS = [
    ("w", "Recurrent weight <i>w</i>", -2, 2, 0.05),
    ("x", "Input <i>x</i>, every step", -1, 1, 0.05),
    ("f", "Forget gate <i>f</i>", 0.01, 0.99, 0.01),
    ("i", "Input gate <i>i</i>", 0.01, 0.99, 0.01),
    ("p", "Peephole weight <i>p</i>", -1, 1, 0.05),
    ("T", "Length <i>T</i>", 20, 200, 20),
    ("t", "Look at step <i>t</i>", 0, SETTINGS["T"] - 1, 1),
]

# Powers of ten, from the lowest to the highest that is drawn.
LOWEST, HIGHEST, BETWEEN = -12, 3, 3
BOX = (58, 32, 408, 250)


class Flow(NamedTuple):
    """A network's states 0 to T, factors of steps 1 to T, and derivatives of state T by each."""

    states: list[float]
    factors: list[float]
    derivatives: list[float]


def network(name: str, s: dict[str, float]) -> tuple[str, dict[str, float], dict[str, Any]]:
    """A network as `reference.forward` takes it: variant, weights and options."""
    gates = {"W_i": 0.0, "b_i": logit(s["i"]), "W_f": 0.0, "b_f": logit(s["f"])}
    peepholes = {"p_i": s["p"], "p_f": s["p"]}
    return {
        # Without gates and with nothing kept, what is left is h = tanh(x + w h).
        "recurrent": ("classic", {"R_c": s["w"]}, {"decay": 0.0, "output_activation": linear}),
        "carousel": ("cec", {}, {}),
        "forget": ("classic", gates, {}),
        "peephole": ("peephole", gates | peepholes, {}),
    }[name]


def logit(y: float) -> float:
    """The net input at which a gate has the value `y`."""
    return float(np.log(y / (1.0 - y)))


def flow(name: str, s: dict[str, float]) -> Flow:
    """Runs a network step by step, each time with the derivative of its state by the one before."""
    variant, given, options = network(name, s)
    shapes = {"W": (1, 1), "R": (1, 1), "p": (1,), "b": (1,)}
    weights = {k: np.full(shapes[k[0]], v) for k, v in ({"W_c": 1.0} | given).items()}
    x, carrier = np.full((1, 1, 1), s["x"]), 0 if name == "recurrent" else 1

    def state(value: float) -> tuple[np.ndarray, ...]:
        """`(h, c)` with a value for the one that goes on, and 0 for the other."""
        return tuple(np.full((1, 1), value * (n == carrier)) for n in (0, 1))

    states, factors = [0.0], []
    for _ in range(int(s["T"])):
        run = forward(variant, x, state(states[-1]), weights, **options)
        _, d_before, _ = backward(run, np.zeros((1, 1, 1)), state(1.0))
        states.append(run.states[carrier].item())
        factors.append(d_before[carrier].item())
    derivatives = np.cumprod([1.0, *factors[::-1]])[::-1]
    return Flow(states, factors, derivatives.tolist())


def draw() -> str:
    """The whole figure: sliders, picture, table."""
    flows = {name: flow(name, SETTINGS) for name in NETWORKS}
    sliders = "".join(plot.slider(*slider, SETTINGS[slider[0]]) for slider in SLIDERS)
    return (
        f'<figure class="interactive" id="gradient-flow" data-lowest="{LOWEST}" '
        f'data-highest="{HIGHEST}" data-search-exclude><form>{sliders}</form>'
        f"{picture(flows)}{table(flows)}"
        f"<figcaption>To begin with, {settings()}.</figcaption>"
        f"{plot.scripted('gradient-flow')}</figure>"
    )


def settings() -> str:
    """The settings of the static figure, in words."""
    return ", ".join(f"<i>{name}</i> = {value}" for name, value in SETTINGS.items())


def picture(flows: dict[str, Flow]) -> str:
    """The derivatives over the steps, on a logarithmic scale."""
    drawing = Drawing(
        "flow",
        (0, 0, 480, 332),
        "How much of an error reaches each earlier step",
        "Absolute derivative of the last state with respect to the state at step t, on a "
        "logarithmic scale, one line per network. The table below has the values at one step.",
    )
    length = int(SETTINGS["T"])
    frame = plot.Frame(BOX, (0, length), (LOWEST, HIGHEST))
    powers = range(LOWEST, HIGHEST + 1, BETWEEN)
    frame.draw(drawing, powers)
    for power in powers:
        label = f"10{superscript(power)}" if power else "1"
        drawing.text(frame.left - 8, round(frame.down(power)) + 5, label, "end")
    for k in range(5):
        drawing.text(round(frame.across(length * k / 4)), 302, str(length * k // 4), "tick")
    drawing.text(262, 324, '<tspan class="letter">t</tspan>')
    derivative = f"|\u2202{sub('c', 'T')} / \u2202{sub('c', 't')}|"
    drawing.text(frame.left, 18, derivative, "start")
    clip = f'<rect x="{BOX[0]}" y="{BOX[1]}" width="{BOX[2]}" height="{BOX[3]}"/>'
    drawing.add(f'<clipPath id="flow-clip">{clip}</clipPath><g clip-path="url(#flow-clip)">')
    for name, values in flows.items():
        frame.curve(drawing, name, [exponent(d) for d in values.derivatives])
    drawing.add(f'</g><path class="cursor" d="M{BOX[0]:.1f} {BOX[1]}v{BOX[3]}"/>')
    return str(drawing)


def exponent(derivative: float) -> float:
    """The power of ten, held a little outside of what is drawn."""
    size = abs(derivative)
    return min(max(float(np.log10(size)) if size else LOWEST, LOWEST - 1), HIGHEST + 1)


def superscript(power: int) -> str:
    """An exponent."""
    return f'<tspan class="index" dy="-6">{plot.minus(str(power))}</tspan>'


def table(flows: dict[str, Flow]) -> str:
    """What the networks do at the step that is looked at."""
    t = int(SETTINGS["t"])
    rows = []
    for name, title in NETWORKS.items():
        values = flows[name]
        line = f'<path class="curve {name}" d="M1 4h26"/>'
        key = f'<svg viewBox="0 0 28 8" aria-hidden="true">{line}</svg>'
        cells = (values.states[t], values.factors[t], abs(values.derivatives[t]))
        shown = "".join(f"<td>{number(value)}</td>" for value in cells)
        rows.append(
            f'<tr id="flow-{name}" aria-atomic="true"><th scope="row">{key}{title}</th>{shown}</tr>'
        )
    before, after, last = (f"\u2202<i>c<sub>{at}</sub></i>" for at in ("t", "t+1", "T"))
    heads = ("network", "<i>c<sub>t</sub></i>", f"{after} / {before}", f"|{last} / {before}|")
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    caption = f'At <i>t</i> = <span class="at">{t}</span>; <i>h</i> in the recurrent network'
    return (
        f'<table class="values"><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
        f'<tbody aria-live="polite">{"".join(rows)}</tbody></table>'
    )


def number(value: float) -> str:
    """Three digits, as `gradient-flow.js` writes them."""
    text = re.sub(r"e([+-])0*(\d)", r"e\1\2", f"{value:#.3g}")
    return plot.minus(text)
