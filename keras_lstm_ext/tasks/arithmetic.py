"""Experiments 4 and 5 of 1997: the adding and the multiplication problem."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from keras_lstm_ext.tasks._arrays import (
    Array,
    Sequences,
    check_at_least,
    check_choice,
    plain_fields,
    target_at_end,
)
from keras_lstm_ext.tasks._network import Network, Training, network_1997
from keras_lstm_ext.tasks._task import Criterion, Task


@dataclass(frozen=True)
class MarkedPairs(Task):
    """What adding and multiplication share: sequences of pairs, of which two are marked."""

    T: int = 100
    squared: bool = False

    features = 2
    outputs = 1
    low: ClassVar[float]
    neutral: ClassVar[float]

    def __post_init__(self) -> None:
        plain_fields(self)
        check_at_least(20, T=self.T)
        check_choice((False, True), squared=self.squared)

    @property
    def tolerance(self) -> float:
        """The largest absolute error of a sequence that is right."""
        return 0.04**0.5 if self.squared else 0.04

    @abstractmethod
    def target(self, X1: Array, X2: Array) -> Array:
        """The target of two marked numbers."""

    def draw(self, rng: np.random.Generator, n: int) -> Sequences:
        """Draws sequences; see `Task.sample`."""
        rows, steps = np.arange(n), self.T + self.T // 10
        lengths = rng.integers(self.T, steps + 1, size=n)
        values = rng.uniform(self.low, 1.0, (n, steps))
        first = rng.integers(10, size=n)
        second = rng.integers(self.T // 2 - 1, size=n)
        second += second >= first  # counted among the pairs that are not marked yet
        markers = np.zeros_like(values)
        markers[:, 0] = markers[rows, lengths - 1] = -1.0
        markers[rows, first] = markers[rows, second] = 1.0
        values_used = values.copy()
        values_used[:, 0] = self.neutral
        target = self.target(values_used[rows, first], values_used[rows, second])
        return target_at_end(np.stack([values, markers], axis=-1), target[:, None], lengths)


@dataclass(frozen=True)
class Adding(MarkedPairs):
    r"""Experiment 4: the sum of two marked numbers of a long sequence.

    The inputs are pairs of a number, uniform on [-1, 1], and a marker. The first marked pair,
    with the number $X_1$, is one of the first ten; the second, with $X_2$, is one of the first
    $T/2 - 1$ pairs that are not marked yet. Their markers are 1, those of the first and the last
    pair -1 unless marked, all others 0. Lengths are uniform from T to T + T/10. At the end

    $$t = 0.5 + \frac{X_1 + X_2}{4}$$

    Source: Hochreiter and Schmidhuber 1997, section 5.4, Table 7.

    Left open there, and chosen here: the paper sets $X_1$ to 0 if the first pair of the sequence
    is marked; here the number of that pair counts as 0 whichever of the two selections marks it.
    If only one of them did that, the same inputs would have two possible targets in 3.7 % of the
    sequences (T = 100), while the paper's networks fail on 1 of 2560. The mean error is taken over
    the same sequences that have to be right.

    Args:
        T: Least length.
        squared: Whether 0.04 and 0.01, the paper's bounds of the error of a sequence and of the
            mean error, bound the squares. The paper speaks of absolute errors.
        output: Activation of the output unit. The paper has `"sigmoid"`; `"linear"` is a departure.

    Raises:
        ValueError: If `T` is not an integer from 20 on, or `output` is another word.

    Examples:
        >>> inputs, targets, mask = Adding(T=100).sample(seed=0, n=1)
        >>> np.flatnonzero(inputs[0, :, 1] == 1)
        array([ 6, 25])
    """

    output: Literal["sigmoid", "linear"] = "sigmoid"

    low = -1.0
    neutral = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(("sigmoid", "linear"), output=self.output)

    @property
    def criterion(self) -> Criterion:
        """No wrong sequence, and a small mean error."""
        return Criterion(self.tolerance, mean_error=0.1 if self.squared else 0.01)

    @property
    def networks(self) -> dict[str, Network]:
        """Two blocks of two cells, all with biases."""
        training = Training(0.5, "window", 2000, trials=10, test_size=2560)
        bias = {"i": (-3.0, -6.0)}
        how = {"weight_range": 0.1, "gate_bias": bias, "output_activation": self.output}
        return {"2 blocks of 2": network_1997(2, 2, training, **how)}

    def target(self, X1: Array, X2: Array) -> Array:
        """The sum, scaled to the range of a logistic unit."""
        return 0.5 + (X1 + X2) / 4


@dataclass(frozen=True)
class Multiplication(MarkedPairs):
    r"""Experiment 5: the product of two marked numbers of a long sequence.

    Like `Adding`, with numbers uniform on [0, 1], the first pair counting as 1, and at the end

    $$t = X_1 X_2$$

    A network is tested once fewer than $n_{seq}$ of the last 2000 training sequences are wrong.

    Source: Hochreiter and Schmidhuber 1997, section 5.5, Table 8. What it calls MSE is too large
    to be one beside its counts of wrong sequences; it may be a mean absolute error.

    Args:
        T: Least length.
        squared: Whether 0.04 bounds the square of the error, see `Adding`.
        n_seq: The paper has 140 and 13.
        factor: 1, or 2 for twice the gradient, see `DistractorLag`.

    Raises:
        ValueError: If `T` is not an integer from 20 on, `n_seq` not a positive one, or `factor`
            another number.

    Examples:
        >>> Multiplication(n_seq=140).criterion.wrong
        139
    """

    n_seq: int = 13
    factor: int = 1

    low = 0.0
    neutral = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(1, n_seq=self.n_seq)
        check_choice((1, 2), factor=self.factor)

    @property
    def criterion(self) -> Criterion:
        """Fewer than `n_seq` wrong sequences."""
        return Criterion(self.tolerance, wrong=self.n_seq - 1)

    @property
    def networks(self) -> dict[str, Network]:
        """As for `Adding`, with random biases everywhere."""
        training = Training(0.1 * self.factor, "window", 2000, trials=10, test_size=2560)
        return {"2 blocks of 2": network_1997(2, 2, training, weight_range=0.1)}

    def target(self, X1: Array, X2: Array) -> Array:
        """The product."""
        return X1 * X2
