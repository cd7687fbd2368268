"""The native engine on JAX: XLA calls the library, whose handlers are registered there.

One operation forward, which keeps something or not, and one backward. Under `vmap` rows of all
slices are computed together where only they differ and nothing is kept; all else is a loop.
"""

import functools
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir

from keras_lstm_ext.engines import tracing
from keras_lstm_ext.engines.bptt.reverse import reverse_only
from keras_lstm_ext.engines.native import elsewhere, packing
from keras_lstm_ext.engines.step import Equations

Tensor = Any
Plan = tuple[packing.Plan, Equations]

TARGETS = ("keras_lstm_ext_forward", "keras_lstm_ext_backward")
"""What XLA knows the handlers by."""


def why_not(layer: Any, call: Any) -> str | None:
    """Gives None if JAX can run the library here, or the reason why not."""
    reason = _why_not_registered()
    if reason:
        return reason
    if jax.default_backend() != "cpu":
        return f"it computes on a CPU, and JAX on a {jax.default_backend()}"
    if tracing.exporting():
        return "an export must load without this package"
    if layer.engine == "auto" and may_be_split():
        return (
            f"JAX has {jax.device_count()} devices: it can split bptt among them, and would "
            "compute this on each of them whole, outside of shard_map"
        )
    return packing.why_not_worth_packing(layer, call)


@functools.cache
def _why_not_registered() -> str | None:
    try:
        for target in TARGETS:
            handler = getattr(packing.LOADED, target.replace("keras_lstm_ext", "lstm_xla"))
            jax.ffi.register_ffi_target(target, jax.ffi.pycapsule(handler), platform="cpu")
    except Exception as error:  # of whatever kind another jaxlib's is
        return f"the XLA of jaxlib {metadata.version('jaxlib')} does not take it ({error})"
    return None


def may_be_split() -> bool:
    """Whether JAX may split by itself what is traced here: not within `shard_map`."""
    return jax.device_count() > 1 and not _within_shard_map()


def _within_shard_map() -> bool:
    # An older JAX has another one, which takes no operation that it does not know.
    kinds = jax.sharding.get_abstract_mesh().axis_types if hasattr(jax, "shard_map") else ()
    return bool(kinds) and all(kind == jax.sharding.AxisType.Manual for kind in kinds)


def sequence(layer: Any, arrays: tuple[Tensor | None, ...], training: bool) -> list[Tensor]:
    """Runs the operations: y if the layer returns it or None, h and c."""
    masked, multiplied = arrays[8] is not None, arrays[7] is not None
    plan = packing.plan_of(layer, masked, multiplied, False, packing.processors())
    present = [
        jnp.zeros((0, 0), "bool" if k == 8 else "float32") if a is None else jnp.asarray(a)
        for k, a in enumerate(arrays)
    ]
    present = _alike(present, present)
    results = _sequence((plan, layer.cell.equations), tuple(present[:7]), tuple(present[7:]))
    return list(results) if plan.shows else [None, *results]


def _alike(arrays: Sequence[Tensor], read: Sequence[Tensor]) -> list[Tensor]:
    """The arrays; within `shard_map`, of a type that depends on every device that one read does.

    There the gradient of what all devices share is a sum over them, which JAX adds where types say
    so. Nothing of this is computed.
    """
    if not _within_shard_map():
        return list(arrays)
    total = sum(jnp.sum(a) for a in read)
    return [jnp.where(False, total.astype(a.dtype), a) for a in arrays]


def _plain(of: Plan, a: Sequence[Tensor], fixed: Sequence[Tensor]) -> tuple[Tensor, ...]:
    return tuple(_computed(of, False, *a, *fixed)[0 if of[0].shows else 1 : 3])


def _keeping(of: Plan, a: Sequence[Tensor], fixed: Sequence[Tensor]) -> tuple[Any, Any]:
    y, h, c, gates, cells = _computed((of[0]._replace(keeps=True), of[1]), False, *a, *fixed)
    return ((y, h, c) if of[0].shows else (h, c)), (y, gates, cells)


