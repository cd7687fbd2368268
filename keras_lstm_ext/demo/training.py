"""One training run, the same for every layer."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_lstm_ext.files import whole

LEARNING_RATE = 0.02
"""Adam's, falling to zero along half a cosine. Chosen by hand, with a split of another seed."""


@dataclass(frozen=True)
class Settings:
    """What the user chooses.

    Args:
        layers: Names of the layers to train.
        units: Memory cells of each.
        epochs: Passes over the training examples.
        seed: Decides the split, the initial weights and the order of the examples.
        out: Folder for what is written.
    """

    layers: tuple[str, ...]
    units: int
    epochs: int
    seed: int
    out: Path


@dataclass(frozen=True)
class Run:
    """A trained model.

    Args:
        name: The layer's.
        model: The model.
        history: One number per epoch for each metric.
        seconds: Wall time of `fit`, with tracing and the held-out evaluation of every epoch.
        engine: The engine that ran the layer.
    """

    name: str
    model: keras.Model
    history: dict[str, list[float]]
    seconds: float
    engine: str


class Progress(keras.callbacks.Callback):
    """A progress bar over the epochs on a terminal, one line at the end elsewhere."""

    def __init__(self, name: str, epochs: int) -> None:
        super().__init__()
        self.name = name
        self.epochs = epochs
        self.bar: keras.utils.Progbar | None = None

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Shows an empty bar: the first epoch takes longest."""
        if sys.stdout.isatty():
            print(self.name)
            self.bar = keras.utils.Progbar(self.epochs, unit_name="epoch")
            self.bar.update(0)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Moves the bar."""
        if self.bar is not None:
            values = list((logs or {}).items())
            self.bar.stateful_metrics |= {name for name, _ in values}
            self.bar.update(epoch + 1, values)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Prints the line."""
        if self.bar is None:
            values = ", ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
            print(f"{self.name}: {self.epochs} epochs, {values}", flush=True)


def train(
    name: str,
    model: keras.Model,
    data: Mapping[str, Any],
    *,
    engine: str,
    epochs: int,
    steps: int,
    **compile_arguments: Any,
) -> Run:
    """Trains a model with Adam on a cosine schedule.

    Args:
        name: The layer's.
        model: The model.
        data: Arguments of `fit`: examples to train on, and `validation_data` to evaluate on after
            every epoch; nothing is chosen by them.
        engine: The engine that runs the layer.
        epochs: Passes over the examples.
        steps: Batches of each.
        **compile_arguments: Loss and metrics.

    Returns:
        The run.
    """
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * steps)
    model.compile(keras.optimizers.Adam(schedule, clipnorm=1.0), **compile_arguments)
    start = time.perf_counter()
    callbacks = [Progress(name, epochs)]
    history = model.fit(**data, epochs=epochs, callbacks=callbacks, verbose=0)
    return Run(name, model, history.history, time.perf_counter() - start, engine)


def save_and_check(model: keras.Model, path: Path, inputs: Any) -> float:
    """Saves a model, loads it back, and compares what both predict.

    Args:
        model: The model.
        path: Ends in `.keras`.
        inputs: Inputs of the model, as `predict` takes them.

    Returns:
        The largest absolute difference between the two predictions.
    """
    with whole(path) as temporary:
        model.save(temporary)
    loaded = keras.saving.load_model(path)
    difference = model.predict(inputs, verbose=0) - loaded.predict(inputs, verbose=0)
    return float(np.max(np.abs(difference)))
