"""JAX: says what is wrong where a hand-written gradient is differentiated forward.

`jax.custom_vjp` refuses it in words that do not lead on. Where a jitted function is differentiated
forward, they are still what comes: nothing of it runs then before JAX has looked at it.
"""

from typing import Any

import jax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

Tensor = Any


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


# What a tangent goes through: reverse mode transposes it to nothing at all and never runs it.
_tangent = Primitive("keras_lstm_ext_tangent")
_tangent.def_impl(refuse_forward_mode)
_tangent.def_abstract_eval(lambda tangent: tangent)
ad.deflinear2(_tangent, lambda cotangent, _: [cotangent])
batching.primitive_batchers[_tangent] = lambda args, dims: (_tangent.bind(*args), dims[0])
mlir.register_lowering(_tangent, refuse_forward_mode)


@jax.custom_jvp
def reverse_only(x: Tensor) -> Tensor:
    """Gives x, whose derivative exists in reverse mode only.

    Args:
        x: A float array.

    Returns:
        The same array.
    """
    return x


@reverse_only.defjvp
def _rule(primals: tuple[Tensor], tangents: tuple[Tensor]) -> tuple[Tensor, Tensor]:
    # Again on the value: a derivative of the derivative must not get past this one.
    return reverse_only(primals[0]), _tangent.bind(tangents[0])
