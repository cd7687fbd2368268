"""The tasks `fit` and `predict` for whole models, as a user has them and after `accelerate`."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from benchmarks.fit import epoch
from keras_lstm_ext import accelerate
from keras_lstm_ext.bench import programs
from keras_lstm_ext.bench.problem import Problem
from keras_lstm_ext.bench.programs import Program

WORDS = 1000
LSTM = "keras.layers:LSTM"


def model(problem: Problem, task: str, model: str, accelerated: bool) -> Program:
    """Trains a model for an epoch, or predicts as much.

    Args:
        problem: Its weights are those of the model's first LSTM, and of its x are the inputs made.
        task: `"fit"` or `"predict"`.
        model: A key of `MODELS`.
        accelerated: Whether `accelerate` is applied.

    Returns:
        The program; what is checked is what that first LSTM computes of x.

    Raises:
        ValueError: If `accelerate` changes the predictions.
    """
    first = programs.with_weights(LSTM, problem, return_sequences=True)
    plain, x, y = MODELS[model](problem, first)
    plain.compile("adam", "mse")
    made = accelerate(plain, verbose=False) if accelerated else plain
    if accelerated:
        first = next(part for part in made.layers if part.name == first.name)
        rows = [part[: problem.shape.batch] for part in x]
        error = np.max(np.abs(made.predict_on_batch(rows) - plain.predict_on_batch(rows)))
        if not error < 1e-5:
            raise ValueError(f"accelerate changes what {model!r} predicts by {error}")
    h = keras.ops.convert_to_numpy(first(problem.x))
    batch = problem.shape.batch

    def call() -> Any:
        if task == "predict":
            return made.predict(x, batch_size=batch, verbose=0)
        return made.fit(x, y, batch_size=batch, shuffle=False, verbose=0)

    engine = programs.engine(first, problem, "train" if task == "fit" else "forward")
    return Program(call, lambda _: {"h": h}, engine)


def forecaster(problem: Problem, first: Any) -> Any:
    """Two LSTMs and a number, as for the next value of a series."""
    x, y = epoch(problem.shape, problem.seed)
    second = layers.LSTM(problem.shape.units)
    inputs = keras.Input(batch_shape=problem.shape[:3])
    return keras.Model([inputs], layers.Dense(1)(second(first(inputs)))), [x], y[:, -1]


def tagger(problem: Problem, first: Any) -> Any:
    """Words of padded sentences, read in both directions, with a tag for each."""
    batch, time, features, units = problem.shape
    series, y = epoch(problem.shape, problem.seed)
    rng = np.random.default_rng(problem.seed)
    words = rng.integers(1, WORDS, series.shape[:2])
    words[np.arange(time) >= rng.integers(time // 2, time + 1, (len(words), 1))] = 0
    inputs = keras.Input(batch_shape=(batch, time), dtype="int32")
    h = layers.Embedding(WORDS, features, mask_zero=True)(inputs)
    both = layers.Bidirectional(layers.LSTM(units, return_sequences=True))
    return keras.Model([inputs], layers.Dense(1)(both(first(h)))), [words], y


def translator(problem: Problem, first: Any) -> Any:
    """An encoder, and a decoder that begins with its states and attends to its outputs."""
    units = problem.shape.units
    x, y = epoch(problem.shape, problem.seed)
    source = keras.Input(batch_shape=problem.shape[:3])
    target = keras.Input(batch_shape=problem.shape[:3])
    encoded, *states = layers.LSTM(units, return_sequences=True, return_state=True)(first(source))
    decoder = layers.LSTM(units, return_sequences=True)
    decoded = decoder(target, initial_state=states)
    seen = layers.Attention()([decoded, encoded])
    outputs = layers.Dense(1)(layers.Concatenate()([decoded, seen]))
    return keras.Model([source, target], outputs), [x, np.roll(x, 1, axis=1)], y


MODELS: dict[str, Callable[[Problem, Any], Any]] = {
    "forecaster": forecaster,
    "tagger": tagger,
    "translator": translator,
}
