"""Drawings of the history pages that are networks unrolled: what waits for what, how far it is."""

from collections import deque
from collections.abc import Hashable, Iterable
from itertools import pairwise

from keras_lstm_ext.diagram.svg import Drawing, sub

Edges = Iterable[tuple[Hashable, Hashable]]

SOURCE, TARGET = 4, 3
"""Words of a sentence and of its translation."""

READ = 6
"""How many elements the networks have read that are compared."""

LAYERS, STEPS = 3, 6
SUMMED = 8


def distance(edges: Edges, start: Hashable, end: Hashable) -> int:
    """How many connections the shortest way through a network has."""
    ahead: dict[Hashable, list[Hashable]] = {}
    for a, b in edges:
        ahead.setdefault(a, []).append(b)
    far, waiting = {start: 0}, deque([start])
    while waiting:
        here = waiting.popleft()
        for there in ahead.get(here, ()):
            if there not in far:
                far[there] = far[here] + 1
                waiting.append(there)
    return far[end]


def recurrent() -> str:
    """Jordan's network, Elman's, and the latter unrolled."""
    picture = Drawing(
        "recurrent", (0, 0, 480, 236), "Recurrent networks, and one unrolled",
        "Jordan's network feeds its output back, Elman's its hidden units. Unrolled over time, "
        "Elman's network is a chain of copies with the same weights.",
    )  # fmt: skip
    high, middle, low = 52, 118, 184
    for x, name, fed in ((52, "Jordan", high), (158, "Elman", middle)):
        _column(picture, x, "", (high, middle, low))
        picture.arrow(
            f"M{x + 18} {fed}C{x + 64} {fed - 4} {x + 64} {middle + 42} {x + 16} {middle + 12}",
            "new",
        )
        picture.text(x, 226, name)
    for t in range(1, 5):
        x = 252 + 60 * (t - 1)
        _column(picture, x, str(t), (high, middle, low))
        if t > 1:
            picture.arrow(f"M{x - 42} {middle}H{x - 19}", "new")
    picture.text(342, 226, "Elman's, unrolled over time")
    return str(picture)


def _column(picture: Drawing, x: int, index: str, heights: tuple[int, int, int]) -> None:
    high, middle, low = heights
    picture.arrow(f"M{x} {low - 18}V{middle + 19}")
    picture.arrow(f"M{x} {middle - 18}V{high + 19}")
    for letter, y in zip("yhx", heights, strict=True):
        picture.circle(
            x, y, 17, sub(letter, index) if index else f'<tspan class="letter">{letter}</tspan>'
        )


def translator(attention: bool) -> list[tuple[str, str]]:
    """The connections of an encoder and a decoder, with attention or without."""
    chain = [f"e{n}" for n in range(1, SOURCE + 1)] + [f"d{n}" for n in range(1, TARGET + 1)]
    edges = list(pairwise(chain))
    if attention:
        edges += [(f"e{n}", f"d{m}") for n in range(1, SOURCE + 1) for m in range(1, TARGET + 1)]
    return edges


def translation() -> str:
    """From the first word read to each that is written: the way without and with attention."""
    first = [distance(translator(False), "e1", f"d{m}") for m in range(1, TARGET + 1)]
    then = [distance(translator(True), "e1", f"d{m}") for m in range(1, TARGET + 1)]
    picture = Drawing(
        "translator", (0, 0, 480, 270), "From a word that is read to words that are written",
        f"Connections from the first word read to the words written: {first} by one state, "
        f"{then} with attention.",
    )  # fmt: skip
    for top, attention, name in ((62, False, "one state of fixed size"), (200, True, "attention")):
        place = {f"e{n}": 34 + 64 * (n - 1) for n in range(1, SOURCE + 1)}
        place |= {f"d{m}": 318 + 64 * (m - 1) for m in range(1, TARGET + 1)}
        for a, b in translator(attention):
            if (int(b[1]) - int(a[1]) == 1 and a[0] == b[0]) or (a, b) == (f"e{SOURCE}", "d1"):
                picture.arrow(f"M{place[a] + 18} {top}H{place[b] - 19}")
            if attention and b[0] == "d" and a[0] == "e":
                bend = top - 52 - 10 * (SOURCE - int(a[1]))
                kind = "new" if a == "e1" else "faint"
                picture.add(
                    f'<path class="line {kind}" d="M{place[a]} {top - 17}C{place[a] + 20} {bend} '
                    f'{place[b] - 30} {bend} {place[b]} {top - 17}"/>'
                )
        for node, x in place.items():
            picture.circle(x, top, 17, sub(node[0], node[1]))
            if node[0] == "d":
                far = distance(translator(attention), "e1", node)
                picture.text(x, top + 38, f"{far} step{'s' * (far > 1)}", "small")
        picture.text(130, top + 38, name, "small")
    return str(picture)


