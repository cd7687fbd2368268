"""Whether a quotation is in a text that is not here: hashes of the text's letter groups.

The papers are not part of the repository. From each text that was at hand the hashes of its groups
of 20 letters are kept, of every fourth group on average, chosen by the hash itself. A quotation
is in the text if all of its chosen groups are; a slip in its first or last words may escape, and
is found where the texts are at hand (`LSTM_TEXTS`). Letters and digits alone count: breaks of lines
and words, ligatures and accents differ from copy to copy.

    python -m tests.site.fingerprints hochreiter1997long.pdf

writes `site/ledger/texts/hochreiter1997long.txt` from a PDF (with PyMuPDF) or a text of that name.
The journal form of the 1997 paper and the report of January 1999 are in the public repository
github.com/adam-maj/deep-learning, in the folder 03-sequence-modeling.
"""

import base64
import hashlib
import sys
import textwrap
import unicodedata
from functools import cache
from pathlib import Path

from tests.site.sources import ROOT

TEXTS = ROOT / "site" / "ledger" / "texts"
LETTERS, BYTES, EVERY = 20, 3, 4
NO_DIGITS = {"gers1999report"}
"""Works of whose copy at hand the text has lost its digits, and numbers ligatures as TeX does."""
LIGATURES = str.maketrans({11: "ff", 12: "fi", 13: "fl", 14: "ffi", 15: "ffl"})


def letters(text, key):
    """What of a text counts."""
    if key in NO_DIGITS:
        text = text.translate(LIGATURES)
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(
        c for c in plain if c.isascii() and (c.isalpha() or (c.isdigit() and key not in NO_DIGITS))
    )


def groups(text, key):
    """The hashes of the chosen groups of a text."""
    plain = letters(text, key)
    found = (plain[at : at + LETTERS] for at in range(len(plain) - LETTERS + 1))
    hashes = (hashlib.blake2b(group.encode(), digest_size=BYTES).digest() for group in found)
    return {digest for digest in hashes if digest[-1] % EVERY == 0}


@cache
def known(key):
    """The hashes that are kept of a work, or None."""
    path = TEXTS / f"{key}.txt"
    if not path.exists():
        return None
    packed = base64.b64decode(path.read_text("ascii"))
    return {packed[at : at + BYTES] for at in range(0, len(packed), BYTES)}


def text_of(path):
    """The text of a file."""
    if path.suffix != ".pdf":
        return path.read_text("utf-8")
    import pymupdf

    with pymupdf.open(path) as document:
        return "\n".join(page.get_text() for page in document)


def write(path):
    """Keeps the hashes of a text, named after the key of its work."""
    packed = b"".join(sorted(groups(text_of(path), path.stem)))
    TEXTS.mkdir(parents=True, exist_ok=True)
    lines = textwrap.wrap(base64.b64encode(packed).decode(), 100)
    (TEXTS / f"{path.stem}.txt").write_text("\n".join(lines) + "\n", "ascii")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        write(Path(name))
