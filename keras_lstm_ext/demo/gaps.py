"""Gaps: codes such as -999 that stand for one, and what is put in their place."""

from collections.abc import Callable, Sequence

import numpy as np

from keras_lstm_ext.demo.errors import UserError

FILLS = ("refuse", "last", "drop")
CODES = (
    *(-99.0, -99.9, -99.99, -999.0, -999.9, -999.99, -9999.0, -9999.9, -99999.0, -999999.0),
    *(-32768.0, 999.0, 999.9, 999.99, 9999.0, 9999.9, 99999.0, 999999.0, 1e20, 1e30),
    float(np.float32(9.96921e36)),
)
"""Numbers that data services write where a measurement is missing."""


def gap_codes(names: Sequence[str], values: np.ndarray) -> list[str]:
    """Makes gaps of codes such as -999, where they can hardly be numbers.

    That is where all other numbers are positive and the code is not, or where it lies further from
    them than they lie apart.

    Args:
        names: The columns.
        values: Shape `(rows, columns)`; changed in place.

    Returns:
        A note for each code, also for one that was left as a number.

    Examples:
        >>> values = np.array([[12.5], [-999.0], [13.5]])
        >>> gap_codes(["y"], values)
        ["column 'y': -999, 1 time, was taken for a gap; if it is a number: --gap none"]
        >>> values.ravel().tolist()
        [12.5, nan, 13.5]
    """
    notes = []
    for k, name in enumerate(names if len(values) else []):
        column = values[:, k]
        for end in (np.fmin, np.fmax) * 2:
            extreme = end.reduce(column)
            there = np.isclose(column, extreme, rtol=1e-6, atol=0)
            rest = column[~there & ~np.isnan(column)]
            if not len(rest) or not np.isclose(CODES, extreme, rtol=1e-6, atol=0).any():
                continue
            count = f"{there.sum()} time{'' if there.sum() == 1 else 's'}"
            told = f"column {name!r}: {extreme:g}, {count}, was taken for"
            apart = np.abs(rest - extreme).min() > np.ptp(rest)
            if apart or (extreme < 0 <= rest.min()):
                column[there] = np.nan
                notes.append(f"{told} a gap; if it is a number: --gap none")
            else:
                notes.append(f"{told} a number; if it stands for a gap: --gap={extreme:g}")
    return list(dict.fromkeys(notes))


def fill(
    names: Sequence[str], values: np.ndarray, line: Callable[[int], int], how: str
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Fills gaps, or refuses them.

    Args:
        names: The columns; the target is the last.
        values: Shape `(rows, columns)`, oldest first; changed in place.
        line: Gives the line in the file of a row.
        how: One of `FILLS`. "last" repeats the last value before, never a later one, which a
            forecast could not know; "drop" leaves out rows.

    Returns:
        The rows that are kept, which of these have a filled target, and notes.

    Raises:
        UserError: If there are gaps that are to be refused.
    """
    gaps = np.isnan(values)
    rows = np.arange(len(values))
    if not gaps.any():
        return rows, np.zeros(len(rows), bool), []
    counts = {name: int(n) for name, n in zip(names, gaps.sum(axis=0), strict=True) if n}
    listed = ", ".join(f"{n} in {name!r}" for name, n in list(counts.items())[:20])
    if how == "refuse":
        row, column = np.argwhere(gaps)[0]
        raise UserError(
            f"column {names[column]!r}, line {line(row)}: there is a gap, but every row needs a "
            f"number. Gaps: {listed}. To repeat the last value before: --fill last; to leave such "
            "rows out: --fill drop" + _left_out(counts, names[-1])
        )
    if how == "drop":
        rows = np.flatnonzero(~gaps.any(axis=1))
        return rows, np.zeros(len(rows), bool), [f"gaps ({listed}): such rows were left out"]
    known = np.maximum.accumulate(np.where(gaps, -1, rows[:, None]), axis=0)
    start = int((known >= 0).all(axis=1).argmax()) if (known[-1] >= 0).all() else len(rows)
    values[:] = np.take_along_axis(values, np.maximum(known, 0), axis=0)
    notes = [
        f"gaps ({listed}): filled with the last value before; filled cells of {names[-1]!r} are "
        "not forecast, so no error is counted there"
    ]
    if start:
        notes.append(f"the first {start} rows were left out: there is no value before their gaps")
    return rows[start:], gaps[start:, -1], notes


def _left_out(counts: dict[str, int], target: str) -> str:
    names = [name for name in counts if name != target][:3]
    return "".join(
        f"{'; to leave a column out:' * (k == 0)} --ignore {name!r}" for k, name in enumerate(names)
    )
