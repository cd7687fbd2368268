"""The picture of the gated recurrent unit, of the same shapes as those of the family."""

from keras_lstm_ext.diagram import PREVIOUS, TIMES
from keras_lstm_ext.diagram.svg import Drawing, sub

from .gru import GRU

ROW, TOP, GATES = 200, 60, 285
RESET, WEIGHED, SQUASHER, KEPT, ADDED = 96, 176, 264, 344, 440
"""Where things are in the picture: its rows and columns."""


def drawing(name: str, gru: GRU) -> Drawing:
    """Both kinds: what is multiplied by the reset gate is h, or its product with the weights."""
    picture = Drawing(f"cell-{name}", (0, 0, 544, 344), gru.title, words(gru)["all"])
    reads = f"{sub('x', 't')}, {sub('h', PREVIOUS)}"
    picture.text(40, TOP + 5, sub("h", PREVIOUS))
    picture.arrow(f"M68 {TOP}H{KEPT - 14}")
    picture.circle(KEPT, TOP, 13, TIMES)
    picture.arrow(f"M{KEPT + 13} {TOP}H{ADDED - 14}")
    picture.circle(ADDED, TOP, 13, "+")
    picture.arrow(f"M{ADDED + 13} {TOP}H{ADDED + 58}")
    picture.text(ADDED + 78, TOP + 5, sub("h", "t"))
    product, weighed = (WEIGHED, RESET) if gru.after else (RESET, WEIGHED)
    picture.arrow(f"M{RESET} {TOP}V{ROW - (19 if gru.after else 15)}")
    picture.circle(product, ROW, 13, TIMES)
    picture.box(weighed, ROW, sub("R", "g"))
    first, second = (19, 13) if gru.after else (13, 19)
    picture.arrow(f"M{RESET + first} {ROW}H{WEIGHED - (14 if gru.after else 20)}")
    picture.arrow(f"M{WEIGHED + second} {ROW}H{SQUASHER - 20}")
    _reads(picture, product, GATES, "r", reads)
    picture.arrow(f"M{product} {GATES - 17}V{ROW + 15}")
    picture.box(SQUASHER, ROW, '<tspan class="letter">a</tspan>')
    picture.text(SQUASHER, ROW - 24, "tanh", "small")
    picture.text(SQUASHER, ROW + 62, sub("x", "t"), "small")
    picture.arrow(f"M{SQUASHER} {ROW + 46}V{ROW + 19}")
    picture.arrow(f"M{SQUASHER + 19} {ROW}H{ADDED - 14}")
    picture.text(KEPT, ROW - 9, sub("g", "t"), "small")
    picture.circle(ADDED, ROW, 13, TIMES)
    picture.arrow(f"M{ADDED} {ROW - 13}V{TOP + 15}")
    picture.box(KEPT, 130, sub("z", "t"))
    picture.text(KEPT - 92, 135, reads, "small")
    picture.arrow(f"M{KEPT - 52} 130H{KEPT - 21}")
    picture.arrow(f"M{KEPT} 113V{TOP + 15}")
    picture.arrow(f"M{KEPT + 19} 130C{KEPT + 56} 130 {ADDED - 30} 150 {ADDED - 10} {ROW - 12}")
    picture.text(ADDED - 24, 126, f"1 \u2212 {sub('z', 't')}", "small")
    return picture


def _reads(picture: Drawing, x: int, y: int, gate: str, reads: str) -> None:
    picture.box(x, y, sub(gate, "t"))
    picture.text(x - 64, y + 5, reads, "small")
    picture.arrow(f"M{x - 30} {y}H{x - 20}")


def words(gru: GRU) -> dict[str, str]:
    """What the picture shows."""
    when = "the product of the old h with the recurrent weights" if gru.after else "the old h"
    return {
        "all": f"The reset gate r multiplies {when}, which with the input is squashed to g. "
        "The gate z says how much of the old h is kept, and 1 minus z how much of g is added."
    }
