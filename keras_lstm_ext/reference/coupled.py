r"""The LSTM whose input gate decides what is kept as well (CIFG).

$$
\begin{aligned}
i_t &= \sigma(W_i x_t + R_i h_{t-1} + \textstyle\sum_S p_i \odot c_{t-1} + b_i) \\
g_t &= a(W_c x_t + R_c h_{t-1} + b_c) \\
c_t &= (1 - i_t) \odot c_{t-1} + i_t \odot g_t \\
o_t &= \sigma(W_o x_t + R_o h_{t-1} + \textstyle\sum_S p_o \odot c_t + b_o) \\
h_t &= o_t \odot \varphi(c_t)
\end{aligned}
$$

There is no forget gate: $f_t = 1 - i_t$. Source: Greff et al. (2017), the variant CIFG, which keeps
the peepholes of the gates that it has.
"""

import numpy as np

from .functions import Array, block_sum, sigmoid, spread, tanh
from .nets import Cell, Form, State, Trace, Weights, nets_backward
from .peephole import cell_input, input_gate, output, output_gate

FORM = Form("ico", peepholes="io", gates_fed_back=False, activation=tanh, output_activation=tanh)


def cell_state(c: Array, i: Array, g: Array) -> Array:
    r"""The cell state, between the old one and the cell input.

    $$c_t = (1 - i_t) \odot c_{t-1} + i_t \odot g_t$$
    """
    return (1.0 - i) * c + i * g


def step(x: Array, state: State, w: Weights, cell: Cell) -> tuple[State, Trace]:
    """One step forward.

    Args:
        x: `(batch, features)`.
        state: `(h, c)` of the step before, each `(batch, units)`.
        w: The weights, complete.
        cell: The squashers and the block size.

    Returns:
        The new `(h, c)`, and the trace of the step.
    """
    h_prev, c_prev = state
    S = cell.block_size
    i = input_gate(x, h_prev, c_prev, w, S)
    g = cell_input(x, h_prev, w, cell.activation)
    c = cell_state(c_prev, spread(i, S), g)
    o = output_gate(x, h_prev, c, w, S)
    h = output(spread(o, S), c, cell.output_activation)
    return (h, c), Trace(x, h_prev, c_prev, i, 1.0 - i, g, c, o, h)


def step_backward(t: Trace, d_state: State, w: Weights, cell: Cell) -> tuple[Array, State, Weights]:
    r"""One step back.

    $$
    \begin{aligned}
    do_t &= \textstyle\sum_S dh_t \odot \varphi(c_t) & dnet_o &= do_t \odot \sigma'(net_o) \\
    dc_t &\mathrel{+}= dh_t \odot o_t \odot \varphi'(c_t) + p_o \odot dnet_o \\
    di_t &= \textstyle\sum_S dc_t \odot (g_t - c_{t-1}) & dnet_i &= di_t \odot \sigma'(net_i) \\
    dg_t &= dc_t \odot i_t & dnet_c &= dg_t \odot a'(net_c) \\
    dc_{t-1} &= dc_t \odot (1 - i_t) + p_i \odot dnet_i \\
    dp_o &= dnet_o \odot c_t & dp_i &= dnet_i \odot c_{t-1}
    \end{aligned}
    $$

    The truncated gradient leaves out the terms in $p_k \odot dnet_k$.

    Args:
        t: The trace of the step.
        d_state: The derivatives of `(h, c)` after the step.
        w: The weights, complete.
        cell: The squashers, the block size, and whether the gradient is truncated.

    Returns:
        The derivatives of `x`, of `(h, c)` before the step, and of the weights.
    """
    d_h, d_c = d_state
    S, a, phi = cell.block_size, cell.activation, cell.output_activation
    y = phi(t.c)
    d_net_o = block_sum(d_h * y, S) * sigmoid.slope(t.o)
    d_c = d_c + d_h * spread(t.o, S) * phi.slope(y)
    if cell.gradient == "full":
        d_c = d_c + w["p_o"] * spread(d_net_o, S)
    d_net_i = block_sum(d_c * (t.g - t.c_prev), S) * sigmoid.slope(t.i)
    d_net_c = d_c * spread(t.i, S) * a.slope(t.g)
    d_c_prev = d_c * (1.0 - spread(t.i, S))
    if cell.gradient == "full":
        d_c_prev = d_c_prev + w["p_i"] * spread(d_net_i, S)
    d_net: dict[str, Array] = {"i": d_net_i, "c": d_net_c, "o": d_net_o}
    d_x, d_h_prev, d_w = nets_backward(d_net, t, w)
    d_w["p_i"] = (spread(d_net_i, S) * t.c_prev).sum(axis=0)
    d_w["p_o"] = (spread(d_net_o, S) * t.c).sum(axis=0)
    if cell.gradient == "truncated":
        d_h_prev = np.zeros_like(d_h_prev)
    return d_x, (d_h_prev, d_c_prev), d_w
