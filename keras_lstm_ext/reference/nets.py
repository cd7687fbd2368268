"""The net inputs: which weights there are, what an absent one means, and the way back."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from .functions import Array, Squasher

Weights: TypeAlias = dict[str, Array]
State: TypeAlias = tuple[Array, ...]


@dataclass(frozen=True)
class Form:
    """What distinguishes one variant from another, apart from its equations.

    Args:
        nets: The net inputs of a step, `"c"` and gates.
        peepholes: The gates that may see the cell state.
        gates_fed_back: Whether the state may have gates, `(h, c, gates)`.
        activation: The squasher of the cell input unless another is asked for.
        output_activation: The squasher of the cell state unless another is asked for.
    """

    nets: str
    peepholes: str
    gates_fed_back: bool
    activation: Squasher
    output_activation: Squasher


@dataclass(frozen=True)
class Cell:
    """What a step has to know besides its weights.

    Args:
        activation: The squasher of the cell input.
        output_activation: The squasher of the cell state.
        block_size: How many cells share their gates.
        gradient: `"truncated"` sends no gradient through what is fed back, nor through peepholes.
        gates: The gates that the weights hold, in the order in which they are fed back.
        units: How many cells there are.
        epsilon: What is added to a variance that a row is divided by the root of.
    """

    activation: Squasher
    output_activation: Squasher
    block_size: int = 1
    gradient: Literal["full", "truncated"] = "full"
    gates: str = ""
    units: int = 0
    epsilon: float = 1e-5


class Trace(NamedTuple):
    """Everything that a step read and made; a gate that the variant lacks is 1.

    `x` `(batch, features)`; `r`, what was fed back, `(batch, fed)`; `i`, `f`, `o` `(batch,
    blocks)`; `c_prev`, `g`, `c`, `h` `(batch, units)`.
    """

    x: Array
    r: Array
    c_prev: Array
    i: Array
    f: Array
    g: Array
    c: Array
    o: Array
    h: Array


class Wrapped(NamedTuple):
    """What a variant within another made, and what the other one read.

    `x` and `r` as in `Trace`.
    """

    inner: Any
    x: Array
    r: Array

    @property
    def inmost(self) -> Trace:
        """What the step itself made."""
        inner = self.inner
        while not isinstance(inner, Trace):
            inner = inner.inner
        return inner


def complete(weights: Weights, form: Form, fed: int, block_size: int, decay: float) -> Weights:
    r"""Adds the absent weights with the values that make their terms vanish.

    Absent $R$, $p$ and $b$ are zeros. An absent gate has $W = R = p = 0$ and $b = \infty$, which
    makes it exactly 1; a constant decay $d$ in place of the forget gate has $\sigma(b_f) = d$.

    Args:
        weights: Those given.
        form: The variant's.
        fed: The width of what is fed back.
        block_size: How many cells share their gates.
        decay: The constant that takes the place of an absent forget gate.

    Returns:
        All weights of the variant.

    Raises:
        ValueError: A weight has a name or a shape that the variant does not accept.
    """
    if decay != 1.0 and ("f" not in form.nets or "W_f" in weights):
        raise ValueError(f"decay={decay} takes the place of an absent forget gate; accepted: 1.0")
    features, units = weights["W_c"].shape
    full: Weights = {}
    for k in form.nets:
        n = units if k == "c" else units // block_size
        full[f"W_{k}"] = np.zeros((features, n))
        full[f"R_{k}"] = np.zeros((fed, n))
        full[f"b_{k}"] = np.zeros(n)
        if k in form.peepholes:
            full[f"p_{k}"] = np.zeros(units)
        if f"W_{k}" not in weights:
            full[f"b_{k}"] += _logit(decay if k == "f" else 1.0)
    _check(weights, {name: value.shape for name, value in full.items()})
    dtype = weights["W_c"].dtype
    return {name: weights.get(name, value.astype(dtype)) for name, value in full.items()}


def _logit(p: float) -> float:
    with np.errstate(divide="ignore"):
        return float(np.log(p) - np.log1p(-p))


def _check(weights: Weights, shapes: dict[str, tuple[int, ...]]) -> None:
    for name, value in weights.items():
        if name not in shapes:
            raise ValueError(f"weights: {name!r} is not accepted; accepted: {sorted(shapes)}")
        if value.shape != shapes[name]:
            raise ValueError(f"weights[{name!r}] has shape {value.shape}; accepted: {shapes[name]}")
        if (gate := f"W_{name[-1]}") not in weights:
            raise ValueError(f"weights: {name!r} is given without {gate!r}; give both or neither")


def nets_backward(d_net: dict[str, Array], t: Trace, w: Weights) -> tuple[Array, Array, Weights]:
    r"""The way back from the net inputs to what they read.

    $$
    \begin{aligned}
    net_k &= W_k x_t + R_k r_{t-1} + b_k \\
    dx_t &= \sum_k W_k^\top \, dnet_k & dr_{t-1} &= \sum_k R_k^\top \, dnet_k \\
    dW_k &= dnet_k \, x_t^\top & dR_k &= dnet_k \, r_{t-1}^\top & db_k &= dnet_k
    \end{aligned}
    $$

    Args:
        d_net: By net, `(batch, n)`.
        t: The trace of the step.
        w: The weights, complete.

    Returns:
        `d_x` `(batch, features)`, `d_r` `(batch, fed)`, and the derivatives of $W$, $R$ and $b$,
        summed over the batch.
    """
    d_x = np.zeros_like(t.x)
    d_r = np.zeros_like(t.r)
    d_w: Weights = {}
    for k, d in d_net.items():
        d_x = d_x + d @ w[f"W_{k}"].T
        d_r = d_r + d @ w[f"R_{k}"].T
        d_w |= {f"W_{k}": t.x.T @ d, f"R_{k}": t.r.T @ d, f"b_{k}": d.sum(axis=0)}
    return d_x, d_r, d_w
