"""Draws a member of the LSTM family from its data, so that each adds visibly to the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_lstm_ext.diagram.svg import Drawing, sub

if TYPE_CHECKING:
    from keras_lstm_ext.variants import Variant

NAMES = {
    "cec": "The constant error carousel",
    "original": "The LSTM of 1997",
    "classic": "The LSTM with a forget gate",
    "peephole": "The LSTM with peepholes",
    "coupled": "The LSTM with coupled gates",
    "projected": "The LSTM with a projection",
    "layer-norm": "The LSTM with layer normalisation",
    "gate-recurrence": "The LSTM whose gates see gates",
}

PREVIOUS = "t\u22121"
TIMES = "\u00d7"

READS = {
    "none": sub("x", "t"),
    "cells": f"{sub('x', 't')}, {sub('h', PREVIOUS)}",
    "cells and gates": f"{sub('x', 't')}, {sub('r', PREVIOUS)}",
    "gates to gates": f"{sub('x', 't')}, {sub('r', PREVIOUS)}",
}

NEW = {
    "original": "input gate, output gate, and feedback from both: r joins h, i and o",
    "classic": "the forget gate in place of the constant 1; gates are no longer fed back",
    "peephole": "the dashed peepholes",
    "coupled": "what the input gate leaves, in place of the forget gate",
    "projected": "the projection P, whose output is put out and fed back",
    "layer-norm": "the places where a vector is normalised (LN)",
    "gate-recurrence": "what gates read, where r joins h, i, f and o",
}

# Where things are: the row of the cell, and the columns from its input to its output.
ROW, LOOP, TOP, BOTTOM = 175, 96, 30, 268
INPUT, IN_GATE, CELL, SQUASHER, OUT_GATE, OUTPUT = 46, 146, 240, 316, 388, 462
PROJECTION = 64
"""What a projection takes up between the output gate and the output."""

SQUASHERS = {
    None: "identity",
    "tanh": "tanh",
    "centered_sigmoid_2": "4\u03c3 \u2212 2",
    "centered_sigmoid_1": "2\u03c3 \u2212 1",
}
"""Squashers as the picture names them."""


def draw(name: str, variant: Variant, earlier: Variant) -> str:
    """The SVG of a variant.

    Args:
        name: Its name in the family, or any other.
        variant: What it has.
        earlier: What the member before it has; the rest is marked as new.

    Returns:
        An SVG element.
    """
    return str(drawing(name, variant, earlier))


def drawing(
    name: str, variant: Variant, earlier: Variant, *, title: str = "", labelled: bool = False
) -> Drawing:
    """The picture of a variant, as `draw` takes it; `labelled` names the squashers as well."""
    # Nothing is above the loop without a forget gate, nothing below the row without gates.
    top, bottom = (0 if "f" in variant.gates else LOOP - 26), (324 if variant.gates else ROW + 80)
    picture = Drawing(
        f"cell-{name}",
        (0, top, 480 + PROJECTION * bool(variant.projection), bottom - top),
        title or NAMES.get(name, "A member of the family"),
        describe(variant),
    )
    _carousel(picture, variant, earlier)
    _row(picture, variant, earlier)
    for gate in variant.gates:
        _gate(picture, gate, variant, earlier)
        if variant.peepholes:
            _peephole(picture, gate, "" if earlier.peepholes else "new")
    if labelled:
        picture.text(INPUT, ROW - 24, SQUASHERS[variant.activation], "small")
        picture.text(SQUASHER, ROW - 24, SQUASHERS[variant.squashes_output], "small")
    return picture


def _carousel(picture: Drawing, variant: Variant, earlier: Variant) -> None:
    """The cell and its connection to itself."""
    new = "new" if "f" in variant.gates and "f" not in earlier.gates else ""
    gap = 30 if variant.coupled else 14  # for what stands in the loop
    picture.arrow(
        f"M{CELL + 21} {ROW - 17}C{CELL + 64} {LOOP + 46} {CELL + 60} {LOOP} {CELL + gap} {LOOP}"
    )
    picture.arrow(
        f"M{CELL - gap} {LOOP}C{CELL - 60} {LOOP} {CELL - 64} {LOOP + 46} {CELL - 21} {ROW - 18}"
    )
    picture.circle(CELL, ROW, 27, sub("c", "t"))
    if "f" in variant.gates:
        picture.circle(CELL, LOOP, 13, TIMES, new)
    else:
        kept = f"1 \u2212 {sub('i', 't')}" if variant.coupled else f"{variant.decay}"
        picture.text(CELL, LOOP + 6, kept, "new" if variant.coupled and not earlier.coupled else "")


def _row(picture: Drawing, variant: Variant, earlier: Variant) -> None:
    """From the input to the output, through the products with the gates."""
    picture.box(INPUT, ROW, '<tspan class="letter">a</tspan>')
    reads = READS["cells" if variant.gates_to_gates else variant.feedback]
    picture.text(INPUT, ROW + 62, reads, "small")
    picture.arrow(f"M{INPUT} {ROW + 46}V{ROW + 19}")
    picture.text((INPUT + IN_GATE) // 2, ROW - 9, sub("g", "t"), "small")
    picture.box(SQUASHER, ROW, '<tspan class="letter">φ</tspan>')
    output = OUTPUT + PROJECTION * bool(variant.projection)
    picture.text(output, ROW + 5, sub("h", "t"))
    if variant.projection:
        new = "" if earlier.projection else "new"
        picture.box(OUTPUT, ROW, '<tspan class="letter">P</tspan>', new)
        picture.arrow(f"M{OUTPUT + 19} {ROW}H{output - 14}", new)
    if variant.normalize_nets:
        new = "" if earlier.normalize_nets else "new"
        picture.text(INPUT + 18, ROW + 40, "LN", "small", new)
    if variant.normalize_output:
        new = "" if earlier.normalize_output else "new"
        picture.text((CELL + SQUASHER) // 2 + 3, ROW + 20, "LN", "small", new)
    picture.arrow(f"M{CELL + 27} {ROW}H{SQUASHER - 20}")
    sections = [
        ("i", IN_GATE, INPUT + 19, CELL - 29),
        ("o", OUT_GATE, SQUASHER + 19, OUTPUT - (20 if variant.projection else 14)),
    ]
    for gate, x, start, end in sections:
        if gate in variant.gates:
            picture.arrow(f"M{start} {ROW}H{x - 14}")
            picture.arrow(f"M{x + 13} {ROW}H{end}")
            picture.circle(x, ROW, 13, TIMES, "" if gate in earlier.gates else "new")
        else:
            picture.arrow(f"M{start} {ROW}H{end}")


def _gate(picture: Drawing, gate: str, variant: Variant, earlier: Variant) -> None:
    """A gate, what it reads, and the arrow to what it multiplies."""
    new = "" if gate in earlier.gates else "new"
    sees_more = variant.gates_to_gates and not earlier.feeds_gates
    reads, new_read = READS[variant.feedback], "new" if sees_more else new
    if gate == "f":
        picture.box(CELL, TOP, sub("f", "t"), new)
        picture.arrow(f"M{CELL} {TOP + 17}V{LOOP - 15}", new)
        picture.text(CELL - 92, TOP + 5, reads, "small", new_read)
        picture.arrow(f"M{CELL - 52} {TOP}H{CELL - 21}", new)
        x, y = CELL - 38, TOP - 8
    else:
        x = {"i": IN_GATE, "o": OUT_GATE}[gate]
        picture.box(x, BOTTOM, sub(gate, "t"), new)
        picture.arrow(f"M{x} {BOTTOM - 17}V{ROW + 15}", new)
        picture.text(x, BOTTOM + 44, reads, "small", new_read)
        picture.arrow(f"M{x} {BOTTOM + 30}V{BOTTOM + 19}", new)
        x, y = x + 18, BOTTOM + 29
    if variant.normalize_nets:
        picture.text(x, y, "LN", "small", new if earlier.normalize_nets else "new")


def _peephole(picture: Drawing, gate: str, new: str) -> None:
    """A gate's view of the cell: i and f see the old state, which the loop carries, o the new."""
    path, x, y, time = {
        "i": (f"M{CELL - 19} {ROW + 19}L{IN_GATE + 21} {BOTTOM - 8}", -26, ROW + 64, PREVIOUS),
        "f": (
            f"M{CELL + 46} {LOOP + 14}C{CELL + 66} {TOP + 34} {CELL + 58} {TOP} {CELL + 21} {TOP}",
            78,
            TOP + 20,
            PREVIOUS,
        ),
        "o": (f"M{CELL + 19} {ROW + 19}L{OUT_GATE - 21} {BOTTOM - 8}", 56, ROW + 74, "t"),
    }[gate]
    picture.arrow(path, "peephole", new)
    picture.text(CELL + x, y, sub("c", time), "small", new)


