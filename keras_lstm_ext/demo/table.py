"""A user's table: read, put in order, its gaps filled, and checked."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from keras_lstm_ext.demo import layout, source
from keras_lstm_ext.demo.columns import Columns, Reading
from keras_lstm_ext.demo.errors import UserError, require
from keras_lstm_ext.demo.gaps import fill, gap_codes
from keras_lstm_ext.demo.times import Times, in_order

HELD_OUT = 0.2
FEWEST_EXAMPLES = 20


@dataclass(frozen=True)
class Table:
    """Number columns over time.

    Args:
        columns: Their names; the target is the last.
        values: Shape `(rows, columns)`, float64.
        filled: Shape `(rows,)`, where the target was a gap. Default: nowhere.
        times: The times of the rows, if there is a time column.
        notes: What the user should know about the file.
    """

    columns: tuple[str, ...]
    values: np.ndarray
    filled: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    times: Times | None = None
    notes: tuple[str, ...] = ()

    @property
    def target(self) -> np.ndarray:
        """The column to forecast, shape `(rows,)`."""
        return self.values[:, -1]

    @property
    def training_rows(self) -> int:
        """Number of rows before the held-out ones."""
        return len(self.values) - int(HELD_OUT * len(self.values))

    def examples(self, window: int, horizon: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """The rows that windows end with, of examples to train on and of those held out.

        Args:
            window: Rows that are read.
            horizon: Rows that are forecast after each window.

        Returns:
            Numbers of rows. All rows that an example to train on forecasts are before the held-out
            ones, all that a held-out example forecasts are among them; none is a filled gap.

        Examples:
            >>> known, held_out = Table(("y",), np.zeros((20, 1))).examples(window=4, horizon=2)
            >>> known.tolist(), held_out.tolist()
            ([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13], [15, 16, 17])
        """
        filled = self.filled if len(self.filled) else np.zeros(len(self.values), bool)
        before = np.concatenate([[0], np.cumsum(filled)])  # filled rows before a row
        known = np.arange(window - 1, self.training_rows - horizon)
        held_out = np.arange(max(self.training_rows, window) - 1, len(self.values) - horizon)
        return tuple(
            ends[before[ends + 1 + horizon] == before[ends + 1]] for ends in (known, held_out)
        )


def read(
    path: Path,
    target: str,
    window: int,
    ignore: Sequence[str] = (),
    how: Reading | None = None,
    horizon: int = 1,
) -> Table:
    """Reads a table and refuses what a forecaster cannot be trained on.

    Args:
        path: A table as text with a header, one row per time step: sorted by its time column if it
            has one, otherwise taken as oldest first.
        target: The column to forecast.
        window: Rows that a forecast will read.
        ignore: Columns to leave out.
        how: How to read it. Default: what is not said is found out.
        horizon: Rows that will be forecast.

    Returns:
        The table.

    Raises:
        UserError: If the file is not a table, a column is missing, holds text or has a gap that is
            not to be filled, a time is missing or there twice, or there are too few rows or a
            constant target.
    """
    require("pandas")
    how = how or Reading()
    data, encoding = source.load(path, how.encoding)
    found = layout.find(data, target, how.separator)
    _check_names(path, found, target, ignore, how.time)
    columns = Columns(path, data, found, how, target, ignore)
    del data
    notes = [*found.notes, *columns.notes]
    if encoding not in ("utf-8", how.encoding):
        notes.append(f"the text is in {encoding}; if names look wrong: --encoding")
    rows, times = np.arange(len(columns.values)), columns.times
    if times is None:
        notes.append("no time column found: rows are taken as they stand, oldest first")
    else:
        rows, told = in_order(times, found.line, how.duplicates)
        notes += told
    values = columns.values[rows]
    if not how.gaps:
        notes += gap_codes(columns.names, values)
    kept, filled, told = fill(columns.names, values, lambda k: found.line(rows[k]), how.fill)
    notes += told
    if times is not None:
        times = replace(times, values=times.values[rows][kept])
        notes += times.notes()
    table = Table(tuple(columns.names), values[kept], filled, times)
    _check_rows(table, window, horizon)
    return replace(table, notes=(*notes, *_constant(table)))


def _check_names(
    path: Path, found: layout.Layout, target: str, ignore: Sequence[str], time: str | None
) -> None:
    for name in (target, *ignore, time):
        if name is None or name in found.names or (name == time == "none"):
            continue
        if len(found.names) == 1 and not found.sample[1:]:
            raise UserError(f"{path} is not a comma-separated table: it has no rows and one column")
        close = get_close_matches(name, found.names, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        if len(found.names) == 1:
            hint += "; if there are more, give what separates them: --separator"
        raise UserError(f"{path} has no column {name!r}; it has {_listed(found.names)}{hint}")
    for what, names in (("ignored", ignore), ("the time column", (time,))):
        if target in names:
            raise UserError(f"column {target!r} is the target and cannot be {what}")


def _check_rows(table: Table, window: int, horizon: int) -> None:
    rows = len(table.values)
    fewest = int(np.ceil((window + horizon - 1 + FEWEST_EXAMPLES) / (1 - HELD_OUT)))
    fewest = max(fewest, int(np.ceil(horizon / HELD_OUT)))
    if rows < fewest:
        wider = f" and --horizon {horizon}" if horizon > 1 else ""
        raise UserError(
            f"the table has {rows} rows; with --window {window}{wider}, at least {fewest} are "
            "needed"
        )
    if np.ptp(table.target[: table.training_rows]) == 0:
        raise UserError(
            f"column {table.columns[-1]!r} is the same in all {table.training_rows} rows to train "
            "on, so there is nothing to learn"
        )
    known, held_out = table.examples(window, horizon)
    if len(known) < FEWEST_EXAMPLES or not len(held_out):
        raise UserError(
            f"column {table.columns[-1]!r} has so many gaps that {len(known)} examples are left to "
            f"train on and {len(held_out)} held out; {FEWEST_EXAMPLES} and 1 are needed: forecast "
            "another column, or use --fill drop"
        )


def _constant(table: Table) -> list[str]:
    same = np.ptp(table.values[: table.training_rows], axis=0) == 0
    names = [name for name, constant in zip(table.columns, same, strict=True) if constant]
    return (
        [f"the same in all rows to train on, so without effect: {_listed(names)}"] if names else []
    )


def _listed(names: Sequence[str]) -> str:
    shown = [repr(name) for name in names[:20]]
    return ", ".join([*shown, "..."] if len(names) > len(shown) else shown)
