"""On-line learning of a stretch of tape, compiled into one program.

The rules are those of `keras_lstm_ext.tasks.Training`. Every network reads a tape of its own, step
by step. A tape has parts: the sequences of a task, or what a stream is made of, such as strings of
a grammar. A sequence is a stream of one part that no error ends. After an error, a network waits
for the end of the part, where its next stream begins.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_lstm_ext.experiments.learner import Learner, Partials, Step, Weights

Tensor = Any


class Stretch(NamedTuple):
    """Tapes of all networks, `(timesteps, networks, ...)`."""

    inputs: Tensor  # symbols, or with an axis of features
    targets: Tensor
    mask: Tensor  # where a target counts
    ends: Tensor  # the last steps of parts


class State(NamedTuple):
    """All that changes; with it a network goes on as if it had never stopped."""

    weights: Weights
    velocity: Weights
    gradient: Weights  # of the sequence so far
    partials: Partials
    c: Tensor  # (networks, units)
    r: Tensor  # (networks, fed back)
    rate: Tensor  # (networks,), the learning rate
    grown: Tensor  # (networks,), 1.0 where the memory cells take part
    alive: Tensor  # (networks,), whether the stream had no error yet
    parts: Tensor  # (networks,), parts of the stream that are over
    streams: Tensor  # (networks,), sequences or streams that are over
    whole: Tensor  # (networks,), those of them that no error ended


@dataclass(frozen=True, eq=False)
class Trainer:
    """The paper's way of training networks of one kind.

    Args:
        learner: The network.
        parts: After so many parts a stream is over.
        tolerance: An error of this size ends a stream; infinite for sequences.
    """

    learner: Learner
    parts: int = 1
    tolerance: float = float("inf")

    def start(self, weights: Weights, dtype: str = "float32") -> State:
        """The state before the first step, as NumPy arrays.

        Args:
            weights: Of all networks.
            dtype: Of everything but counts.

        Returns:
            The state.
        """
        learner, n, networks = self.learner, self.learner.network, len(weights.K)
        zeros = Weights(*map(np.zeros_like, weights))
        state = State(
            weights,
            velocity=zeros,
            gradient=zeros,
            partials=learner.no_partials(networks),
            c=np.zeros((networks, n.units)),
            r=np.zeros((networks, learner.fed_back)),
            rate=np.full(networks, n.training.learning_rate),
            grown=np.full(networks, 0.0 if n.grows else 1.0),
            alive=np.ones(networks, bool),
            parts=np.zeros(networks, "int32"),
            streams=np.zeros(networks, "int32"),
            whole=np.zeros(networks, "int32"),
        )
        return keras.tree.map_structure(
            lambda a: a.astype(dtype) if a.dtype == "float64" else a, state
        )

    def compile(self) -> Callable[[State, Stretch], tuple[State, Tensor]]:
        """Gives the function of state and stretch that returns the new state and the outputs.

        There are outputs, `(timesteps, networks, outputs)`, where a target counts or a part ends.
        """
        return compiled(self._run)

    def _run(self, s: State, stretch: Stretch) -> tuple[State, Tensor]:
        last = stretch.mask.shape[0] - 1
        eventful = ops.any(ops.logical_or(stretch.mask, stretch.ends), axis=1)
        eventful = ops.logical_or(eventful, ops.arange(last + 1) == last)

        def at(t: Tensor) -> Stretch:
            return Stretch(*(array[t] for array in stretch))

        def event(t: Tensor, s: State, y: Tensor) -> tuple[Tensor, State, Tensor]:
            # A loop to the next event, where XLA would make both sides of a condition every step.
            def quiet(t: Tensor, c: Tensor, r: Tensor, partials: Partials) -> tuple[Tensor, ...]:
                quiet, _ = self._step(s._replace(c=c, r=r, partials=partials), at(t))
                return t + 1, quiet.c, quiet.r, quiet.partials

            t, c, r, partials = ops.while_loop(
                lambda t, *_: ops.logical_not(eventful[t]), quiet, (t, s.c, s.r, s.partials)
            )
            s, step = self._step(s._replace(c=c, r=r, partials=partials), at(t))
            return t + 1, self._learn(s, step, at(t)), ops.slice_update(y, (t, 0, 0), step.y[None])

        t, y = ops.zeros((), "int32"), ops.zeros_like(stretch.targets)
        return ops.while_loop(lambda t, *_: t <= last, event, (t, s, y))[1:]

    def _step(self, s: State, at: Stretch) -> tuple[State, Step]:
        learner = self.learner
        step = learner.step(s.weights, at.inputs, s.c, s.r, s.grown)
        partials = learner.carry(s.partials, step, s.c)
        return s._replace(partials=partials, c=step.c, r=learner.feed_back(step)), step

    def _learn(self, s: State, step: Step, at: Stretch) -> State:
        """What happens where a target counts, or where a part ends."""
        learner, training = self.learner, self.learner.network.training
        error = step.y - at.targets
        learns = ops.logical_and(at.mask, s.alive)
        right = ops.all(ops.abs(error) < self.tolerance, axis=-1)
        alive = ops.logical_and(s.alive, ops.logical_or(right, ops.logical_not(at.mask)))
        parts = s.parts + ops.cast(at.ends, "int32")
        spent = ops.logical_or(ops.logical_not(alive), parts >= self.parts)
        over = ops.logical_and(at.ends, spent)
        reset = at.ends if training.resets else over

        d_y = where(learns, error, ops.zeros_like(error))
        gradient = learner.gradient(s.weights, d_y, step, s.partials, s.grown)
        stepwise = training.update == "step"
        if not stepwise:
            gradient = Weights(*(a + b for a, b in zip(s.gradient, gradient, strict=True)))
        s = self._change(s, gradient, learns if stepwise else over)
        if not stepwise:
            s = s._replace(gradient=Weights(*(where(over, 0.0, g) for g in gradient)))
        rate = where(learns, s.rate * training.decay, s.rate)
        return s._replace(
            partials=Partials(
                *({k: where(reset, 0.0, e) for k, e in effects.items()} for effects in s.partials)
            ),
            c=where(reset, 0.0, s.c),
            r=where(reset, 0.0, s.r),
            rate=where(over, training.learning_rate, rate),
            alive=ops.logical_or(alive, over),
            parts=where(over, 0, parts),
            streams=s.streams + ops.cast(over, "int32"),
            whole=s.whole + ops.cast(ops.logical_and(over, alive), "int32"),
        )

    def _change(self, s: State, gradient: Weights, changes: Tensor) -> State:
        """Gradient descent of the networks whose weights change now."""
        momentum = self.learner.network.training.momentum
        steps = Weights(*(-_beside(s.rate, g) * g for g in gradient))
        if momentum:
            steps = Weights(*(momentum * v + d for v, d in zip(s.velocity, steps, strict=True)))
            moved = (where(changes, d, v) for v, d in zip(s.velocity, steps, strict=True))
            s = s._replace(velocity=Weights(*moved))
        changed = (where(changes, w + d, w) for w, d in zip(s.weights, steps, strict=True))
        return s._replace(weights=Weights(*changed))


def answer(learner: Learner) -> Callable[[Weights, Tensor, Tensor, Tensor], Tensor]:
    """Gives the compiled function that runs one network over sequences, from left to right.

    Its arguments are the weights with a first axis of one network, `grown` of shape `(1,)`, inputs
    of shape `(timesteps, sequences, ...)` and, of shape `(timesteps, sequences)`, after which steps
    the state is set to zero; it returns `(timesteps, sequences, outputs)`.
    """

    def run(weights: Weights, grown: Tensor, inputs: Tensor, resets: Tensor) -> Tensor:
        def body(
            state: tuple[Tensor, Tensor], at: tuple[Tensor, Tensor]
        ) -> tuple[tuple[Tensor, Tensor], Tensor]:
            x, reset = at
            step = learner.step(weights, x, *state, grown)
            return (where(reset, 0.0, step.c), where(reset, 0.0, learner.feed_back(step))), step.y

        sequences, dtype = inputs.shape[1], weights.K.dtype
        c = ops.zeros((sequences, learner.network.units), dtype)
        r = ops.zeros((sequences, learner.fed_back), dtype)
        return scan(body, (c, r), (inputs, resets))[1]

    return compiled(run)


def scan(body: Callable[..., Any], state: Any, xs: Any) -> Any:
    """The loop of the backend, as the engine `bptt` has it."""
    backend = keras.backend.backend()
    return importlib.import_module(f"keras_lstm_ext.engines.bptt.{backend}").scan(
        body, state, xs, reverse=False
    )


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles by XLA.

    Raises:
        ValueError: The backend has no XLA.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        program: Callable[..., Any] = tf.function(function, autograph=False, jit_compile=True)
        return program
    if keras.backend.backend() == "jax":
        import jax

        program = jax.jit(function)
        return program
    raise ValueError(
        "The experiments need the TensorFlow or the JAX backend. "
        f"Received: {keras.backend.backend()!r}"
    )


def where(flag: Tensor, new: Any, old: Tensor) -> Tensor:
    """`new` for the networks whose flag, `(networks,)`, is set."""
    return ops.where(_beside(flag, old), new, old)


def _beside(of_networks: Tensor, array: Tensor) -> Tensor:
    return ops.reshape(of_networks, (-1, *[1] * (len(array.shape) - 1)))
