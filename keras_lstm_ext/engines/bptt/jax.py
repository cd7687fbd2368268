"""The loop and the gradient hook of `bptt` on JAX."""

from collections.abc import Callable
from typing import Any

import jax

from keras_lstm_ext.engines.bptt import algorithm
from keras_lstm_ext.engines.bptt.algorithm import Arrays, Fixed, Kept, Plan
from keras_lstm_ext.engines.bptt.reverse import reverse_only

Tensor = Any


def scan(body: Callable[..., Any], init: Any, xs: Any, reverse: bool) -> tuple[Any, Any]:
    """Runs `body` over the first axis of every array in `xs`: `jax.lax.scan`."""
    return jax.lax.scan(body, init, xs, reverse=reverse)


def run(plan: Plan, a: Arrays, fixed: Fixed, training: bool) -> tuple[Tensor, ...]:
    """Runs the whole sequence, with the hand-written gradient: see the TensorFlow twin."""
    return _sequence(plan, a, fixed)


def _plain(plan: Plan, a: Arrays, fixed: Fixed) -> tuple[Tensor, ...]:
    return algorithm.forward(plan, scan, a, fixed, keep=False)[0]


def _keeping(plan: Plan, a: Arrays, fixed: Fixed) -> tuple[tuple[Tensor, ...], Kept]:
    return algorithm.forward(plan, scan, a, fixed)


def _backward(plan: Plan, a: Arrays, fixed: Fixed, kept: Kept, d: tuple[Tensor, ...]) -> Arrays:
    return algorithm.backward(plan, scan, a, fixed, kept, d)


_sequence = reverse_only(_plain, _keeping, _backward)
