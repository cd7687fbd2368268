"""Trials side by side: they learn chunk after chunk, are judged, and end one by one.

What becomes of a trial is a function of the seed and of the trials that began with it. So a run
that was killed goes on from its file, and ends as if nothing had happened.
"""

import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from keras_lstm_ext.experiments.experiment import Experiment
from keras_lstm_ext.experiments.learner import Array
from keras_lstm_ext.experiments.online import Count
from keras_lstm_ext.experiments.report import Record
from keras_lstm_ext.experiments.tape import Tape
from keras_lstm_ext.experiments.training import Stretch
from keras_lstm_ext.files import whole

GROWTH = 1.02
"""Networks are judged when they have read so many times what they had at the time before, and when
they have read a stream without an error."""

STILL = 0.99
"""A squared error has stopped falling when it is more than so many times that of the chunk before.

The absolute error goes on falling as long as outputs approach 0 and 1, which they never reach."""


def numbers(experiment: Experiment) -> Record:
    """Names the arithmetic, and a digest of a network after its first chunk and of what ends it."""
    state = experiment.trainer.start([experiment.draw_weights(0)])
    learned, *_ = experiment.trainer.learn(state, _draw([experiment.tape(0)], experiment.steps)[0])
    rules = GROWTH, STILL, experiment.task.criterion, experiment.network.training
    digest = sha256(learned.tobytes() + repr(rules).encode()).hexdigest()[:16]
    return {"arithmetic": "float64, native library", "digest": digest}


class Progress(NamedTuple):
    """How far the trials are; every array has one row for each."""

    state: Array  # of the trainer
    trials: Array  # numbers
    running: Array  # whether the trial goes on
    positions: Array  # (trials, 2), on the tapes
    window: Array  # (trials, 2, n, outputs): outputs and targets of the last sequences
    unbroken: Array  # whether a stream without an error was among the last chunk
    errors: Array  # (trials, 2): mean absolute and mean squared error of the last chunk
    curve: Array  # (trials, points, 2): sequences and error


