"""HTML in which an element that stands in many places is written once.

`@7;` stands for part 7, whose text may refer to others; `explorer.js` puts them together again.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

SHORTEST = 24
"""An element shorter than this is written where it stands."""

_TAG = re.compile(r"<(/?)\w[^>]*>")


def share(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """The texts with references in place of what repeats, and the parts that they refer to."""
    texts = list(texts)
    if any("@" in text for text in texts):
        raise ValueError("A text has @, which begins a reference")
    seen = Counter(text[a:b] for text in texts for a, b in _elements(text))
    repeated = [part for part, n in seen.items() if n > 1 and len(part) >= SHORTEST]
    number = {part: n for n, part in enumerate(repeated)}
    return [_short(t, number) for t in texts], [_short(t, number, whole=False) for t in repeated]


def _short(text: str, number: dict[str, int], whole: bool = True) -> str:
    """A text with its largest numbered elements as references; `whole` may be the text itself."""
    made, at = "", 0
    for a, b in sorted(_elements(text), key=lambda span: (span[0], -span[1])):
        if a >= at and text[a:b] in number and (whole or b - a < len(text)):
            made += f"{text[at:a]}@{number[text[a:b]]};"
            at = b
    return made + text[at:]


def _elements(text: str) -> Iterator[tuple[int, int]]:
    """Where each element begins and ends."""
    begun = []
    for tag in _TAG.finditer(text):
        if tag[1]:
            yield begun.pop(), tag.end()
        else:
            begun.append(tag.start())
    if begun:
        raise ValueError(f"An element of {text[:80]!r} does not end")
