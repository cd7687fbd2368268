"""The embedded Reber grammar, string by string (1997) and as an endless stream (2000)."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from keras_lstm_ext.tasks._arrays import (
    Array,
    Seed,
    Sequences,
    check_at_least,
    check_choice,
    generator,
    next_symbols,
    one_hot,
    plain_fields,
)
from keras_lstm_ext.tasks._grammar import (
    ALPHABET,
    POSSIBLE,
    draw_others,
    draw_strings,
    may_come,
    most_active,
    walk,
)
from keras_lstm_ext.tasks._network import Network, Training, network_1997, networks_2000
from keras_lstm_ext.tasks._task import Criterion, Task, check_shape


@dataclass(frozen=True)
class EmbeddedReber(Task):
    """Experiment 1 of 1997: predict the next symbol of embedded Reber strings.

    A string has at least 9 symbols and 12 on average, and there is no longest one. Its last symbol
    but one is the second symbol, which has to be remembered meanwhile. A step is right if the
    outputs of all symbols that may come next are the most active ones; all steps of all strings,
    in the training set and in the test set, must be right.

    Source: Hochreiter and Schmidhuber 1997, section 5.1, Figures 3 and 4, Table 1.

    Left open there, and chosen here: the order of the units is alphabetical; the last E is
    predicted and not read; strings of the training set may be equal to each other, and so may
    those of the test set; the weights change after every symbol, as the paper's gradient does.
    `sample` and `dataset` draw strings without end; the paper's two sets are made by `split`.

    Left open as well is what the targets are. The symbol that comes next is taken here; with
    `targets="possible"` they are 1 for every symbol that may come next, as report IDSIA-01-99
    (section 4.1) has them for the same grammar.

    Departures: `shortcut`, and `topology="1999"`, the network of that report without forget gates:
    four blocks of two, of which only the cells are fed back, and outputs that have a bias and see
    the input.

    Args:
        shortcut: Whether the output units see the input as well, with 49 weights that the paper
            does not have. Those of the report do.
        targets: `"next"` or `"possible"`.
        topology: `"1997"` or `"1999"`.

    Raises:
        ValueError: If an argument has a value that it does not accept.

    Examples:
        >>> train, test = EmbeddedReber().split(seed=0)
        >>> len(test.inputs), int(train.lengths.min()), int(test.lengths.min())
        (256, 8, 11)
    """

    shortcut: bool = False
    targets: Literal["next", "possible"] = "next"
    topology: Literal["1997", "1999"] = "1997"

    features = outputs = len(ALPHABET)
    varying = True
    criterion = Criterion()

    def __post_init__(self) -> None:
        plain_fields(self)
        check_choice((False, True), shortcut=self.shortcut)
        check_choice(("next", "possible"), targets=self.targets)
        check_choice(("1997", "1999"), topology=self.topology)

    @property
    def networks(self) -> dict[str, Network]:
        """The rows of Table 1 by blocks, block size and learning rate, or the report's network."""

        def training(rate: float) -> Training:
            return Training(rate, "sets", 512, trials=30, update="step", test_size=256)

        if self.topology == "1999":
            of_report = networks_2000(max_sequences=30_000, decay=1.0)["no forget gates"]
            return {"4 blocks of 2, rate 0.5": replace(of_report, training=training(0.5))}
        rows = ((4, 1, 0.1), (3, 2, 0.1), (3, 2, 0.2), (4, 1, 0.5), (3, 2, 0.5))
        return {
            f"{blocks} blocks of {size}, rate {rate}": network_1997(
                blocks,
                size,
                training(rate),
                weight_range=0.2,
                use_bias="gates",
                gate_bias={"o": tuple(-1.0 - j for j in range(blocks))},
                output_bias=False,
                shortcut=self.shortcut,
            )
            for blocks, size, rate in rows
        }

    def draw(self, rng: np.random.Generator, n: int) -> Sequences:
        """Draws strings; see `Task.sample`."""
        return self._predicted(draw_strings(rng, n))

    def _predicted(self, strings: Array) -> Sequences:
        following = next_symbols(strings, self.outputs)
        if self.targets == "next":
            return following
        possible = may_come(strings[:, 1:]) & following.mask[..., None]
        return following._replace(targets=possible.astype("float32"))

    def split(
        self, seed: Seed, size: int = 256, *, symbols: bool = False
    ) -> tuple[Sequences, Sequences]:
        """The paper's training set, and a test set of strings that are not in it.

        The test strings are the longer ones: the training set has nearly all short strings.

        Args:
            seed: As for `sample`.
            size: Strings in each set.
            symbols: As for `sample`.

        Returns:
            Training and test sequences.

        Raises:
            ValueError: If `size` is not a positive integer.
        """
        check_at_least(1, size=size)
        rng = generator(seed)
        train = draw_strings(rng, size)
        first, second = map(self._predicted, (train, draw_others(train, rng, size)))
        if not symbols:
            n = self.features
            first, second = (s._replace(inputs=one_hot(s.inputs, n)) for s in (first, second))
        return first, second

    def right(self, outputs: Array, targets: Array, mask: Array) -> Array:
        """Where what may come next is most active, or no target counts; see `Task.right`."""
        check_shape(outputs, targets)
        if self.targets == "next":
            return most_active(outputs, may_come(targets.argmax(axis=-1))) | ~mask
        return most_active(outputs, targets == 1) | ~mask


