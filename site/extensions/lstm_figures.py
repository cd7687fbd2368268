"""Figures drawn while the site is built, as inline SVG; a script goes on drawing some of them."""

from collections.abc import Iterator

import cell_at_work
import events
import explorer
import gradient_flow
import history
import live
import moving
from lstm_cells import CELLS, before

from keras_lstm_ext import diagram

INTERACTIVE = {
    "gradient-flow": gradient_flow.draw,
    "cell-at-work": cell_at_work.draw,
    "live": live.draw,
    "explorer": explorer.draw,
}


def cell(name: str) -> Iterator[str]:
    """The diagram of a member of the family; what it adds to the one before is marked."""
    picture = diagram.draw(name, CELLS[name], CELLS[before(name)])
    yield from ("", '<figure class="cell">', picture)
    yield f"<figcaption>{diagram.caption(name, CELLS[name])}</figcaption>"
    yield from ("</figure>", "")


def drawing(name: str) -> Iterator[str]:
    """A drawing of the history section, with what it shows."""
    draw, caption = history.DRAWINGS[name]
    yield from ("", f'<figure class="drawing" id="drawing-{name}">', draw())
    yield from (f"<figcaption>{caption}</figcaption></figure>", "")


def timeline() -> Iterator[str]:
    """The timeline of the history section, which links to the pages beside it."""
    yield from ("", '<figure class="timeline">', events.draw(), "</figure>", "")


def interactive(name: str) -> Iterator[str]:
    """A figure with controls, which works as a picture and a table without JavaScript."""
    yield from ("", INTERACTIVE[name](), "")


def moving_cell(folders: str) -> Iterator[str]:
    """The cell of the example, on a page so many folders deep."""
    yield from ("", moving.draw(int(folders)), "")
