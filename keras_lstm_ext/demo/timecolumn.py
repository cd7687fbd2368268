"""The time column of a table: found, and read in the format that it has."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from keras_lstm_ext.demo.cells import GAPS, number
from keras_lstm_ext.demo.errors import require

DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y"),
    *("%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%Y%m%d"),
)
CLOCKS = ("", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%H", "%H%M%S")
FORMATS = (
    *(f"{date} {clock}".strip() for clock in CLOCKS for date in DATES),
    *(f"%Y-%m-%dT{clock}" for clock in CLOCKS[1:4]),
    *("%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%d.%m.%Y, %H:%M", "%d.%m.%Y, %H:%M:%S"),
    *("%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%b-%y", "%b-%Y", "%b %Y", "%B %Y"),
)
STAMPS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Time stamps since 1970, and how many there are in a second."""

ISO = "ISO 8601"
NUMBER = "number"
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?")
_NAME = re.compile(
    r"(?:^|[^a-z])(?:date|time|timestamp|datetime|epoch|unix|datum|zeit|zeitstempel|year|jahr)"
    r"(?:[^a-z]|$)|^(?:t|mess_?datum\w*|\w*(?:date|time))$",
    re.IGNORECASE,
)
_PARTS = ("year", "month", "day", "hour", "minute", "second")


@dataclass(frozen=True)
class Column:
    """Where the time of a row stands.

    Args:
        names: Of the column, or of those that make up the time together.
        formats: Of `datetime.strptime`, or a key of `STAMPS`, `ISO` or `NUMBER`; more than one if
            the day may come first or the month.
        joint: What is put between the parts.
        inputs: Whether the columns are also numbers to read.
    """

    names: tuple[str, ...]
    formats: tuple[str, ...]
    joint: str = " "
    inputs: bool = False

    @property
    def name(self) -> str:
        """What the time is called."""
        return self.names[0] if len(self.names) == 1 else " ".join(self.names)

    def text(self, frame: Any) -> Any:
        """The times as text, a pandas series; missing where a part is."""
        text = frame[self.names[0]].str.strip()
        for k, name in enumerate(self.names[1:], 1):
            joint = self.joint if k < 3 else (" " if k == 3 else ":")
            text = text + joint + frame[name].str.strip()
        return text

    def parse(self, frame: Any) -> list[np.ndarray]:
        """The times by each format: NaT or NaN where a cell is none."""
        text = self.text(frame)
        return [parse(text, form) for form in self.formats]

    def parse_nothing(self) -> list[np.ndarray]:
        """What a table without rows has."""
        return [np.zeros(0, "float64" if f == NUMBER else "datetime64[us]") for f in self.formats]


def parse(text: Any, form: str) -> np.ndarray:
    """Reads times.

    Args:
        text: A pandas series of texts.
        form: One of a column's formats.

    Returns:
        Float64 for `NUMBER`, datetimes of microseconds in UTC for all others.
    """
    pandas = require("pandas")
    if form == NUMBER or form in STAMPS:
        values = pandas.to_numeric(text, errors="coerce").to_numpy("float64")
        if form == NUMBER:
            return values
        micro = np.where(np.isfinite(values), values, 0) * (1e6 / STAMPS[form])
        times = np.round(micro).astype("int64").astype("datetime64[us]")
        return np.where(np.isfinite(values), times, np.datetime64("NaT"))
    how = {"format": "ISO8601", "utc": True} if form == ISO else {"format": form}
    times = pandas.to_datetime(text, errors="coerce", **how)
    if form == ISO:
        times = times.dt.tz_localize(None)
    return np.asarray(times.to_numpy("datetime64[us]"))


def find(
    sample: Any, candidates: Sequence[str], wanted: str | None, day_first: bool | None
) -> Column | None:
    """Finds the time column.

    Args:
        sample: Some rows as text, a pandas data frame.
        candidates: Names of the columns that may be it.
        wanted: The name of the column that must be it.
        day_first: Whether 1/2/2024 is in February. Default: what makes sense of all rows.

    Returns:
        The column, `None` if there is none.
    """
    if wanted is not None:
        forms = _formats(sample[wanted], day_first, asked=True)
        return Column((wanted,), forms or (NUMBER,))
    lower = {str(name).strip().lower(): name for name in candidates}
    parts = [lower[part] for part in _PARTS if part in lower]
    if len(parts) > 1 and [p.lower() for p in parts] == list(_PARTS[: len(parts)]):
        return _assembled(sample, parts)
    for k, name in enumerate(candidates):
        forms = _formats(sample[name], day_first, asked=bool(_NAME.search(name)))
        if not forms:
            continue
        for clock in candidates[k + 1 : k + 2]:
            if _share(sample[clock], lambda cell: bool(_CLOCK.fullmatch(cell))) == 1:
                both = Column((name, clock), ()).text(sample)
                return Column((name, clock), _formats(both, day_first, asked=True))
        return Column((name,), forms)
    return None


def _assembled(sample: Any, parts: list[str]) -> Column | None:
    form = "-".join(("%Y", "%m", "%d")[: len(parts)])
    form += " " * (len(parts) > 3) + ":".join(("%H", "%M", "%S")[: max(len(parts) - 3, 0)])
    column = Column(tuple(parts), (form,), "-", inputs=True)
    (times,) = column.parse(sample)
    return None if len(times) == 0 or np.isnat(times).any() else column


def _share(cells: Any, accept: Any) -> float:
    full = [cell for cell in cells if str(cell).lower() not in GAPS]
    return sum(map(accept, full)) / max(len(full), 1)


def _formats(cells: Any, day_first: bool | None, asked: bool) -> tuple[str, ...]:
    """The formats that fit nine cells of ten, or as many as any does."""
    full = cells[[str(cell).lower() not in GAPS for cell in cells]].str.strip()
    if not len(full):
        return ()
    probes = [str(full.iloc[k]) for k in (0, len(full) // 2, -1)]
    numeric = all(number(probe, ".") is not None for probe in probes)
    if numeric and not asked:
        return ()
    trial = [form for form in FORMATS if any(_fits(probe, form) for probe in probes)]
    shares = {form: 1 - np.isnat(parse(full, form)).mean() for form in trial}
    if not trial and not numeric and re.match(r"\d{4}-\d\d-\d\d[T ]\d", probes[0]):
        shares = {ISO: 1 - np.isnat(parse(full, ISO)).mean()}
    best = max(shares.values(), default=0)
    forms = [form for form, share in shares.items() if share == best >= 0.9]
    if day_first is not None and len(forms) > 1:
        forms = [form for form in forms if (form.index("%d") < form.index("%m")) == day_first]
    if forms or not numeric:
        return tuple(forms[:2])
    return _numeric(parse(full, NUMBER))


def _fits(text: str, form: str) -> bool:
    try:
        time = datetime.strptime(text, form)
    except ValueError:
        return False
    compact = form.startswith("%Y%m%d")
    return not compact or (1900 <= time.year < 2100 and len(text) == len(time.strftime(form)))


def _numeric(values: np.ndarray) -> tuple[str, ...]:
    """Time stamps by their size, from 1973 to 2100; other numbers if no two are equal."""
    if np.isnan(values).mean() > 0.1:
        return ()
    for stamp, rate in STAMPS.items():
        if (values > 1e8 * rate).all() and (values < 4.1e9 * rate).all():
            return (stamp,)
    return (NUMBER,) if len(np.unique(values)) == len(values) else ()
