"""Experiment 2 of 1997: long time lags, with and without noise in between."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from keras_lstm_ext.scalars import is_number
from keras_lstm_ext.tasks._arrays import (
    Sequences,
    check_at_least,
    check_choice,
    next_symbols,
    plain_fields,
    target_at_end,
)
from keras_lstm_ext.tasks._network import Network, Training, network_1997
from keras_lstm_ext.tasks._task import Criterion, Task
from keras_lstm_ext.variants import Variant


@dataclass(frozen=True)
class LongLag(Task):
    r"""Tasks 2a and 2b: predict every symbol, of which the last repeats the first.

    With equal probability one of

    $$(y, a_1, \dots, a_{p-1}, y) \qquad (x, a_1, \dots, a_{p-1}, x)$$

    where task 2b has symbols drawn from $a_1, \dots, a_{p-1}$ in place of the fixed ones. The
    first symbol has to be remembered for p steps. Error signals come at every step; of task 2b
    only the last one can be predicted, and only it is tested.

    Source: Hochreiter and Schmidhuber 1997, section 5.2, Table 2.

    Units are in the order $a_1, \dots, a_{p-1}, x, y$. The last symbol is predicted and not read.
    Left open, and chosen here: the weights change after every symbol. The paper says that it learns
    on-line, which could as well mean after every sequence.

    With errors at every step, what serves task 2b and what lessens its errors are at odds. The cell
    input and its gate are positive, so that the state only grows, and an output unit follows it in
    one direction only. One of the units of x and y would thus have to be off for the larger state
    at the end and on for the smaller one, and on at the smaller states before, where its target is
    0. `only_end=True` trains with the one error that can be foreseen.

    Args:
        p: Steps from the first symbol to the last.
        random: Whether the symbols between are random: task 2b.
        only_end: Whether only the last target counts, in training too; `for_testing` sets it for
            task 2b.
        added: After how many sequences, at the least, the memory cell is added. None: when the
            error has stopped falling, which is how the paper puts it.

    Raises:
        ValueError: If `p` is not an integer from 2 on, or `added` neither None nor one from 0 on.

    Examples:
        >>> LongLag(p=4).sample(1, 2, symbols=True).inputs
        array([[3, 0, 1, 2],
               [4, 0, 1, 2]])
    """

    p: int = 100
    random: bool = False
    only_end: bool = False
    added: int | None = None

    criterion = Criterion(tolerance=0.25)

    def __post_init__(self) -> None:
        plain_fields(self)
        check_at_least(2, p=self.p)
        check_choice((False, True), random=self.random, only_end=self.only_end)
        if self.added is not None:
            check_at_least(0, added=self.added)

    @property
    def features(self) -> int:
        """Number of symbols."""
        return self.p + 1

    outputs = features

    @property
    def networks(self) -> dict[str, Network]:
        """One cell without output gate, and output units that also see the input."""
        cell = Variant(
            gates=("i",),
            feedback="none",
            gradient="truncated",
            activation="sigmoid",
            output_activation=None,
        )
        training = Training(1.0, "test", 10_000, trials=18, update="step", max_sequences=5_000_000)
        return {
            "one cell": Network(
                cell,
                units=1,
                training=training,
                weight_range=0.2,
                use_bias=False,
                output_bias=False,
                shortcut=True,
                grows=True,
                grows_after=self.added,
            )
        }

    @property
    def for_testing(self) -> Self:
        """Task 2b is tested at the end of sequences only."""
        return replace(self, only_end=self.only_end or self.random)

    def draw(self, rng: np.random.Generator, n: int) -> Sequences:
        """Draws sequences; see `Task.sample`."""
        symbols = np.tile(np.arange(-1, self.p), (n, 1))
        if self.random:
            symbols[:, 1:-1] = rng.integers(self.p - 1, size=(n, self.p - 1))
        symbols[:, 0] = symbols[:, -1] = self.p - 1 + rng.integers(2, size=n)
        drawn = next_symbols(symbols, self.outputs)
        if self.only_end:
            drawn.mask[:, :-1] = False
            drawn.targets[:, :-1] = 0
        return drawn


@dataclass(frozen=True)
class DistractorLag(Task):
    r"""Task 2c: after at least q distractors, say whether the second symbol was x or y.

    With equal probability one of

    $$(b, y, a_{i_1}, \dots, a_{i_{q+k}}, e, y) \qquad (b, x, a_{i_1}, \dots, a_{i_{q+k}}, e, x)$$

    with distractors drawn from $a_1, \dots, a_p$, and $P(k) = \frac{1}{10} (\frac{9}{10})^k$: after
    q distractors, each further symbol is e with probability 0.1. The one error signal comes with
    e. There are q + 13 symbols on average (the paper prints q + 14 for a sum that is q + 13) and at
    least q + 4; all but the last are read.

    Source: Hochreiter and Schmidhuber 1997, section 5.2, Table 3. Its sets of sequences have
    indices up to q; the alphabet has distractors up to p, which is what is drawn here.

    Units are in the order $a_1, \dots, a_p, e, b, x, y$; outputs in the order x, y.

    Args:
        q: Least number of distractors: the time lag less one.
        p: Number of different distractors.
        weight_range: Initial weights are within plus and minus this; the paper's is 0.2.
        factor: 1, or 2 for the gradient of the sum of squares without the half, as in the paper's
            equations A.14 and A.15; its A.17 and A.20 are without that factor.

    Raises:
        ValueError: If `q` or `p` is not a positive integer, `weight_range` not positive, or
            `factor` another number.

    Examples:
        >>> task = DistractorLag(q=50, p=50)
        >>> task.features, task.network.count_weights(task.features, task.outputs)
        (54, 364)
    """

    q: int = 50
    p: int = 50
    weight_range: float = 0.2
    factor: int = 1

    outputs = 2
    varying = True
    criterion = Criterion(tolerance=0.2)

    def __post_init__(self) -> None:
        plain_fields(self)
        check_at_least(1, q=self.q, p=self.p)
        check_choice((1, 2), factor=self.factor)
        r = self.weight_range
        if not is_number(r) or not r > 0:
            raise ValueError(
                f"`weight_range` must be a positive number. Received: weight_range={r!r}"
            )

    @property
    def features(self) -> int:
        """Number of symbols."""
        return self.p + 4

    @property
    def networks(self) -> dict[str, Network]:
        """Two blocks of one cell, without biases."""
        rate = 0.01 * self.factor
        training = Training(rate, "test", 10_000, trials=20, max_sequences=5_000_000)
        network = network_1997(
            2, 1, training, weight_range=self.weight_range, use_bias=False, output_bias=False
        )
        return {"2 blocks of 1": network}

    def draw(self, rng: np.random.Generator, n: int) -> Sequences:
        """Draws sequences; see `Task.sample`."""
        e, b, x = self.p, self.p + 1, self.p + 2
        lengths = self.q + rng.geometric(0.1, n) + 2  # b, x or y, q + k distractors, e
        symbols = rng.integers(self.p, size=(n, lengths.max()))
        is_y = rng.integers(2, size=n)
        symbols[:, 0] = b
        symbols[:, 1] = x + is_y
        symbols[np.arange(n), lengths - 1] = e
        return target_at_end(symbols, np.eye(2)[is_y], lengths)
