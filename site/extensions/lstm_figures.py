"""Figures drawn while the site is built: the cells and the timeline, as inline SVG."""

from collections.abc import Iterator

import cells
import events
import lstm_sources  # noqa: F401  (stands in for the package, see there)

from keras_lstm_ext.variants import FAMILY

BEFORE = {"original": "cec", "classic": "original", "peephole": "classic"}
"""The member that each one adds something to."""


def cell(name: str) -> Iterator[str]:
    """The diagram of a member of the family; what it adds to the one before is marked."""
    earlier = FAMILY[BEFORE.get(name, name)]
    yield from ("", '<figure class="cell">', cells.draw(name, FAMILY[name], earlier))
    yield f"<figcaption>{cells.caption(name, FAMILY[name])}</figcaption>"
    yield from ("</figure>", "")


def timeline() -> Iterator[str]:
    """The timeline of the history section, which links to the pages beside it."""
    yield from ("", '<figure class="timeline">', events.draw(), "</figure>", "")
