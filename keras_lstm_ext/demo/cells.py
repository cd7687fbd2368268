"""Numbers as people write them: 1,234.50 or 1.234,50, $5, 12 %, (3), 4-, and words for a gap."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_lstm_ext.demo.errors import require

GAPS = frozenset(
    (
        *(
            "",
            "?",
            "-",
            "--",
            "---",
            "\u2013",
            "\u2014",
            ".",
            "..",
            "...",
            "*",
            "na",
            "n/a",
            "n.a.",
        ),
        *("n. a.", "k.a.", "k. a.", "nan", "-nan", "nat", "null", "nil", "none", "missing", "void"),
        *("<na>", "#n/a", "#n/a n/a", "#na", "#nv", "#wert!", "#value!", "#div/0!", "#ref!"),
        *("#bezug!", "#num!", "#null!"),
    )
)
"""What stands for a gap, in small letters."""

CURRENCIES = r"[$€£¥₹₽₩¢]|EUR|USD|GBP|CHF|JPY|Rs\.?"
_DRESS = re.compile(
    rf"^(?P<open>\()?\s*(?:(?P<front>[+-])?\s*(?:{CURRENCIES})\s*)?(?P<body>[^()]*?)"
    rf"(?:\s*(?P<times>[KMB])\b)?(?:\s*(?:[%‰]|{CURRENCIES}))?\s*(?(open)\))$"
)
_TIMES = {None: 1.0, "K": 1e3, "M": 1e6, "B": 1e9}
_POWER = r"(?:[eE][+-]?\d+)?"
_NUMBER = {
    decimal: re.compile(
        rf"[+-]?(?=\{decimal}?\d)"
        rf"(?:\d*|\d{{1,3}}(?P<mark>[{marks}' ])(?:\d{{2,3}}(?P=mark))*\d{{3}})"
        rf"(?:\{decimal}\d*)?{_POWER}"
    )
    for decimal, marks in ((".", ","), (",", "."))
}
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2212": "-", "\u2019": "'"})


def number(text: str, decimal: str) -> float | None:
    """What a cell means.

    Args:
        text: The cell.
        decimal: The decimal sign, a point or a comma.

    Returns:
        The number, NaN for a gap, `None` for anything else.

    Examples:
        >>> number("1,234.50", "."), number("1.234,50 €", ","), number("12.5%", ".")
        (1234.5, 1234.5, 12.5)
        >>> number("(3)", "."), number("4-", "."), number("1.2M", "."), number("?", ".")
        (-3.0, -4.0, 1200000.0, nan)
        >>> number("1,5", "."), number("north", ".")
        (None, None)
    """
    text = text.translate(_SPACES).strip()
    if text.lower() in GAPS:
        return math.nan
    dress = _DRESS.match(text)
    if dress is None:
        return None
    body = dress["body"].strip()
    if body.endswith("-"):
        body = "-" + body[:-1].strip()
    if dress["front"]:
        body = dress["front"] + body
    if not _NUMBER[decimal].fullmatch(body):
        return None
    plain = re.sub("[,.' ]", lambda m: "." if m[0] == decimal else "", body)
    value = float(plain) * _TIMES[dress["times"]]
    return -value if dress["open"] else value


def numbers(column: Any, decimal: str, gaps: Sequence[str] = ()) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of a column.

    Args:
        column: A pandas series, of numbers, or of text where there are other cells than numbers.
        decimal: The decimal sign.
        gaps: More texts that stand for a gap.

    Returns:
        Float64 values, NaN at gaps; and which cells are neither.
    """
    pandas = require("pandas")
    if pandas.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy("float64", na_value=np.nan)
        bad = np.zeros(len(values), bool)
    else:
        codes, cells = pandas.factorize(column, use_na_sentinel=True)
        found = [math.nan if str(c) in gaps else number(str(c), decimal) for c in cells]
        known = np.array([math.nan if f is None else f for f in found] + [math.nan])
        values = known[codes]
        bad = np.array([f is None for f in found] + [False])[codes]
    for gap in gaps:
        code = number(gap, decimal)
        if code is not None:
            values = np.where(values == code, np.nan, values)
    return values, bad


def decimal_sign(columns: Iterable[Sequence[str]], separator: str) -> tuple[str, str | None]:
    """Finds the decimal sign of a file.

    Args:
        columns: Cells, column by column.
        separator: What separates cells: with "1,234" alone, it decides.

    Returns:
        The sign, and a cell that could also be meant otherwise, if no other settles it.

    Examples:
        >>> decimal_sign([["1.234,5"]], ";"), decimal_sign([["1,234", "950"]], ";")
        ((',', None), ('.', None))
        >>> decimal_sign([["1,234"]], ";")
        (',', '1,234')
    """
    votes = {".": 0, ",": 0}
    doubts = {".": "", ",": ""}
    for cells in columns:
        bodies = [_body(cell) for cell in cells]
        small = any(re.fullmatch(r"[+-]?\d{1,3}", body) for body in bodies)
        large = any(re.fullmatch(r"[+-]?\d{4,}", body) for body in bodies)
        for cell, body in zip(cells, bodies, strict=True):
            sign, sure = _sign(body)
            if sign and not sure and small and not large:
                # 950 beside 1,234: had it been a decimal comma, it would be 950,000.
                sign, sure = ",."[sign == ","], True
            if sign and sure:
                votes[sign] += 1
            elif sign:
                doubts[sign] = cell
    if votes["."] != votes[","]:
        return max(votes, key=lambda sign: votes[sign]), None
    if doubts[","]:
        return ("," if separator == ";" else "."), doubts[","]
    return ".", doubts["."] if separator == ";" and doubts["."] else None


def _body(cell: str) -> str:
    dress = _DRESS.match(cell.translate(_SPACES).strip())
    return dress["body"].strip() if dress else ""


def _sign(body: str) -> tuple[str, bool]:
    """Which decimal sign a number has or must have, and whether that is sure."""
    if not re.fullmatch(rf"[+-]?[\d.,' ]*\d[\d.,' ]*{_POWER}", body):
        return "", False
    marks = [character for character in body if character in ".,"]
    if not marks:
        return "", False
    last = marks[-1]
    other = "," if last == "." else "."
    if len(set(marks)) == 2:
        return (last, True) if marks.count(last) == 1 else ("", False)
    if len(marks) > 1:
        groups = re.fullmatch(rf"[+-]?\d{{1,3}}(\{last}\d{{2,3}})*\{last}\d{{3}}", body)
        return (other, True) if groups else ("", False)  # 1.234.567, but not 01.02.2024
    return last, not re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}\{last}\d{{3}}", body)
