"""The few SVG shapes that the figures are made of. Colours come from the style sheet."""

from html import escape


class Drawing:
    """An SVG picture with a title and a description for those who do not see it.

    Args:
        name: Makes the ids of this picture different from those of others on the page.
        box: Left, top, width and height in its own units; it fills the width that it is given.
        title: What it is.
        description: What it shows.
    """

    def __init__(
        self, name: str, box: tuple[int, int, int, int], title: str, description: str
    ) -> None:
        self.name = name
        self.parts: list[str] = []
        self._head = [
            f'<svg viewBox="{" ".join(map(str, box))}" role="img" '
            f'aria-labelledby="{name}-title {name}-description">',
            f'<title id="{name}-title">{escape(title)}</title>',
            f'<desc id="{name}-description">{escape(description)}</desc>',
            f'<defs><marker id="{name}-arrow" viewBox="0 0 8 8" refX="7" refY="4" '
            'markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
            '<path class="head" d="M0 0 8 4 0 8z"/></marker></defs>',
        ]

    def add(self, part: str) -> None:
        """Adds SVG as it is."""
        self.parts.append(part)

    def arrow(self, path: str, *classes: str) -> None:
        """A line with a head at its end."""
        head = f'marker-end="url(#{self.name}-arrow)"'
        self.add(f'<path class="{" ".join(("line", *classes))}" d="{path}" {head}/>')

    def box(self, x: int, y: int, letter: str, *classes: str) -> None:
        """A square around a letter: a net and its squasher."""
        shape = f'<rect x="{x - 19}" y="{y - 17}" width="38" height="34" rx="5"/>'
        self.add(f'<g class="{" ".join(("shape", *classes))}">{shape}{symbol(x, y, letter)}</g>')

    def circle(self, x: int, y: int, radius: int, letter: str, *classes: str) -> None:
        """A circle around a letter: the cell, or a product."""
        shape = f'<circle cx="{x}" cy="{y}" r="{radius}"/>'
        self.add(f'<g class="{" ".join(("shape", *classes))}">{shape}{symbol(x, y, letter)}</g>')

    def text(self, x: int, y: int, content: str, *classes: str) -> None:
        """Centred text, which may hold what `sub` makes."""
        self.add(f'<text class="{" ".join(classes)}" x="{x}" y="{y}">{content}</text>')

    def __str__(self) -> str:
        return "".join([*self._head, *self.parts, "</svg>"])


def symbol(x: int, y: int, content: str) -> str:
    """A symbol centred on a point."""
    return f'<text x="{x}" y="{y + 6}">{content}</text>'


def sub(letter: str, index: str) -> str:
    """A letter with an index."""
    return (
        f'<tspan class="letter">{letter}</tspan>'
        f'<tspan class="index" dy="4">{index}</tspan><tspan dy="-4">\u200b</tspan>'
    )
