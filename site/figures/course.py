"""The drawings of the course: what the code of a lesson computes, run while the site is built.

The lessons that need Keras are drawn from the record that `record_course.py` makes.
"""

import json
from collections.abc import Callable
from functools import cache

import lanes
import record_course
from lanes import Lane
from plot import Frame
from record_course import Values

from keras_lstm_ext.diagram.svg import Drawing

Drawn = tuple[str, str]


def draw(name: str) -> Drawn:
    """The SVG of a lesson, and what is to be seen in it."""
    return LESSONS[name](run(name))


@cache
def run(name: str) -> Values:
    """What the code of a lesson has made when its exercise begins, or what is recorded of that."""
    if name in record_course.KEPT:
        recorded: Values = json.loads(record_course.TARGET.read_text("utf-8"))[name]
        return recorded
    return record_course.run(name)


def neuron(v: Values) -> Drawn:
    """The points, and where the neuron is undecided."""
    x, d, (a, b), bias = v["x"], v["d"], v["w"], v["b"]
    frame = Frame((50, 6, 380, 240), (-4.75, 4.75), (-3.9, 3.9))
    said = f"100 points of two groups; the line {a:.2f} x1 + {b:.2f} x2 + {bias:.2f} = 0"
    picture = Drawing("lesson-neuron", (0, 0, 480, 270), "What a neuron tells apart", said)
    frame.draw(picture)
    picture.add(
        '<clipPath id="neuron-clip"><rect x="50" y="6" width="380" height="240"/></clipPath>'
    )
    picture.add('<g clip-path="url(#neuron-clip)">')
    for (x1, x2), group in zip(x, d, strict=True):
        at = f"{frame.across(x1):.1f} {frame.down(x2):.1f}"
        mark = f"M{at}m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0" if group else f"M{at}m-3-3l6 6m0-6l-6 6"
        picture.add(f'<path class="curve point s{group}" d="{mark}"/>')
    ends = (f"{frame.across(x1):.1f} {frame.down(-(bias + a * x1) / b):.1f}" for x1 in frame.x)
    picture.add(f'<path class="line" d="M{"L".join(ends)}"/></g>')
    picture.text(240, 264, "first input", "small")
    picture.add('<text class="small" transform="translate(38 126) rotate(-90)">second input</text>')
    return str(picture), (
        "The points that the neuron learned from: crosses are to be 0, circles 1. On the line it "
        "says 0.5, above it more, below it less."
    )


def recurrent(v: Values) -> Drawn:
    """Two units after the same pulses."""
    shown = [
        Lane({"x, what is read": v["x"]}, bars=True, high=50),
        Lane({"h with R = 0.9": v["fades"], "h with R = 2": v["holds"]}, y=(-1, 1), high=110),
    ]
    return lanes.draw("recurrent", "A unit that reads its own output", shown), (
        "Both units take over the sign of a pulse. With <i>R</i> = 0.9 it fades away, with "
        "<i>R</i> = 2 it stays until the next one."
    )


def vanishing(v: Values) -> Drawn:
    """What is left of an error, on a logarithmic scale."""
    lane = Lane(v["errors"], log=True, y=(-12, 5), high=180)
    return lanes.draw("vanishing", "What is left of an error", [lane], "steps back", 0), (
        "An error on its way back through time, on a logarithmic scale: it vanishes or it "
        "explodes. It vanishes soonest where the unit holds a bit."
    )


def carousel(v: Values) -> Drawn:
    """The state of the carousel while it should only keep."""
    series = {f"sequence {k}": states for k, states in enumerate(v["c"][:3], 1)}
    picture = lanes.draw("carousel", "What a carousel holds", [Lane(series, high=150)])
    return picture, (
        "The state <i>c</i> with weight 1, in three sequences. It is to stay at the number of the "
        "first step. All numbers that follow are added to it as well."
    )


def gates(v: Values) -> Drawn:
    """The learned gates on a stream: they open when they should, and the state grows."""
    x, d = v["streams"](1, 6)
    i, o, _, c, h = (values[0] for values in v["forward"](v["w"], x))
    shown = [
        Lane({"i, input gate": i, "o, output gate": o}, y=(0, 1), high=60),
        Lane({"c, what the cell holds": c}),
        Lane({"h, what it says": h, "what is right": d[0]}),
    ]
    return lanes.draw("gates", "Gates on a stream", shown), (
        "A stream of six sequences of ten steps. The output gate opens at the right steps, and the "
        "first answer is right. Then what is left in the cell is added to every answer."
    )


