"""The example of "What is an LSTM?": a cell with weights set by hand reads a sentence.

All numbers come from `keras_lstm_ext.reference`, while the site is built.
"""

from collections.abc import Iterator
from functools import cache

import lstm_equations
import lstm_sources
import numpy as np
import plot

from keras_lstm_ext.diagram.svg import Drawing, sub
from keras_lstm_ext.reference import Run, forward

SENTENCE = "The keys to the old cabinet are lost . The dog barks"
WORDS = SENTENCE.split()
FEATURES = ("number", "subject", "verb", "end")
READ = {
    "keys": (-1, 1, 0, 0),
    "cabinet": (1, 0, 0, 0),
    "are": (0, 0, 1, 0),
    ".": (0, 0, 0, 1),
    "dog": (1, 1, 0, 0),
    "barks": (0, 0, 1, 0),
}
"""The features of the words that have any: 1 for the singular, -1 for the plural."""

WEIGHTS = {
    "c": ((2.0, 0.0, 0.0, 0.0), 0.0),
    "i": ((0.0, 10.0, 0.0, 0.0), -5.0),
    "f": ((0.0, 0.0, 0.0, -10.0), 5.0),
    "o": ((0.0, 0.0, 10.0, 0.0), -5.0),
}
"""By net, the weight of each feature, and the bias. Nothing is fed back."""

SQUASHED = {"i": r"\sigma", "f": r"\sigma", "g": r"\tanh", "o": r"\sigma"}
LETTERS = ("i", "f", "g", "c", "o", "h")
LEFT, WIDE, TOP, ROW, TALL = 40, 46, 10, 26, 70


@cache
def run() -> Run:
    """The cell over the sentence."""
    x = np.array([READ.get(word, (0,) * len(FEATURES)) for word in WORDS], float)
    weights = {"R_" + k: np.zeros((1, 1)) for k in WEIGHTS}
    for k, (of_features, bias) in WEIGHTS.items():
        weights[f"W_{k}"] = np.array(of_features)[:, None]
        weights[f"b_{k}"] = np.array([bias])
    return forward("classic", x[None], None, weights)


def value(letter: str, step: int) -> float:
    """A gate or state at a step, from 0."""
    return float(getattr(run().trace[step], letter)[0, 0])


def _number(number: float, digits: int = 3) -> str:
    return plot.minus(f"{number:z.{digits}f}")


def sentence() -> Iterator[str]:
    """The sentence, word by word, with gates and state."""
    width = LEFT + WIDE * len(WORDS) + 6
    zero = TOP + 3 * ROW + 20 + TALL // 2
    bottom = zero + TALL // 2
    said = "; ".join(f"{w}: c = {value('c', t):.2f}" for t, w in enumerate(WORDS))
    picture = Drawing("sentence", (0, 0, width, bottom + 56), "A cell reads a sentence", said)
    for row, gate in enumerate("ifo"):
        picture.text(LEFT // 2, TOP + ROW * row + 19, sub(gate, "t"))
    picture.text(LEFT // 2, zero + 6, sub("c", "t"))
    picture.add(f'<path class="grid" d="M{LEFT} {zero}H{width - 6}"/>')
    for t, word in enumerate(WORDS):
        x = LEFT + WIDE * t
        for row, gate in enumerate("ifo"):
            y, high = TOP + ROW * row, (ROW - 6) * value(gate, t)
            picture.add(f'<rect class="gate" x="{x + 4}" y="{y}" width="{WIDE - 8}" height="20"/>')
            picture.add(
                f'<rect class="open" x="{x + 4}" y="{y + 20 - high:.1f}" width="{WIDE - 8}" '
                f'height="{high:.1f}"/>'
            )
        c = value("c", t) * TALL / 2
        picture.add(
            f'<rect class="state" x="{x + 8}" y="{zero - max(c, 0):.1f}" width="{WIDE - 16}" '
            f'height="{abs(c):.1f}"/>'
        )
        picture.text(x + WIDE // 2, bottom + 22 + 18 * (t % 2), word, "word")
    yield from ("", '<figure class="sentence">', str(picture))
    yield (
        "<figcaption>Each column is a word. A filled gate is open. The state falls to about "
        "\u22121 at "
        "<i>keys</i>, stays there over <i>cabinet</i>, is read at <i>are</i>, erased at the full "
        "stop, and filled anew at <i>dog</i>.</figcaption></figure>"
    )
    yield ""


def table() -> Iterator[str]:
    """All numbers of the example."""
    heads = " | ".join(f"*{letter}*" for letter in LETTERS)
    yield from ("", f"| word | {heads} |", "|---" * (len(LETTERS) + 1) + "|")
    for t, word in enumerate(WORDS):
        numbers = " | ".join(_number(value(letter, t)) for letter in LETTERS)
        yield f"| {word} | {numbers} |"
    yield ""


def weights() -> Iterator[str]:
    """What the cell's nets multiply the features of a word with."""
    names = {"c": "cell input", "i": "input gate", "f": "forget gate", "o": "output gate"}
    yield from ("", f"| net | {' | '.join(FEATURES)} | bias |", "|---" * (len(FEATURES) + 2) + "|")
    for k, (of_features, bias) in WEIGHTS.items():
        numbers = " | ".join(_number(w, 0) for w in (*of_features, bias))
        yield f"| {names[k]} | {numbers} |"
    yield ""


def equation(name: str, word: str) -> Iterator[str]:
    """An equation of the reference, and what it makes of a word."""
    tex = lstm_sources.equation(f"classic.{name}").tex
    for squasher in (r"\varphi(", "= a("):
        tex = tex.replace(squasher, squasher[: squasher.startswith("=") * 2] + r"\tanh(")
    yield from ("", "$$", tex, "$$", "")
    yield f"{lstm_equations.link(f'classic.{name}')} " + next(again(name, word))
    yield ""


def again(name: str, word: str) -> Iterator[str]:
    """What an equation makes of a word."""
    letter, step = lstm_sources.equation(f"classic.{name}").tex[0], WORDS.index(word)
    where = "the full stop" if word == "." else f"*{word}*"
    yield f"At {where}: ${letter} = {_inserted(letter, step)} = {value(letter, step):z.3f}$."
    yield ""


def _inserted(letter: str, step: int) -> str:
    """The right side of an equation with its numbers."""
    f, c_prev, i, g, o, c = (f"{value(k, step):z.3f}" for k in ("f", "c_prev", "i", "g", "o", "c"))
    if letter == "c":
        return rf"{f} \cdot {_inner(c_prev)} + {i} \cdot {_inner(g)}"
    if letter == "h":
        return rf"{o} \cdot \tanh({c})"
    of_features, bias = WEIGHTS["c" if letter == "g" else letter]
    x = run().trace[step].x[0]
    terms = [rf"{w:g} \cdot {_inner(f'{v:g}')}" for w, v in zip(of_features, x, strict=True) if w]
    return rf"{SQUASHED[letter]}({' + '.join(terms)}" + (
        f" {bias:+g}".replace("+", "+ ").replace("-", "- ") + ")" if bias else ")"
    )


def _inner(number: str) -> str:
    return f"({number})" if number.startswith("-") else number
