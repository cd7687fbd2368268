r"""The LSTM with a forget gate and peepholes, by which the gates see the cell state.

$$
\begin{aligned}
i_t &= \sigma(W_i x_t + R_i h_{t-1} + \textstyle\sum_S p_i \odot c_{t-1} + b_i) \\
f_t &= \sigma(W_f x_t + R_f h_{t-1} + \textstyle\sum_S p_f \odot c_{t-1} + b_f) \\
g_t &= a(W_c x_t + R_c h_{t-1} + b_c) \\
c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
o_t &= \sigma(W_o x_t + R_o h_{t-1} + \textstyle\sum_S p_o \odot c_t + b_o) \\
h_t &= o_t \odot \varphi(c_t)
\end{aligned}
$$

The input and forget gates see the state before the step, the output gate the state after it. A gate
sees every cell of its own block, each through a weight of its own. A state `(h, c, gates)` feeds
back the gates `[i, f, o]` as well: then $[h_{t-1};\ i_{t-1};\ f_{t-1};\ o_{t-1}]$ takes the place
of $h_{t-1}$.

Source: Gers and Schmidhuber (2000); Gers, Schraudolph and Schmidhuber (2002), who send no error
back through the peepholes (`gradient="truncated"`) and squash neither input nor output of a cell.
The full gradient: Graves and Schmidhuber (2005). With $a = \varphi = \tanh$: Graves (2012), eqs
(4.2) to (4.10).
"""

import numpy as np

from .functions import Array, Squasher, block_sum, sigma, sigmoid, spread, tanh
from .nets import Cell, Form, State, Trace, Weights, nets_backward
from .original import fed_back

FORM = Form("ifco", peepholes="ifo", gates_fed_back=True, activation=tanh, output_activation=tanh)


def input_gate(x: Array, h: Array, c: Array, w: Weights, S: int) -> Array:
    r"""The input gate: how much of the cell input is stored.

    $$i_t = \sigma(W_i x_t + R_i h_{t-1} + \textstyle\sum_S p_i \odot c_{t-1} + b_i)$$
    """
    return sigma(x @ w["W_i"] + h @ w["R_i"] + block_sum(w["p_i"] * c, S) + w["b_i"])


def forget_gate(x: Array, h: Array, c: Array, w: Weights, S: int) -> Array:
    r"""The forget gate: how much of the cell state is kept (1 keeps all of it).

    $$f_t = \sigma(W_f x_t + R_f h_{t-1} + \textstyle\sum_S p_f \odot c_{t-1} + b_f)$$
    """
    return sigma(x @ w["W_f"] + h @ w["R_f"] + block_sum(w["p_f"] * c, S) + w["b_f"])


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


def output_gate(x: Array, h: Array, c: Array, w: Weights, S: int) -> Array:
    r"""The output gate: how much of the cell state is shown.

    $$o_t = \sigma(W_o x_t + R_o h_{t-1} + \textstyle\sum_S p_o \odot c_t + b_o)$$
    """
    return sigma(x @ w["W_o"] + h @ w["R_o"] + block_sum(w["p_o"] * c, S) + w["b_o"])


def output(o: Array, c: Array, phi: Squasher) -> Array:
    r"""The cell output.

    $$h_t = o_t \odot \varphi(c_t)$$
    """
    return o * phi(c)


def step(x: Array, state: State, w: Weights, cell: Cell) -> tuple[State, Trace]:
    """One step forward.

    Args:
        x: `(batch, features)`.
        state: `(h, c)` or `(h, c, gates)` of the step before; `h` and `c` `(batch, units)`.
        w: The weights, complete.
        cell: The squashers and the block size.

    Returns:
        The new state, and the trace of the step.
    """
    h_prev, c_prev, *gates = state
    S = cell.block_size
    r = fed_back(h_prev, *gates)
    i = input_gate(x, r, c_prev, w, S)
    f = forget_gate(x, r, c_prev, w, S)
    g = cell_input(x, r, w, cell.activation)
    c = cell_state(c_prev, spread(i, S), spread(f, S), g)
    o = output_gate(x, r, c, w, S)
    h = output(spread(o, S), c, cell.output_activation)
    if gates:
        made = {"i": i, "f": f, "o": o}
        gates = [np.concatenate([made[k] for k in cell.gates], axis=1)]
    return (h, c, *gates), Trace(x, r, c_prev, i, f, g, c, o, h)


