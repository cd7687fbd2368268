"""How a file is laid out: what separates its cells, where its header and its rows are."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from keras_lstm_ext.demo.cells import GAPS, number

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
"""What may separate cells, and its name. A space stands for any number of spaces and tabs."""

HEAD = 64_000
BLOCKS, BLOCK = 16, 4_000
_COMMENT = re.compile(r'^\s*"?(#|//|%|!)')
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DIGITS = re.compile(
    rf"^[^\w]*(?:{_MONTH}\W*)?\d[\d\WtTzZ]*(?:{_MONTH}[\d\W]*)?[^\W\d]{{0,4}}\W*$", re.I
)


@dataclass(frozen=True)
class Layout:
    """Where the rows of a file are.

    Args:
        separator: What separates cells; "" if there is one column.
        names: One per column.
        first: Number of the first line with data, counted from 0.
        end: Number of bytes up to the end of the last row.
        comments: Numbers of the lines among the rows that are comments.
        sample: Some of the rows, as cells.
        notes: What else the user should know.
    """

    separator: str
    names: tuple[str, ...]
    first: int
    end: int
    comments: tuple[int, ...] = ()
    sample: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()

    def line(self, row: int) -> int:
        """The number of a row's line, counted from 1."""
        line = self.first + row
        for comment in self.comments:
            line += comment <= line
        return line + 1


def split(line: str, separator: str) -> list[str]:
    """The cells of a line.

    Args:
        line: The line.
        separator: A key of `SEPARATORS`, or "" for one cell.

    Returns:
        The cells, without quotes and spaces around them.

    Examples:
        >>> split('2024-01-01; "1,5" ;3', ";"), split('"a b"  3 ', " ")
        (['2024-01-01', '1,5', '3'], ['a b', '3'])
    """
    if not separator:
        return [line.strip().removeprefix('"').removesuffix('"').strip()]
    if separator == " ":
        line = line.replace("\t", " ").strip()
    try:
        (cells,) = csv.reader([line], delimiter=separator, skipinitialspace=True)
    except (csv.Error, ValueError):
        cells = [line]
    return [cell.strip() for cell in cells]


def find(data: bytes, target: str, separator: str | None = None) -> Layout:
    """Finds out how a file is laid out.

    Args:
        data: The text, in UTF-8.
        target: A column's name: the line that has it is the header.
        separator: What separates cells. Default: what fits best.

    Returns:
        The layout.
    """
    head = data[:HEAD].decode(errors="ignore").split("\n")
    told = re.fullmatch(r'"?sep=(.)"?[,;\t]*', head[0])  # a line that Excel writes and reads
    if told:
        head[0] = ""
        separator = separator or told[1]
    if len(data) > HEAD and len(head) > 1:
        head.pop()
    lines = [*head, *_blocks(data)]
    candidates = [*SEPARATORS, ""] if separator is None else [separator]
    attempts = [_Attempt(lines, candidate, target, len(head)) for candidate in candidates]
    best = max(attempts, key=lambda attempt: attempt.score)
    return best.layout(data)


