"""A task as a data set for `keras.Model.fit`."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_lstm_ext.scalars import boolean
from keras_lstm_ext.tasks._arrays import Array, Seed, Sequences, check_at_least


class Batches(keras.utils.PyDataset):
    """Batches drawn from a task; `Task.dataset` makes one.

    An item is `(inputs, targets, weights)` in float32; `weights`, `(batch, timesteps)`, is one
    where a target counts and zero elsewhere.

    Args:
        sample: Draws sequences from a seed, as `Task.sample` does.
        batch_size: Sequences in a batch.
        batches: Batches in an epoch.
        seed: Decides, with the epoch and the batch, what is drawn.
        fixed: Whether every epoch has the same sequences.
        varying: Whether batches differ in their number of timesteps. Keras takes a number that the
            first two batches share for that of all; so it is even here for the first batch, odd
            for the second, and so on, by a step of padding where needed.
        **kwargs: Arguments of `keras.utils.PyDataset`.

    Raises:
        ValueError: If a number is not a positive integer.

    Examples:
        >>> from keras_lstm_ext.tasks import TASKS
        >>> dataset = Batches(TASKS["adding"].sample, batch_size=8, batches=100)
        >>> [tuple(array.shape) for array in dataset[0]]
        [(8, 110, 2), (8, 110, 1), (8, 110)]
    """

    def __init__(
        self,
        sample: Callable[[Seed, int], Sequences],
        batch_size: int,
        batches: int,
        seed: int = 0,
        fixed: bool = False,
        varying: bool = False,
        **kwargs: Any,
    ) -> None:
        check_at_least(1, batch_size=batch_size, batches=batches)
        check_at_least(0, seed=seed)
        super().__init__(**kwargs)
        self.sample = sample
        self.batch_size = int(batch_size)
        self.batches = int(batches)
        self.seed = int(seed)
        self.fixed = boolean("fixed", fixed)
        self.varying = boolean("varying", varying)
        self.epoch = 0

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> tuple[Array, Array, Array]:
        batch = self.sample((self.seed, self.epoch, index), self.batch_size)
        arrays = batch.inputs, batch.targets, batch.mask.astype("float32")
        if self.varying and (batch.mask.shape[1] + index) % 2:
            x, y, w = (np.pad(a, [(0, 0), (0, 1), (0, 0)][: a.ndim]) for a in arrays)
            return x, y, w
        return arrays

    def on_epoch_end(self) -> None:
        """Called by Keras: the next epoch draws other sequences, unless they are fixed."""
        self.epoch += not self.fixed
