"""The columns of a file as numbers and times, read piece by piece so that long files fit."""

import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_lstm_ext.demo import cells, timecolumn
from keras_lstm_ext.demo.errors import UserError, require
from keras_lstm_ext.demo.layout import SEPARATORS, Layout, split
from keras_lstm_ext.demo.times import Times, choose, missing

LARGEST = float(np.finfo("float32").max)
CHUNK = 100_000


@dataclass(frozen=True)
class Reading:
    """How to read a file; what is `None` is found out.

    Args:
        separator: What separates cells, a key of `layout.SEPARATORS`.
        decimal: The decimal sign, "." or ",".
        encoding: Of the text.
        time: The time column, "none" if there is none.
        day_first: Whether 1/2/2024 is in February.
        gaps: Cells that stand for a gap besides empty ones, `?`, `NA` and such; ("none",) if -999
            and such do not.
        fill: What happens to gaps: "refuse", "last" or "drop".
        duplicates: What happens to rows of one time: "refuse", "first" or "last".
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    time: str | None = None
    day_first: bool | None = None
    gaps: tuple[str, ...] = ()
    fill: str = "refuse"
    duplicates: str = "refuse"


class Columns:
    """What a file holds, row by row as it stands there.

    Args:
        path: The file, for messages.
        data: Its text.
        layout: How that is laid out.
        how: How to read it.
        target: The column to forecast.
        ignore: Columns to leave out.

    Attributes:
        names: Names of the columns of numbers; the target is the last.
        values: Shape `(rows, columns)`, float64, NaN at gaps.
        times: The times of the rows, `None` if there is no time column.
        notes: What the user should know.

    Raises:
        UserError: If a cell is neither a number nor a gap, or a row has no time.
    """

    def __init__(
        self,
        path: Path,
        data: bytes,
        layout: Layout,
        how: Reading,
        target: str,
        ignore: Sequence[str],
    ) -> None:
        self.path, self.data, self.layout, self.target = path, data, layout, target
        self.gaps = tuple(gap for gap in how.gaps if gap != "none")
        self.notes: list[str] = []
        sample = require("pandas").DataFrame(
            list(layout.sample), columns=list(layout.names), dtype="str"
        )
        rest = [name for name in layout.names if name not in (target, *ignore)]
        self.time = None
        if how.time != "none" and len(sample):
            self.time = timecolumn.find(sample, rest, how.time, how.day_first)
        self.decimal = how.decimal or self._find_decimal(sample)
        aside = self.time.names if self.time and not self.time.inputs else ()
        self.names = [name for name in rest if name not in aside] + [target]
        self._read()
        del self.data

    def _find_decimal(self, sample: Any) -> str:
        skip = self.time.names if self.time else ()
        columns = [list(sample[name]) for name in sample.columns if name not in skip]
        sign, doubt = cells.decimal_sign(columns, self.layout.separator)
        if doubt is not None:
            other = "," if sign == "." else "."
            meant = cells.number(doubt, sign)
            self.notes.append(f"{doubt!r} was read as {meant:g}; if wrong: --decimal {other!r}")
        return sign

    def _read(self) -> None:
        values, bad = [np.zeros((0, len(self.names)))], [np.zeros((0, len(self.names)), bool)]
        times = [self.time.parse_nothing() if self.time else []]
        for frame in self._frames():
            read = [cells.numbers(frame[name], self.decimal, self.gaps) for name in self.names]
            values.append(np.stack([numbers for numbers, _ in read], axis=1))
            bad.append(np.stack([wrong for _, wrong in read], axis=1))
            if self.time:
                times.append(self.time.parse(frame))
        self.values = np.concatenate(values)
        wrong = np.concatenate(bad) | (np.abs(self.values) > LARGEST)
        self._leave_out(wrong)
        self.times = self._chosen([np.concatenate(parts) for parts in zip(*times, strict=True)])

    def _frames(self) -> Iterator[Any]:
        pandas, layout = require("pandas"), self.layout
        rows = self.data.count(b"\n", 0, layout.end) + 1 - layout.first - len(layout.comments)
        if rows < 1 or not len(layout.sample):
            return
        separator = {" ": r"\s+", "": "\x1f"}.get(layout.separator, layout.separator)
        words = {form for gap in cells.GAPS for form in (gap, gap.upper(), gap.title())}
        try:
            with warnings.catch_warnings():
                # pandas 3.1 reads floats exactly by itself, and says so.
                warnings.filterwarnings("ignore", "The 'float_precision' argument")
                frames = pandas.read_csv(
                    io.BytesIO(self.data),
                    sep=separator,
                    header=None,
                    names=list(layout.names),
                    index_col=False,
                    skiprows={*range(layout.first), *layout.comments},
                    nrows=rows,
                    chunksize=CHUNK,
                    decimal=self.decimal,
                    dtype=dict.fromkeys(self.time.names, "str") if self.time else None,
                    na_values=[*words, *self.gaps],
                    skipinitialspace=True,
                    skip_blank_lines=False,  # a blank line among the rows is a gap
                    float_precision="round_trip",
                    low_memory=False,
                )
            with frames:
                yield from frames
        except pandas.errors.ParserError as error:
            raise UserError(self._uneven()) from error

    def _uneven(self) -> str:
        """Which line cannot be a row."""
        layout = self.layout
        what = (
            f"{self.path} is not a {SEPARATORS.get(layout.separator, 'one-column')}-separated table"
        )
        for k, line in enumerate(self.data[: layout.end].decode().split("\n")):
            if k < layout.first or k in layout.comments:
                continue
            count = len(split(line, layout.separator))
            if count > len(layout.names) or line.count('"') % 2:
                reason = "a quote is not closed"
                if count > len(layout.names):
                    reason = f"there are {count} cells, but {len(layout.names)} columns"
                return f"{what}: line {k + 1}: {reason}; mend the line, or give --separator"
        return f"{what}: a quote is not closed; close it, or give --separator"

    def _cell(self, row: int, name: str) -> str:
        line = self.layout.line(row)
        text = self.data.split(b"\n", line)[line - 1].decode()
        found = split(text, self.layout.separator)
        k = self.layout.names.index(name)
        return found[k] if k < len(found) else ""

    def _leave_out(self, wrong: np.ndarray) -> None:
        """Leaves out columns that say nothing, and refuses those that hold text."""
        text, keep = {}, []
        for k, name in enumerate(self.names):
            known = np.isfinite(self.values[:, k])
            if wrong[:, k].any():
                text[name] = int(np.argmax(wrong[:, k]))
            if name == self.target:
                keep.append(k)
            elif name in text and not known.any() and self._one_word(wrong[:, k], name):
                word = self._cell(text.pop(name), name)
                self.notes.append(f"column {name!r} was left out: it is {word!r} in all rows")
            elif not known.any() and name not in text and len(known):
                if not name.startswith("Unnamed"):  # what comes of a comma at the end of the rows
                    self.notes.append(f"column {name!r} was left out: it is empty")
            elif name.startswith("Unnamed") and _counts(self.values[:, k]):
                self.notes.append(f"column {name!r} was left out: it counts the rows")
            else:
                keep.append(k)
        if text:
            raise UserError(self._no_numbers(text))
        self.names = [self.names[k] for k in keep]
        self.values = self.values[:, keep]

    def _one_word(self, wrong: np.ndarray, name: str) -> bool:
        words = {row[self.layout.names.index(name)] for row in self.layout.sample}
        return len(words) == 1 and bool(wrong.all())

    def _no_numbers(self, text: dict[str, int]) -> str:
        found = {name: (self.layout.line(row), self._cell(row, name)) for name, row in text.items()}
        ignore = " ".join(f"--ignore {name!r}" for name in found if name != self.target)
        hint = f"; to leave the column out: {ignore}" if ignore else ""
        if len(found) > 1:
            listed = ", ".join(
                f"{n!r} (line {line}: {cell!r})" for n, (line, cell) in found.items()
            )
            hint = hint.replace("the column", "columns")
            return f"{len(found)} columns hold cells that are not finite numbers: {listed}{hint}"
        ((name, (line, cell)),) = found.items()
        other = "," if self.decimal == "." else "."
        if cells.number(cell, other) is not None:
            hint = f"; the decimal sign was taken to be {self.decimal!r}, see --decimal{hint}"
        elif cells.number(cell, self.decimal) is None:
            hint += f"; if it stands for a gap: --gap {cell!r}"
        return f"column {name!r}, line {line}: {cell!r} is not a finite number{_limit(cell)}{hint}"

    def _chosen(self, times: list[np.ndarray]) -> Times | None:
        if self.time is None:
            return None
        forms = self.time.formats
        form, doubtful = choose(dict(zip(forms, times, strict=True)))
        values = times[forms.index(form)]
        if missing(values).any():
            row = int(np.argmax(missing(values)))
            cell = " ".join(self._cell(row, name) for name in self.time.names).strip()
            good = " ".join(self._cell(int(np.argmin(missing(values))), n) for n in self.time.names)
            what = f"{cell!r} is not a time" if cell else "there is no time"
            raise UserError(
                f"column {self.time.name!r}, line {self.layout.line(row)}: {what}, as {good!r} is; "
                "mend or delete the row, or leave times out of account: --time none --ignore "
                f"{self.time.name!r}"
            )
        if len(forms) > 1 and len(values):
            order = "day" if form.index("%d") < form.index("%m") else "month"
            other = "month" if order == "day" else "day"
            told = f"dates such as {self._cell(0, self.time.names[0])!r} were read {order} first"
            if doubtful or not missing(times[1 - forms.index(form)]).any():
                self.notes.append(f"{told}; if wrong: --dates {other}-first")
        return Times(self.time.name, values, form)


def _counts(values: np.ndarray) -> bool:
    steps = np.diff(values)
    return len(steps) > 0 and bool((steps == steps[0]).all()) and abs(steps[0]) == 1


def _limit(cell: str) -> str:
    value = cells.number(cell, ".")
    return " that float32 can hold" if value is not None and abs(value) > LARGEST else ""
