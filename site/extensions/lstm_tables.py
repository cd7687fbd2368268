"""Tables made from the family's data and from the reference equations."""

from collections.abc import Callable, Iterator

import lstm_sources
from lstm_forms import weights
from lstm_forms.known import KNOWN

from keras_lstm_ext.citations import references
from keras_lstm_ext.diagram import tex
from keras_lstm_ext.variants import FAMILY, ODYSSEY, ORIGINS, Variant

LAYERS = {
    "cec": "CECLSTM",
    "original": "OriginalLSTM",
    "classic": "ClassicLSTM",
    "peephole": "PeepholeLSTM",
}

SQUASHERS = {
    None: "$x$",
    "tanh": r"$\tanh(x)$",
    "centered_sigmoid_2": r"$4\sigma(x)-2$",
    "centered_sigmoid_1": r"$2\sigma(x)-1$",
}

FEEDBACK = {
    "none": "nothing",
    "cells": "$h_{t-1}$",
    "cells and gates": "$h_{t-1}$, $i_{t-1}$, $o_{t-1}$",
    "gates to gates": "$h_{t-1}$; gates: also gates",
}

_ROWS: dict[str, Callable[[Variant], str]] = {
    "gates": lambda v: ", ".join(f"${gate}$" for gate in v.gates) or "none",
    "self-connection": lambda v: (
        "$f_t$" if "f" in v.gates else "$1 - i_t$" if v.coupled else f"${v.decay}$"
    ),
    "peepholes": lambda v: "$i$, $f$ see $c_{t-1}$; $o$ sees $c_t$" if v.peepholes else "none",
    "fed back": lambda v: FEEDBACK[v.feedback],
}

_CHOICES: dict[str, tuple[str, Callable[[Variant], str]]] = {
    "feedback": ("fed back", lambda v: FEEDBACK[v.feedback]),
    "activation": ("cell input $a(x)$", lambda v: SQUASHERS[v.activation]),
    "output_activation": (
        r"cell output $\varphi(x)$",
        lambda v: SQUASHERS[v.squashes_output],
    ),
    "gradient": (
        "gradient",
        lambda v: v.gradient if v.feedback != "none" or v.peepholes else "nothing to truncate",
    ),
}
"""What a layer may have otherwise than its paper: how the field is called, and its value."""

SIZES = 88, 100
"""Features and cells, for which the weights of the nine networks are counted."""

_EQUATIONS = (
    "input_gate",
    "forget_gate",
    "cell_input",
    "cell_state",
    "output_gate",
    "output",
)


def variants() -> Iterator[str]:
    """The family in one table, a column per member."""
    yield from _head("part")
    for name, cell in _ROWS.items():
        yield f"| {name} | " + " | ".join(cell(variant) for variant in FAMILY.values()) + " |"
    yield ""


def as_published() -> Iterator[str]:
    """What the papers have beside what the layers have by default, each with its year."""
    yield from ("", "| layer | part | as published | this layer's default |", "|---|---|---|---|")
    for name, origin in ORIGINS.items():
        for field, (part, value) in _CHOICES.items():
            published = f"{value(origin.published)}, {_dated(*origin.published.sources)}"
            default = "the same"
            if value(FAMILY[name]) != value(origin.published):
                key = origin.defaults.get(field)
                whose = _dated(key) if key else "this package's choice"
                default = f"{value(FAMILY[name])}, {whose}"
            yield f"| `{LAYERS[name]}` | {part} | {published} | {default} |"
    yield ""


def _dated(*keys: str) -> str:
    """The years of works, and the works."""
    years = ", ".join(references()[key].text("year") for key in keys)
    return f"{years} [{'; '.join(f'@{key}' for key in keys)}]"


def side_by_side() -> Iterator[str]:
    """The equations of all members in one table, a row per equation."""
    yield from _head("equation")
    for function in _EQUATIONS:
        cells = [_formula(name, function) for name in FAMILY]
        yield f"| {function.replace('_', ' ')} | " + " | ".join(cells) + " |"
    yield ""


def odyssey() -> Iterator[str]:
    """The nine networks of Greff et al. with the equations that differ from the first one's."""
    first = tex.of(ODYSSEY["V"])
    yield from ("", "| network | what differs | equations | weights |", "|---|---|---|---|")
    for name, variant in ODYSSEY.items():
        _, _, what = KNOWN[name].title.partition(": ")
        lines = tex.of(variant)
        shown = [line for k, line in lines.items() if name == "V" or line != first.get(k)]
        formulas = "<br>".join(f"${line.replace('&', '')}$" for line in shown)
        count = weights.count(variant, *SIZES, 0)
        link = f"[{name}](/equations/comparison.md?cell={name})"
        yield f"| {link} | {what} | {formulas} | {count:,} |"
    yield ""


def _head(of_rows: str) -> Iterator[str]:
    titles = [f"[{layer}](/equations/{name}.md)" for name, layer in LAYERS.items()]
    yield from ("", f"| {of_rows} | " + " | ".join(titles) + " |", "|---|" + "---|" * len(titles))


def _formula(module: str, function: str) -> str:
    for equation in lstm_sources.equations(module):
        if equation.function == function:
            return f"${equation.tex}$"
    return "none"