def describe(variant: Variant) -> str:
    """What the picture shows, in words."""
    return " ".join(sentences(variant).values())


def sentences(variant: Variant) -> dict[str, str]:
    """The same, a sentence for each thing that the picture shows."""
    kept = f"times {variant.decay}"
    if "f" in variant.gates or variant.coupled:
        factor = "the forget gate" if "f" in variant.gates else "what the input gate leaves of 1"
        kept = f"multiplied by {factor}"
    said = {
        "kept": "The input is squashed to g and added to the cell state c, which is fed back to "
        f"itself {kept}. The squashed state is the output h."
    }
    around = [gate for gate in variant.gates if gate != "f"]
    if around:
        plural = len(around) > 1
        gates = " and ".join({"i": "input", "o": "output"}[gate] for gate in around)
        what = " and what ".join({"i": "goes in", "o": "comes out"}[gate] for gate in around)
        does = "gates multiply" if plural else "gate multiplies"
        said["gates"] = f"The {gates} {does} what {what}."
    if variant.peepholes and variant.gates:
        said["peepholes"] = f"Through peepholes, {_sees(variant)}."
    if variant.normalize_nets:
        said["nets"] = "Net inputs are normalised."
    if variant.normalize_output:
        said["state"] = "The state is normalised on its way out."
    if variant.projection:
        said["projection"] = "The output is a projection of the cells."
    return said | {"feedback": f"Fed back from the step before: {variant.feedback}."}


def _sees(variant: Variant) -> str:
    old = [{"i": "input", "f": "forget"}[gate] for gate in variant.gates if gate != "o"]
    views = []
    if old:
        gates = f"{' and '.join(old)} {'gates see' if len(old) > 1 else 'gate sees'}"
        views.append(f"the {gates} the old cell state")
    if "o" in variant.gates:
        views.append(f"the output gate {'the new one' if old else 'sees the new cell state'}")
    return " and ".join(views)


def caption(name: str, variant: Variant) -> str:
    """The line below the picture."""
    added = f" Heavier and in colour: {NEW[name]}." if name in NEW else ""
    return f"{NAMES[name]}.{added}"