def readers() -> dict[str, tuple[list[tuple[str, str]], str]]:
    """Three ways to read: connections from element to element, and how many numbers are kept."""
    chain = [(f"{n}", f"{n + 1}") for n in range(1, READ)]
    return {
        "LSTM": (chain, "2 n numbers kept"),
        "GRU": (chain, "n numbers kept"),
        "Transformer": ([(f"{n}", f"{READ}") for n in range(1, READ)], "2 n per element"),
    }


def comparison() -> str:
    """By which way each network reads the first element when it is at the sixth."""
    far = {name: distance(edges, "1", str(READ)) for name, (edges, _) in readers().items()}
    picture = Drawing(
        "readers", (0, 0, 480, 252), "Three ways to read what came before",
        "; ".join(f"{name}: {n} steps from element 1 to {READ}" for name, n in far.items()),
    )  # fmt: skip
    for row, (name, (edges, kept)) in enumerate(readers().items()):
        y = 40 + 70 * row + (34 if row == 2 else 0)
        for a, b in edges:
            left, right = (118 + 44 * (int(n) - 1) for n in (a, b))
            if row == 0:
                picture.arrow(f"M{left + 13} {y - 5}H{right - 14}")
                picture.arrow(f"M{left + 13} {y + 5}H{right - 14}")
            elif row == 1:
                picture.arrow(f"M{left + 14} {y}H{right - 15}")
            else:
                bend = y - 14 - 11 * (READ - int(a))
                picture.arrow(
                    f"M{left} {y - 14}C{left + 8} {bend} {right - 30} {bend} {right - 6} {y - 14}"
                )
        for n in range(1, READ + 1):
            picture.circle(118 + 44 * (n - 1), y, 14, str(n))
        picture.text(54, y + 6, name)
        steps = f"{far[name]} step{'s' * (far[name] > 1)}"
        picture.text(422, y - 2, steps, "small")
        picture.text(422, y + 16, kept, "small")
    return str(picture)


def ticks() -> dict[tuple[int, int], int]:
    """By layer and step, when it can be computed, if each waits only for what it reads."""
    found: dict[tuple[int, int], int] = {}
    for layer in range(1, LAYERS + 1):
        for step in range(1, STEPS + 1):
            found[layer, step] = 1 + max(
                found.get((layer - 1, step), 0), found.get((layer, step - 1), 0)
            )
    return found


def rounds() -> list[list[tuple[int, int]]]:
    """The additions of a running sum over `SUMMED` steps, in rounds of what can be done at once."""
    reach, made = 1, []
    while reach < SUMMED:
        made.append([(n - reach, n) for n in range(reach, SUMMED)])
        reach *= 2
    return made


def hardware() -> str:
    """Steps of a deep LSTM by when they can be computed, and a running sum in rounds."""
    found, adding = ticks(), rounds()
    picture = Drawing(
        "waiting", (0, 0, 480, 236), "What waits for what",
        f"An LSTM of {LAYERS} layers and {STEPS} steps is computed in {max(found.values())} ticks; "
        f"a running sum over {SUMMED} steps in {len(adding)} rounds.",
    )  # fmt: skip
    for (layer, step), tick in found.items():
        x, y = 30 + 38 * (step - 1), 178 - 56 * (layer - 1)
        if step < STEPS:
            picture.arrow(f"M{x + 14} {y}H{x + 23}")
        if layer < LAYERS:
            picture.arrow(f"M{x} {y - 14}V{y - 41}")
        picture.circle(x, y, 13, str(tick), *["new"] * (tick == 4))
    picture.text(125, 28, "LSTM, three layers: by tick")
    picture.text(125, 222, "time steps", "small")
    for n, additions in enumerate([*adding, []]):
        y = 178 - 42 * n
        for k in range(SUMMED):
            picture.add(f'<circle class="dot" cx="{282 + 27 * k}" cy="{y}" r="4"/>')
        for a, b in additions:
            picture.add(f'<path class="lead" d="M{282 + 27 * a} {y}L{282 + 27 * b} {y - 42}"/>')
            picture.add(f'<path class="lead" d="M{282 + 27 * b} {y}v-42"/>')
    picture.text(376, 28, f"running sum: {len(adding)} rounds")
    picture.text(376, 222, f"{SUMMED} time steps", "small")
    return str(picture)
