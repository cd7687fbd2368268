r"""Layer normalisation of any variant: of its net inputs, and of the state on its way out.

$$
\begin{aligned}
net &= \gamma_W \odot \mathrm{LN}(W x_t) + \gamma_R \odot \mathrm{LN}(R r_{t-1}) + b \\
h_t &= o_t \odot \varphi(\gamma_c \odot \mathrm{LN}(c_t) + \beta_c)
\end{aligned}
$$

$W x_t$ is the vector of all nets together, and so is $R r_{t-1}$; each is normalised by itself, and
peepholes are added after it. The state $c_t$ that is carried on is never normalised, or it would be
no carousel. Weights: `gW_k` and `gR_k` `(n,)`, the gains of net `k`; `gain` and `shift` `(units,)`,
those of the state. Without the one or the other there is no such normalisation.

Source: Ba, Kiros and Hinton (2016), whose cell this is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .functions import Array, Squasher, spread
from .nets import Cell, Form, State, Weights, Wrapped


def normalize(y: Array, epsilon: float) -> Array:
    r"""A row with mean 0 and variance 1.

    $$
    \mathrm{LN}(y) = \frac{y - \mu}{\sqrt{\nu + \epsilon}}, \qquad
    \mu = \tfrac{1}{n} \textstyle\sum_j y_j, \quad \nu = \tfrac{1}{n} \sum_j (y_j - \mu)^2
    $$

    Examples:
        >>> import numpy as np
        >>> normalize(np.array([[1.0, 3.0]]), 0.0)
        array([[-1.,  1.]])
    """
    deviation = y - y.mean(axis=-1, keepdims=True)
    return deviation / np.sqrt((deviation**2).mean(axis=-1, keepdims=True) + epsilon)


def normalize_backward(d_u: Array, y: Array, epsilon: float) -> Array:
    r"""The way back through the normalisation $u = \mathrm{LN}(y)$.

    $$
    dy = \frac{1}{\sqrt{\nu + \epsilon}} \left( du - \tfrac{1}{n} \textstyle\sum_j du_j
        - u \, \tfrac{1}{n} \sum_j u_j \, du_j \right)
    $$
    """
    u = normalize(y, epsilon)
    root = np.sqrt(y.var(axis=-1, keepdims=True) + epsilon)
    along: Array = (u * d_u).mean(axis=-1, keepdims=True)
    return (d_u - d_u.mean(axis=-1, keepdims=True) - u * along) / root


def net_input(W: Array, x: Array, gain: Array, epsilon: float) -> Array:
    r"""The part of all net inputs that one matrix makes: $W x_t$, and likewise $R r_{t-1}$.

    $$net_W = \gamma_W \odot \mathrm{LN}(W x_t)$$
    """
    return gain * normalize(x @ W, epsilon)


def shown(c: Array, gain: Array, shift: Array, epsilon: float) -> Array:
    r"""The state as the output squasher reads it.

    $$s_t = \gamma_c \odot \mathrm{LN}(c_t) + \beta_c$$
    """
    return gain * normalize(c, epsilon) + shift


@dataclass
class NormalizedNets:
    """A variant with normalised net inputs.

    To the variant these are inputs of its own: it reads column $k$ of them in net $k$.

    Args:
        inner: The variant.
        FORM: That of the variant.
    """

    inner: Any
    FORM: Form

    def step(self, x: Array, state: State, w: Weights, cell: Cell) -> tuple[State, Wrapped]:
        """One step forward: see `cec.step`."""
        h, c, *gates = state
        r = np.concatenate([h, *gates], axis=1)
        W, R, g_W, g_R = (_joined(w, letter, self, cell) for letter in ("W_", "R_", "gW_", "gR_"))
        of_x, of_r = net_input(W, x, g_W, cell.epsilon), net_input(R, r, g_R, cell.epsilon)
        split = of_r.shape[1] - sum(y.shape[1] for y in gates)
        parts = (of_r[:, :split], c, *(of_r[:, split:] for _ in gates))
        state, trace = self.inner.step(of_x, parts, _selecting(w, self, cell), cell)
        return state, Wrapped(trace, x, r)

    def step_backward(
        self, t: Wrapped, d_state: State, w: Weights, cell: Cell
    ) -> tuple[Array, State, Weights]:
        r"""One step back: $dnet$ is the derivative of the columns that the variant has read.

        $$
        \begin{aligned}
        d\gamma_W &= dnet \odot \mathrm{LN}(W x_t) & dW &= d(W x_t) \, x_t^\top
            & dx_t &= W^\top d(W x_t)
        \end{aligned}
        $$

        and likewise for $R$ and $r_{t-1}$; $d(W x_t)$ is $\gamma_W \odot dnet$ led back through the
        normalisation.
        """
        selecting = _selecting(w, self, cell)
        d_net, (_, d_c, *d_gates), d_w = self.inner.step_backward(t.inner, d_state, selecting, cell)
        read: dict[str, Array] = {"W": t.x, "R": t.r}
        d_read = {}
        for letter, x in read.items():
            M, gain = _joined(w, f"{letter}_", self, cell), _joined(w, f"g{letter}_", self, cell)
            y = x @ M
            d_y = normalize_backward(d_net * gain, y, cell.epsilon)
            d_read[letter] = d_y @ M.T
            d_gain = (d_net * normalize(y, cell.epsilon)).sum(axis=0)
            d_w |= _taken_apart(x.T @ d_y, f"{letter}_", self, cell)
            d_w |= _taken_apart(d_gain, f"g{letter}_", self, cell)
        d_r = d_read["R"] if cell.gradient == "full" else np.zeros_like(t.r)
        fed = t.r.shape[1] - sum(d.shape[1] for d in d_gates)
        return d_read["W"], (d_r[:, :fed], d_c, *(d_r[:, fed:] for _ in d_gates)), d_w


@dataclass
class NormalizedOutput:
    """A variant whose state is normalised on its way out.

    Args:
        inner: The variant.
        FORM: That of the variant.
    """

    inner: Any
    FORM: Form

    def step(self, x: Array, state: State, w: Weights, cell: Cell) -> tuple[State, Wrapped]:
        """One step forward: see `cec.step`."""
        made, trace = self.inner.step(x, state, w, _showing(w, cell))
        return made, Wrapped(trace, x, trace.r)

    def step_backward(
        self, t: Wrapped, d_state: State, w: Weights, cell: Cell
    ) -> tuple[Array, State, Weights]:
        r"""One step back.

        $$
        \begin{aligned}
        ds_t &= dh_t \odot o_t \odot \varphi'(s_t) \\
        d\gamma_c &= ds_t \odot \mathrm{LN}(c_t) & d\beta_c &= ds_t
        \end{aligned}
        $$

        and $\gamma_c \odot ds_t$, led back through the normalisation, is added to $dc_t$.
        """
        d_h, d_c, *d_gates = d_state
        inmost, phi = t.inmost, cell.output_activation
        c, o = inmost.c, spread(inmost.o, cell.block_size)
        d_s = d_h * o * phi.slope(phi(shown(c, w["gain"], w["shift"], cell.epsilon)))
        d_c = d_c + normalize_backward(w["gain"] * d_s, c, cell.epsilon)
        inner = (d_h, d_c, *d_gates)
        d_x, d_before, d_w = self.inner.step_backward(t.inner, inner, w, _showing(w, cell))
        d_w["gain"] = (d_s * normalize(c, cell.epsilon)).sum(axis=0)
        d_w["shift"] = d_s.sum(axis=0)
        return d_x, d_before, d_w


def _showing(w: Weights, cell: Cell) -> Cell:
    """The cell with a squasher that normalises first; its slope is `NormalizedOutput`'s to know."""
    phi = cell.output_activation

    def value(c: Array) -> Array:
        return phi(shown(c, w["gain"], w["shift"], cell.epsilon))

    return replace(cell, output_activation=Squasher(f"{phi.name} of LN", value, np.zeros_like))


