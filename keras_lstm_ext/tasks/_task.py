"""What all tasks share: drawing sequences, and the papers' criterion of success."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from keras_lstm_ext.tasks._arrays import (
    Array,
    Seed,
    Sequences,
    check_at_least,
    generator,
    one_hot,
)
from keras_lstm_ext.tasks._dataset import Batches
from keras_lstm_ext.tasks._network import Network


@dataclass(frozen=True)
class Criterion:
    """When a paper calls a task solved.

    Args:
        tolerance: A step is right if the absolute error of every output is below this number, and
            a sequence if all its steps are where a target counts. Infinite where the task has a
            rule of its own.
        wrong: How many wrong sequences are accepted.
        mean_error: The mean absolute error, over sequences, steps and outputs, must be below this.

    Examples:
        >>> from keras_lstm_ext.tasks import TASKS
        >>> TASKS["adding"].criterion
        Criterion(tolerance=0.04, wrong=0, mean_error=0.01)
    """

    tolerance: float = float("inf")
    wrong: int = 0
    mean_error: float = float("inf")


class Task(ABC):
    """A benchmark problem of the papers; the subclasses are frozen dataclasses of its parameters.

    Attributes:
        features: Number of input units.
        outputs: Number of output units.
        criterion: When the paper calls the task solved.
        networks: The paper's networks, by what tells them apart in its table.
        varying: Whether samples differ in their number of timesteps.

    Examples:
        >>> from keras_lstm_ext.tasks import TASKS
        >>> task = TASKS["adding"]
        >>> inputs, targets, mask = task.sample(seed=1, n=5)
        >>> inputs.shape, targets.shape, mask.shape
        ((5, 110, 2), (5, 110, 1), (5, 110))
        >>> task.solved(targets + 0.001, targets, mask)
        True
    """

    varying: ClassVar[bool] = False

    @property
    @abstractmethod
    def features(self) -> int:
        """Number of input units."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Number of output units."""

    @property
    @abstractmethod
    def criterion(self) -> Criterion:
        """When the paper calls the task solved."""

    @property
    @abstractmethod
    def networks(self) -> dict[str, Network]:
        """The paper's networks, by what tells them apart in its table."""

    @property
    def network(self) -> Network:
        """The first of `networks`."""
        return next(iter(self.networks.values()))

    @property
    def for_testing(self) -> Self:
        """The task as the paper tests it, where that is not how it trains."""
        return self

    @abstractmethod
    def draw(self, rng: np.random.Generator, n: int) -> Sequences:
        """Draws `n` sequences; inputs may be symbols, `(n, timesteps)`, for `sample` to expand."""

    def sample(self, seed: Seed, n: int, *, symbols: bool = False) -> Sequences:
        """Draws sequences: the same bytes for the same seed and `n`.

        Args:
            seed: Integer or integers for NumPy's PCG64, or a `numpy.random.Generator`.
            n: How many sequences.
            symbols: Leaves the inputs of a symbolic task as symbols, `(n, timesteps)`, which are
                a small part of the size.

        Returns:
            Inputs, targets and mask.

        Raises:
            ValueError: If `seed` is None or `n` is not a positive integer.
        """
        check_at_least(1, n=n)
        inputs, targets, mask = self.draw(generator(seed), n)
        if inputs.ndim == 3:
            inputs = inputs.astype("float32")
        elif not symbols:
            inputs = one_hot(inputs, self.features)
        return Sequences(inputs, targets.astype("float32"), mask)

    def dataset(self, batch_size: int, batches: int, seed: int = 0, **kwargs: Any) -> Batches:
        """The task for `keras.Model.fit`, drawn while training.

        Args:
            batch_size: Sequences in a batch.
            batches: Batches in an epoch.
            seed: Decides what is drawn.
            **kwargs: Further arguments of `Batches`, such as `fixed=True` for validation.

        Returns:
            A `keras.utils.PyDataset` of inputs, targets and weights.
        """
        return Batches(self.sample, batch_size, batches, seed, varying=self.varying, **kwargs)

    def right(self, outputs: Array, targets: Array, mask: Array) -> Array:
        """Where outputs are right by the paper's criterion, or no target counts.

        Args:
            outputs: What a network answered, shaped like `targets`.
            targets: `(n, timesteps, outputs)`.
            mask: `(n, timesteps)`.

        Returns:
            `(n, timesteps)`, boolean.

        Raises:
            ValueError: If the shape of `outputs` differs from that of `targets`.
        """
        check_shape(outputs, targets)
        return (np.abs(outputs - targets) < self.criterion.tolerance).all(axis=-1) | ~mask

    def solved(self, outputs: Array, targets: Array, mask: Array) -> bool:
        """Whether a network solves the task, by its outputs on many sequences.

        How many, and which, is said by `network.training`.

        Args:
            outputs: What a network answered, shaped like `targets`.
            targets: `(n, timesteps, outputs)`.
            mask: `(n, timesteps)`.

        Returns:
            Whether few enough sequences are wrong and the mean error is small enough.
        """
        wrong = np.sum(~self.right(outputs, targets, mask).all(axis=1))
        error = np.mean(np.abs(outputs - targets)[mask])
        return bool(wrong <= self.criterion.wrong and error < self.criterion.mean_error)

    def right_until(self, outputs: Array, targets: Array, mask: Array) -> Array:
        """How many targets of each sequence are met before the first that is not.

        Args:
            outputs: What a network answered, shaped like `targets`.
            targets: `(n, timesteps, outputs)`.
            mask: `(n, timesteps)`.

        Returns:
            Integers `(n,)`, the papers' measure of how long a stream goes well.
        """
        unbroken = np.logical_and.accumulate(self.right(outputs, targets, mask), axis=1)
        return np.sum(unbroken & mask, axis=1)


def check_shape(outputs: Array, targets: Array) -> None:
    """Refuses outputs that are not shaped like the targets."""
    if np.shape(outputs) != np.shape(targets):
        raise ValueError(
            f"`outputs` must have the shape of `targets`, {np.shape(targets)}. "
            f"Received: outputs of shape {np.shape(outputs)}"
        )
