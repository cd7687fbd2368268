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

from keras_lstm_ext.engines.norm import normalize, normalize_backward, zone_out
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
    h: Tensor  # (batch, units), or as many as h is projected to; compute dtype
    c: Tensor  # (batch, units), float32 or float64
    gates: Tensor | None  # (batch, gates), compute dtype
    W: Tensor  # (features, columns), compute dtype
    R: Tensor | None  # (fed back, columns), compute dtype
    p: Tensor | None  # (gates, units), dtype of c
    b: Tensor | None  # (columns,), dtype of c
    n: Tensor | None = None  # (1 or 2, columns), gains of normalised W x and R r, dtype of c
    s: Tensor | None = None  # (2, units), gain and shift of the normalised state, dtype of c
    P: Tensor | None = None  # (units, width of h), compute dtype


class Fixed(NamedTuple):
    """What no gradient flows to."""

    mask: Tensor | None  # (timesteps, batch, 1), boolean
    multiplier: Tensor | None  # (batch, fed back), recurrent dropout
    zone_h: Tensor | None = None  # (timesteps, batch, width of h), 1 where the old h is kept
    zone_c: Tensor | None = None  # (timesteps, batch, units), 1 where the old c is kept

    @property
    def zones(self) -> tuple[Tensor | None, Tensor | None]:
        """Both zones."""
        return self.zone_h, self.zone_c


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
        z, valid, zones = inputs
        if a.R is not None:
            r = _fed_back(equations, h, gates, fixed.multiplier)
            z = _sum(z, equations.split(_recurrent_product(equations, a, r)))
        h_new, c_new, nets = equations.step(z, c, a.p, a.s)
        h_new = ops.cast(h_new, h.dtype)
        if a.P is not None:
            h_new = ops.matmul(h_new, a.P)
        kept_h, kept_c = _zones(equations, zones)
        h_new = h_new if kept_h is None else zone_out(h_new, h, kept_h)
        c_new = c_new if kept_c is None else zone_out(c_new, c, kept_c)
        new = (h_new, c_new, _gates_to_feed(equations, nets, h.dtype))
        new = _hold(valid, new, state)
        if not keep:
            return new, Kept(new[0] if plan.return_sequences else None, None, None)
        if valid is not None:
            # Of a skipped step the backward reads nothing but the gates that were fed back.
            held = _by_gate(equations, new[2])
            nets = nets | {k: ops.where(valid, nets[k], ops.cast(held[k], c.dtype)) for k in held}
        return new, Kept(new[0], new[1], nets)

    state, kept = scan(body, (a.h, a.c, a.gates), (z_x, fixed.mask, fixed.zones), reverse=False)
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
        fixed: Mask, dropout multiplier and zones.
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
    c = _new_states(equations, nets, c_before, kept.c)
    gates = _gates_to_feed(equations, nets, a.h.dtype)
    gates_before = None if gates is None else _before(a.gates, gates)
    r = None if a.R is None else _fed_back(equations, h_before, gates_before, fixed.multiplier)
    normed = None
    if r is not None and a.n is not None:
        normed = normalize(ops.cast(_rows_times(r, a.R), a.c.dtype), v.epsilon)
    flows = a.R is not None and not v.truncated
    R_transposed = ops.transpose(a.R) if flows else None

    def body(d_state: Any, inputs: Any) -> Any:
        d_h, d_c, d_gates, sums = d_state
        d_output, nets, c_before, c, valid, zones, normed = inputs
        if d_output is not None:
            d_h = d_h + ops.cast(d_output, d_h.dtype)
        kept_h, kept_c = _zones(equations, zones, a.c.dtype)
        d_made = d_h if kept_h is None else (1.0 - kept_h) * d_h
        d_new = d_c if kept_c is None else (1.0 - kept_c) * d_c
        d_m = d_made if a.P is None else _times_transposed(d_made, a.P)
        d_fed = _by_gate(equations, d_gates)
        d_nets, d_c_before, d_shown = equations.step_backward(
            d_m, d_new, d_fed, nets, c_before, c, a.p, a.s
        )
        if valid is not None:
            d_nets = {k: ops.where(valid, d, ops.zeros_like(d)) for k, d in d_nets.items()}
            d_made, d_shown = (ops.where(valid, d, ops.zeros_like(d)) for d in (d_made, d_shown))
        d_z = equations.join(d_nets)
        d_r = None
        if R_transposed is not None:
            d_y = d_z
            if normed is not None and a.n is not None:
                d_y = normalize_backward(d_z * a.n[1], *normed)
            d_r = ops.cast(ops.matmul(ops.cast(d_y, a.W.dtype), R_transposed), d_z.dtype)
            if fixed.multiplier is not None:
                d_r = d_r * ops.cast(fixed.multiplier, d_r.dtype)
        width = v.recurrent_part(d_h).shape[-1]
        d_h_before = _at_all_of_h(d_h, None if d_r is None else d_r[:, :width])
        d_before = (
            d_h_before if kept_h is None else d_h_before + kept_h * d_h,
            d_c_before if kept_c is None else d_c_before + kept_c * d_c,
            _like(d_gates, None if d_r is None else d_r[:, width:]),
        )
        sums = _add(equations, sums, d_nets, d_z, c_before, c)
        of_step = (
            d_z,
            None if a.P is None else d_made,
            None if a.s is None else d_shown,
        )
        return (*_hold(valid, d_before, (d_h, d_c, d_gates)), sums), of_step

    start = [None if d is None else ops.cast(d, a.c.dtype) for d in d_state]
    (d_h, d_c, d_gates, (d_p, d_b)), (d_z, d_made, d_shown) = scan(
        body,
        (*start, _no_sums(equations, a)),
        (d_outputs, nets, c_before, c, fixed.mask, fixed.zones, normed),
        reverse=True,
    )
    d_y, d_gains = _unnormalized(equations, a, d_z, normed)
    return Arrays(
        x=_rows_times(ops.cast(d_y[0], a.W.dtype), ops.transpose(a.W)),
        h=ops.cast(d_h, a.h.dtype),
        c=d_c,
        gates=None if d_gates is None else ops.cast(d_gates, a.h.dtype),
        W=_sum_of_products(a.x, d_y[0]),
        R=None if r is None else _sum_of_products(r, d_y[1]),
        p=None if a.p is None else ops.stack([ops.sum(d_p[k], axis=0) for k in v.gates]),
        b=None if a.b is None else ops.sum(d_b, axis=0),
        n=d_gains,
        s=None if a.s is None else _of_shown(equations, c, d_shown),
        P=None if a.P is None else _sum_of_products(_unprojected(equations, a, nets, c), d_made),
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
    """W x + b of every time step, by net; W x normalised if the variant has it so."""
    if a.n is not None:
        y = ops.cast(_rows_times(a.x, a.W), a.c.dtype)
        z = equations.split(normalize(y, equations.variant.epsilon)[0] * a.n[0])
    else:
        # A product for each net: XLA reads a slice of one faster in the loop than a part of it.
        nets = equations.split(a.W).items()
        z = {k: ops.cast(_rows_times(a.x, W), a.c.dtype) for k, W in nets}
    return z if a.b is None else _sum(z, equations.split(a.b))


def _recurrent_product(equations: Equations, a: Arrays, r: Tensor) -> Tensor:
    """R r of one time step or of all, normalised if the variant has it so."""
    y = ops.cast(ops.matmul(r, a.R) if len(r.shape) == 2 else _rows_times(r, a.R), a.c.dtype)
    return y if a.n is None else normalize(y, equations.variant.epsilon)[0] * a.n[1]


def _unnormalized(
    equations: Equations, a: Arrays, d_z: Tensor, normed: tuple[Tensor, Tensor] | None
) -> tuple[tuple[Tensor, Tensor], Tensor | None]:
    """The errors at W x and at R r, which are those at the nets, and at the gains."""
    if a.n is None:
        return (d_z, d_z), None
    of_x = normalize(ops.cast(_rows_times(a.x, a.W), a.c.dtype), equations.variant.epsilon)
    both = [of_x] if normed is None else [of_x, normed]
    d_y = [normalize_backward(d_z * a.n[k], *y) for k, y in enumerate(both)]
    d_gains = ops.stack([ops.sum(d_z * u, axis=(0, 1)) for u, _ in both])
    return (d_y[0], d_y[-1]), d_gains


def _of_shown(equations: Equations, c: Tensor, d_shown: Tensor) -> Tensor:
    """The errors at gain and shift of the normalised state."""
    u, _ = normalize(c, equations.variant.epsilon)
    return ops.stack([ops.sum(d_shown * u, axis=(0, 1)), ops.sum(d_shown, axis=(0, 1))])


def _unprojected(equations: Equations, a: Arrays, nets: Nets, c: Tensor) -> Tensor:
    """What P multiplies, of every time step."""
    m = equations.output_activation(equations.shown(c, a.s))
    return ops.cast(equations.spread(nets["o"]) * m if "o" in nets else m, a.W.dtype)


def _times_transposed(d: Tensor, P: Tensor) -> Tensor:
    return ops.cast(ops.matmul(ops.cast(d, P.dtype), ops.transpose(P)), d.dtype)


def _zones(equations: Equations, zones: Any, dtype: str | None = None) -> list[Any]:
    """The shares of the old h and c: drawn for a training step, or how many are on average."""
    drawn = [z if z is None or dtype is None else ops.cast(z, dtype) for z in zones]
    rates = equations.zoneout
    return [rate or None if z is None else z for z, rate in zip(drawn, rates, strict=True)]


def _sum(a: Nets, b: Nets) -> Nets:
    return {k: a[k] + b[k] for k in a}


def _fed_back(
    equations: Equations, h: Tensor, gates: Tensor | None, multiplier: Tensor | None
) -> Tensor:
    h = equations.variant.recurrent_part(h)
    r = h if gates is None else ops.concatenate([h, gates], axis=-1)
    return r if multiplier is None else r * multiplier


def _at_all_of_h(d_h: Tensor, d_fed: Tensor | None) -> Tensor:
    """The error at the h of the step before, of which `d_fed` is the part that was fed back."""
    if d_fed is None:
        return ops.zeros_like(d_h)
    rest = ops.zeros_like(d_h[:, d_fed.shape[-1] :])
    return ops.concatenate([d_fed, rest], axis=-1) if rest.shape[-1] else d_fed


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
        r = _fed_back(equations, h_before, None, fixed.multiplier)
        z = _sum(z, equations.split(_recurrent_product(equations, a, r)))
    nets = equations.write(z, c_before, a.p)
    c = _new_states(equations, nets, c_before, c)
    return equations.read(z, c, a.p, nets, a.s)[1]


def _new_states(equations: Equations, nets: Nets, c_before: Tensor, c: Tensor) -> Tensor:
    """The states that the steps made: with zoneout what is kept, c, is mixed with the old one."""
    return equations.new_state(nets, c_before) if equations.zoneout[1] else c


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