class Group:
    """Trials that begin together.

    Args:
        experiment: What they learn.
        trials: Their numbers.
        limit: Sequences or streams after which a trial is stopped.
    """

    def __init__(self, experiment: Experiment, trials: Sequence[int], limit: int) -> None:
        self.experiment = experiment
        self.limit = limit
        self.chunk = 0
        self.seconds = 0.0
        n, training = len(trials), experiment.network.training
        remembered = training.judged if training.judged_on == "window" else 0
        self.progress = Progress(
            experiment.trainer.start(map(experiment.draw_weights, trials)),
            trials=np.array(trials),
            running=np.ones(n, bool),
            positions=np.zeros((n, 2), int),
            window=np.full((n, 2, remembered, experiment.task.outputs), np.nan, "float32"),
            unbroken=np.zeros(n, bool),
            errors=np.tile([0.0, np.inf], (n, 1)),
            curve=np.zeros((n, 0, 2)),
        )

    def save(self, path: Path) -> None:
        """Writes everything that `load` needs."""
        with whole(path) as temporary:
            np.savez(temporary, **self.progress._asdict(), chunk=self.chunk, seconds=self.seconds)

    @classmethod
    def load(cls, path: Path, experiment: Experiment, limit: int) -> Self:
        """The group that `save` wrote.

        Raises:
            ValueError: If another version wrote it.
        """
        group = cls(experiment, [0], limit)
        with np.load(path) as file:
            if not set(Progress._fields) <= set(file.files):
                raise ValueError(
                    f"{path} is of another version of the package. Remove it: the trials that it "
                    "has begin again"
                )
            group.progress = Progress(*(file[name] for name in Progress._fields))
            group.chunk, group.seconds = int(file["chunk"]), float(file["seconds"])
        return group

    def mean_of_running(self) -> tuple[float, float]:
        """How many sequences were learned, and the error, of the trials that go on or went last."""
        p = self.progress
        rows = p.running if p.running.any() else ~p.running
        return float(np.mean(p.state[rows, Count.STREAMS])), float(np.mean(p.errors[rows, 0]))

    def run(self) -> Iterator[list[Record]]:
        """Learns until every trial has ended.

        Yields:
            After each chunk the records of the trials that ended with it.
        """
        p, experiment = self.progress, self.experiment
        tapes = [
            experiment.tape(int(trial), tuple(position))
            for trial, position in zip(p.trials, p.positions, strict=True)
        ]
        with ThreadPoolExecutor(1) as pool:
            # The next chunk is drawn while the networks learn from this one.
            ahead = pool.submit(_draw, tapes, experiment.steps)
            while self.progress.running.any():
                began = time.perf_counter()
                stretch, positions = ahead.result()
                ahead = pool.submit(_draw, tapes, experiment.steps)
                learned = experiment.trainer.learn(self.progress.state, stretch)
                self.chunk += 1
                self._note(stretch, positions, *learned)
                records = self._end(began)
                running = self.progress.running
                if 0 < 2 * running.sum() <= len(running):
                    keep = np.flatnonzero(running)
                    self.progress = Progress(*(array[keep] for array in self.progress))
                    tapes = [tapes[k] for k in keep]
                    stretch, positions = ahead.result()
                    stretch = Stretch(*(array[keep] for array in stretch))
                    ahead = pool.submit(lambda *drawn: drawn, stretch, positions[keep])
                self.seconds += time.perf_counter() - began
                yield records

    def _note(
        self, stretch: Stretch, positions: Array, state: Array, y: Array, errors: Array
    ) -> None:
        """Puts down how the networks did in a chunk."""
        p = self.progress
        # A network may diverge, but a chunk without a target leaves everything as it was.
        errors = np.where(stretch.mask.any(axis=1, keepdims=True), errors, p.errors)
        network = self.experiment.network
        if network.grows:
            after, still = network.grows_after, errors[:, 1] > STILL * p.errors[:, 1]
            due = still if after is None else state[:, Count.STREAMS] >= after
            state[:, Count.GROWN] = np.maximum(state[:, Count.GROWN], due)
        curve = p.curve
        if self._due():
            point = np.stack([state[:, Count.STREAMS], errors[:, 0]], axis=1)
            curve = np.concatenate([curve, point[:, None]], axis=1)
        self.progress = p._replace(
            state=state,
            positions=positions,
            window=self._window(stretch, y),
            unbroken=state[:, Count.WHOLE] > p.state[:, Count.WHOLE],
            errors=errors,
            curve=curve,
        )

    def _window(self, stretch: Stretch, y: Array) -> Array:
        """Outputs and targets at the ends of the last sequences."""
        window = self.progress.window.copy()
        if not window.shape[2]:
            return window
        for k, last in enumerate(window):
            ends = stretch.ends[k]
            now = np.stack([y[k, ends], stretch.targets[k, ends]])
            window[k] = np.concatenate([last, now], axis=1)[:, now.shape[1] :]
        return window

    def _due(self) -> bool:
        """Whether the networks have learned enough since they were judged to do it again."""
        times = math.log(GROWTH)
        chunk = self.chunk
        return chunk == 1 or math.log(chunk) // times > math.log(chunk - 1) // times

    def _look(self, k: int) -> bool:
        """Whether a network is judged now."""
        if self.experiment.network.training.judged_on == "window":
            return True
        return self._due() or (self.experiment.is_stream and bool(self.progress.unbroken[k]))

    def _end(self, began: float) -> list[Record]:
        """Judges the networks, and tests those that are done."""
        p, experiment = self.progress, self.experiment
        running = p.running.copy()
        records = []
        for k in map(int, np.flatnonzero(running)):
            trial, sequences = int(p.trials[k]), int(p.state[k, Count.STREAMS])
            answer = partial(experiment.outputs, p.state[k])
            diverged = not np.isfinite(p.errors[k, 0])
            spent = sequences >= self.limit or diverged
            look = spent or self._look(k)
            solved = look and experiment.solved(trial, self.chunk, answer, p.window[k])
            if not (solved or spent):
                continue
            running[k] = False
            records.append(
                {
                    "trial": trial,
                    "solved": solved,
                    "sequences": sequences,
                    "steps": self.chunk * experiment.steps,
                    "test": {} if diverged else experiment.test(trial, answer),
                    "curve": [[int(n), float(f"{e:.4g}")] for n, e in p.curve[k] if e == e],
                    "seconds": round(self.seconds + time.perf_counter() - began, 1),
                }
            )
        self.progress = p._replace(running=running)
        return records


def _draw(tapes: list[Tape], steps: int) -> tuple[Stretch, Array]:
    """The next steps of all tapes, and where they end."""
    pieces = zip(*(tape.take(steps) for tape in tapes), strict=True)
    stretch = Stretch(*(np.stack(arrays) for arrays in pieces))
    return stretch, np.array([tape.position for tape in tapes])
