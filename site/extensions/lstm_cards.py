"""The picture that others show beside a link to a page: its title, and its cell if it has one.

Drawn by resvg with the fonts that come with KaTeX, so that every machine draws the same.
"""

import re
from html import escape

import lstm_math
import resvg_py
from lstm_cells import CELLS, before

from keras_lstm_ext import diagram

WIDTH, HEIGHT = 1200, 630
PANEL = 600
"""How wide the words are beside a cell."""

OF_PAGE = {name: name for name in CELLS} | {
    "carousel": "cec",
    "lstm-1997": "original",
    "forget-gate": "classic",
    "peepholes": "peephole",
    "step-through": "peephole",
    "greff": "gate-recurrence",
}
"""The last part of the addresses of pages about one cell, and the cell."""

FONTS = lstm_math.KATEX.parent / "fonts"
STYLE = """
text { font-family: KaTeX_SansSerif, KaTeX_Main, KaTeX_Math; fill: #1d2733; }
.words { fill: #ffffff; }
.title { font-weight: 700; font-size: 64px; }
.site { font-size: 30px; }
.cell text { text-anchor: middle; font-size: 19px; }
.cell .small { font-size: 16px; }
.cell .letter { font-family: KaTeX_Math; font-style: italic; }
.cell .index { font-size: 13px; }
.line { fill: none; stroke: #3b4652; stroke-width: 1.5; }
.head { fill: #3b4652; }
.shape rect, .shape circle { fill: #ffffff; stroke: #3b4652; stroke-width: 1.5; }
.line.new { stroke: #b03a00; stroke-width: 2.75; }
.shape.new rect, .shape.new circle { stroke: #b03a00; stroke-width: 2.75; }
text.new { fill: #b03a00; font-weight: 700; }
.line.peephole { stroke-dasharray: 6 4; }
"""


def draw(title: str, site: str, url: str) -> bytes:
    """The PNG.

    Args:
        title: Of the page.
        site: Name of the site.
        url: Address of the page, relative to the root of the site.
    """
    cell = OF_PAGE.get(url.strip("/").split("/")[-1])
    svg = resvg_py.svg_to_bytes(
        svg_string=_picture(title, site, cell),
        font_files=[str(path) for path in sorted(FONTS.glob("*.ttf"))],
        skip_system_fonts=True,
        font_family="KaTeX_SansSerif",
    )
    return bytes(svg)


def _picture(title: str, site: str, cell: str | None) -> str:
    width = PANEL if cell else WIDTH
    lines = _wrap(title, 15 if cell else 30)
    top = HEIGHT // 2 - 38 * (len(lines) - 1) + 10
    words = "".join(
        f'<text class="words title" x="60" y="{top + 76 * n}">{escape(line)}</text>'
        for n, line in enumerate(lines)
    )
    beside = _cell(cell) if cell else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
        f"<style>{STYLE}</style>"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
        f'<rect width="{width}" height="{HEIGHT}" fill="#17466f"/>'
        f'{words}<text class="words site" x="60" y="{HEIGHT - 60}">{escape(site)}</text>'
        f"{beside}</svg>"
    )


def _cell(name: str) -> str:
    """The diagram of a member of the family, beside the words."""
    svg = diagram.draw(name, CELLS[name], CELLS[before(name)])
    place = f'x="{PANEL + 30}" y="60" width="{WIDTH - PANEL - 60}" height="{HEIGHT - 120}"'
    svg = re.sub(r"<title.*?</desc>", "", svg, flags=re.DOTALL)
    return f'<g class="cell">{svg.replace("<svg ", f"<svg {place} ", 1)}</g>'


def _wrap(text: str, length: int) -> list[str]:
    """Lines of about a number of characters."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > length:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
