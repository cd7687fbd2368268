"""What the demo shows: a table, and figures that also read well in black and white."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_lstm_ext.demo.errors import UserError, require
from keras_lstm_ext.files import whole

STYLES = {
    "CECLSTM": ("#CC79A7", ":"),
    "OriginalLSTM": ("#D55E00", "-."),
    "ClassicLSTM": ("#0072B2", "-"),
    "PeepholeLSTM": ("#009E73", "--"),
    "keras.layers.LSTM": ("#555555", (0, (1, 1))),
}
"""Colour (Okabe and Ito's, safe for colour-blind readers) and line style of each layer."""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines up columns: the first and last to the left, numbers to the right.

    Args:
        header: One word per column.
        rows: The cells, as text.

    Returns:
        The table, without a newline at its end.

    Examples:
        >>> print(table(("layer", "seconds", "engine"), [("ClassicLSTM", "9.5", "portable")]))
        layer        seconds  engine
        -----------  -------  --------
        ClassicLSTM      9.5  portable
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(_line(cells, widths) for cells in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    left = (0, len(cells) - 1)
    padded = [
        cell.ljust(width) if column in left else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def short(name: str, most: int = 30) -> str:
    """A column's name as it fits into a title.

    Args:
        name: The name.
        most: Characters.

    Returns:
        One line.

    Examples:
        >>> short("temperature at the second station", 20)
        'temperature at th...'
    """
    name = " ".join(name.split())
    return name if len(name) <= most else name[: most - 3] + "..."


def print_saved(path: Path, difference: float) -> None:
    """Prints where a model is, if it came back as it was.

    Args:
        path: The saved model.
        difference: Between its predictions and the original's.

    Raises:
        UserError: If they differ.
    """
    if not difference < 1e-6:
        raise UserError(f"{path} predicts otherwise than what was saved, by up to {difference:.1g}")
    print(f"Saved and loaded back: {path}, same predictions (to {difference:.1g})")


def draw_curves(
    path: Path,
    curves: Mapping[str, Sequence[float]],
    what: str,
    reference: float,
    reference_name: str,
    top: float | None = None,
) -> None:
    """Draws one curve per layer over the epochs, each named at its end.

    Args:
        path: The PNG to write.
        curves: One value per epoch for each layer.
        what: The title, which says what the height of a curve means.
        reference: A value to compare with, drawn as a thin line.
        reference_name: Its name.
        top: The largest value there can be, if there is one.
    """
    figure, axes = _axes(what, "Epoch")
    epochs = max(map(len, curves.values()))
    axes.axhline(reference, color="#AAAAAA", linewidth=0.8)
    for name, values in curves.items():
        color, style = STYLES[name]
        axes.plot(range(1, len(values) + 1), values, color=color, linestyle=style, linewidth=1.6)
    axes.set_xlim(1, max(epochs, 2))
    axes.set_ylim(0, top)
    axes.xaxis.get_major_locator().set_params(integer=True)
    ends = {name: values[-1] for name, values in curves.items()} | {reference_name: reference}
    low, high = axes.get_ylim()
    for name, height in _spread(ends, 0.055 * (high - low)).items():
        color = STYLES[name][0] if name in STYLES else "#888888"
        axes.annotate(
            name,
            (1.015, (height - low) / (high - low)),
            xycoords="axes fraction",
            va="center",
            color=color,
        )
    _write(figure, path)


def draw_forecasts(
    path: Path, what: str, rows: Sequence[int], actual: Any, forecasts: Mapping[str, Any]
) -> None:
    """Draws a column and its forecasts.

    Args:
        path: The PNG to write.
        what: The title.
        rows: Numbers of the rows.
        actual: The column, one value per row.
        forecasts: The same for the forecasts of each layer.
    """
    figure, axes = _axes(what, "Data row")
    axes.plot(rows, actual, color="black", linewidth=1.2, label="actual")
    for name, values in forecasts.items():
        color, style = STYLES[name]
        axes.plot(rows, values, color=color, linestyle=style, linewidth=1.6, label=name)
    axes.margins(x=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1), handlelength=2.5)
    _write(figure, path)


def _axes(title: str, x_label: str) -> tuple[Any, Any]:
    # A Figure of its own, because pyplot would look for a display.
    figure = require("matplotlib.figure").Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    # A title may have a column's name in it, which is not meant as TeX.
    axes.set_title(title, loc="left", fontsize=11, parse_math=False)
    axes.set_xlabel(x_label)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _spread(heights: Mapping[str, float], gap: float) -> dict[str, float]:
    """Moves labels apart so that none covers another, half upwards and half downwards."""
    order = sorted(heights, key=lambda name: heights[name])
    up = _push([heights[name] for name in order], gap)
    down = [-height for height in reversed(_push([-heights[n] for n in reversed(order)], gap))]
    # Both keep the gap, so their mean does.
    return {name: (u + d) / 2 for name, u, d in zip(order, up, down, strict=True)}


def _push(heights: Sequence[float], gap: float) -> list[float]:
    pushed: list[float] = []
    for height in heights:
        pushed.append(max(height, pushed[-1] + gap) if pushed else height)
    return pushed


def _write(figure: Any, path: Path) -> None:
    plain = {"font.family": "sans-serif", "text.usetex": False}
    with (
        require("matplotlib").rc_context(plain),
        whole(path) as temporary,
        warnings.catch_warnings(),
    ):
        # A name may have characters that the font lacks: they become boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.savefig(temporary, dpi=200)
