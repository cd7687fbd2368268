"""Drawings of the history pages that are made of marks: a memory, paths, and who wrote what."""

import lstm_citations
import numpy as np

from keras_lstm_ext.diagram.svg import Drawing

LETTERS = {
    "L": ("#......", "#......", "#......", "#......", "#......", "#......", "#######"),
    "T": ("#######", "...#...", "...#...", "...#...", "...#...", "...#...", "...#..."),
    "X": ("#.....#", ".#...#.", "..#.#..", "...#...", "..#.#..", ".#...#.", "#.....#"),
}
FLIPPED, SEED = 10, 1982

LABELS, FRAMES = "cat", 7
BLANK = "\u2013"

WORKS = (
    "hochreiter1991untersuchungen", "bengio1994learning", "hochreiter1995long",
    "hochreiter1997long", "gers1999report", "gers2000recurrent", "hochreiter2001gradient",
    "gers2002learning", "eck2002finding", "graves2005framewise", "graves2006connectionist",
    "bayer2009evolving",
)  # fmt: skip
"""The works whose authors are drawn, in the order of publication."""


def stored() -> np.ndarray:
    """The patterns, a row each: 1 where a unit is on, -1 where it is off."""
    return np.array([[1 if mark == "#" else -1 for mark in "".join(p)] for p in LETTERS.values()])


def recall() -> list[np.ndarray]:
    """A pattern with some units turned over, and what the network makes of it, sweep by sweep.

    The weights are the sum of the patterns' products, and none from a unit to itself.
    """
    patterns, rng = stored(), np.random.default_rng(SEED)
    weights = patterns.T @ patterns
    np.fill_diagonal(weights, 0)
    state = patterns[1].copy()
    state[rng.choice(state.size, FLIPPED, replace=False)] *= -1
    seen = [state.copy()]
    for _ in range(2):
        for unit in rng.permutation(state.size):
            state[unit] = 1 if weights[unit] @ state >= 0 else -1
        seen.append(state.copy())
    return seen


def before() -> str:
    """The patterns in the weights, and a recall."""
    wrong = [int((state != stored()[1]).sum()) for state in recall()]
    picture = Drawing(
        "memory", (0, 0, 480, 118), "A memory in the weights",
        f"Three letters are stored. A T with {wrong[0]} of 49 units turned over has {wrong[1]} "
        "wrong units after each was updated once.",
    )  # fmt: skip
    shown = [*stored(), *recall()[:2]]
    for n, state in enumerate(shown):
        left = 6 + 92 * n + (24 if n > 2 else 0)
        _units(picture, left, 26, state)
    picture.text(134, 18, "stored: weights are sums over these")
    picture.text(346, 18, "shown")
    picture.text(438, 18, "recalled")
    picture.arrow("M382 58H394")
    return str(picture)


def _units(picture: Drawing, left: int, top: int, state: np.ndarray) -> None:
    side = 11
    picture.add(
        f'<rect class="frame" x="{left - 1}" y="{top - 1}" width="{7 * side + 1}" '
        f'height="{7 * side + 1}"/>'
    )
    marks = "".join(
        f"M{left + side * (n % 7)} {top + side * (n // 7)}h{side - 1}v{side - 1}h-{side - 1}z"
        for n in np.flatnonzero(state > 0)
    )
    picture.add(f'<path class="mark" d="{marks}"/>')


def paths() -> np.ndarray:
    """How many of the ways to stretch the labels over the frames use a symbol at a frame.

    Rows are blank, c, blank, a, blank, t, blank; columns are frames. All labels differ, so that the
    blank between two of them may be left out.
    """
    rows = 2 * len(LABELS) + 1

    def ways(start: tuple[int, int]) -> np.ndarray:
        found = np.zeros((FRAMES, rows), int)
        found[0, list(start)] = 1
        for t in range(1, FRAMES):
            for row in range(rows):
                earlier = (row, row - 1, row - 2) if row % 2 else (row, row - 1)
                found[t, row] = sum(found[t - 1, r] for r in earlier if r >= 0)
        return found

    # From the end the lattice is the same upside down.
    there, back = ways((0, 1)), ways((0, 1))[::-1, ::-1]
    return (there * back).T


def full_gradient() -> str:
    """The lattice of connectionist temporal classification."""
    through = paths()
    total = int(through[:, 0].sum())
    picture = Drawing(
        "ctc", (0, 0, 480, 262), "All ways to write three labels in seven frames",
        f"{total} ways lead from the first frame to the last through blanks and the labels "
        f"{', '.join(LABELS)}, in this order.",
    )  # fmt: skip
    symbols = [BLANK, *"".join(label + BLANK for label in LABELS)]

    def at(t: int, row: int) -> tuple[int, int]:
        return 70 + 60 * t, 24 + 32 * row

    for t in range(1, FRAMES):
        for row in range(len(symbols)):
            earlier = (row, row - 1, row - 2) if row % 2 else (row, row - 1)
            for r in earlier:
                if r >= 0 and through[row, t] and through[r, t - 1]:
                    (a, b), (c, d) = at(t - 1, r), at(t, row)
                    picture.add(f'<path class="lead" d="M{a} {b}L{c} {d}"/>')
    for row, symbol in enumerate(symbols):
        picture.text(30, at(0, row)[1] + 6, symbol)
        for t in range(FRAMES):
            if through[row, t]:
                x, y = at(t, row)
                radius = 3 + 10 * (through[row, t] / total) ** 0.5
                kind = "dot" if row % 2 else "blank"
                picture.add(f'<circle class="{kind}" cx="{x}" cy="{y}" r="{radius:.1f}"/>')
    for t in range(FRAMES):
        picture.text(at(t, 0)[0], 256, str(t + 1), "small")
    return str(picture)


def authors() -> dict[str, list[str]]:
    """The works of each author, in the order in which their names come."""
    found: dict[str, list[str]] = {}
    for key in WORKS:
        for name in lstm_citations.authors(lstm_citations.known(key)):
            found.setdefault(name.split(",")[0], []).append(key)
    return found


def people() -> str:
    """A row for each author, a column for each work."""
    found = authors()
    rows = list(found)
    height, left, step = 40 + 22 * len(rows), 132, 29
    picture = Drawing(
        "authors", (0, 0, 480, height), "Who wrote which work on LSTM",
        "; ".join(f"{name}: {len(keys)}" for name, keys in found.items()),
    )  # fmt: skip
    for n, name in enumerate(rows):
        y = 46 + 22 * n
        picture.add(f'<path class="grid" d="M{left - 10} {y}H476"/>')
        picture.text(left - 16, y + 5, name, "end")
    for column, key in enumerate(WORKS):
        x = left + 6 + step * column
        at = [46 + 22 * n for n, name in enumerate(rows) if key in found[name]]
        year = lstm_citations.known(key).text("year")
        picture.add(f'<path class="lead" d="M{x} {at[0]}V{at[-1]}"/>')
        for y in at:
            picture.add(f'<circle class="dot" cx="{x}" cy="{y}" r="5"/>')
        picture.text(x, 16 if column % 2 else 30, year, "small")
    return str(picture)
