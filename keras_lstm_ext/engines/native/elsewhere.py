"""The library's calls for a platform that has no library: the equations of `bptt` on JAX.

A JAX program that was traced beside a CPU may be compiled for another device. What is kept in the
library's order means nothing there: the backward computes the forward again.
"""

from collections.abc import Sequence
from typing import Any

from jax import numpy as jnp

from keras_lstm_ext.engines.bptt import algorithm
from keras_lstm_ext.engines.bptt.jax import scan
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.engines.step import Equations

Tensor = Any


def run(*arrays: Tensor, backward: bool, plan: packing.Plan, equations: Equations) -> list[Tensor]:
    """Computes what a call of the library computes.

    Args:
        *arrays: The inputs of the call.
        backward: Which of both.
        plan: What is fixed.
        equations: The step.

    Returns:
        Its outputs.
    """
    a, fixed = _time_major(arrays[:9], plan)
    of = algorithm.Plan(equations, True)
    (y, h, c, gates), kept = algorithm.forward(of, scan, a, fixed, keep=backward)
    if not backward:
        shapes = packing.result_shapes(plan.words(), *(a.shape for a in arrays[:3]))
        y = jnp.swapaxes(y, 0, 1) if plan.shows or plan.keeps else jnp.zeros(shapes[0])
        nothing = (jnp.zeros(shape, "float32") for shape in shapes[3:])
        return [y, _joined(h, gates), c, *nothing]
    d_y, d_h, d_c = arrays[12:]
    d_y = jnp.swapaxes(d_y, 0, 1) if plan.shows else None  # in the order of reading, as y is
    d_h, d_gates = _apart(d_h, d_c, plan)
    d = algorithm.backward(of, scan, a, fixed, kept, (d_y, d_h, d_c, d_gates))
    x = jnp.swapaxes(_turned(d.x, plan), 0, 1)
    behind = [e.reshape(-1) for e in (d.n, d.s) if e is not None]
    b = jnp.concatenate([d.b, *behind]) if behind else d.b
    found = (x, _joined(d.h, d.gates), d.c, d.W, d.R, d.p, b)
    return [jnp.zeros_like(a) if e is None else e for e, a in zip(found, arrays[:7], strict=True)]


def _time_major(arrays: Sequence[Tensor], plan: packing.Plan) -> Any:
    x, h, c, W, R, p, b, multiplier, mask = arrays
    x = _turned(jnp.swapaxes(x, 0, 1), plan)
    R, p = R if plan.feedback else None, p if plan.peepholes else None
    b, n, s = _behind_b(b, W.shape[1], plan)
    valid = _turned(mask.T[:, :, None], plan) if plan.masked else None
    fixed = algorithm.Fixed(valid, multiplier if plan.multiplied else None)
    h, gates = _apart(h, c, plan)
    return algorithm.Arrays(x, h, c, gates, W, R, p, b, n, s), fixed


def _behind_b(b: Tensor, columns: int, plan: packing.Plan) -> tuple[Tensor | None, ...]:
    """b, the gains of the nets, and gain and shift of the state."""
    gains = columns * (1 + (plan.feedback > 0)) if plan.normalize_nets else 0
    b, n, s = b[:columns], b[columns : columns + gains], b[columns + gains :]
    return (
        b,
        n.reshape(-1, columns) if plan.normalize_nets else None,
        s.reshape(2, -1) if plan.normalize_output else None,
    )


def _apart(fed: Tensor, c: Tensor, plan: packing.Plan) -> tuple[Tensor, Tensor | None]:
    """h, and the gates where they are fed back."""
    units = c.shape[1]
    return (fed[:, :units], fed[:, units:]) if plan.feedback == 2 else (fed, None)


def _joined(h: Tensor, gates: Tensor | None) -> Tensor:
    return h if gates is None else jnp.concatenate([h, gates], axis=1)


def _turned(x: Tensor, plan: packing.Plan) -> Tensor:
    return x[::-1] if plan.reverse else x
