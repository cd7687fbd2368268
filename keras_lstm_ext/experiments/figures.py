"""Figures of the experiments, from their JSON files; needs the extra `[plot]`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_lstm_ext.experiments import statistics
from keras_lstm_ext.experiments.published import published
from keras_lstm_ext.experiments.report import Record, label, needed_sequences


def plot_sequences(contents: Sequence[Record], axes: Any) -> None:
    """Draws how many sequences each trial needed, their mean, and the paper's.

    Args:
        contents: What `reproduce` returned, or `read`; a line per row of each.
        axes: Axes of matplotlib.
    """
    labels: list[str] = []
    for content in contents:
        for name, row in content["rows"].items():
            y = len(labels)
            needed = needed_sequences(row["trials"])
            solved = f"{len(needed)}/{len(row['trials'])}"
            labels.append(f"{content['task']}\n{label(content, name)}: {solved}")
            axes.plot(needed, [y] * len(needed), "|", color="C0", markersize=12)
            interval = statistics.mean_interval(needed)
            if interval:
                axes.plot(np.maximum(interval, 1), [y, y], color="C0", linewidth=4, alpha=0.4)
            theirs = published(content["task"], content["settings"], name)
            if theirs and theirs.sequences:
                axes.plot(theirs.sequences, y, "D", color="C1")
            if theirs and theirs.lowest_highest:
                axes.plot(theirs.lowest_highest, [y, y], ":", color="C1")
    axes.set_xscale("log")
    axes.set_xlabel("sequences; blue: trials, confidence interval of the mean; diamond: paper")
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()


def plot_error_flow(content: Record, axes: Any) -> None:
    """Draws the error at every earlier step, as a share of that at the step of the target.

    Args:
        content: What `keras_lstm_ext.experiments.flow.measure` returned, or its file has.
        axes: Axes of matplotlib.
    """
    for name, row in content["rows"].items():
        back = range(len(row["median"]))
        (line,) = axes.plot(back, row["median"], label=name)
        axes.fill_between(back, row["lower"], row["upper"], color=line.get_color(), alpha=0.2)
    axes.set_xlabel("steps back from the target")
    axes.set_ylabel("error in the cell state, as a share of that at the target")
    axes.set_yscale("log")
    axes.legend()


def plot_curves(content: Record, axes: Any) -> None:
    """Draws the mean absolute error of every trial against the sequences learned.

    Args:
        content: What `reproduce` returned, or `read`.
        axes: Axes of matplotlib.
    """
    for color, (name, row) in enumerate(content["rows"].items()):
        for k, trial in enumerate(row["trials"]):
            sequences, error = np.transpose(trial["curve"])
            label = None if k else name
            axes.plot(sequences, error, color=f"C{color}", linewidth=0.8, label=label)
    axes.set_xlabel("sequences")
    axes.set_ylabel("mean absolute error")
    axes.set_yscale("log")
    axes.legend()
