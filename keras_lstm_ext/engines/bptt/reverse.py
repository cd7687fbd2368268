"""JAX: a function with a hand-written gradient, which exists in reverse mode, once.

`jax.custom_vjp` refuses all else in words that do not lead on, and some of it only after JAX has
looked at a whole program. So the gradient is one linear operation on tangents, which reverse mode
transposes and never runs; whoever runs it, or compiles a program that would, is told the way out.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax import numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from keras_lstm_ext.engines.bptt.algorithm import refuse_second_derivative

Tensor = Any


def reverse_only(
    plain: Callable[..., Any], keeping: Callable[..., Any], backward: Callable[..., Any]
) -> Callable[[Any, Any, Any], Any]:
    """Makes a function of its parts that `jax.grad` takes, and no other derivative.

    Args:
        plain: `plain(plan, a, fixed)` gives the results: a plan that is hashable, arrays with a
            gradient and arrays without one.
        keeping: The same gives the results, and what to keep of them.
        backward: `backward(plan, a, fixed, kept, d_results)` gives the errors at `a`.

    Returns:
        What computes the results of `(plan, a, fixed)`.
    """

    def function(of: Callable[..., Any]) -> Any:
        return jax.custom_jvp(of, nondiff_argnums=(0,))

    sequence, kept_sequence, once = map(function, (plain, keeping, backward))

    def push(plan: Any, primals: Any, tangents: Any) -> Any:
        results, kept = kept_sequence(plan, *primals)
        pushed = _push(functools.partial(once, plan), (*primals, kept), results, tangents[0])
        return results, kept, pushed

    @sequence.defjvp
    def _(plan: Any, primals: Any, tangents: Any) -> Any:
        results, _, d_results = push(plan, primals, tangents)
        return results, d_results

    @kept_sequence.defjvp
    def _(plan: Any, primals: Any, tangents: Any) -> Any:
        # A derivative of the derivative: what is kept goes to `once` only, which refuses.
        results, kept, d_results = push(plan, primals, tangents)
        return (results, kept), (d_results, jax.tree.map(jnp.zeros_like, kept))

    once.defjvp(refuse_second_derivative)
    return sequence


def refuse_forward_mode(*_: Any, **__: Any) -> Any:
    """Raises: there is a rule for the gradient alone.

    Raises:
        NotImplementedError: Always.
    """
    raise NotImplementedError(
        "The hand-written gradient of this engine is for reverse mode (jax.grad, jax.vjp, "
        "jax.jacrev), once: it has no forward mode (jax.jvp, jax.jacfwd, jax.linearize, "
        "jax.hessian). Make the layer with engine='portable'."
    )


def _push(backward: Callable[..., Any], read: Any, results: Any, tangents: Any) -> Any:
    """The tangents of the results, of which only the transpose can be computed."""
    shown, shape_of_results = jax.tree.flatten(results)
    kept, shape_of_kept = jax.tree.flatten(read)

    def transposed(kept: Sequence[Tensor], d: Sequence[Tensor]) -> list[Tensor]:
        read = jax.tree.unflatten(shape_of_kept, kept)
        return jax.tree.leaves(backward(*read, jax.tree.unflatten(shape_of_results, d)))

    counts = (len(shown), len(kept))
    leaves = (*shown, *kept, *jax.tree.leaves(tangents))
    pushed = _tangent.bind(*leaves, counts=counts, transposed=transposed)
    return jax.tree.unflatten(shape_of_results, pushed)


def _split(leaves: Sequence[Any], counts: tuple[int, int]) -> tuple[Any, Any, Any]:
    shown, kept = counts
    return leaves[:shown], leaves[shown : shown + kept], leaves[shown + kept :]


def _transpose(d: Sequence[Any], *leaves: Any, counts: Any, transposed: Any) -> list[Any]:
    shown, kept, tangents = _split(leaves, counts)
    errors = transposed(kept, [ad.instantiate_zeros(each) for each in d])
    wanted = [
        e if ad.is_undefined_primal(t) else None for e, t in zip(errors, tangents, strict=True)
    ]
    return [None] * (len(shown) + len(kept)) + wanted


def _batch(leaves: Sequence[Any], axes: Sequence[Any], counts: Any, transposed: Any) -> Any:
    size = next(x.shape[k] for x, k in zip(leaves, axes, strict=True) if k is not None)

    def first(x: Tensor, axis: int | None) -> Tensor:
        if axis is None:
            return jnp.broadcast_to(x, (size, *x.shape))
        return jnp.moveaxis(x, axis, 0)

    parts, at = _split(leaves, counts), _split(axes, counts)
    shown, tangents = (map(first, parts[k], at[k]) for k in (0, 2))
    batched = jax.vmap(transposed, in_axes=(tuple(at[1]), 0))
    pushed = _tangent.bind(
        *shown,
        *parts[1],
        *tangents,
        counts=counts,
        transposed=lambda kept, d: batched(tuple(kept), list(d)),
    )
    return pushed, [0] * len(pushed)


# Results, of whose types the tangents are; what the gradient reads; tangents of its arrays.
_tangent = Primitive("keras_lstm_ext_tangent")
_tangent.multiple_results = True
_tangent.def_impl(refuse_forward_mode)
_tangent.def_abstract_eval(lambda *leaves, counts, transposed: list(leaves[: counts[0]]))
ad.primitive_jvps[_tangent] = refuse_forward_mode
ad.primitive_transposes[_tangent] = _transpose
batching.primitive_batchers[_tangent] = _batch
mlir.register_lowering(_tangent, refuse_forward_mode)
