r"""The constant error carousel alone: a cell without gates.

$$
\begin{aligned}
g_t &= a(W_c x_t + R_c h_{t-1} + b_c) \\
c_t &= c_{t-1} + g_t \\
h_t &= \varphi(c_t)
\end{aligned}
$$

Without `R_c` nothing is fed back. Linear $a$ and $\varphi$ make it the carousel of the 1997 paper,
a running sum; squashers came with the memory cell.

Source: Hochreiter and Schmidhuber (1997), section 3.2, where it is the naive approach.
"""

import numpy as np

from .functions import Array, Squasher, tanh
from .nets import Cell, Form, State, Trace, Weights, nets_backward

FORM = Form("c", peepholes="", gates_fed_back=False, activation=tanh, output_activation=tanh)


def cell_input(x: Array, h: Array, w: Weights, a: Squasher) -> Array:
    r"""The cell input.

    $$g_t = a(W_c x_t + R_c h_{t-1} + b_c)$$
    """
    return a(x @ w["W_c"] + h @ w["R_c"] + w["b_c"])


def cell_state(c: Array, g: Array) -> Array:
    r"""The cell state: the self-connection has weight 1.

    $$c_t = c_{t-1} + g_t$$
    """
    return c + g


def output(c: Array, phi: Squasher) -> Array:
    r"""The cell output.

    $$h_t = \varphi(c_t)$$
    """
    return phi(c)


def step(x: Array, state: State, w: Weights, cell: Cell) -> tuple[State, Trace]:
    """One step forward.

    Args:
        x: `(batch, features)`.
        state: `(h, c)` of the step before, each `(batch, units)`.
        w: The weights, complete.
        cell: The squashers.

    Returns:
        The new `(h, c)`, and the trace of the step.
    """
    h_prev, c_prev = state
    g = cell_input(x, h_prev, w, cell.activation)
    c = cell_state(c_prev, g)
    h = output(c, cell.output_activation)
    one = np.ones_like(c[:, :: cell.block_size])
    return (h, c), Trace(x, h_prev, c_prev, one, one, g, c, one, h)


def step_backward(t: Trace, d_state: State, w: Weights, cell: Cell) -> tuple[Array, State, Weights]:
    r"""One step back.

    $$
    \begin{aligned}
    dc_t &\mathrel{+}= dh_t \odot \varphi'(c_t) \\
    dnet_c &= dc_t \odot a'(net_c) \\
    dc_{t-1} &= dc_t
    \end{aligned}
    $$

    Args:
        t: The trace of the step.
        d_state: The derivatives of `(h, c)` after the step.
        w: The weights, complete.
        cell: The squashers, and whether the gradient is truncated.

    Returns:
        The derivatives of `x`, of `(h, c)` before the step, and of the weights.
    """
    d_h, d_c = d_state
    a, phi = cell.activation, cell.output_activation
    d_c = d_c + d_h * phi.slope(t.h)
    d_net: dict[str, Array] = {"c": d_c * a.slope(t.g)}
    d_x, d_h_prev, d_w = nets_backward(d_net, t, w)
    if cell.gradient == "truncated":
        d_h_prev = np.zeros_like(d_h_prev)
    return d_x, (d_h_prev, d_c), d_w
