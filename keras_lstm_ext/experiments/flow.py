"""How much of an error reaches earlier steps of a task, before a network has learned anything."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_lstm_ext import ClassicLSTM, PeepholeLSTM, VariantLSTM, chrono_bias
from keras_lstm_ext.bench import record
from keras_lstm_ext.diagnostics import gradient_flow
from keras_lstm_ext.experiments.as_keras import as_keras
from keras_lstm_ext.experiments.experiment import TEST, WEIGHTS, Experiment
from keras_lstm_ext.experiments.modern import seed_number
from keras_lstm_ext.experiments.report import Record
from keras_lstm_ext.experiments.runner import changed, task_named, where_run
from keras_lstm_ext.experiments.tape import steps_of_sequence
from keras_lstm_ext.tasks._arrays import Array
from keras_lstm_ext.variants import Variant

FORMAT = 1
"""Number of the file's format."""

TRIALS = 10
"""Networks of each kind."""

SEQUENCES = 16
"""Of each trial; what a file has is over all trials and sequences."""

SIMPLE = Variant(gates=(), decay=0.0, output_activation=None)
"""A simple recurrent network: what is in the cell is its output, and nothing of it is kept."""

LAYERS: dict[str, Callable[..., keras.Layer]] = {
    "ClassicLSTM": ClassicLSTM,
    "PeepholeLSTM": PeepholeLSTM,
    "simple recurrent network": lambda units, **how: VariantLSTM(units, variant=SIMPLE, **how),
}
"""Layers with their own initial weights, of as many units as the paper's network has cells."""


class ErrorAtTargets(keras.losses.Loss):
    """Half the squared error; a last component of the targets says where it counts."""

    def call(self, targets: Any, y: Any) -> Any:
        """Called by Keras."""
        return 0.5 * ops.sum(targets[..., -1:] * (targets[..., :-1] - y) ** 2, axis=-1)


def measure(
    name: str,
    out: Path,
    settings: Mapping[str, Any] | None = None,
    trials: int = TRIALS,
    seed: int = 1997,
    verbose: bool = True,
) -> Record:
    r"""Measures the error at every earlier step, as a share of that at the step of the target.

    $$\left| \frac{\partial E}{\partial c_{T-k}} \right| \Big/
    \left| \frac{\partial E}{\partial c_T} \right|, \qquad k = 0, 1, \dots$$

    Args:
        name: Key of `TASKS`: a task whose only target is at the end.
        out: The JSON file.
        settings: Arguments of the task that differ from its defaults.
        trials: How many networks of each kind.
        seed: Of all random numbers.
        verbose: Whether to show a progress bar.

    Returns:
        What the file has: for each kind of network the median and the quartiles by k.

    Raises:
        ValueError: If an argument is not accepted, the task has targets before the end, or `out` is
            a file of another kind.
    """
    if out.exists():
        record.read(out, "error_flow", FORMAT)  # or the results of a training would be lost
    task = task_named(name, settings or {})
    experiment = Experiment(task, task.network, seed)
    shares: dict[str, list[Array]] = {}
    bar = keras.utils.Progbar(trials, unit_name="trial") if verbose else None
    for trial in range(trials):
        for row, model in _models(experiment, trial):
            shares.setdefault(row, []).append(_shares(model, experiment, trial))
        if bar:
            bar.add(1)
    settings = changed(name, task, settings or {})
    content: Record = {"error_flow": FORMAT, "task": name, "settings": settings, "seed": seed}
    content |= where_run() | {"trials": trials, "sequences": SEQUENCES}
    content["rows"] = {row: _quartiles(parts) for row, parts in shares.items()}
    record.write(content, out)
    return content


def _quartiles(parts: list[Array]) -> dict[str, list[float]]:
    """Over the sequences of all trials, as far back as the shortest goes."""
    steps = min(part.shape[1] for part in parts)
    together = np.concatenate([part[:, :steps] for part in parts])
    quartiles = np.quantile(together, (0.25, 0.5, 0.75), axis=0)
    return {
        name: [float(f"{share:.3g}") for share in quartile]
        for name, quartile in zip(("lower", "median", "upper"), quartiles, strict=True)
    }


def _models(experiment: Experiment, trial: int) -> Iterator[tuple[str, keras.Model]]:
    """The paper's network with either gradient, and others."""
    learner, network = experiment.learner, experiment.network
    seed = seed_number(experiment, trial, WEIGHTS)
    keras.utils.set_random_seed(seed)
    weights = experiment.draw_weights(trial)
    for gradient in ("truncated", "full"):
        of_gradient = replace(network, variant=replace(network.variant, gradient=gradient))
        model = as_keras(replace(learner, network=of_gradient), weights)
        yield f"the paper's, {gradient} gradient", model
    bias = chrono_bias(network.units, steps_of_sequence(experiment.task), seed)
    layers = LAYERS | {"ClassicLSTM, chrono bias": partial(ClassicLSTM, gate_bias=bias)}
    for name, layer in layers.items():
        x = keras.Input((None, learner.features))
        h = layer(network.units, return_sequences=True)(x)
        y = keras.layers.Dense(learner.outputs, network.output_activation)(h)
        yield name, keras.Model(x, y)


def _shares(model: keras.Model, experiment: Experiment, trial: int) -> Array:
    """By sequence and steps back from the target, down to the first step of the shortest one."""
    s = experiment.task.sample((experiment.seed, trial, TEST), SEQUENCES)
    if (s.mask.sum(axis=1) != 1).any():
        raise ValueError(
            f"`name` must be of a task whose only target is at the end. Received: {experiment.task}"
        )
    model.compile(loss=ErrorAtTargets(reduction="sum"))
    flow = gradient_flow(model, s.inputs, np.concatenate([s.targets, s.mask[..., None]], axis=-1))
    back = np.arange(s.lengths.min())
    at = (s.lengths - 1)[:, None] - back
    shares: Array = np.take_along_axis(flow.c, at, axis=1)
    return shares / shares[:, :1]
