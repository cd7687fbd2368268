"""Windows of rows, made batch by batch, of numbers that float32 can hold."""

from dataclasses import dataclass

import keras
import numpy as np

from keras_lstm_ext.demo.table import Table


@dataclass(frozen=True)
class Scaling:
    r"""What makes numbers of the order of one, in float64, from the rows to train on.

    $$\tilde{x} = (x - \mu) \, r, \quad r = 1 / \sigma$$

    A series at a level of $10^{12}$ loses its movement in float32, unless the level is taken off
    before.

    Args:
        mean: $\mu$, one per column.
        rate: $r$; 0 for a column that is constant, which so says nothing.
        unit: Mean absolute change of the target over as many rows as are forecast, the naive
            forecast's error.
        horizon: Rows to forecast.
    """

    mean: np.ndarray
    rate: np.ndarray
    unit: float
    horizon: int = 1

    @classmethod
    def of(cls, table: Table, horizon: int = 1) -> "Scaling":
        """The scaling of a table.

        Args:
            table: The table.
            horizon: Rows to forecast.

        Returns:
            The scaling.
        """
        rows = table.values[: table.training_rows]
        first = rows[0]
        size = np.maximum(np.abs(rows - first).max(axis=0), np.finfo(float).tiny)
        moved = (rows - first) / size  # so that squares neither vanish nor overflow
        deviation = moved.std(axis=0) * size
        with np.errstate(divide="ignore"):
            rate = np.where(deviation > 0, 1 / deviation, 0.0)
        target = table.target[: table.training_rows]
        changes = [np.abs(target[k:] - target[:-k]).mean() for k in range(1, horizon + 1)]
        return cls(first + moved.mean(axis=0) * size, rate, float(np.mean(changes)), horizon)

    def standardise(self, rows: np.ndarray) -> np.ndarray:
        """Rows of any shape `(..., columns)` as float32 numbers of the order of one."""
        return np.asarray((rows - self.mean) * self.rate, "float32")


class Windows(keras.utils.PyDataset):
    """Every `window` rows in a row, and how the target changes in the rows after them.

    Only what a batch needs is copied. It works on every backend; Keras'
    `timeseries_dataset_from_array` needs TensorFlow.

    Args:
        table: The table.
        scaling: What makes its numbers of the order of one.
        ends: For each example, the number of the row that it ends with.
        window: Rows that are read.
        batch_size: Examples per batch.
        seed: Decides the order of the examples, new in every epoch. Default: they keep theirs.
    """

    def __init__(
        self,
        table: Table,
        scaling: Scaling,
        ends: np.ndarray,
        window: int,
        batch_size: int = 1024,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.table, self.scaling = table, scaling
        self.ends = ends
        self.back = np.arange(1 - window, 1)
        self.ahead = np.arange(1, scaling.horizon + 1)
        self.batch_size = batch_size
        self.random = None if seed is None else np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self.ends) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs `(batch, window, columns)` and changes `(batch, horizon)` in the unit."""
        ends = self.ends[self.batch_size * index : self.batch_size * (index + 1), None]
        rows = self.scaling.standardise(self.table.values[ends + self.back])
        target = self.table.target
        changes = (target[ends + self.ahead] - target[ends]) / self.scaling.unit
        return rows, changes.astype("float32")

    def on_epoch_end(self) -> None:
        """Shuffles, where there is a seed."""
        if self.random is not None:
            self.ends = self.random.permutation(self.ends)
