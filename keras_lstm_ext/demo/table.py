"""A user's table: read, checked column by column, cut into windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_lstm_ext.demo.errors import UserError, require

HELD_OUT = 0.2
FEWEST_EXAMPLES = 20


@dataclass(frozen=True)
class Table:
    """Number columns over time.

    Args:
        columns: Their names; the target is the last.
        values: Shape `(rows, columns)`, float64.
    """

    columns: tuple[str, ...]
    values: np.ndarray

    @property
    def target(self) -> np.ndarray:
        """The column to forecast, shape `(rows,)`."""
        return self.values[:, -1]

    @property
    def training_rows(self) -> int:
        """Number of rows before the held-out ones."""
        return len(self.values) - int(HELD_OUT * len(self.values))

    def windows(self, window: int) -> tuple[np.ndarray, np.ndarray]:
        """Every `window` rows in a row, and the target in the row after them.

        Args:
            window: Number of rows.

        Returns:
            Inputs of shape `(rows - window, window, columns)` and targets of shape
            `(rows - window, 1)`, both float32. The last `rows - training_rows` are held out.

        Examples:
            >>> table = Table(("y",), np.arange(5.0)[:, None])
            >>> inputs, targets = table.windows(3)
            >>> inputs[..., 0].tolist(), targets[:, 0].tolist()
            ([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]], [3.0, 4.0])
        """
        views = np.lib.stride_tricks.sliding_window_view(self.values[:-1], window, axis=0)
        inputs = np.ascontiguousarray(views.transpose(0, 2, 1), dtype="float32")
        return inputs, self.values[window:, -1:].astype("float32")


def read(path: Path, target: str, window: int, ignore: Sequence[str] = ()) -> Table:
    """Reads a table and refuses what a forecaster cannot be trained on.

    Args:
        path: A comma-separated file with a header, one row per time step, oldest first.
        target: The column to forecast.
        window: Rows that a forecast will read.
        ignore: Columns to leave out.

    Returns:
        The table.

    Raises:
        UserError: If the file is not a table, a column is missing, holds text or has a gap, or
            there are too few rows or a constant target.
    """
    frame = _read_text(path)
    for column in (target, *ignore):
        if column not in frame.columns:
            raise UserError(f"{path} has no column {column!r}; it has {_listed(frame.columns)}")
    if target in ignore:
        raise UserError(f"column {target!r} is the target and cannot be ignored")
    inputs = [name for name in frame.columns if name != target and name not in ignore]
    columns = (*inputs, target)
    numbers = [_numbers(frame[name], is_target=name == target) for name in columns]
    table = Table(columns, np.stack(numbers, axis=1))
    _check_rows(table, window)
    return table


def _read_text(path: Path) -> Any:
    pandas = require("pandas")
    try:
        # As text, to find out ourselves what is no number; blank lines are gaps in the series.
        frame = pandas.read_csv(path, dtype=str, encoding="utf-8-sig", skip_blank_lines=False)
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}") from error
    except ValueError as error:  # pandas' own errors, and text that is not UTF-8
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{path} is not a comma-separated table: {reason}") from error
    last = frame.last_valid_index()
    return frame.iloc[: 0 if last is None else last + 1]


def _numbers(column: Any, is_target: bool) -> np.ndarray:
    numbers = require("pandas").to_numeric(column, errors="coerce").to_numpy("float64")
    with np.errstate(over="ignore"):
        bad = ~np.isfinite(numbers.astype("float32"))
    if not bad.any():
        return numbers
    row = int(np.argmax(bad))
    hint = "" if is_target else f"; to leave the column out: --ignore {column.name!r}"
    text = column.iloc[row]
    # The header is line 1.
    where = f"column {column.name!r}, line {row + 2}"
    if isinstance(text, str):
        raise UserError(f"{where}: {text!r} is not a finite number{hint}")
    raise UserError(f"{where}: there is a gap, but every row needs a number{hint}")


def _check_rows(table: Table, window: int) -> None:
    rows = len(table.values)
    fewest = int(np.ceil((window + FEWEST_EXAMPLES) / (1 - HELD_OUT)))
    if rows < fewest:
        raise UserError(
            f"the table has {rows} rows; with --window {window}, at least {fewest} are needed"
        )
    if np.ptp(table.target[: table.training_rows]) == 0:
        raise UserError(
            f"column {table.columns[-1]!r} is the same in all {table.training_rows} rows to train "
            "on, so there is nothing to learn"
        )


def _listed(names: Sequence[str]) -> str:
    shown = [repr(name) for name in names[:20]]
    return ", ".join([*shown, "..."] if len(names) > len(shown) else shown)
