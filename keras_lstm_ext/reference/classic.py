r"""The LSTM with a forget gate, which is the LSTM of today's frameworks.

$$
\begin{aligned}
i_t &= \sigma(W_i x_t + R_i h_{t-1} + b_i) \\
f_t &= \sigma(W_f x_t + R_f h_{t-1} + b_f) \\
g_t &= a(W_c x_t + R_c h_{t-1} + b_c) \\
c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
o_t &= \sigma(W_o x_t + R_o h_{t-1} + b_o) \\
h_t &= o_t \odot \varphi(c_t)
\end{aligned}
$$

Source: Gers, Schmidhuber and Cummins (1999, 2000), with the squashers of 1997; with $a = \varphi =
\tanh$, Zaremba, Sutskever and Vinyals (2014).
"""

import numpy as np

from .functions import Array, Squasher, block_sum, sigma, sigmoid, spread, tanh
from .nets import Cell, Form, State, Trace, Weights, nets_backward

FORM = Form("ifco", peepholes="", gates_fed_back=False, activation=tanh, output_activation=tanh)


def input_gate(x: Array, h: Array, w: Weights) -> Array:
    r"""The input gate: how much of the cell input is stored.

    $$i_t = \sigma(W_i x_t + R_i h_{t-1} + b_i)$$
    """
    return sigma(x @ w["W_i"] + h @ w["R_i"] + w["b_i"])


def forget_gate(x: Array, h: Array, w: Weights) -> Array:
    r"""The forget gate: how much of the cell state is kept (1 keeps all of it).

    $$f_t = \sigma(W_f x_t + R_f h_{t-1} + b_f)$$
    """
    return sigma(x @ w["W_f"] + h @ w["R_f"] + w["b_f"])


def cell_input(x: Array, h: Array, w: Weights, a: Squasher) -> Array:
    r"""The cell input.

    $$g_t = a(W_c x_t + R_c h_{t-1} + b_c)$$
    """
    return a(x @ w["W_c"] + h @ w["R_c"] + w["b_c"])


def cell_state(c: Array, i: Array, f: Array, g: Array) -> Array:
    r"""The cell state.

    $$c_t = f_t \odot c_{t-1} + i_t \odot g_t$$
    """
    return f * c + i * g


def output_gate(x: Array, h: Array, w: Weights) -> Array:
    r"""The output gate: how much of the cell state is shown.

    $$o_t = \sigma(W_o x_t + R_o h_{t-1} + b_o)$$
    """
    return sigma(x @ w["W_o"] + h @ w["R_o"] + w["b_o"])


def output(o: Array, c: Array, phi: Squasher) -> Array:
    r"""The cell output.

    $$h_t = o_t \odot \varphi(c_t)$$
    """
    return o * phi(c)


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
    i = input_gate(x, h_prev, w)
    f = forget_gate(x, h_prev, w)
    g = cell_input(x, h_prev, w, cell.activation)
    c = cell_state(c_prev, spread(i, S), spread(f, S), g)
    o = output_gate(x, h_prev, w)
    h = output(spread(o, S), c, cell.output_activation)
    return (h, c), Trace(x, h_prev, c_prev, i, f, g, c, o, h)


def step_backward(t: Trace, d_state: State, w: Weights, cell: Cell) -> tuple[Array, State, Weights]:
    r"""One step back.

    $$
    \begin{aligned}
    do_t &= \textstyle\sum_S dh_t \odot \varphi(c_t) & dnet_o &= do_t \odot \sigma'(net_o) \\
    dc_t &\mathrel{+}= dh_t \odot o_t \odot \varphi'(c_t) \\
    di_t &= \textstyle\sum_S dc_t \odot g_t & dnet_i &= di_t \odot \sigma'(net_i) \\
    df_t &= \textstyle\sum_S dc_t \odot c_{t-1} & dnet_f &= df_t \odot \sigma'(net_f) \\
    dg_t &= dc_t \odot i_t & dnet_c &= dg_t \odot a'(net_c) \\
    dc_{t-1} &= dc_t \odot f_t
    \end{aligned}
    $$

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
    d_net_i = block_sum(d_c * t.g, S) * sigmoid.slope(t.i)
    d_net_f = block_sum(d_c * t.c_prev, S) * sigmoid.slope(t.f)
    d_net_c = d_c * spread(t.i, S) * a.slope(t.g)
    d_c_prev = d_c * spread(t.f, S)
    d_net: dict[str, Array] = {"i": d_net_i, "f": d_net_f, "c": d_net_c, "o": d_net_o}
    d_x, d_h_prev, d_w = nets_backward(d_net, t, w)
    if cell.gradient == "truncated":
        d_h_prev = np.zeros_like(d_h_prev)
    return d_x, (d_h_prev, d_c_prev), d_w
