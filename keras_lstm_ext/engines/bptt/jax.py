"""The loop and the gradient hook of `bptt` on JAX."""

import functools
from collections.abc import Callable
from typing import Any

import jax

from keras_lstm_ext.engines.bptt import algorithm
from keras_lstm_ext.engines.bptt.algorithm import Arrays, Fixed, Kept, Plan
from keras_lstm_ext.engines.bptt.reverse import refuse_forward_mode, reverse_only

Tensor = Any


def scan(body: Callable[..., Any], init: Any, xs: Any, reverse: bool) -> tuple[Any, Any]:
    """Runs `body` over the first axis of every array in `xs`: `jax.lax.scan`."""
    return jax.lax.scan(body, init, xs, reverse=reverse)


def run(plan: Plan, a: Arrays, fixed: Fixed, training: bool) -> tuple[Tensor, ...]:
    """Runs the whole sequence, with the hand-written gradient: see the TensorFlow twin."""
    try:
        return _sequence(plan, jax.tree.map(reverse_only, a), fixed)
    except TypeError as error:  # forward mode inside `jit`
        if "forward-mode" not in str(error):
            raise
        return refuse_forward_mode()


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _sequence(plan: Plan, a: Arrays, fixed: Fixed) -> tuple[Tensor, ...]:
    return algorithm.forward(plan, scan, a, fixed)[0]


def _forward(plan: Plan, a: Arrays, fixed: Fixed) -> Any:
    results, kept = algorithm.forward(plan, scan, a, fixed)
    return results, (a, fixed, kept)


def _backward(plan: Plan, residuals: tuple[Arrays, Fixed, Kept], d: Any) -> tuple[Arrays, None]:
    return _backward_once(plan, *residuals, d), None


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _backward_once(plan: Plan, a: Arrays, fixed: Fixed, kept: Kept, d: Any) -> Arrays:
    return algorithm.backward(plan, scan, a, fixed, kept, d)


_sequence.defvjp(_forward, _backward)
_backward_once.defvjp(algorithm.refuse_second_derivative, algorithm.refuse_second_derivative)
