"""The same tasks with today's training: a Keras model, Adam, mini-batches.

For comparison only. Nothing here is of the papers but the task, the number of memory cells, and
what has to be right in the end.
"""

import math
import time
from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_lstm_ext import ClassicLSTM, PeepholeLSTM, chrono_bias
from keras_lstm_ext.experiments import report
from keras_lstm_ext.experiments.experiment import JUDGED, TRAINING, WEIGHTS, Experiment
from keras_lstm_ext.experiments.tape import parts_of_stream, steps_of_sequence, with_length
from keras_lstm_ext.tasks import Batches, Sequences
from keras_lstm_ext.tasks._arrays import Array, Seed, generator, one_hot


class Model(NamedTuple):
    """What a row's model has before its output units."""

    layer: Callable[..., keras.Layer]
    chrono: bool = False  # whether its gates begin with `chrono_bias`


_MADE_OF = (
    Model(ClassicLSTM),
    Model(PeepholeLSTM),
    Model(ClassicLSTM, chrono=True),
    Model(PeepholeLSTM, chrono=True),
    Model(keras.layers.SimpleRNN),
)
MODELS = dict(zip(report.MODELS, _MADE_OF, strict=True))
"""The models by row."""

LEARNING_RATE = 0.01
BATCH_SIZE = 32
BATCHES = 100
"""Batches between two looks at the network."""

STREAM = 500
"""Steps, about, of the streams that the models are trained on; the paper's end with an error."""


def run_trial(row: str, experiment: Experiment, trial: int, limit: int) -> report.Record:
    """Trains one model until it does what the paper asks for.

    Args:
        row: Key of `MODELS`.
        experiment: The paper's, for the task and the judgement.
        trial: Number of the trial, which decides all random numbers.
        limit: Sequences after which the trial is stopped.

    Returns:
        The record of the trial.
    """
    began = time.perf_counter()
    seed = seed_number(experiment, trial, WEIGHTS)
    keras.utils.set_random_seed(seed)
    model = model_for(row, experiment, seed)
    judge, data = Judge(experiment, trial), batches(experiment, trial)
    epochs = math.ceil(limit / (BATCHES * BATCH_SIZE))
    model.fit(data, epochs=epochs, callbacks=[judge], verbose=0)
    return {
        "trial": trial,
        "solved": judge.solved,
        "sequences": judge.curve[-1][0],
        "weights": model.count_params(),
        "test": experiment.test(trial, judge.answer),
        "curve": judge.curve,
        "seconds": round(time.perf_counter() - began, 1),
    }


def numbers(row: str, experiment: Experiment) -> report.Record:
    """Names the arithmetic, and a digest of initial weights, first batch and training."""
    seed = seed_number(experiment, 0, WEIGHTS)
    keras.utils.set_random_seed(seed)
    model, backend = model_for(row, experiment, seed), keras.backend.backend()
    begin = [*map(np.asarray, model.weights), *batches(experiment, 0)[0]]
    trained = repr((LEARNING_RATE, BATCH_SIZE, BATCHES)).encode()
    digest = sha256(b"".join(array.tobytes() for array in begin) + trained).hexdigest()[:16]
    by = f"Keras {keras.__version__} on {backend} {import_module(backend).__version__}"
    return {"arithmetic": f"{keras.config.floatx()}, {by}", "digest": digest}


def batches(experiment: Experiment, trial: int) -> Batches:
    """What a trial is trained on."""
    seed, task = seed_number(experiment, trial, TRAINING), experiment.task
    return Batches(sampler(experiment, trial), BATCH_SIZE, BATCHES, seed, varying=task.varying)


def model_for(row: str, experiment: Experiment, seed: int = 0) -> keras.Model:
    """The model of a row, compiled.

    LSTMs have as many cells as the paper's network. A `SimpleRNN` has as many units as give it at
    least as many weights as `ClassicLSTM` has. `seed` is that of `chrono_bias`.
    """
    task, network = experiment.task, experiment.network

    def weights(layer: Callable[..., keras.Layer], units: int) -> int:
        gates = 4 if layer is ClassicLSTM else 1
        return gates * units * (task.features + units + 1) + (units + 1) * task.outputs

    units, (layer, chrono) = network.units, MODELS[row]
    bias: dict[str, Any] = {}
    if chrono:
        bias = {"gate_bias": chrono_bias(units, steps_of_sequence(task), seed)}
    if layer is keras.layers.SimpleRNN:
        wanted = weights(ClassicLSTM, units)
        while weights(keras.layers.SimpleRNN, units) < wanted:
            units += 1
    model = keras.Sequential(
        [
            keras.Input((None, task.features)),
            layer(units, return_sequences=True, **bias),
            keras.layers.Dense(task.outputs, activation=network.output_activation),
        ]
    )
    of_outputs = keras.losses.MeanSquaredError
    if network.output_activation == "sigmoid":
        of_outputs = keras.losses.BinaryCrossentropy
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE),
        of_outputs(reduction="mean_with_sample_weight"),
        weighted_metrics=[keras.metrics.MeanAbsoluteError(name="error")],
    )
    return model


def sampler(experiment: Experiment, trial: int) -> Callable[[Seed, int], Sequences]:
    """What draws the batches of a trial: from the paper's training set, where it has one."""
    task = experiment.task
    if experiment.is_stream:
        share = STREAM / (parts_of_stream(task) * steps_of_sequence(task))
        return with_length(task, min(1.0, share)).sample
    if experiment.network.training.judged_on != "sets":
        return task.sample
    train = experiment.sets(trial)[0]

    def draw(seed: Seed, n: int) -> Sequences:
        rows = generator(seed).permutation(len(train.mask))[:n]
        inputs, targets, mask = (array[rows] for array in train)
        return Sequences(one_hot(inputs, task.features), targets, mask)

    return draw


class Judge(keras.callbacks.Callback):
    """Stops the training of a model that does what the paper asks for.

    Args:
        experiment: What that is.
        trial: Number of the trial.
    """

    def __init__(self, experiment: Experiment, trial: int) -> None:
        super().__init__()
        self.experiment = experiment
        self.trial = trial
        self.solved = False
        self.curve: list[list[float]] = []

    def answer(self, sequences: Sequences) -> Array:
        """Outputs of the model."""
        inputs = sequences.inputs
        if inputs.ndim == 2:
            inputs = one_hot(inputs, self.experiment.task.features)
        y: Array = self.model.predict(inputs, batch_size=250, verbose=0)
        return y

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras after `BATCHES` batches."""
        sequences = (epoch + 1) * BATCHES * BATCH_SIZE
        self.curve.append([sequences, float(f"{(logs or {})['error']:.4g}")])
        self.solved = self.experiment.solved(self.trial, epoch, self.answer, self._window(epoch))
        self.model.stop_training = self.solved

    def _window(self, epoch: int) -> Array:
        """Outputs and targets of new sequences, as many as the paper looks back on."""
        training = self.experiment.network.training
        if training.judged_on != "window":
            return np.empty(0)
        seed = (self.experiment.seed, self.trial, JUDGED, epoch)
        s = self.experiment.task.sample(seed, training.judged, symbols=True)
        return np.stack([self.answer(s)[s.mask], s.targets[s.mask]])


def seed_number(experiment: Experiment, trial: int, what: int) -> int:
    """One integer for a seed of Keras."""
    return int(np.random.default_rng((experiment.seed, trial, what)).integers(2**31))