def _blocks(data: bytes) -> Iterator[str]:
    """Whole lines from all over the file."""
    for k in range(BLOCKS if len(data) > HEAD else 0):
        start = HEAD + (len(data) - HEAD) * k // BLOCKS
        block = data[start : start + min(BLOCK, (len(data) - HEAD) // BLOCKS)]
        yield from block.decode(errors="ignore").split("\n")[1:-1]


class _Attempt:
    """A file read with one separator."""

    def __init__(self, lines: Sequence[str], separator: str, target: str, head: int) -> None:
        self.separator = separator
        rows = [split(line, separator) if line.strip() else [] for line in lines]
        marked = [bool(_COMMENT.match(line)) for line in lines]
        body = [row for row, mark in zip(rows, marked, strict=True) if row and not mark]
        data = [row for row in body if _is_data(row)] or body
        self.width = Counter(map(len, data)).most_common(1)[0][0] if data else 0
        for k, (line, mark) in enumerate(zip(lines[:head], marked, strict=False)):
            if mark:  # numpy.savetxt and others write the header as a comment
                rows[k] = split(re.sub(r"^\s*[#/%!]+", "", line), separator)
        self.header = self._find_header(rows[:head], marked, target)
        after = 0 if self.header is None else self.header + 1
        self.first = next(
            (k for k in range(after, head) if rows[k] and not marked[k] and _is_data(rows[k])),
            next((k for k in range(after, head) if any(rows[k]) and not marked[k]), after),
        )
        self.sample = [
            row
            for k, row in enumerate(rows)
            if k >= self.first and any(row) and not (k < len(marked) and marked[k])
        ]
        self.names = self._find_names([] if self.header is None else rows[self.header])
        self.score = self._score(data, target)

    def _find_header(
        self, rows: Sequence[list[str]], marked: Sequence[bool], target: str
    ) -> int | None:
        fits = (self.width, self.width - 1, self.width + 1)
        for k, row in enumerate(rows):
            if target in row and (len(row) in fits or not marked[k]):
                return k
        found = None
        for k, row in enumerate(rows):
            if not marked[k] and _is_data(row) and len(row) == self.width:
                return found
            if len(row) in fits and any(row) and (not marked[k] or len(row) == self.width):
                found = k
        return found

    def _find_names(self, header: list[str]) -> list[str]:
        names = list(header)
        width = max(self.width, 1)
        while len(names) > width and not names[-1]:
            names.pop()
        if self.header is None:
            return [str(k + 1) for k in range(width)]
        if len(names) == width - 1 and any(row[-1] for row in self.sample if len(row) == width):
            names.insert(0, "")  # R writes no name above the names of its rows
        return names + [""] * (width - len(names))

    def _score(self, data: Sequence[list[str]], target: str) -> tuple[float, float]:
        rows = [row for row in data if len(row) == self.width]
        cells = [cell for row in rows[:500] for cell in row]
        plain = sum(map(_is_plain if self.separator else _is_number, cells)) / max(len(cells), 1)
        fit = 0.0
        if self.header is not None:
            fit = 1.0 if len(self.names) == self.width and "" not in self.names else 0.5
        several = 0.01 * (self.width > 1)
        return float(target in self.names), plain * len(rows) / max(len(data), 1) + fit + several

    def layout(self, data: bytes) -> Layout:
        """The layout that this separator gives."""
        end, cut = self._end(data)
        notes = []
        if self.header is None:
            notes.append(f"no header: columns are numbered from 1 to {len(self.names)}")
        if cut:
            notes.append(f"at the end, left out as no rows: {', '.join(map(repr, cut))}")
        comments = [
            data.count(b"\n", 0, match.start())
            for match in re.finditer(rb'^[ \t]*"?(?:#|//|%|!)', data[:end], re.MULTILINE)
        ]
        return Layout(
            self.separator,
            tuple(_distinct(self.names)),
            self.first,
            end,
            tuple(k for k in comments if k >= self.first),
            tuple(tuple(row) for row in self.sample if len(row) == self.width),
            tuple(notes),
        )

    def _end(self, data: bytes) -> tuple[int, list[str]]:
        """Where the rows end, and the sums, sources and torn lines after that."""
        end, cut = len(data.rstrip()), list[str]()
        while end > 0 and len(cut) < 20:
            start = data.rfind(b"\n", 0, end) + 1
            row = split(data[start:end].decode(errors="replace"), self.separator)
            whole = len(row) == self.width and (len(row) - row.count("") > 1 or self.width == 1)
            whole |= len(row) >= self.width and _is_data(row)
            if any(row) and (whole or data.count(b"\n", 0, start) <= self.first):
                break
            if any(row):
                cut.append(" ".join(filter(None, row))[:40])
            end = max(start - 1, 0)
        return end, cut[::-1]


def _is_plain(cell: str) -> bool:
    """Whether a cell could be a number, a time or a gap."""
    return cell.lower() in GAPS or bool(_DIGITS.match(cell))


def _is_number(cell: str) -> bool:
    return any(number(cell, decimal) is not None for decimal in ".,")


def _is_data(row: Sequence[str]) -> bool:
    digits = sum(bool(_DIGITS.match(cell)) for cell in row)
    return digits > 0 and 2 * sum(map(_is_plain, row)) >= len(row)


def _distinct(names: Sequence[str]) -> Iterator[str]:
    """Names as pandas gives them: what has none or one that was there gets a number."""
    seen: Counter[str] = Counter()
    for k, name in enumerate(names):
        yield (f"{name}.{seen[name]}" if seen[name] else name) if name else f"Unnamed: {k}"
        seen[name] += 1
