"""Pictures of traces, gradients and saturation, for notebooks and for print."""

from types import ModuleType
from typing import Any

import numpy as np

from keras_lstm_ext.diagnostics.gradient import GradientFlow
from keras_lstm_ext.diagnostics.trace import GATES, Saturation
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


def plot_gate_trace(trace: dict[str, Array], row: int = 0) -> Axes:
    """Draws a trace as one picture per net: units from top to bottom, steps from left to right.

    Gates are white at 0 and black at 1; the others are blue below 0, white at 0 and red above.

    Args:
        trace: What `gate_trace` returned.
        row: Which sequence of the batch.

    Returns:
        An array of the matplotlib axes, one for each entry of `trace`.

    Raises:
        ImportError: If matplotlib is not installed.

    Examples:
        >>> from keras_lstm_ext.diagnostics import gate_trace
        >>> trace = gate_trace(ClassicLSTM(4), np.ones((2, 7, 3), "float32"))
        >>> [axes.get_title() for axes in plot_gate_trace(trace)][:2]
        ['input gate i', 'forget gate f']
    """
    _, grid = _pyplot().subplots(
        len(trace), sharex=True, squeeze=False, layout="constrained", figsize=(7, 1.4 * len(trace))
    )
    for axes, (name, values) in zip(grid[:, 0], trace.items(), strict=True):
        picture = values[row].T
        largest = np.nanmax(np.abs(picture), initial=1e-9)
        scale = ("Greys", 0.0, 1.0) if name in GATES else ("RdBu_r", -largest, largest)
        image = axes.imshow(
            picture,
            aspect="auto",
            interpolation="nearest",
            cmap=scale[0],
            vmin=scale[1],
            vmax=scale[2],
        )
        axes.set(title=TITLES[name], ylabel="block" if _fewer(trace, name) else "unit")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.figure.colorbar(image, ax=axes, pad=0.01)
    grid[-1, 0].set_xlabel("step")
    return grid[:, 0]


def plot_gradient_flow(flow: GradientFlow) -> Axes:
    """Draws how the error shrinks or grows on its way back: the median row and all rows' range.

    Args:
        flow: What `gradient_flow` returned.

    Returns:
        The matplotlib axes.

    Raises:
        ImportError: If matplotlib is not installed.

    Examples:
        >>> flow = GradientFlow(h=np.ones((2, 5)), c=np.full((2, 5), 0.1))
        >>> plot_gradient_flow(flow).get_yscale()
        'log'
    """
    _, axes = _pyplot().subplots(layout="constrained", figsize=(7, 3))
    for name, style in (("h", "--"), ("c", "-")):
        norms = np.ma.masked_invalid(getattr(flow, name))
        norms = np.ma.masked_less_equal(norms, 0.0)  # has no logarithm
        label = rf"$|\partial L\,/\,\partial {name}_t|$"
        steps = np.arange(norms.shape[1])
        median = np.ma.median(norms, axis=0)  # type: ignore[no-untyped-call]
        (line,) = axes.plot(steps, median, style, label=label)
        axes.fill_between(
            steps, norms.min(axis=0), norms.max(axis=0), color=line.get_color(), alpha=0.2, lw=0
        )
    axes.set(yscale="log", xlabel="step t", ylabel="error")
    axes.grid(alpha=0.3)
    axes.legend()
    return axes


def plot_saturation(saturation: Saturation) -> Axes:
    """Draws a circle per unit: how often its gate is nearly closed, and how often nearly open.

    Near the origin a gate is used in its soft middle, near the far ends it is a constant, and on
    the diagonal it is a switch.

    Args:
        saturation: What `saturation` returned.

    Returns:
        An array of the matplotlib axes, one for each gate.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the layer has no gates.

    Examples:
        >>> from keras_lstm_ext.diagnostics import saturation
        >>> layer, x = OriginalLSTM(4), np.ones((2, 5, 3), "float32")
        >>> len(plot_saturation(saturation(layer, x)))
        2
    """
    gates = list(saturation.near_0)
    if not gates:
        raise ValueError("`saturation` must be of a layer with gates. Received: one without")
    _, grid = _pyplot().subplots(
        1,
        len(gates),
        sharey=True,
        squeeze=False,
        layout="constrained",
        figsize=(2.6 * len(gates), 2.9),
    )
    for axes, name in zip(grid[0], gates, strict=True):
        axes.plot([0, 1], [1, 0], color="0.7", lw=1, zorder=0)
        axes.scatter(saturation.near_0[name], saturation.near_1[name], s=30, alpha=0.6)
        axes.set(title=TITLES[name], xlabel="share near 0", aspect="equal")
        axes.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05))
    grid[0, 0].set_ylabel("share near 1")
    return grid[0]


def _fewer(trace: dict[str, Array], name: str) -> bool:
    return trace[name].shape[-1] < trace["h"].shape[-1]


def _pyplot() -> ModuleType:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "Plots need matplotlib, which comes with the extra `plot`: "
            'pip install "keras-lstm-ext[plot]"'
        ) from error
    return pyplot
