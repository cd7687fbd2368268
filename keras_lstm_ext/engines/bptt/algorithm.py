"""Backpropagation through time, by hand, for every variant: what TensorFlow and JAX share.

Forward, the input product of each net is one large product for all time steps, and the loop holds
only the recurrent product and the step. Backward, the loop holds only the step's derivative, the
product with the transposed recurrent weights, and sums for biases and peepholes; the gradients of
the kernels are one large product each, after the loop. Everything here is time-major:
`(timesteps, batch, ...)`.

The backward keeps h, c and one value per column of the kernel for every time step and row: 6 floats
per unit with three gates. With `recompute` it keeps h and c, and computes the nets again from them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_lstm_ext.engines.step import Equations, Nets

Tensor = Any
Sums = tuple[Nets | None, Tensor | None]
"""Peephole and bias gradients by row: a sum over the rows within the loop would cost more."""
KEEPS_AXES = keras.backend.backend() == "jax"
"""Whether products keep time and batch apart: joined, JAX could not split rows over devices."""
Scan = Callable[..., tuple[Any, Any]]
"""`scan(body, init, xs, reverse)` runs `body(state, x) -> (state, y)` over the first axis of xs."""


@dataclass(frozen=True)
class Plan:
    """What is fixed while a program is traced.

    Args:
        equations: The step.
        return_sequences: Whether the output of every step is wanted.
        recompute: Whether the backward computes the nets again instead of keeping them.
    """

    equations: Equations
    return_sequences: bool
    recompute: bool = False


class Arrays(NamedTuple):
    """What a program is run on; None for what a variant or a call does not have."""

    x: Tensor  # (timesteps, batch, features), compute dtype
    h: Tensor  # (batch, units), compute dtype
    c: Tensor  # (batch, units), float32 or float64
    gates: Tensor | None  # (batch, gates), compute dtype
    W: Tensor  # (features, columns), compute dtype
    R: Tensor | None  # (fed back, columns), compute dtype
    p: Tensor | None  # (gates, units), dtype of c
    b: Tensor | None  # (columns,), dtype of c


class Fixed(NamedTuple):
    """What no gradient flows to."""

    mask: Tensor | None  # (timesteps, batch, 1), boolean
    multiplier: Tensor | None  # (batch, fed back), recurrent dropout


class Kept(NamedTuple):
    """What the backward needs of each step."""

    h: Tensor  # None where nothing is kept and no output is wanted
    c: Tensor
    nets: Nets | None  # None with `recompute`


def forward(
    plan: Plan, scan: Scan, a: Arrays, fixed: Fixed, keep: bool = True
) -> tuple[tuple[Tensor, ...], Kept]:
    """Runs the whole sequence.

    Args:
        plan: What is fixed.
        scan: The backend's loop.
        a: The arrays.
        fixed: Mask and dropout multiplier.
        keep: Whether a backward will follow.

    Returns:
        (h of every step or None, final h, final c, final gates or None), and what to keep.
    """
    equations = plan.equations
    z_x = input_product(equations, a)

    def body(state: Any, inputs: Any) -> Any:
        h, c, gates = state
        z, valid = inputs
        if a.R is not None:
            r = _fed_back(h, gates, fixed.multiplier)
            z = _sum(z, equations.split(ops.cast(ops.matmul(r, a.R), c.dtype)))
        h_new, c_new, nets = equations.step(z, c, a.p)
        new = (ops.cast(h_new, h.dtype), c_new, _gates_to_feed(equations, nets, h.dtype))
        new = _hold(valid, new, state)
        if not keep:
            return new, Kept(new[0] if plan.return_sequences else None, None, None)
        if valid is not None:
            # Of a skipped step the backward reads nothing but the gates that were fed back.
            held = _by_gate(equations, new[2])
            nets = nets | {k: ops.where(valid, nets[k], ops.cast(held[k], c.dtype)) for k in held}
        return new, Kept(new[0], new[1], nets)

    state, kept = scan(body, (a.h, a.c, a.gates), (z_x, fixed.mask), reverse=False)
    outputs = kept.h if plan.return_sequences else None
    if plan.recompute and not equations.variant.feeds_gates:
        kept = kept._replace(nets=None)
    return (outputs, *state), kept


def backward(
    plan: Plan, scan: Scan, a: Arrays, fixed: Fixed, kept: Kept, d_results: tuple[Tensor, ...]
) -> Arrays:
    """Turns the errors at the results into the errors at the arrays.

    Args:
        plan: What is fixed.
        scan: The backend's loop.
        a: The arrays of the forward run.
        fixed: Mask and dropout multiplier.
        kept: What the forward run kept.
        d_results: Errors at what `forward` returned first.

    Returns:
        The errors, in the places of the arrays.
    """
    equations, v = plan.equations, plan.equations.variant
    d_outputs, *d_state = d_results
    h_before, c_before = _before(a.h, kept.h), _before(a.c, kept.c)
    nets = kept.nets
    if nets is None:
        nets = _all_nets(equations, a, fixed, h_before, c_before, kept.c)
    gates = _gates_to_feed(equations, nets, a.h.dtype)
    gates_before = None if gates is None else _before(a.gates, gates)
    flows = a.R is not None and not v.truncated
    R_transposed = ops.transpose(a.R) if flows else None

    def body(d_state: Any, inputs: Any) -> Any:
        d_h, d_c, d_gates, sums = d_state
        d_output, nets, c_before, c, valid = inputs
        if d_output is not None:
            d_h = d_h + ops.cast(d_output, d_h.dtype)
        d_fed = _by_gate(equations, d_gates)
        d_nets, d_c_before = equations.step_backward(d_h, d_c, d_fed, nets, c_before, c, a.p)
        if valid is not None:
            d_nets = {k: ops.where(valid, d, ops.zeros_like(d)) for k, d in d_nets.items()}
        d_z = equations.join(d_nets)
        d_r = None
        if R_transposed is not None:
            d_r = ops.cast(ops.matmul(ops.cast(d_z, a.W.dtype), R_transposed), d_z.dtype)
            if fixed.multiplier is not None:
                d_r = d_r * ops.cast(fixed.multiplier, d_r.dtype)
        units = d_h.shape[-1]
        d_before = (
            ops.zeros_like(d_h) if d_r is None else d_r[:, :units],
            d_c_before,
            _like(d_gates, None if d_r is None else d_r[:, units:]),
        )
        sums = _add(equations, sums, d_nets, d_z, c_before, c)
        return (*_hold(valid, d_before, (d_h, d_c, d_gates)), sums), d_z

    start = [None if d is None else ops.cast(d, a.c.dtype) for d in d_state]
    (d_h, d_c, d_gates, (d_p, d_b)), d_z = scan(
        body,
        (*start, _no_sums(equations, a)),
        (d_outputs, nets, c_before, kept.c, fixed.mask),
        reverse=True,
    )
    r = None
    if a.R is not None:
        r = _fed_back(h_before, gates_before, fixed.multiplier)
    return Arrays(
        x=_rows_times(ops.cast(d_z, a.W.dtype), ops.transpose(a.W)),
        h=ops.cast(d_h, a.h.dtype),
        c=d_c,
        gates=None if d_gates is None else ops.cast(d_gates, a.h.dtype),
        W=_sum_of_products(a.x, d_z),
        R=None if r is None else _sum_of_products(r, d_z),
        p=None if a.p is None else ops.stack([ops.sum(d_p[k], axis=0) for k in v.gates]),
        b=None if a.b is None else ops.sum(d_b, axis=0),
    )


def refuse_second_derivative(*_: Any) -> Any:
    """Raises: the derivative of `backward` would be wrong or missing.

    Raises:
        NotImplementedError: Always.
    """
    raise NotImplementedError(
        "The hand-written gradient of this engine has no second derivative. "
        "Make the layer with engine='portable'."
    )


def input_product(equations: Equations, a: Arrays) -> Nets:
    """W x + b of every time step, by net."""
    # A product for each net: XLA reads a slice of one faster in the loop than a part of a slice.
    z = {k: ops.cast(_rows_times(a.x, W), a.c.dtype) for k, W in equations.split(a.W).items()}
    return z if a.b is None else _sum(z, equations.split(a.b))


def _sum(a: Nets, b: Nets) -> Nets:
    return {k: a[k] + b[k] for k in a}


def _fed_back(h: Tensor, gates: Tensor | None, multiplier: Tensor | None) -> Tensor:
    r = h if gates is None else ops.concatenate([h, gates], axis=-1)
    return r if multiplier is None else r * multiplier


def _gates_to_feed(equations: Equations, nets: Nets, dtype: str) -> Tensor | None:
    if not equations.variant.feeds_gates:
        return None
    return ops.cast(ops.concatenate([nets[k] for k in equations.variant.gates], axis=-1), dtype)


def _by_gate(equations: Equations, gates: Tensor | None) -> Nets:
    if gates is None:
        return {}
    names = equations.variant.gates
    return dict(zip(names, ops.split(gates, len(names), axis=-1), strict=True))


def _all_nets(
    equations: Equations, a: Arrays, fixed: Fixed, h_before: Tensor, c_before: Tensor, c: Tensor
) -> Nets:
    z = input_product(equations, a)
    if a.R is not None:
        r = _fed_back(h_before, None, fixed.multiplier)
        z = _sum(z, equations.split(ops.cast(_rows_times(r, a.R), c.dtype)))
    nets = equations.write(z, c_before, a.p)
    return equations.read(z, c, a.p, nets)[1]


def _hold(valid: Tensor | None, new: Any, old: Any) -> Any:
    if valid is None:
        return new
    return tuple(n if n is None else ops.where(valid, n, o) for n, o in zip(new, old, strict=True))


def _no_sums(equations: Equations, a: Arrays) -> Sums:
    rows = ops.shape(a.c)[0]
    d_p = None if a.p is None else {k: ops.zeros_like(a.c) for k in equations.variant.gates}
    d_b = None if a.b is None else ops.zeros((rows, a.W.shape[-1]), a.c.dtype)
    return d_p, d_b


def _add(
    equations: Equations, sums: Sums, d_nets: Nets, d_z: Tensor, c_before: Tensor, c: Tensor
) -> Sums:
    d_p, d_b = sums
    if d_p is not None:
        seen = {k: c if k == "o" else c_before for k in d_p}
        d_p = {k: d_p[k] + equations.spread(d_nets[k]) * seen[k] for k in d_p}
    if d_b is not None:
        d_b = d_b + d_z
    return d_p, d_b


def _before(first: Tensor, values: Tensor) -> Tensor:
    return ops.concatenate([first[None], values[:-1]], axis=0)


def _like(old: Tensor | None, new: Tensor | None) -> Tensor | None:
    if old is None:
        return None
    return ops.zeros_like(old) if new is None else new


def _rows_times(x: Tensor, W: Tensor) -> Tensor:
    if KEEPS_AXES:
        return ops.matmul(x, W)
    steps, batch = ops.shape(x)[:2]
    rows = ops.matmul(ops.reshape(x, (-1, x.shape[-1])), W)
    return ops.reshape(rows, (steps, batch, W.shape[-1]))


def _sum_of_products(x: Tensor, d_z: Tensor) -> Tensor:
    if KEEPS_AXES:
        return ops.tensordot(x, ops.cast(d_z, x.dtype), axes=((0, 1), (0, 1)))
    rows = ops.reshape(x, (-1, x.shape[-1]))
    d_rows = ops.reshape(d_z, (-1, d_z.shape[-1]))
    return ops.matmul(ops.transpose(rows), ops.cast(d_rows, rows.dtype))