@dataclass(frozen=True)
class ContinualReber(Task):
    """Embedded Reber strings one after the other, with no sign of where one ends.

    A network reads a stream until its first wrong prediction; a perfect one makes none in ten
    streams of 100,000 symbols.

    A shorter `length` gives the beginnings of the same streams, for the same seed and `n`.

    Source: Gers, Schmidhuber and Cummins 2000, Table 2, read as report IDSIA-01-99, section 4.1.

    The targets are 1 for every symbol that may come next, as the report has them. It asks for a
    "squared error" below 0.49 at each output, which an untrained network meets with 0.5 everywhere.
    So 0.49 bounds the absolute error here.

    The report says that the output units see the input, and counts 375 weights for the network with
    forget gates, which are those without that; the paper counts 424. `shortcut=False` is the
    network of 375.

    Departure: with `targets="next"` they are the symbol that comes next, and a step is right by the
    rule of `EmbeddedReber`.

    Args:
        length: Symbols in a stream.
        targets: `"possible"` or `"next"`.
        shortcut: Whether the output units see the input.

    Raises:
        ValueError: If an argument has a value that it does not accept.

    Examples:
        >>> stream = ContinualReber(length=1000).sample(seed=0, n=1)
        >>> stream.targets[0, :3].sum(axis=-1)
        array([2., 1., 2.], dtype=float32)
    """

    length: int = 100_000
    targets: Literal["possible", "next"] = "possible"
    shortcut: bool = True

    features = outputs = len(ALPHABET)

    def __post_init__(self) -> None:
        plain_fields(self)
        check_at_least(1, length=self.length)
        check_choice(("possible", "next"), targets=self.targets)
        check_choice((False, True), shortcut=self.shortcut)

    @property
    def criterion(self) -> Criterion:
        """The same for every stream: no error."""
        return Criterion(tolerance=0.49) if self.targets == "possible" else Criterion()

    @property
    def networks(self) -> dict[str, Network]:
        """The rows of Table 2: four blocks of two cells, gates with biases block by block."""
        return networks_2000(max_sequences=30_000, decay=0.99, shortcut=self.shortcut)

    def draw(self, rng: np.random.Generator, n: int) -> Sequences:
        """Draws streams; see `Task.sample`."""
        coins = rng.integers(2, size=(self.length + 1, n))
        nodes, symbols = map(np.array, zip(*walk(coins, n), strict=True))
        following = next_symbols(symbols.T, self.outputs)
        if self.targets == "next":
            return following
        return following._replace(targets=POSSIBLE[nodes[1:].T])

    def right(self, outputs: Array, targets: Array, mask: Array) -> Array:
        """Where outputs are right by the rule for `targets`; see `Task.right`."""
        if self.targets == "possible":
            return super().right(outputs, targets, mask)
        check_shape(outputs, targets)
        return most_active(outputs, may_come(targets.argmax(axis=-1))) | ~mask
