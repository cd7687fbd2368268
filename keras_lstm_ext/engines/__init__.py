"""How a whole sequence is computed, and the only place that chooses how.

Each engine is a module with `why_not(layer, call)`, which gives None where the engine applies and
the reason where it does not, and `run(layer, sequences, initial_state, mask, training)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_lstm_ext.engines import bptt, cuda, cudnn, native, portable, tracing

Tensor = Any

ENGINES = {
    "cuda": cuda,
    "cudnn": cudnn,
    "native": native,
    "bptt": bptt,
    "portable": portable,
}
"""Fastest first."""

ACCEPTED = ("auto", *ENGINES)

KNOWN: dict[str, tuple[str, ...]] = {
    "cuda": (),
    "cudnn": (),
    "native": ("normalize_nets", "normalize_output"),
}
"""What engines compute of that which `RecurrentCell.has` lists; those that are not here, all."""


@dataclass(frozen=True)
class Call:
    """What is known about a call when its engine is chosen.

    Args:
        input_shape: `(batch, timesteps, features)` with None for what is not known, or None.
        masked: Whether there is a mask.
        training: Whether it is a training step.
    """

    input_shape: Sequence[int | None] | None = None
    masked: bool = False
    training: bool = False


@dataclass(frozen=True)
class Choice:
    """The engine that was chosen, and why each faster one was not.

    Args:
        engine: Name of the engine.
        declined: The reason for each faster engine.
    """

    engine: str
    declined: dict[str, str]

    def __str__(self) -> str:
        reasons = [f"not {name}: {reason}" for name, reason in self.declined.items()]
        return "\n".join([f"engine: {self.engine}", *reasons])


def check_name(engine: Any) -> None:
    """Refuses a name that no engine has.

    Args:
        engine: What the user gave.

    Raises:
        ValueError: If it is not "auto" or the name of an engine.
    """
    if engine not in ACCEPTED:
        raise ValueError(f"`engine` must be one of {ACCEPTED}. Received: engine={engine!r}")


def choose(layer: Any, call: Call) -> Choice:
    """Takes the engine that was named, or the fastest that applies.

    Args:
        layer: The layer; its `engine` says whether the choice is free.
        call: What is known about the call.

    Returns:
        The choice with its reasons.

    Raises:
        ValueError: If a named engine cannot do the job.
    """
    if layer.engine != "auto":
        reason = why_not(layer.engine, layer, call)
        if reason:
            raise ValueError(f"`engine={layer.engine!r}` cannot run {layer.name}: {reason}")
        return Choice(layer.engine, {})
    declined: dict[str, str] = {}
    for name in ENGINES:
        reason = why_not(name, layer, call)
        if reason is None:
            return Choice(name, declined)
        declined[name] = reason
    raise AssertionError("the portable engine runs every layer")


def why_not(name: str, layer: Any, call: Call) -> str | None:
    """Gives None if an engine can run a layer, or the reason why not.

    Args:
        name: Of the engine.
        layer: The layer.
        call: What is known about the call.

    Returns:
        The reason.
    """
    if name != "portable" and layer.cell.has_own_step:
        return f"it knows the package's own step, and {type(layer.cell).__name__} has another"
    return lacks(name, layer.cell) or ENGINES[name].why_not(layer, call)


def lacks(name: str, cell: Any) -> str | None:
    """Gives None if an engine knows all that a cell has, or says what it does not know.

    Args:
        name: Of the engine.
        cell: The cell.

    Returns:
        The reason.
    """
    more = cell.more(*KNOWN[name]) if name in KNOWN else ""
    return f"it does not compute {more}" if more else None


def run(
    layer: Any, sequences: Tensor, initial_state: list[Tensor], mask: Tensor | None, training: bool
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Computes a whole sequence on the engine that `choose` takes.

    Args:
        layer: The layer.
        sequences: Shape `(batch, timesteps, features)`.
        initial_state: The states before the first step.
        mask: Boolean, shape `(batch, timesteps)`, or None.
        training: Whether dropout applies.

    Returns:
        Last output, outputs, and final states.
    """
    call = Call(tuple(sequences.shape), mask is not None, training)
    engine = ENGINES[choose(layer, call).engine]
    return engine.run(layer, sequences, initial_state, mask, training)


def require_time_steps(sequences: Tensor) -> None:
    """Refuses, at run time, sequences without a single step.

    Where the number of steps is known while tracing, the layer has refused it already.

    Args:
        sequences: Shape `(batch, timesteps, features)`.

    Raises:
        InvalidArgumentError: From TensorFlow, when the graph runs.
    """
    if keras.backend.backend() == "tensorflow" and sequences.shape[1] is None:
        import tensorflow as tf

        tf.debugging.assert_positive(
            tf.shape(sequences)[1],
            message="`sequences` must have the shape (batch, timesteps, features) with at least "
            "one time step. Received: timesteps = 0",
        )


def require_batch(sequences: Tensor, batch: int, message: str) -> Tensor:
    """Refuses, at run time, sequences of another batch size than a stateful layer's.

    Where the size is known while tracing, the layer has refused it already.

    Args:
        sequences: Shape `(batch, timesteps, features)`.
        batch: The size of the layer's states.
        message: What the layer says where it knows the size itself.

    Returns:
        The sequences, to be computed from after the check.

    Raises:
        InvalidArgumentError: From TensorFlow, when the graph runs.
    """
    if keras.backend.backend() != "tensorflow" or sequences.shape[0] is not None:
        return sequences
    import tensorflow as tf

    if tracing.under_xla():
        # XLA drops assertions; this op, which it keeps, has only its name to speak with.
        name = "stateful_needs_every_batch_of_the_size_of_the_first"
        return tf.ensure_shape(sequences, (batch, None, None), name=name)
    check = tf.debugging.assert_equal(tf.shape(sequences)[0], batch, message=message)
    with tf.control_dependencies([check]):
        return tf.identity(sequences)
