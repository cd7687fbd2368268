"""On-line learning of a stretch of tape, all networks side by side.

The rules are those of `keras_lstm_ext.tasks.Training`. Every network reads a tape of its own, step
by step. A tape has parts: the sequences of a task, or what a stream is made of, such as strings of
a grammar. A sequence is a stream of one part that no error ends. After an error, a network waits
for the end of the part, where its next stream begins.

Networks are spread over threads. As each learns alone, their number changes no bit.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from keras_lstm_ext.engines.native.packing import processors
from keras_lstm_ext.experiments import online
from keras_lstm_ext.experiments.learner import Array, Learner, Weights
from keras_lstm_ext.experiments.online import Count


class Stretch(NamedTuple):
    """Tapes of all networks, `(networks, timesteps, ...)`; values and targets in float32."""

    inputs: Array  # symbols, or with an axis of features
    targets: Array
    mask: Array  # where a target counts
    ends: Array  # the last steps of parts


@dataclass(frozen=True, eq=False)
class Trainer:
    """The paper's way of training networks of one kind.

    The state of a network is one row of numbers; with it, the network goes on as if it had never
    stopped. The weights come first, and `Count` names the last.

    Args:
        learner: The network.
        parts: After so many parts a stream is over.
        tolerance: An error of this size ends a stream; infinite for sequences.
    """

    learner: Learner
    parts: int = 1
    tolerance: float = float("inf")

    @cached_property
    def plan(self) -> online.Plan:
        """The training as the library has it."""
        return online.plan_of(self.learner, self.parts, self.tolerance)

    def start(self, weights: Iterable[Weights]) -> Array:
        """The state before the first step, `(networks, numbers)`."""
        packed = [self.learner.pack(w) for w in weights]
        state = np.zeros((len(packed), online.library().lstm_online_size(self.plan)))
        state[:, : len(packed[0])] = packed
        state[:, Count.RATE] = self.learner.network.training.learning_rate
        state[:, Count.GROWN] = not self.learner.network.grows
        state[:, Count.ALIVE] = 1
        return state

    def weights(self, network: Array) -> Weights:
        """The weights of one network, `(numbers,)`."""
        return self.learner.unpack(network)

    def learn(self, state: Array, stretch: Stretch) -> tuple[Array, Array, Array]:
        """Trains every network on its tape.

        Args:
            state: Of all networks.
            stretch: Their tapes.

        Returns:
            The new state; the outputs, `(networks, timesteps, outputs)`, where a target counts or a
            part ends; and the means of the absolute and of the squared errors where a target
            counts, `(networks, 2)`, not a number where none does.
        """
        state, y, errors = state.copy(), np.zeros(stretch.targets.shape), np.zeros((len(state), 2))
        with ThreadPoolExecutor(processors()) as pool:
            # What it gives is looked at, or an error would be lost.
            list(pool.map(partial(online.learn, self.plan), *stretch, state, y, errors))
        counts = stretch.mask.sum(axis=1, keepdims=True) * self.learner.outputs
        return state, y, np.where(counts, errors / np.maximum(counts, 1), np.nan)

    def answer(self, network: Array, inputs: Array, resets: Array) -> Array:
        """What one network answers, without learning.

        Args:
            network: Its state, of which weights and `Count.GROWN` matter.
            inputs: `(sequences, timesteps)` or with an axis of features.
            resets: After which steps the state is set to zero, `(sequences, timesteps)`; it also
                is at the beginning of each sequence.

        Returns:
            The outputs, `(sequences, timesteps, outputs)`.
        """
        resets = resets.copy()
        resets[:, -1] = True
        tape = inputs.reshape(-1, *inputs.shape[2:])
        y = online.answer(self.plan, tape, resets.ravel(), network)
        return y.reshape(*resets.shape, -1)
