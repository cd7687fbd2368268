"""The task `fit`: an epoch of `model.fit`, as a user sees it."""

from typing import Any

import keras
import numpy as np

from keras_lstm_ext.bench import programs
from keras_lstm_ext.bench.problem import FIT_BATCHES, Problem, Shape
from keras_lstm_ext.bench.programs import Program


def fit(
    problem: Problem, task: str, layer: str, jit_compile: bool | str = "auto", **arguments: Any
) -> Program:
    """Trains the layer and a `Dense(1)` on every time step, on batches of one size.

    Args:
        problem: Its x is the first batch.
        task: `"fit"`.
        layer: See `programs.sequence`.
        jit_compile: Given to `compile`; the default is Keras' own.
        **arguments: Given to the layer.

    Returns:
        The program; its first call is the epoch in which everything is traced.
    """
    made = programs.with_weights(layer, problem, return_sequences=True, **arguments)
    h = keras.ops.convert_to_numpy(made(problem.x))
    batch_input = keras.Input(batch_shape=problem.shape[:3])
    model = keras.Sequential([batch_input, made, keras.layers.Dense(1)])
    model.compile("adam", "mse", jit_compile=jit_compile)
    x, y = epoch(problem.shape, problem.seed)

    def call() -> None:
        model.fit(x, y, batch_size=problem.shape.batch, shuffle=False, verbose=0)

    return Program(call, lambda _: {"h": h}, programs.engine(made, problem, "train"))


def epoch(shape: Shape, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of `FIT_BATCHES` full batches."""
    rng, rows = np.random.default_rng(seed), FIT_BATCHES * shape.batch
    x = rng.standard_normal((rows, shape.time, shape.features), dtype="float32")
    return x, rng.standard_normal((rows, shape.time, 1), dtype="float32")
