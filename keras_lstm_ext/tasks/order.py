"""Temporal order: experiment 6 of 1997, and sequences of it in a stream (2000)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keras_lstm_ext.tasks._arrays import (
    Array,
    Sequences,
    before,
    check_at_least,
    plain_fields,
    target_at_end,
)
from keras_lstm_ext.tasks._network import Network, Training, network_1997, networks_2000
from keras_lstm_ext.tasks._task import Criterion, Task

ALPHABET = "EBabcdXY"
"""The symbols in the order of the input units."""

STARTS = {2: (10, 50), 3: (10, 33, 66)}
"""For 2 and 3 relevant symbols, the first of the eleven positions that each can be at."""


@dataclass(frozen=True)
class TemporalOrder(Task):
    """Tasks 6a and 6b: classify sequences by the order of two or three symbols X or Y.

    A sequence starts with E, ends with B, and is 100 to 110 symbols long. Between are symbols
    drawn from a, b, c, d, except for an X or a Y at each of two positions, one from 10 to 20 and
    one from 50 to 60 (6a), or at each of three, from 10 to 20, 33 to 43 and 66 to 76 (6b). The
    target at the end is one of four or eight classes: XX, XY, YX, YY, and XXX, XXY, ..., YYY.

    Source: Hochreiter and Schmidhuber 1997, section 5.6, Table 9. Task 6b is the
    "noisy temporal order" of Gers, Schmidhuber and Cummins 2000.

    Left open there, and chosen here: positions are counted from 1; the mean error is the mean of
    the absolute errors of all output units, over the same sequences that have to be right.

    Args:
        relevant: 2 for task 6a, 3 for task 6b.

    Raises:
        ValueError: If `relevant` is neither 2 nor 3.

    Examples:
        >>> inputs, targets, mask = TemporalOrder(2).sample(seed=0, n=2)
        >>> targets[mask]
        array([[0., 0., 1., 0.],
               [1., 0., 0., 0.]], dtype=float32)
    """

    relevant: int = 2

    features = len(ALPHABET)
    criterion = Criterion(tolerance=0.3, mean_error=0.1)

    def __post_init__(self) -> None:
        plain_fields(self)
        if self.relevant not in STARTS:
            raise ValueError(f"`relevant` must be 2 or 3. Received: relevant={self.relevant!r}")

    @property
    def outputs(self) -> int:
        """One unit per class."""
        return 2**self.relevant

    @property
    def networks(self) -> dict[str, Network]:
        """As many blocks of two cells as there are relevant symbols."""
        rate = {2: 0.5, 3: 0.1}[self.relevant]
        trials = {2: 20, 3: 10}[self.relevant]
        network = network_1997(
            self.relevant,
            2,
            Training(rate, "window", 2000, trials=trials, test_size=2560),
            weight_range=0.1,
            gate_bias={"i": (-2.0, -4.0, -6.0)[: self.relevant]},
        )
        return {f"{self.relevant} blocks of 2": network}

    def draw(self, rng: np.random.Generator, n: int) -> Sequences:
        """Draws sequences; see `Task.sample`."""
        rows = np.arange(n)
        lengths = rng.integers(100, 111, size=n)
        symbols = rng.integers(ALPHABET.index("a"), ALPHABET.index("X"), size=(n, 110))
        symbols[:, 0] = ALPHABET.index("E")
        symbols[rows, lengths - 1] = ALPHABET.index("B")
        classes = np.zeros(n, int)
        for start in STARTS[self.relevant]:
            is_y = rng.integers(2, size=n)
            symbols[rows, start - 1 + rng.integers(11, size=n)] = ALPHABET.index("X") + is_y
            classes = 2 * classes + is_y
        return target_at_end(symbols, np.eye(self.outputs)[classes], lengths)


@dataclass(frozen=True)
class ContinualOrder(Task):
    """Sequences of task 6b one after the other in a stream, without resets.

    A network reads a stream until its first wrong classification.

    Source: Gers, Schmidhuber and Cummins, report IDSIA-01-99 of 1999, Table 3.

    Targets are at the ends of sequences only. Left open there, and chosen here: the threshold is
    that of task 6b, and the biases of the gates are those of `ContinualReber`. Table 3 has no
    network with resets and none with state decay.

    Args:
        sequences: Sequences of task 6b in a stream.

    Raises:
        ValueError: If `sequences` is not a positive integer.

    Examples:
        >>> stream = ContinualOrder(sequences=5).sample(seed=0, n=1)
        >>> int(stream.mask.sum())
        5
    """

    sequences: int = 100

    features = outputs = len(ALPHABET)
    varying = True
    criterion = Criterion(tolerance=0.3)
    part: ClassVar[TemporalOrder] = TemporalOrder(3)

    def __post_init__(self) -> None:
        plain_fields(self)
        check_at_least(1, sequences=self.sequences)

    @property
    def networks(self) -> dict[str, Network]:
        """Those of `ContinualReber`; a falling rate is multiplied by 0.9 after each sequence."""
        return networks_2000(max_sequences=100_000, decay=0.9)

    def draw(self, rng: np.random.Generator, n: int) -> Sequences:
        """Draws streams; see `Task.sample`."""
        parts = self.part.draw(rng, n * self.sequences)
        lengths = parts.lengths.reshape(n, -1).sum(axis=1)
        valid = before(lengths, lengths.max())

        def joined(array: Array, padding: int) -> Array:
            stream = np.full((*valid.shape, *array.shape[2:]), padding, array.dtype)
            stream[valid] = array[parts.valid]
            return stream

        return Sequences(*map(joined, parts, (-1, 0, 0)))
