"""The embedded Reber grammar: drawing strings, and what may come next.

```text
Reber:     B 0    0 T 1, P 2    1 S 1, X 3    2 T 2, V 4    3 X 2, S 5    4 P 3, V 5    5 E
embedded:  B x Reber x E,  x in T, P
```

At a node with two edges each is taken with probability 0.5. The exact mean length of an embedded
string is 12, the minimum is 9, and there is no maximum.
"""

from collections.abc import Iterable, Iterator
from itertools import count

import numpy as np

from keras_lstm_ext.tasks._arrays import Array

ALPHABET = "BEPSTVX"
"""The symbols in the order of the input units."""

Edges = tuple[tuple[str, str], ...]

REBER: dict[str, Edges] = {
    "0": (("T", "1"), ("P", "2")),
    "1": (("S", "1"), ("X", "3")),
    "2": (("T", "2"), ("V", "4")),
    "3": (("X", "2"), ("S", "5")),
    "4": (("P", "3"), ("V", "5")),
    "5": (("E", "out"),),
}
"""The Reber grammar after its B: symbol and next node of the edges of each node."""


def _embedded() -> dict[str, Edges]:
    """The whole grammar: its last edge leads back to its first node."""
    edges: dict[str, Edges] = {
        "start": (("B", "choice"),),
        "choice": (("T", "T"), ("P", "P")),
        "end": (("E", "start"),),
    }
    for x in "TP":
        edges[x] = (("B", f"{x}0"),)
        edges[f"{x}out"] = ((x, "end"),)
        for node, out in REBER.items():
            edges[f"{x}{node}"] = tuple((symbol, f"{x}{to}") for symbol, to in out)
    return edges


GRAMMAR = _embedded()
START = 0
_NODES = list(GRAMMAR)
# By node and coin; a single edge is there twice.
_SYMBOL = np.array([[ALPHABET.index(out[k][0]) for k in (0, -1)] for out in GRAMMAR.values()])
_NEXT = np.array([[_NODES.index(out[k][1]) for k in (0, -1)] for out in GRAMMAR.values()])
_ROWS = np.arange(len(_NODES))[:, None]
# By node and symbol: whether it may come, and where it leads.
POSSIBLE = np.zeros((len(_NODES), len(ALPHABET)), bool)
POSSIBLE[_ROWS, _SYMBOL] = True
_FOLLOW = np.zeros_like(POSSIBLE, int)
_FOLLOW[_ROWS, _SYMBOL] = _NEXT


def walk(coins: Iterable[Array], n: int) -> Iterator[tuple[Array, Array]]:
    """Nodes and the symbols that leave them, `(n,)` each, by coins, `(n,)` each."""
    node = np.full(n, START)
    for coin in coins:
        yield node, _SYMBOL[node, coin]
        node = _NEXT[node, coin]


def draw_strings(rng: np.random.Generator, n: int) -> Array:
    """Embedded Reber strings as symbols, `(n, timesteps)`, padded with -1."""
    columns: list[Array] = []
    alive = np.ones(n, bool)
    coins = (rng.integers(2, size=n) for _ in count())
    for node, symbol in walk(coins, n):
        if columns:
            alive = alive & (node != START)
        if not alive.any():
            break
        columns.append(np.where(alive, symbol, -1))
    return np.stack(columns, axis=1)


def draw_others(known: Array, rng: np.random.Generator, n: int) -> Array:
    """Strings that are not among the known ones."""

    def key(string: Array) -> bytes:
        return string[string >= 0].tobytes()

    keys = {key(string) for string in known}
    found: list[Array] = []
    while len(found) < n:
        found += [string for string in draw_strings(rng, n) if key(string) not in keys]
    longest = max(map(len, found[:n]))
    return np.stack([np.pad(row, (0, longest - len(row)), constant_values=-1) for row in found[:n]])


def may_come(follows: Array) -> Array:
    """What may come where each of the symbols `(n, timesteps)` came, `(n, timesteps, 7)`.

    The strings are without their B, which was read. Padding is -1, and what stands there is void.
    """
    node = np.full(len(follows), _NEXT[START, 0])
    possible = np.empty((*follows.shape, len(ALPHABET)), bool)
    for t, symbol in enumerate(follows.T):
        possible[:, t] = POSSIBLE[node]
        node = _FOLLOW[node, symbol]
    return possible


def most_active(outputs: Array, possible: Array) -> Array:
    """Where every symbol that may come next is more active than every one that may not."""
    least: Array = np.where(possible, outputs, np.inf).min(axis=-1)
    return least > np.where(possible, -np.inf, outputs).max(axis=-1)
