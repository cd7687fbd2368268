"""Pictures of traces, gradients and saturation, for notebooks and for print.

A picture that would be empty says why: a value is NaN or infinite, an error is 0 everywhere.
"""

from types import ModuleType
from typing import Any

import numpy as np

from keras_lstm_ext.diagnostics.gradient import GradientFlow
from keras_lstm_ext.diagnostics.trace import GATES, Saturation, Trace
from keras_lstm_ext.diagnostics.watch import Array

Axes = Any

TITLES = {
    "i": "input gate i",
    "f": "forget gate f",
    "g": "cell input g",
    "o": "output gate o",
    "c": "cell state c",
    "h": "output h",
}


def plot_gate_trace(trace: dict[str, Array], row: int = 0, ax: Axes = None) -> Axes:
    """Draws a trace as one picture per net: units from top to bottom, steps from left to right.

    Gates are white at 0 and black at 1; the others are blue below 0, white at 0 and red above. What
    is NaN or infinite is yellow, and counted in the title.

    Args:
        trace: What `gate_trace` returned, or some entries of it.
        row: Which sequence of the batch.
        ax: Matplotlib axes to draw into, one for each entry of `trace`. Default: new ones.

    Returns:
        An array of the matplotlib axes, one for each entry of `trace`.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `trace` is empty or has no such row, or `ax` has another number of axes.

    Examples:
        >>> from keras_lstm_ext.diagnostics import gate_trace
        >>> trace = gate_trace(ClassicLSTM(4), np.ones((2, 7, 3), "float32"))
        >>> [axes.get_title() for axes in plot_gate_trace(trace)][:2]
        ['input gate i', 'forget gate f']
    """
    rows = min((len(values) for values in trace.values()), default=0)
    if not -rows <= row < rows:
        raise ValueError(
            f"`row` must be the number of one of the {rows} sequences in `trace`. "
            f"Received: row={row!r}"
        )
    size = {"sharex": True, "figsize": (7, 1.4 * len(trace))}
    grid = _axes(ax, list(trace), (len(trace), 1), **size)
    for axes, (name, values) in zip(grid, trace.items(), strict=True):
        _draw_net(axes, trace, name, values[row].T, row)
    grid[-1].set_xlabel("step")
    if isinstance(trace, Trace) and ax is None and trace.calls > 1:
        grid[0].figure.suptitle(_which(trace))
    return grid


def _draw_net(axes: Axes, trace: dict[str, Array], name: str, picture: Array, row: int) -> None:
    finite = np.isfinite(picture)
    largest = np.abs(picture[finite]).max(initial=1e-9)
    colours, low, high = ("Greys", 0.0, 1.0) if name in GATES else ("RdBu_r", -largest, largest)
    image = axes.imshow(
        picture, aspect="auto", interpolation="nearest", cmap=colours, vmin=low, vmax=high
    )
    widest = max(values.shape[-1] for values in trace.values())
    fewer = len(picture) < widest
    broken = ~finite
    if (valid := getattr(trace, "valid", None)) is not None:
        broken = broken & valid[row]
    title = TITLES[name]
    if isinstance(trace, Trace) and broken.any():
        title = f"{title}: {broken.sum()} of {broken.size} values are NaN or infinite"
        image.set_cmap(image.get_cmap().with_extremes(bad="gold"))
    axes.set(title=title, ylabel="block" if fewer else "unit")
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.figure.colorbar(image, ax=axes, pad=0.01)


def plot_gradient_flow(flow: GradientFlow, ax: Axes = None) -> Axes:
    """Draws how the error shrinks or grows on its way back: the median row and all rows' range.

    Errors that are 0 or not finite have no place on the logarithmic axis. If there is no other, the
    picture says so; if some are NaN or infinite, so does its title.

    Args:
        flow: What `gradient_flow` returned.
        ax: Matplotlib axes to draw into. Default: new ones.

    Returns:
        The matplotlib axes.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `ax` is more than one.

    Examples:
        >>> flow = GradientFlow(h=np.ones((2, 5)), c=np.full((2, 5), 0.1))
        >>> plot_gradient_flow(flow).get_yscale()
        'log'
    """
    (axes,) = _axes(ax, ["flow"], (1, 1), figsize=(7, 3))
    found = [_draw_errors(axes, flow, name, style) for name, style in (("h", "--"), ("c", "-"))]
    axes.set(xlabel="step t", ylabel="error")
    if any(found):
        axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.legend()
    else:
        _say(axes, "the error is 0 at every step" if flow.c.size else "there is no step")
    words = [_which(flow)] if flow.calls > 1 else []
    if broken := _broken(flow):
        words.append(f"{broken} of {2 * flow.c.size} errors are NaN or infinite")
        if not any(found):
            axes.texts[-1].set_text("no error is finite and above 0")
    if words:
        axes.set_title(": ".join(words))
    return axes