def step_backward(t: Trace, d_state: State, w: Weights, cell: Cell) -> tuple[Array, State, Weights]:
    r"""One step back.

    $$
    \begin{aligned}
    do_t &= \textstyle\sum_S dh_t \odot \varphi(c_t) & dnet_o &= do_t \odot \sigma'(net_o) \\
    dc_t &\mathrel{+}= dh_t \odot o_t \odot \varphi'(c_t) + p_o \odot dnet_o \\
    di_t &= \textstyle\sum_S dc_t \odot g_t & dnet_i &= di_t \odot \sigma'(net_i) \\
    df_t &= \textstyle\sum_S dc_t \odot c_{t-1} & dnet_f &= df_t \odot \sigma'(net_f) \\
    dg_t &= dc_t \odot i_t & dnet_c &= dg_t \odot a'(net_c) \\
    dc_{t-1} &= dc_t \odot f_t + p_i \odot dnet_i + p_f \odot dnet_f \\
    dp_o &= dnet_o \odot c_t & dp_k &= dnet_k \odot c_{t-1} \quad (k = i, f)
    \end{aligned}
    $$

    The truncated gradient leaves out the terms in $p_k \odot dnet_k$.

    Args:
        t: The trace of the step.
        d_state: The derivatives of the state after the step.
        w: The weights, complete.
        cell: The squashers, the block size, and whether the gradient is truncated.

    Returns:
        The derivatives of `x`, of the state before the step, and of the weights.
    """
    d_h, d_c, *d_gates = d_state
    S, a, phi = cell.block_size, cell.activation, cell.output_activation
    y = phi(t.c)
    d_fed = dict.fromkeys("ifo", np.zeros_like(t.i))
    if d_gates:
        d_fed |= zip(cell.gates, np.split(d_gates[0], len(cell.gates), axis=1), strict=True)
    d_net_o = (d_fed["o"] + block_sum(d_h * y, S)) * sigmoid.slope(t.o)
    d_c = d_c + d_h * spread(t.o, S) * phi.slope(y)
    if cell.gradient == "full":
        d_c = d_c + w["p_o"] * spread(d_net_o, S)
    d_net_i = (d_fed["i"] + block_sum(d_c * t.g, S)) * sigmoid.slope(t.i)
    d_net_f = (d_fed["f"] + block_sum(d_c * t.c_prev, S)) * sigmoid.slope(t.f)
    d_net_c = d_c * spread(t.i, S) * a.slope(t.g)
    d_c_prev = d_c * spread(t.f, S)
    if cell.gradient == "full":
        d_c_prev = d_c_prev + w["p_i"] * spread(d_net_i, S) + w["p_f"] * spread(d_net_f, S)
    d_net: dict[str, Array] = {"i": d_net_i, "f": d_net_f, "c": d_net_c, "o": d_net_o}
    d_x, d_r, d_w = nets_backward(d_net, t, w)
    d_w["p_i"] = (spread(d_net_i, S) * t.c_prev).sum(axis=0)
    d_w["p_f"] = (spread(d_net_f, S) * t.c_prev).sum(axis=0)
    d_w["p_o"] = (spread(d_net_o, S) * t.c).sum(axis=0)
    if cell.gradient == "truncated":
        d_r = np.zeros_like(d_r)
    fed = t.r.shape[1] - sum(d.shape[1] for d in d_gates)
    return d_x, (d_r[:, :fed], d_c_prev, *(d_r[:, fed:] for _ in d_gates)), d_w