def _nets(variant: Any, cell: Cell) -> str:
    """The nets that the weights hold, in column order."""
    return "".join(k for k in variant.FORM.nets if k == "c" or k in cell.gates)


def _joined(w: Weights, letter: str, variant: Any, cell: Cell) -> Array:
    return np.concatenate([w[f"{letter}{k}"] for k in _nets(variant, cell)], axis=-1)


def _taken_apart(joined: Array, letter: str, variant: Any, cell: Cell) -> Weights:
    nets, units = _nets(variant, cell), cell.units
    ends = np.cumsum([units if k == "c" else units // cell.block_size for k in nets])[:-1]
    parts = np.split(joined, ends, axis=-1)
    return {f"{letter}{k}": part for k, part in zip(nets, parts, strict=True)}


def _selecting(w: Weights, variant: Any, cell: Cell) -> Weights:
    """The weights of a variant whose inputs are net inputs: W and R pick the columns of a net."""
    columns = _joined(w, "gW_", variant, cell).shape[0]
    picks = _taken_apart(np.eye(columns), "", variant, cell)
    absent = {k: np.zeros((columns, w[f"b_{k}"].shape[0])) for k in variant.FORM.nets}
    pick: Mapping[str, Array] = absent | picks
    return w | {f"{letter}_{k}": pick[k] for letter in "WR" for k in pick}
