"""One row of a paper's table: how its networks begin, what they read, when they are done."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from keras_lstm_ext.experiments.learner import Array, Learner, Weights
from keras_lstm_ext.experiments.tape import (
    STREAMS,
    Tape,
    ends_of_parts,
    parts_of_stream,
    shuffled,
    steps_of_sequence,
    training_draw,
    with_length,
)
from keras_lstm_ext.experiments.training import Trainer
from keras_lstm_ext.tasks import Criterion, Network, Sequences, Task

Answer = Callable[[Sequences], Array]
"""What a network makes of sequences: its outputs, shaped like the targets."""

WEIGHTS, TRAINING, JUDGED, TEST, SETS = range(5)
"""What random numbers are for: they come from (seed, trial, one of these, ...)."""

DATA_SETS = 3
"""Of experiment 1 of 1997; each trial has one of them."""

FEW = 8
"""Sequences of a set that are judged first."""

SLICE = 250
"""Sequences that are judged at a time; so few are enough to see that a network fails."""


@dataclass(frozen=True, eq=False)
class Experiment:
    """Networks of one kind on one task.

    Args:
        task: The task.
        network: One of its networks.
        seed: Of all random numbers.
    """

    task: Task
    network: Network
    seed: int

    @cached_property
    def learner(self) -> Learner:
        """The network as a computation."""
        return Learner(self.network, self.task.features, self.task.outputs)

    @cached_property
    def trainer(self) -> Trainer:
        """Its training."""
        tolerance = self.task.criterion.tolerance if self.is_stream else float("inf")
        return Trainer(self.learner, parts_of_stream(self.task), tolerance)

    @property
    def is_stream(self) -> bool:
        """Whether an error ends what a network reads."""
        return type(self.task) in STREAMS

    @cached_property
    def steps(self) -> int:
        """Steps between two looks at the networks: 200 sequences, or fewer if those are large.

        A function of the task alone, like everything that decides when a trial ends.
        """
        if self.is_stream:
            return 2**14
        steps, inputs = steps_of_sequence(self.task), self.task.sample(0, 1, symbols=True).inputs
        values = 2 * self.task.outputs + (self.task.features if inputs.ndim == 3 else 1)
        return max(steps, min(200 * steps, 2**16, 2**19 // values))

    def draw_weights(self, trial: int) -> Weights:
        """Initial weights."""
        return self.learner.draw_weights(np.random.default_rng((self.seed, trial, WEIGHTS)))

    def tape(self, trial: int, position: tuple[int, int] = (0, 0)) -> Tape:
        """What the network of a trial reads."""
        seed = (self.seed, trial, TRAINING)
        if self.network.training.judged_on == "sets":
            return Tape(shuffled(self.task, self.sets(trial)[0], seed), position)
        return Tape(training_draw(self.task, seed), position)

    def sets(self, trial: int) -> tuple[Sequences, Sequences]:
        """Training set and test set of a trial, with symbols as inputs."""
        return self._sets[trial % DATA_SETS]

    @cached_property
    def _sets(self) -> list[tuple[Sequences, Sequences]]:
        task: Any = self.task
        return [task.split((self.seed, k, SETS), symbols=True) for k in range(DATA_SETS)]

    def outputs(self, network: Array, sequences: Sequences) -> Array:
        """What a network, a row of its trainer's state, answers; shaped like the targets.

        The state is set to zero where it is in training.
        """
        resets = np.zeros(sequences.mask.shape, bool)
        if self.network.training.resets:
            resets = ends_of_parts(self.task, sequences)
        return self.trainer.answer(network, sequences.inputs, resets)

    def solved(self, trial: int, chunk: int, answer: Answer, window: Array) -> bool:
        """Whether a network does what the paper asks for.

        Args:
            trial: Number of the trial.
            chunk: How often it was looked at before.
            answer: What the network answers.
            window: Outputs and targets of the last training sequences, `(2, n, outputs)`; not a
                number as long as there are none.

        Returns:
            Whether training is over.
        """
        training, task = self.network.training, self.task.for_testing
        if training.judged_on == "window":
            outputs, targets = window[:, :, None]
            return task.solved(outputs, targets, np.ones(targets.shape[:2], bool))
        # Of more sequences than a slice has, the papers let none be wrong.
        return all(task.solved(answer(s), s.targets, s.mask) for s in self._judged(trial, chunk))

    def _judged(self, trial: int, chunk: int) -> Iterator[Sequences]:
        training, seed = self.network.training, (self.seed, trial, JUDGED, chunk)
        if training.judged_on == "sets":
            for s in self.sets(trial):
                yield from _few_first(s)
        elif self.is_stream and training.judged <= SLICE:
            # Short streams first: most networks fail there, and most of the others soon after.
            for share in (0.01, 0.1, 1.0):
                test = with_length(self.task.for_testing, share)
                yield test.sample(seed, training.judged, symbols=True)
        else:
            # Each sequence counts for itself, unless some may be wrong or a mean is asked for.
            alone = self.task.criterion == Criterion(self.task.criterion.tolerance)
            for s in self._slices(seed, training.judged):
                yield from _few_first(s) if alone else (s,)

    def _slices(self, seed: tuple[int, ...], n: int) -> Iterator[Sequences]:
        for k in range(-(-n // SLICE)):
            size = min(SLICE, n - k * SLICE)
            yield self.task.for_testing.sample((*seed, k), size, symbols=True)

    def test(self, trial: int, answer: Answer) -> dict[str, Any]:
        """The paper's test after training.

        Args:
            trial: Number of the trial.
            answer: What the network answers.

        Returns:
            For streams, how many targets were met before the first that was not; otherwise how
            many sequences of how many are wrong, and the mean absolute error. Empty if the paper
            has no such test.
        """
        training, task = self.network.training, self.task.for_testing
        seed = (self.seed, trial, TEST)
        if self.is_stream and training.judged <= SLICE:
            s = task.sample(seed, training.judged, symbols=True)
            right = task.right_until(answer(s), s.targets, s.mask)
            return {"right_until": right.tolist()}
        if not training.test_size:
            return {}
        parts = self._slices(seed, training.test_size)
        if training.judged_on == "sets":
            parts = iter(self.sets(trial)[1:])
        wrong, errors = 0, []
        for s in parts:
            y = answer(s)
            wrong += int(np.sum(~task.right(y, s.targets, s.mask).all(axis=1)))
            errors.append(np.abs(y - s.targets)[s.mask].mean())
        return {"wrong": wrong, "of": training.test_size, "mean_error": float(np.mean(errors))}


def _few_first(drawn: Sequences) -> Iterator[Sequences]:
    """In two parts: most networks fail on the first, and none that does solves the whole."""
    for rows in (slice(FEW), slice(FEW, None)):
        lengths = drawn.lengths[rows]
        if len(lengths):
            yield Sequences(*(array[rows, : lengths.max()] for array in drawn))