def _draw_errors(axes: Axes, flow: GradientFlow, name: str, style: str) -> bool:
    """Draws the errors of h or c; whether there are any."""
    norms = np.ma.masked_invalid(getattr(flow, name))
    norms = np.ma.masked_less_equal(norms, 0.0)  # has no logarithm
    if not norms.count():
        return False
    steps = np.arange(norms.shape[1])
    median = np.ma.median(norms, axis=0)  # type: ignore[no-untyped-call]
    label = rf"$|\partial L\,/\,\partial {name}_t|$"
    (line,) = axes.plot(steps, median, style, label=label)
    axes.fill_between(
        steps, norms.min(axis=0), norms.max(axis=0), color=line.get_color(), alpha=0.2, lw=0
    )
    return True


def _broken(flow: GradientFlow) -> int:
    """How many errors are NaN or infinite; without `valid`, a NaN is a step that was skipped."""
    parts = [flow.h, flow.c]
    if flow.valid is None:
        return int(sum(np.isinf(part).sum() for part in parts))
    return int(sum((~np.isfinite(part) & flow.valid).sum() for part in parts))


def plot_saturation(saturation: Saturation, ax: Axes = None) -> Axes:
    """Draws a circle per unit: how often its gate is nearly closed, and how often nearly open.

    Near the origin a gate is used in its soft middle, near the far ends it is a constant, and on
    the diagonal it is a switch.

    Args:
        saturation: What `saturation` returned.
        ax: Matplotlib axes to draw into, one for each gate. Default: new ones.

    Returns:
        An array of the matplotlib axes, one for each gate.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the layer has no gates, or `ax` has another number of axes.

    Examples:
        >>> from keras_lstm_ext.diagnostics import saturation
        >>> layer, x = OriginalLSTM(4), np.ones((2, 5, 3), "float32")
        >>> len(plot_saturation(saturation(layer, x)))
        2
    """
    gates = list(saturation.near_0)
    if not gates:
        raise ValueError("`saturation` must be of a layer with gates. Received: one without")
    grid = _axes(ax, gates, (1, len(gates)), sharey=True, figsize=(2.6 * len(gates), 2.9))
    for axes, name in zip(grid, gates, strict=True):
        near_0, near_1 = saturation.near_0[name], saturation.near_1[name]
        axes.plot([0, 1], [1, 0], color="0.7", lw=1, zorder=0)
        axes.scatter(near_0, near_1, s=30, alpha=0.6)
        axes.set(title=TITLES[name], xlabel="share near 0", aspect="equal")
        axes.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05))
        if not np.isfinite([near_0, near_1]).any():
            _say(axes, "no step was counted")
    grid[0].set_ylabel("share near 1")
    return grid


def _say(axes: Axes, words: str) -> None:
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center")


def _which(shown: Trace | GradientFlow) -> str:
    return f"{shown.layer}, call {shown.call} of 0 to {shown.calls - 1}"


def _axes(ax: Axes, of: list[str], grid: tuple[int, int], **figure: Any) -> Axes:
    """The user's axes or new ones, in a flat array."""
    if ax is None:
        return _pyplot().subplots(*grid, squeeze=False, layout="constrained", **figure)[1].ravel()
    given = np.array(list(ax.values()) if isinstance(ax, dict) else ax, dtype=object).ravel()
    if len(given) != len(of) or not all(hasattr(each, "get_xlim") for each in given):
        raise ValueError(
            f"`ax` must be {len(of)} matplotlib axes, for {of}. "
            f"Received: {len(given)} of type {sorted({type(each).__name__ for each in given})}"
        )
    return given


def _pyplot() -> ModuleType:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "Plots need matplotlib, which comes with the extra `plot`: "
            'pip install "keras-lstm-ext[plot]"'
        ) from error
    return pyplot
