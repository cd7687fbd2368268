"""The times of a table's rows: which is first, what is missing, what comes next."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from keras_lstm_ext.demo.errors import UserError, require
from keras_lstm_ext.demo.timecolumn import ISO, NUMBER, STAMPS


@dataclass(frozen=True)
class Times:
    """The times of a table's rows, oldest first.

    Args:
        name: Of their column.
        values: Datetimes or numbers.
        form: How the file writes them.
    """

    name: str
    values: np.ndarray
    form: str

    def text(self, time: Any) -> str:
        """A time as the file writes it."""
        if self.form == NUMBER:
            return f"{time:.15g}"
        if self.form in STAMPS:
            micro = int(time.astype("datetime64[us]").astype("int64"))
            return f"{micro * STAMPS[self.form] / 1e6:.0f}"
        moment = time.astype("datetime64[us]").astype(datetime)
        return moment.isoformat() + "Z" if self.form == ISO else moment.strftime(self.form)

    def following(self, count: int) -> list[str] | None:
        """The next times as the file would write them, `None` if the step is not regular."""
        if len(self.values) < 3:
            return None
        usual, share = usual_step(self.values)
        if self.form == NUMBER:
            steps = np.arange(1, count + 1) * usual
            regular = np.abs(np.diff(self.values) - usual) <= 1e-6 * abs(usual)
            return [self.text(self.values[-1] + s) for s in steps] if regular.all() else None
        pandas = require("pandas")
        step = self._calendar() or (pandas.Timedelta(usual) if share >= 0.9 else None)
        if step is None:
            return None
        times = pandas.date_range(self.values[-1], periods=count + 1, freq=step)
        times = times[times > self.values[-1]][:count].to_numpy("datetime64[us]")
        return [self.text(time) for time in times] if len(times) == count else None

    def _calendar(self) -> Any:
        """The step of months, weeks or working days, in pandas' words."""
        index = require("pandas").DatetimeIndex(self.values)
        daily = usual_step(self.values)[0] == np.timedelta64(1, "D")
        working = daily and len(index) > 5 and (index.day_of_week < 5).all()
        return self._inferred(index) or ("B" if working else None)

    @staticmethod
    def _inferred(index: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas will return an object instead of a text
            return require("pandas").infer_freq(index)

    def notes(self) -> list[str]:
        """What the user should know of them."""
        if not len(self.values):
            return []
        first, last = self.text(self.values[0]), self.text(self.values[-1])
        notes = [f"time column {self.name!r}: {first} to {last}"]
        if self.form in STAMPS:
            start, stop = (str(v.astype("datetime64[s]")) for v in self.values[[0, -1]])
            notes[0] += f", time stamps in {self.form}: {start} to {stop}"
        steps = np.diff(self.values)
        if len(steps) < 2:
            return notes
        usual, _ = usual_step(self.values)
        number = self.form == NUMBER
        step = f"{usual:.6g}" if number else duration(usual)
        notes[0] += f", usual step {step}"
        long = np.flatnonzero(steps > (usual * (1 + 1e-6) if number else usual))
        if len(long) and not self._months():
            k = int(long[np.argmax(steps[long])])
            longest = f"{steps[k]:.6g}" if number else duration(steps[k])
            notes.append(
                f"gaps in time: {len(long)} of {len(steps)} steps are longer, the longest "
                f"{longest} after {self.text(self.values[k])}; rows are read as if they followed "
                "each other"
            )
        return notes

    def _months(self) -> bool:
        """Whether the step is regular by the calendar, if not by the clock."""
        index = require("pandas").DatetimeIndex(self.values) if self.form != NUMBER else None
        return index is not None and self._inferred(index) is not None


def usual_step(values: np.ndarray) -> tuple[Any, float]:
    """The most frequent step, and its share of all."""
    steps = np.diff(values)
    if values.dtype.kind == "f":
        return np.median(steps), 1.0
    kinds, counts = np.unique(steps, return_counts=True)
    return kinds[np.argmax(counts)], float(counts.max() / len(steps))


def duration(step: np.timedelta64) -> str:
    """A time step in words.

    Args:
        step: The step.

    Returns:
        Days and a clock.

    Examples:
        >>> duration(np.timedelta64(90, "m")), duration(np.timedelta64(3, "D"))
        ('01:30:00', '3 days')
    """
    days, rest = divmod(int(step / np.timedelta64(1, "us")), 86_400_000_000)
    clock = str(np.datetime64(rest, "us"))[11:].removesuffix(".000000") if rest else ""
    return " ".join(filter(None, (f"{days} day{'s' * (days != 1)}" if days else "", clock)))


def choose(candidates: Mapping[str, np.ndarray]) -> tuple[str, bool]:
    """Day first or month first: what leaves no cell without a time, then what is most regular.

    Args:
        candidates: Times in the order of the file, by format.

    Returns:
        The format, and whether another would have done as well.
    """
    complete = {form: v for form, v in candidates.items() if not missing(v).any()}
    if len(complete) < 2 or len(next(iter(complete.values()))) < 2:
        return next(iter(complete or candidates)), False
    order = {form: _order(values) for form, values in complete.items()}
    best = max(order.values())
    winners = [form for form in order if order[form] == best]
    return winners[-1] if len(winners) > 1 else winners[0], len(winners) > 1


def _order(values: np.ndarray) -> tuple[bool, float]:
    """Whether rows run one way, and how little the longest step exceeds the usual one."""
    steps = np.diff(values) / np.timedelta64(1, "us")
    size = np.diff(np.sort(values)) / np.timedelta64(1, "us")
    usual = float(np.median(size)) if len(size) else 0.0
    return bool((steps > 0).all() or (steps < 0).all()), -float(size.max()) / max(usual, 1.0)


def missing(values: np.ndarray) -> np.ndarray:
    """Which times are none."""
    return np.isnan(values) if values.dtype.kind == "f" else np.isnat(values)


def in_order(
    times: Times, line: Callable[[int], int], duplicates: str
) -> tuple[np.ndarray, list[str]]:
    """Sorts rows, oldest first.

    Args:
        times: Their times, as in the file.
        line: Gives the line in the file of a row.
        duplicates: "refuse", "first" or "last": what happens to rows of one time.

    Returns:
        Numbers of the rows, and notes.

    Raises:
        UserError: If there are rows of one time that are to be refused.
    """
    values = times.values
    zero = values.dtype.type(0) if values.dtype.kind == "f" else np.timedelta64(0, "us")
    steps = np.diff(values)
    newest_first = len(steps) > 0 and bool((steps <= zero).all()) and bool((steps < zero).any())
    backwards = np.arange(len(values))[::-1]
    rows = backwards if newest_first else np.argsort(values, kind="stable")
    notes = []
    if newest_first:
        notes.append(f"rows were sorted by {times.name!r}: the file has the newest first")
    elif (steps < zero).any():
        count = int((steps < zero).sum())
        notes.append(f"rows were sorted by {times.name!r}: {count} came after a later one")
    same = np.flatnonzero(np.diff(values[rows]) == zero)
    if not len(same):
        return rows, notes
    if duplicates == "refuse":
        one, two = sorted(line(int(row)) for row in rows[same[0] : same[0] + 2])
        raise UserError(
            f"column {times.name!r}, lines {one} and {two}: the same time, "
            f"{times.text(values[rows[same[0]]])}; {len(same)} rows have a time that was there. If "
            "they are several series, keep one; to keep one row of each time: --duplicates first "
            f"or last; to take rows as they stand: --time none --ignore {times.name!r}"
        )
    notes.append(f"{len(same)} rows whose time was there were left out: --duplicates {duplicates}")
    # In the order of the file, whichever way that runs.
    by_time = np.lexsort((np.arange(len(values)), values))
    start = np.concatenate([[True], np.diff(values[by_time]) != zero])
    if duplicates == "last":
        start = np.concatenate([start[1:], [True]])
    return by_time[start], notes
