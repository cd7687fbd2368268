"""The kernels on JAX: XLA launches them, by a handler of the library."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import numpy as jnp

from keras_lstm_ext.engines import tracing
from keras_lstm_ext.engines.bptt import algorithm
from keras_lstm_ext.engines.bptt.algorithm import Fixed
from keras_lstm_ext.engines.bptt.reverse import reverse_only
from keras_lstm_ext.engines.cuda import driver
from keras_lstm_ext.engines.cuda.layout import MOST_ROWS, layouts
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.engines.native.jax import may_be_split
from keras_lstm_ext.engines.step import Equations

Tensor = Any

TARGET = "keras_lstm_ext_cuda"
"""What XLA knows the handler by."""

ROUNDS = (None, "default", "fastest", "bfloat16", "tensorfloat32")
"""Of `jax_default_matmul_precision`, those that round the factors of a product."""


class Plan(NamedTuple):
    """What is fixed of a call."""

    equations: Equations
    shows: bool
    precise: bool


class Arrays(NamedTuple):
    """What a gradient flows to, float32."""

    z: Tensor  # (timesteps, batch, columns), W x + b
    R: Tensor  # (units, columns)
    p: Tensor | None  # (gates, units)
    h: Tensor  # (batch, units)
    c: Tensor  # (batch, units)


def why_not(layer: Any) -> str | None:
    """Gives None if JAX can run the kernels here, or the reason why not."""
    device = jax.config.jax_default_device
    platform = getattr(device, "platform", device) or jax.default_backend()
    if platform not in ("gpu", "cuda"):
        return f"it computes on a GPU, and JAX on a {platform}"
    if tracing.exporting():
        return "an export must load without this package"
    if layer.engine == "auto" and may_be_split():
        return f"JAX has {jax.device_count()} devices: it can split bptt among them"
    return _why_not_registered()


@functools.cache
def _why_not_registered() -> str | None:
    if packing.why_not_built():
        return packing.why_not_built()
    try:
        handler = jax.ffi.pycapsule(packing.LOADED.lstm_xla_cuda)
        jax.ffi.register_ffi_target(TARGET, handler, platform="CUDA")
    except Exception as error:  # of whatever kind another jaxlib's is
        return f"the XLA of this jaxlib does not take it ({error})"
    return None


def run(
    plan: algorithm.Plan, a: algorithm.Arrays, fixed: Fixed, training: bool
) -> tuple[Tensor | None, Tensor, Tensor]:
    """Runs the whole sequence: see the twin in `bptt`."""
    equations = plan.equations
    precise = jax.config.jax_default_matmul_precision not in ROUNDS
    z = equations.join(algorithm.input_product(equations, a))
    R, h = (jnp.asarray(x, "float32") for x in (a.R, a.h))
    rows = Arrays(z, R, a.p, h, a.c)
    mask = None if fixed.mask is None else fixed.mask[:, :, 0]
    parts = []
    for first in range(0, a.c.shape[0], MOST_ROWS):
        own = slice(first, first + MOST_ROWS)
        part = rows._replace(z=rows.z[:, own], h=rows.h[own], c=rows.c[own])
        of_part = None if mask is None else mask[:, own]
        parts.append(_sequence(Plan(equations, plan.return_sequences, precise), part, of_part))
    outputs, h, c = parts[0]
    if len(parts) > 1:
        outputs = jnp.concatenate([part[0] for part in parts], 1) if outputs is not None else None
        h, c = (jnp.concatenate([part[k] for part in parts]) for k in (1, 2))
    outputs = None if outputs is None else outputs.astype(a.h.dtype)
    return outputs, h.astype(a.h.dtype), c


def _plain(plan: Plan, a: Arrays, mask: Tensor | None) -> tuple[Tensor | None, Tensor, Tensor]:
    return _forward(plan, a, mask, False)[0]


def _keeping(plan: Plan, a: Arrays, mask: Tensor | None) -> tuple[Any, Any]:
    return _forward(plan, a, mask, True)


def _forward(plan: Plan, a: Arrays, mask: Tensor | None, keeps: bool) -> tuple[Any, Any]:
    time, batch, columns = a.z.shape
    units = a.c.shape[1]
    kept = (time, batch, columns) if keeps else (0,)
    shapes = [(time, batch, units), (time if keeps else 1, batch, units), kept]
    inputs = (a.z, a.R, _or_empty(a.p), a.h, a.c, _or_empty(mask, "bool"))
    h, c, nets = _call(plan, a, mask, inputs, shapes, KEEPS=int(keeps))
    results = (h if plan.shows else None, h[-1], c[-1])
    return results, (h, c, nets)


def _backward(plan: Plan, a: Arrays, mask: Tensor | None, kept: Any, d: Sequence[Any]) -> Arrays:
    (h, c, nets), (d_outputs, d_h, d_c) = kept, d
    p = _or_empty(a.p)
    inputs = (a.R, p, a.c, _or_empty(mask, "bool"), c, nets, _or_empty(d_outputs), d_h, d_c)
    of_p = (0,) if a.p is None else (a.p.shape[0], *a.c.shape)
    shapes = [a.z.shape, a.h.shape, a.c.shape, of_p]
    d_z, d_h_0, d_c_0, d_p = _call(plan, a, mask, inputs, shapes, backward=True)
    h_before = jnp.concatenate([a.h[None], h[:-1]])
    d_R = jnp.tensordot(h_before, d_z, axes=((0, 1), (0, 1)))
    return Arrays(d_z, d_R, None if a.p is None else d_p.sum(1), d_h_0, d_c_0)


_sequence = reverse_only(_plain, _keeping, _backward)


def _or_empty(array: Tensor | None, dtype: str = "float32") -> Tensor:
    return jnp.zeros((0,), dtype) if array is None else array


def _call(
    plan: Plan,
    a: Arrays,
    mask: Tensor | None,
    inputs: Sequence[Tensor],
    shapes: Sequence[tuple[int, ...]],
    backward: bool = False,
    **more: int,
) -> list[Tensor]:
    time, batch, _ = a.z.shape
    macros = tuple(sorted({"MASKED": int(mask is not None), **more}.items()))
    key = kernel(plan, batch, a.c.shape[1], backward, macros)
    results = [jax.ShapeDtypeStruct(shape, "float32") for shape in shapes]
    counter = jax.ShapeDtypeStruct((1,), "uint32")
    call = jax.ffi.ffi_call(TARGET, [*results, counter], vmap_method="sequential")
    return list(call(*inputs, plan=np.array([key, time], "int64")))[:-1]


@functools.cache
def kernel(
    plan: Plan, batch: int, units: int, backward: bool, more: tuple[tuple[str, int], ...]
) -> int:
    """The key of a kernel, which is compiled when it is first asked for.

    Args:
        plan: What is fixed.
        batch: Rows.
        units: Number of units.
        backward: Which of both.
        more: Other macros.

    Returns:
        The key.

    Raises:
        OSError: If the compiler or the driver refuses it.
    """
    equations, v = plan.equations, plan.equations.variant
    squashers = ("sigma", "activation", "output_activation")
    macros: dict[str, Any] = {
        "BACKWARD": int(backward),
        "BATCH": batch,
        "UNITS": units,
        "NETS": len(v.nets),
        **{net.upper(): v.nets.index(net) if net in v.nets else -1 for net in "ifco"},
        "PEEPHOLES": int(v.peepholes),
        "COUPLED": int(v.coupled),
        "DECAY": f"{v.decay!r}f",
        "TRUNCATED": int(v.truncated),
        **{name.upper(): packing.SQUASHERS[getattr(equations, name)] for name in squashers},
        "SHOWS": int(plan.shows),
        "PRECISE": int(plan.precise),
        **dict(more),
    }
    best = layouts(driver.card(), batch, units, len(v.nets), backward)[0]
    return driver.add(macros | best.macros(), best.blocks(units), best.cluster, best.shared)