def _backward(
    of: Plan, a: Sequence[Tensor], fixed: Sequence[Tensor], kept: Any, d: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    if not of[0].shows:
        d = (jnp.zeros((len(d[1]), 0, d[1].shape[1]), "float32"), *d)  # no error at any y
    return tuple(_computed((of[0]._replace(keeps=True), of[1]), True, *a, *fixed, *kept, *d))


def _computed(of: Plan, backward: bool, *arrays: Tensor) -> list[Tensor]:
    results = _call.bind(*arrays, backward=backward, plan=of[0], equations=of[1])
    return _alike(results, arrays)


_sequence = reverse_only(_plain, _keeping, _backward)


def _results(*avals: Any, backward: bool, plan: packing.Plan, equations: Equations) -> list[Any]:
    x, h, c, *_ = avals
    if backward:
        shapes = [a.shape for a in avals[:7]]
    else:
        shapes = packing.result_shapes(plan.words(), x.shape, h.shape, c.shape)
    return [jax.core.ShapedArray(shape, np.dtype("float32")) for shape in shapes]


def _lower(
    context: Any, *operands: Any, backward: bool, plan: packing.Plan, equations: Equations
) -> Any:
    words = np.array(plan.words(), "int64")
    return jax.ffi.ffi_lowering(TARGETS[backward])(context, *operands, plan=words)


def _batch(arrays: Sequence[Tensor], axes: Sequence[int | None], **fixed: Any) -> Any:
    size = next(a.shape[k] for a, k in zip(arrays, axes, strict=True) if k is not None)
    arrays = [a if k is None else jnp.moveaxis(a, k, 0) for a, k in zip(arrays, axes, strict=True)]
    mapped = [k is not None for k in axes]
    if not fixed["backward"] and not fixed["plan"].keeps and not any(mapped[3:7]):
        results = _rows_together(size, arrays, mapped, fixed)
    else:
        # Weight gradients are those of each slice, and what is kept has an order of its own.
        looped = [a for a, each in zip(arrays, mapped, strict=True) if each]

        def slice_of(parts: list[Tensor]) -> Any:
            rest = iter(parts)
            read = [next(rest) if each else a for a, each in zip(arrays, mapped, strict=True)]
            return _call.bind(*read, **fixed)

        results = jax.lax.map(slice_of, looped)
    return results, [0] * len(results)


def _rows_together(size: int, arrays: list[Tensor], mapped: list[bool], fixed: Any) -> list[Tensor]:
    absent = {7: not fixed["plan"].multiplied, 8: not fixed["plan"].masked}

    def rows(k: int, a: Tensor) -> Tensor:
        if 3 <= k < 7 or absent.get(k):
            return a[0] if mapped[k] else a
        whole = a if mapped[k] else jnp.broadcast_to(a, (size, *a.shape))
        return whole.reshape(-1, *whole.shape[2:])

    results = _call.bind(*(rows(k, a) for k, a in enumerate(arrays)), **fixed)
    batch = arrays[0].shape[1 if mapped[0] else 0]
    y, h, c = (r.reshape(size, batch, *r.shape[1:]) for r in results[:3])
    return [y, h, c, *(jnp.zeros((size, 0), "float32") for _ in results[3:])]


@functools.partial(jax.jit, static_argnames=("backward", "plan", "equations"))
def _run(*arrays: Tensor, **fixed: Any) -> list[Tensor]:
    return _call.bind(*arrays, **fixed)


# Its arrays are those of `native/arrays.h`.
_call = Primitive("keras_lstm_ext_sequence")
_call.multiple_results = True
_call.def_impl(_run)
_call.def_abstract_eval(_results)
batching.primitive_batchers[_call] = _batch
mlir.register_lowering(_call, _lower, platform="cpu")
mlir.register_lowering(_call, mlir.lower_fun(elsewhere.run, multiple_results=True))
