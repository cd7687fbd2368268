"""The papers behind a layer, from the one bibliography, `references.bib`."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from keras_lstm_ext.variants import FAMILY, Variant


@dataclass(frozen=True)
class Reference:
    """One entry of the bibliography.

    Args:
        key: Its citation key.
        kind: The BibTeX entry type, such as `"article"`.
        fields: Field names and their values, as BibTeX has them.

    Examples:
        >>> references()["gers2000learning"].text("journal")
        'Neural Computation'
    """

    key: str
    kind: str
    fields: dict[str, str]

    @property
    def read(self) -> str:
        """How the work is known here: `"in full"`, `"abstract"`, `"through hochreiter1997long"`."""
        return self.text("read")

    @property
    def bibtex(self) -> str:
        """The entry as BibTeX, one field a line; `read` is about this project and left out."""
        # Months stay bare: they are abbreviations that styles expand.
        lines = (
            f"  {name} = {value},\n" if name == "month" else f"  {name} = {{{value}}},\n"
            for name, value in self.fields.items()
            if name != "read"
        )
        fields = "".join(lines)
        return f"@{self.kind}{{{self.key},\n{fields}}}"

    def text(self, field: str) -> str:
        """A field as plain text, without the commands of LaTeX; empty where it is absent."""
        return plain(self.fields.get(field, ""))


def cite(what: str | Variant | Any) -> str:
    """The BibTeX entries of the papers behind a member of the family, oldest first.

    Args:
        what: `"cec"`, `"original"`, `"classic"` or `"peephole"`, a `Variant`, or a layer or cell.

    Returns:
        The entries, with an empty line between them.

    Raises:
        ValueError: If `what` is none of these, or a variant without `sources`.

    Examples:
        >>> print(cite("peephole").splitlines()[0])
        @inproceedings{gers2000recurrent,
    """
    variant = FAMILY.get(what) if isinstance(what, str) else getattr(what, "variant", what)
    if not isinstance(variant, Variant) or not variant.sources:
        raise ValueError(
            f"`what` must be one of {tuple(FAMILY)}, or a variant, layer or cell with `sources`. "
            f"Received: what={what!r}"
        )
    known = references()
    return "\n\n".join(known[key].bibtex for key in variant.sources)


@cache
def references() -> dict[str, Reference]:
    """The whole bibliography by citation key, in the order of the file.

    Examples:
        >>> len(references()) > 60
        True
    """
    source = Path(__file__).with_name("references.bib").read_text("utf-8")
    return {reference.key: reference for reference in parse(source)}


_ENTRY = re.compile(r"^@(\w+)\{([^,\s]+),", re.MULTILINE)
_FIELD = re.compile(r"\s*(\w+)\s*=\s*")


def parse(source: str) -> Iterator[Reference]:
    """Reads BibTeX: entries with fields in braces, or bare words such as months and years.

    Args:
        source: The text of a `.bib` file.

    Yields:
        The entries in their order.

    Raises:
        ValueError: If braces do not balance.

    Examples:
        >>> [r.fields for r in parse("@misc{a, title={An {LSTM}}, year=1997}")]
        [{'title': 'An {LSTM}', 'year': '1997'}]
    """
    for entry in _ENTRY.finditer(source):
        fields, at = {}, entry.end()
        while match := _FIELD.match(source, at):
            end = _end(source, match.end())
            value = source[match.end() : end].strip()
            fields[match[1]] = value[1:-1] if value.startswith("{") else value
            at = end + 1
        yield Reference(entry[2], entry[1], fields)


def _end(source: str, start: int) -> int:
    """Where the value that begins at `start` ends: the next comma or brace outside of braces."""
    depth = 0
    for at in range(start, len(source)):
        if depth == 0 and source[at] in ",}":
            return at
        depth += {"{": 1, "}": -1}.get(source[at], 0)
    raise ValueError(f"A brace is not closed after {source[start : start + 40]!r}")


_ACCENTS = {
    '"': "\u0308",
    "'": "\u0301",
    "`": "\u0300",
    "^": "\u0302",
    "~": "\u0303",
    "c": "\u0327",
}
_ACCENT = re.compile(r"""\\(["'`^~]|c(?=\s|\{))\s*\{?\\?(\w)\}?""")
_SIGNS = {r"\L": "Ł", r"\l": "ł", "---": "\u2014", "--": "\u2013", "``": "“", "''": "”", r"\&": "&"}


def plain(latex: str) -> str:
    r"""The text that LaTeX stands for: accents, dashes and quotes, without protecting braces.

    Args:
        latex: The value of a BibTeX field.

    Returns:
        Plain text.

    Examples:
        >>> plain(r"{LSTM} by J{\"u}rgen, pages 1--2")
        'LSTM by Jürgen, pages 1–2'
    """
    accented = _ACCENT.sub(lambda match: match[2] + _ACCENTS[match[1]], latex)
    for sign, character in _SIGNS.items():
        accented = accented.replace(sign, character)
    return unicodedata.normalize("NFC", accented.replace("{", "").replace("}", ""))
