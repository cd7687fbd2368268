"""The cell of the example with its values at the wires; a script moves it from word to word."""

import json
from html import escape

import example
import plot

from keras_lstm_ext import diagram
from keras_lstm_ext.diagram import (
    BOTTOM,
    CELL,
    IN_GATE,
    INPUT,
    LOOP,
    OUT_GATE,
    OUTPUT,
    ROW,
    SQUASHER,
    TOP,
)
from keras_lstm_ext.variants import FAMILY

SHOWN = 1
"""The word that is shown to begin with, from 0."""

_OUT = f"M{CELL + 21} {ROW - 17}C{CELL + 64} {LOOP + 46} {CELL + 60} {LOOP} {CELL + 14} {LOOP}"
_BACK = f"M{CELL - 14} {LOOP}C{CELL - 60} {LOOP} {CELL - 64} {LOOP + 46} {CELL - 21} {ROW - 18}"
WIRES = {
    "g": f"M{INPUT + 19} {ROW}H{IN_GATE - 14}",
    "added": f"M{IN_GATE + 13} {ROW}H{CELL - 28}",
    "before": _OUT,
    "kept": _BACK,
    "c": f"M{CELL + 27} {ROW}H{SQUASHER - 19}M{SQUASHER + 19} {ROW}H{OUT_GATE - 14}",
    "h": f"M{OUT_GATE + 13} {ROW}H{OUTPUT - 14}",
    "i": f"M{IN_GATE} {BOTTOM - 17}V{ROW + 14}",
    "f": f"M{CELL} {TOP + 17}V{LOOP - 14}",
    "o": f"M{OUT_GATE} {BOTTOM - 17}V{ROW + 14}",
}
"""Where each value goes."""

NUMBERS = {
    "g": ((INPUT + IN_GATE) // 2, ROW + 24),
    "i": (IN_GATE + 44, BOTTOM + 6),
    "f": (CELL + 44, TOP + 6),
    "c": (CELL, ROW + 50),
    "o": (OUT_GATE + 44, BOTTOM + 6),
    "h": (OUTPUT, ROW + 34),
}
WIDEST = 8

CAPTION = """\
A memory cell reads a sentence, and keeps that its subject is plural until the verb. The input
<i>g</i> is added to the state <i>c</i>, which goes round in the loop. Each circle with a cross is a
product with a gate: the input gate <i>i</i> lets in, the forget gate <i>f</i> keeps, the output
gate <i>o</i> lets out. Wires are as thick as what they carry, in the second colour where it is
negative. Weights are set by hand."""


def draw(folders: int) -> str:
    """The whole figure, on a page so many folders deep."""
    variant, values = FAMILY["classic"], steps()
    now = values[SHOWN]
    wires = "".join(
        f'<path class="flow{" negative" * (now[name] < 0)}" data-wire="{name}" d="{path}" '
        f'style="stroke-width:{width(now[name])}"/>'
        for name, path in WIRES.items()
    )
    numbers = "".join(
        f'<text class="small value" data-number="{name}" x="{x}" y="{y}">{number(now[name])}</text>'
        for name, (x, y) in NUMBERS.items()
    )
    picture = diagram.draw("moving", variant, variant)
    # Under the lines of the diagram, so that these stay visible.
    head, tail = picture.split("</defs>")
    picture = f"{head}</defs>{wires}{tail.removesuffix('</svg>')}{numbers}</svg>"
    words = " ".join(
        f"<span{' class=now' * (t == SHOWN)}>{word}</span>" for t, word in enumerate(example.WORDS)
    )
    return (
        f'<figure class="interactive cell moving{" beside" * (not folders)}" id="moving-cell" '
        "data-search-exclude "
        f'data-steps="{escape(json.dumps(values))}" data-widest="{WIDEST}">'
        f'{picture}<p class="words">{words}</p>'
        '<form><div><button type="button" name="back">Back</button>'
        '<button type="button" name="play">Play</button>'
        '<button type="button" name="on">Next</button></div></form>'
        f"<figcaption>{CAPTION}</figcaption>{plot.scripted('moving-cell', folders)}</figure>"
    )


def steps() -> list[dict[str, float]]:
    """The values of each step, rounded."""
    made = []
    for t in range(len(example.WORDS)):
        v = {k: example.value(k, t) for k in ("i", "f", "g", "c", "o", "h", "c_prev")}
        v |= {"before": v["c_prev"], "kept": v["f"] * v["c_prev"], "added": v["i"] * v["g"]}
        made.append({k: round(v[k], 3) for k in WIRES})
    return made


def width(value: float) -> str:
    """How thick a wire is."""
    return f"{1 + WIDEST * abs(value):.2f}"


def number(value: float) -> str:
    """Two decimals, as the script writes them."""
    return plot.minus(f"{value:z.2f}")
