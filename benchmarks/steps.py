"""The contenders that compute a sequence one time step a call, as control and audio need it."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_lstm_ext import stream
from keras_lstm_ext.bench import programs
from keras_lstm_ext.bench.problem import Arrays, Problem
from keras_lstm_ext.bench.programs import Program


def streamed(problem: Problem, task: str, layer: str) -> Program:
    """Runs `keras_lstm_ext.stream`."""
    made = programs.with_weights(layer, problem, return_sequences=True)
    model = keras.Sequential([keras.Input(batch_shape=problem.shape[:3]), made])
    own = stream(model, problem.shape.batch)
    return over_time(problem, own.step, own.reset)


def stateful(problem: Problem, task: str, layer: str, compiled: bool, **arguments: Any) -> Program:
    """Runs a stateful Keras layer, as a `tf.function` or by calling it."""
    import tensorflow as tf

    batch, _, features, _ = problem.shape
    made = programs.with_weights(layer, problem, stateful=True, **arguments)
    spec = tf.TensorSpec((batch, 1, features), "float32")
    call = tf.function(made, input_signature=[spec]) if compiled else made
    made(tf.zeros((batch, 1, features)))
    return over_time(problem, lambda x: call(x[:, None]).numpy(), made.reset_state)


def torch_cell(problem: Problem, task: str) -> Program:
    """Runs `torch.nn.LSTMCell`."""
    import torch

    torch.set_num_threads(1)
    batch, _, features, units = problem.shape
    w, cell = problem.weights, torch.nn.LSTMCell(features, units)
    values = [w["W"].T, w["R"].T, w["b"], np.zeros_like(w["b"])]
    state: list[Any] = []

    def reset() -> None:
        state[:] = [torch.zeros(batch, units), torch.zeros(batch, units)]

    def step(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            state[:] = cell(torch.from_numpy(x), state)
        return state[0].numpy()

    with torch.no_grad():
        for parameter, value in zip(cell.parameters(), values, strict=True):
            parameter.copy_(torch.from_numpy(value.copy()))
    return over_time(problem, step, reset)


def over_time(
    problem: Problem, step: Callable[[np.ndarray], np.ndarray], reset: Callable[[], Any]
) -> Program:
    """One step after another, from states of zero."""
    steps = [np.ascontiguousarray(x) for x in problem.x.swapaxes(0, 1)]

    def call() -> list[np.ndarray]:
        reset()
        return [step(x) for x in steps]

    def check(results: list[np.ndarray]) -> Arrays:
        return {"h": np.stack(results, axis=1)}

    return Program(call, check)
