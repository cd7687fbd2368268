"""LSTMs of JAX libraries, for a process of its own: they read and write `.npz` files."""

from typing import Any

import numpy as np


def nested(arrays: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """From `a/b/c` to dictionaries in a dictionary, `a/b` and c."""
    nest: dict[str, dict[str, np.ndarray]] = {}
    for path, array in arrays.items():
        module, name = path.rsplit("/", 1)
        nest.setdefault(module, {})[name] = array
    return nest


def flax(arrays: dict[str, np.ndarray], x: Any, h: Any, c: Any) -> Any:
    import flax.linen as nn

    rnn = nn.RNN(nn.LSTMCell(h.shape[1]), return_carry=True)
    params = {"params": {"cell": nested(arrays)}}
    (c, h), y = rnn.apply(params, x, initial_carry=(c, h))
    return y, h, c


def flax_nnx(arrays: dict[str, np.ndarray], x: Any, h: Any, c: Any) -> Any:
    from flax import nnx

    cell = nnx.OptimizedLSTMCell(x.shape[2], h.shape[1], rngs=nnx.Rngs(0))
    for module, values in nested(arrays).items():
        for name, value in values.items():
            parameter = getattr(getattr(cell, module), name)
            assert parameter.shape == value.shape
            parameter[...] = value
    (c, h), y = nnx.RNN(cell, return_carry=True)(x, initial_carry=(c, h))
    return y, h, c


def haiku(arrays: dict[str, np.ndarray], x: Any, h: Any, c: Any) -> Any:
    import haiku as hk

    def unroll(x: Any, h: Any, c: Any) -> Any:
        state = hk.LSTMState(h, c)
        return hk.dynamic_unroll(hk.LSTM(h.shape[1]), x, state, time_major=False)

    params = nested({f"lstm/{name}": array for name, array in arrays.items()})
    y, state = hk.without_apply_rng(hk.transform(unroll)).apply(params, x, h, c)
    return y, state.hidden, state.cell


def main(system: str, *paths: str) -> None:
    """Runs each file's arrays on its x, h and c, and writes y, h and c in their place."""
    for path in paths:
        arrays = dict(np.load(path))
        y, h, c = globals()[system](arrays, *(arrays.pop(name) for name in "xhc"))
        np.savez(path, y=y, h=h, c=c)
