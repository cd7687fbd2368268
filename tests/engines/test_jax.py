"""The hand-written gradients under JAX's transformations: right, or an error that leads on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from keras_lstm_ext import PeepholeLSTM
from keras_lstm_ext.engines.native import packing
from tests import backends

if backends.BACKEND != "jax":
    pytest.skip("of JAX", allow_module_level=True)

import jax
import jax.numpy as jnp

X = jnp.asarray(np.random.default_rng(3).normal(size=(2, 5, 3)), "float32")
ENGINES = (
    "portable",
    "bptt",
    *(["native"] if packing.library() and not backends.has_gpu() else []),
    *(["cuda"] if backends.has_gpu() else []),
)
MANY = jnp.stack([X, 2.0 * X, -X])


@pytest.fixture(scope="module")
def losses() -> tuple[Any, ...]:
    """A loss on `portable`, and the same on each engine with a hand-written gradient."""
    layers = [PeepholeLSTM(4, engine=engine, peephole_initializer="ones") for engine in ENGINES]
    for layer in layers:
        layer.build(X.shape)
        layer.set_weights(layers[0].get_weights())
    return tuple(lambda x, layer=layer: jnp.sum(layer(x) ** 2) for layer in layers)


def scanned(f: Any) -> Any:
    def sum_of_calls(x: Any) -> Any:
        return jax.lax.scan(lambda sum_, k: (sum_ + f(k * x), None), 0.0, jnp.arange(3.0))[0]

    return sum_of_calls


RIGHT: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: jax.grad(f)(X),
    "jit of grad": lambda f: jax.jit(jax.grad(f))(X),
    "grad of jit": lambda f: jax.grad(jax.jit(f))(X),
    "vmap of grad": lambda f: jax.vmap(jax.grad(f))(MANY),
    "grad of vmap": lambda f: jax.grad(lambda many: jax.vmap(f)(many).sum())(MANY),
    "vmap of vjp": lambda f: jax.vmap(jax.vjp(f, X)[1])(jnp.arange(3.0))[0],
    "checkpoint": lambda f: jax.grad(jax.checkpoint(f))(X),
    "scan": lambda f: jax.grad(scanned(f))(X),
    "checkpoint of vmap": lambda f: jax.grad(
        lambda many: jax.vmap(jax.checkpoint(f), in_axes=1)(many).sum()
    )(jnp.moveaxis(MANY, 0, 1)),
}

REFUSED: dict[str, Callable[[Any], Any]] = {
    "jvp": lambda f: jax.jvp(f, (X,), (X,)),
    "jacfwd": lambda f: jax.jacfwd(f)(X),
    "jit of jacfwd": lambda f: jax.jit(jax.jacfwd(f))(X),
    "jacfwd of jit": lambda f: jax.jacfwd(jax.jit(f))(X),
    "jvp of jit": lambda f: jax.jvp(jax.jit(f), (X,), (X,)),
    "jvp of scan": lambda f: jax.jvp(scanned(f), (X,), (X,)),
    "jvp of checkpoint": lambda f: jax.jvp(jax.checkpoint(f), (X,), (X,)),
    "jvp of a value beside its gradient": lambda f: jax.jvp(
        lambda x: jax.value_and_grad(f)(x)[0], (X,), (X,)
    ),
    "grad of a value beside its gradient": lambda f: jax.grad(
        lambda x: jax.value_and_grad(f)(x)[0]
    )(X),
    "linearize": lambda f: jax.linearize(f, X)[1](X),
    "vmap of jvp": lambda f: jax.vmap(lambda v: jax.jvp(f, (X,), (v,)))(MANY),
    "hessian": lambda f: jax.hessian(f)(X),
    "jacfwd of grad": lambda f: jax.jit(jax.jacfwd(jax.grad(f)))(X),
    "jacrev of jacrev": lambda f: jax.jacrev(jax.jacrev(f))(X),
}


@pytest.mark.parametrize("of", RIGHT.values(), ids=RIGHT.keys())
def test_reverse_mode_is_right(losses: Any, of: Any) -> None:
    right, *others = map(of, losses)
    assert jnp.abs(right).max() > 1e-3
    for given in others:
        np.testing.assert_allclose(given, right, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("of", REFUSED.values(), ids=REFUSED.keys())
def test_forward_mode_says_the_way_out(losses: Any, of: Any) -> None:
    portable, *others = losses
    for refused in others:
        with pytest.raises(NotImplementedError, match="engine='portable'"):
            of(refused)
    assert all(bool(jnp.isfinite(a).all()) for a in jax.tree.leaves(of(portable)) if a.size)
