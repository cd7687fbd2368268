"""Learning on line in the library, from NumPy arrays: `native/online.h` on this side."""

import ctypes
from ctypes import POINTER, c_double, c_int32, c_int64, c_void_p
from enum import IntEnum
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lstm_ext import activations
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.experiments.learner import Learner

Array = NDArray[Any]


class Count(IntEnum):
    """The last numbers of a network."""

    RATE = -6  # the learning rate
    GROWN = -5  # 1 where the outputs see the cells
    ALIVE = -4  # 1 as long as the stream had no error
    PARTS = -3  # parts of the stream that are over
    STREAMS = -2  # sequences or streams that are over
    WHOLE = -1  # those of them that no error ended


class Plan(ctypes.Structure):
    """`Online` of the library."""

    kept: Array  # what `learned` is the address of
    _fields_ = (
        *((name, c_int64) for name in ("features", "outputs", "units", "block_size")),
        *((name, c_int32) for name in ("gates", "activation", "output_activation")),
        *((name, c_int32) for name in ("peepholes", "coupled", "feeds_cells", "feeds_gates")),
        *((name, c_int32) for name in ("shortcut", "output_bias", "logistic_outputs")),
        *((name, c_int32) for name in ("stepwise", "resets")),
        ("parts", c_int64),
        *((name, c_double) for name in ("tolerance", "decay")),
        *((name, c_double) for name in ("learning_rate", "momentum", "rate_decay")),
        ("learned", c_void_p),
    )


class Tape(ctypes.Structure):
    """`Tape` of the library."""

    _fields_ = (("steps", c_int64), ("symbols", c_void_p), ("values", c_void_p))


@cache
def library() -> Any:
    """The library.

    Raises:
        ValueError: If it was not built, or by an older version.
    """
    reason = packing.why_not_built()
    if reason is not None:
        raise ValueError(
            f"The papers' networks are trained by the native library, which is {reason}. "
            "Install a C++ compiler, then keras_lstm_ext again"
        )
    found = packing.LOADED
    if not hasattr(found, "lstm_learn"):
        raise ValueError(
            "The native library is of an older version, which does not train the papers' networks. "
            "Install keras_lstm_ext again, which compiles it"
        )
    plan, tape = POINTER(Plan), POINTER(Tape)
    found.lstm_online_size.argtypes, found.lstm_online_size.restype = [plan], c_int64
    found.lstm_learn.argtypes = [plan, tape, *[c_void_p] * 6]
    found.lstm_answer.argtypes = [plan, tape, *[c_void_p] * 3]
    return found


def plan_of(learner: Learner, parts: int, tolerance: float) -> Plan:
    """The plan of a network's training.

    Args:
        learner: The network.
        parts: After so many parts a stream is over.
        tolerance: An error of this size ends a stream.

    Returns:
        The plan.
    """
    n, v, training = learner.network, learner.network.variant, learner.network.training
    learned = learner.learned.astype(float)
    plan = Plan(
        learner.features,
        learner.outputs,
        n.units,
        v.block_size,
        sum(packing.GATES[gate] for gate in v.gates),
        packing.SQUASHERS[activations.get("activation", v.activation)],
        packing.SQUASHERS[activations.get("output_activation", v.squashes_output)],
        v.peepholes,
        v.coupled,
        v.feedback != "none",
        v.feeds_gates,
        n.shortcut,
        n.output_bias,
        n.output_activation == "sigmoid",
        training.update == "step",
        training.resets,
        parts,
        tolerance,
        v.decay,
        training.learning_rate,
        training.momentum,
        training.decay,
        learned.ctypes.data,
    )
    plan.kept = learned
    return plan


def learn(
    plan: Plan,
    tape: Array,
    targets: Array,
    mask: Array,
    ends: Array,
    network: Array,
    y: Array,
    errors: Array,
) -> None:
    """Trains one network on a tape.

    Args:
        plan: The plan.
        tape: Symbols, `(timesteps,)`, -1 for none, or values, `(timesteps, features)`.
        targets: `(timesteps, outputs)`.
        mask: Where a target counts, `(timesteps,)`.
        ends: The last steps of parts, `(timesteps,)`.
        network: All numbers of it, which change.
        y: The outputs, `(timesteps, outputs)`, are written where a target counts or a part ends.
        errors: The sums of the absolute and of the squared errors are added, `(2,)`.
    """
    with_types = zip((targets, mask, ends), ("float32", "bool", "bool"), strict=True)
    arrays = [np.ascontiguousarray(a, dtype) for a, dtype in with_types]
    _call(library().lstm_learn, plan, tape, *arrays, network, y, errors)


def answer(plan: Plan, tape: Array, resets: Array, network: Array) -> Array:
    """What one network, which does not learn, answers on a tape.

    Args:
        plan: The plan.
        tape: As for `learn`.
        resets: After which steps the state is set to zero, `(timesteps,)`.
        network: All numbers of it.

    Returns:
        The outputs, `(timesteps, outputs)`.
    """
    y = np.empty((len(tape), plan.outputs))
    resets = np.ascontiguousarray(resets, "bool")
    _call(library().lstm_answer, plan, tape, resets, network.copy(), y)
    return y


def _call(function: Any, plan: Plan, tape: Array, *arrays: Array) -> None:
    symbols = tape.ndim == 1
    steps = np.ascontiguousarray(tape, "int32" if symbols else "float32")
    address = steps.ctypes.data
    read = Tape(len(steps), *((address, None) if symbols else (None, address)))
    if function(plan, read, *(array.ctypes.data for array in arrays)):
        raise ValueError(
            f"symbols must be from -1, for none, to {plan.features - 1}. "
            f"Received: {steps.min()} to {steps.max()}"
        )