def forget_gate(v: Values) -> Drawn:
    """The same stream with a forget gate."""
    x, d = v["streams"](1, 6)
    steps, h = v["forward"](v["w"], x)
    f, c = ([float(step[k][0]) for step in steps] for k in (2, 6))
    shown = [
        Lane({"f, forget gate": f}, y=(0, 1), high=60),
        Lane({"c, what the cell holds": c}),
        Lane({"h, what it says": h[0], "what is right": d[0]}),
    ]
    return lanes.draw("forget-gate", "A forget gate on a stream", shown), (
        "A stream of six sequences of ten steps. The forget gate closes where a new number is to "
        "be kept, the old one goes, and all answers are right."
    )


def peepholes(v: Values) -> Drawn:
    """What the two networks say, and the state that counts."""
    (d, without, _), (d_with, with_, c) = v["seen"].values()
    shown = [
        Lane({"without peepholes": without, "what is right": d}, y=(0, 1), high=60),
        Lane({"with peepholes": with_, "what is right": d_with}, y=(0, 1), high=60),
        Lane({"c with peepholes": c}),
    ]
    return lanes.draw("peepholes", "Timing without and with peepholes", shown), (
        "What the networks say six steps after a pulse, and the state by which the second one "
        "counts the steps."
    )


def full_gradient(v: Values) -> Drawn:
    """What both gradients miss, update by update."""
    lane = Lane({f"{k} gradient": c[::5] for k, c in v["curves"].items()}, y=(0, 1.5), high=150)
    picture = lanes.draw("full-gradient", "Learning by two gradients", [lane], "update", 1, 5)
    return picture, (
        "What is missed of the numbers' variance while the network learns. 1 is what an answer "
        "that is always the mean misses."
    )


def keras(v: Values) -> Drawn:
    """The error epoch by epoch, beside the naive one."""
    series = {"error of the network": v["loss"], "error of the mean": [v["naive"]] * len(v["loss"])}
    lane = Lane(series, log=True, y=(-4, 0), high=150)
    picture = lanes.draw("keras", "A layer learns to add", [lane], "epoch")
    return picture, (
        "The mean squared error on a logarithmic scale, in each round through the 2000 sequences, "
        "and that of an answer that is always the mean."
    )


def inside(v: Values) -> Drawn:
    """What is left of an error, and what the gates do."""
    shown = [
        Lane({f"error left, {k}": error for k, error in v["reached"].items()}, log=True, y=(-8, 1)),
        Lane({f"f, {k}": gate[::-1] for k, gate in v["gates"].items()}, y=(0, 1), high=60),
    ]
    return lanes.draw("inside", "Inside a layer", shown, "steps back", 0), (
        "What is left of an error on its way back through time, on a logarithmic scale, and what "
        "the forget gates are at on the way, on average."
    )


def variants(v: Values) -> Drawn:
    """What each cell says on a stream."""
    shown = [
        Lane({name: h[0, :60], "what is right": v["d"][0, :60]}, y=(0, 1.2), high=40)
        for name, h in v["said"].items()
    ]
    return lanes.draw("variants", "A cell without one of its gates", shown), (
        "What the cells say on a stream. What is over the frame is cut off: without a forget gate "
        "the state grows."
    )


def xlstm(v: Values) -> Drawn:
    """One of the sequences: its numbers, their importance, and what the cells hold."""
    shown = [
        Lane({"importance": v["importance"][2]}, bars=True, y=(0, 1), high=50),
        Lane({"LSTM": v["said"]["LSTM"][2], "what is right": v["d"][2]}, y=(-1, 1), high=70),
        Lane({"sLSTM": v["said"]["sLSTM"][2], "what is right": v["d"][2]}, y=(-1, 1), high=70),
    ]
    return lanes.draw("xlstm", "Holding the most important number", shown), (
        "A sequence: how important its numbers are, and what both cells hold after each. What is "
        "right is the most important number so far."
    )


LESSONS: dict[str, Callable[[Values], Drawn]] = {
    "01-neuron": neuron,
    "02-recurrent": recurrent,
    "03-vanishing": vanishing,
    "04-carousel": carousel,
    "05-gates": gates,
    "06-forget-gate": forget_gate,
    "07-peepholes": peepholes,
    "08-full-gradient": full_gradient,
    "09-keras": keras,
    "10-inside": inside,
    "11-variants": variants,
    "12-xlstm": xlstm,
}
