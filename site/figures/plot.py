"""Curves in a frame, for figures that a script goes on drawing in the browser."""

from collections.abc import Sequence

from keras_lstm_ext.diagram.svg import Drawing

WIDE, HIGH = 18, 12
"""What the number of a curve takes up."""


class Frame:
    """A rectangle of a drawing with a scale for each direction.

    Args:
        box: Left, top, width and height, in the units of the drawing.
        x: First and last value across.
        y: Lowest and highest value upwards.
    """

    def __init__(
        self,
        box: tuple[int, int, int, int],
        x: tuple[float, float],
        y: tuple[float, float],
    ) -> None:
        self.left, self.top, self.width, self.height = box
        self.x, self.y = x, y

    def across(self, value: float) -> float:
        """Where a value is from left to right."""
        return self.left + self.width * (value - self.x[0]) / (self.x[1] - self.x[0])

    def down(self, value: float) -> float:
        """Where a value is from top to bottom."""
        return self.top + self.height * (self.y[1] - value) / (self.y[1] - self.y[0])

    def draw(self, picture: Drawing, lines: Sequence[float] = ()) -> None:
        """Adds the frame, and a line across at each of some values."""
        box = f'x="{self.left}" y="{self.top}" width="{self.width}" height="{self.height}"'
        for value in lines:
            picture.add(
                f'<path class="grid" d="M{self.left} {self.down(value):.1f}h{self.width}"/>'
            )
        picture.add(f'<rect class="frame" {box}/>')

    def draw_powers(self, picture: Drawing, powers: Sequence[float]) -> None:
        """Adds the frame, with lines for powers of ten where y has logarithms."""
        self.draw(picture, powers)
        for power in powers:
            picture.text(self.left - 24, round(self.down(power)) + 4, f"{10.0**power:g}", "small")

    def number(self, picture: Drawing, ends: Sequence[tuple[float, float]]) -> None:
        """Numbers the ends of curves; a number moves up or down where another is in its way."""
        taken: list[tuple[int, int]] = []
        for number, end in enumerate(ends, 1):
            x, y = round(self.across(end[0])) + 11, self.down(end[1])
            near = sorted(range(self.top, self.top + self.height + 1), key=lambda k: abs(k - y))
            beside = [b for a, b in taken if abs(x - a) < WIDE]
            free = (k for k in near if all(abs(k - b) >= HIGH for b in beside))
            taken.append((x, next(free, near[0])))
            picture.text(x, taken[-1][1] + 4, str(number), "small", "number")

    def curve(self, picture: Drawing, name: str, values: Sequence[float], start: float = 0) -> None:
        """Adds a line through one value per step from `start` on; its class is its name."""
        points = (
            f"{self.across(start + n):.1f} {self.down(value):.1f}" for n, value in enumerate(values)
        )
        picture.add(f'<path class="curve {name}" d="M{"L".join(points)}"/>')


def slider(name: str, label: str, lowest: float, highest: float, step: float, value: float) -> str:
    """A labelled slider; its label may hold HTML."""
    numbers = f'min="{lowest}" max="{highest}" step="{step}" value="{value}"'
    return (
        f'<label>{label} <b aria-hidden="true">{value}</b>'
        f'<input type="range" name="{name}" {numbers} autocomplete="off"></label>'
    )


def scripted(name: str, folders: int = 2) -> str:
    """What makes a figure interactive, on a page so many folders deep."""
    up = "../" * folders
    return (
        f'<link rel="stylesheet" href="{up}assets/interactive.css">'
        f'<script type="module" src="{up}assets/{name}.js"></script>'
    )


def minus(number: str) -> str:
    """A number as it is printed."""
    return number.replace("-", "\u2212")
