r"""The LSTM of 1997: input and output gates, no forget gate, and gates fed back like cells.

$$
\begin{aligned}
r_{t-1} &= [h_{t-1};\ i_{t-1};\ o_{t-1}] \\
i_t &= \sigma(W_i x_t + R_i r_{t-1} + b_i) \\
g_t &= a(W_c x_t + R_c r_{t-1} + b_c) \\
o_t &= \sigma(W_o x_t + R_o r_{t-1} + b_o) \\
c_t &= c_{t-1} + i_t \odot g_t \\
h_t &= o_t \odot \varphi(c_t)
\end{aligned}
$$

with $a(x) = 4\sigma(x) - 2$ and $\varphi(x) = 2\sigma(x) - 1$, in memory cell blocks. The state is
`(h, c, gates)`, its gates `[i, o]`. A state `(h, c)` feeds back the cells only.

Source: Hochreiter and Schmidhuber (1997), section 4 and eqs A.5 to A.7; squashers: A.2, A.3.
The nets of step $t$ see the input of step $t$ and the activations of step $t-1$, as in the paper's
section 5.
"""

import numpy as np

from .functions import (
    Array,
    Squasher,
    block_sum,
    centered_sigmoid_1,
    centered_sigmoid_2,
    sigma,
    sigmoid,
    spread,
)
from .nets import Cell, Form, State, Trace, Weights, nets_backward

FORM = Form(
    "ico",
    peepholes="",
    gates_fed_back=True,
    activation=centered_sigmoid_2,
    output_activation=centered_sigmoid_1,
)


def fed_back(h: Array, *gates: Array) -> Array:
    r"""What every net reads of the step before: cells and, where they are fed back, gates.

    $$r_{t-1} = [h_{t-1};\ i_{t-1};\ o_{t-1}]$$
    """
    return np.concatenate([h, *gates], axis=1)


def input_gate(x: Array, r: Array, w: Weights) -> Array:
    r"""The input gate.

    $$i_t = \sigma(W_i x_t + R_i r_{t-1} + b_i)$$
    """
    return sigma(x @ w["W_i"] + r @ w["R_i"] + w["b_i"])


def cell_input(x: Array, r: Array, w: Weights, a: Squasher) -> Array:
    r"""The cell input.

    $$g_t = a(W_c x_t + R_c r_{t-1} + b_c)$$
    """
    return a(x @ w["W_c"] + r @ w["R_c"] + w["b_c"])


def output_gate(x: Array, r: Array, w: Weights) -> Array:
    r"""The output gate.

    $$o_t = \sigma(W_o x_t + R_o r_{t-1} + b_o)$$
    """
    return sigma(x @ w["W_o"] + r @ w["R_o"] + w["b_o"])


def cell_state(c: Array, i: Array, g: Array) -> Array:
    r"""The cell state: what is stored stays until something is added.

    $$c_t = c_{t-1} + i_t \odot g_t$$
    """
    return c + i * g


def output(o: Array, c: Array, phi: Squasher) -> Array:
    r"""The cell output.

    $$h_t = o_t \odot \varphi(c_t)$$
    """
    return o * phi(c)


def step(x: Array, state: State, w: Weights, cell: Cell) -> tuple[State, Trace]:
    """One step forward.

    Args:
        x: `(batch, features)`.
        state: `(h, c, gates)` or `(h, c)` of the step before; `h` and `c` `(batch, units)`, `gates`
            `(batch, 2 * blocks)`.
        w: The weights, complete.
        cell: The squashers and the block size.

    Returns:
        The new state, and the trace of the step.
    """
    h_prev, c_prev, *gates = state
    S = cell.block_size
    r = fed_back(h_prev, *gates)
    i = input_gate(x, r, w)
    g = cell_input(x, r, w, cell.activation)
    o = output_gate(x, r, w)
    c = cell_state(c_prev, spread(i, S), g)
    h = output(spread(o, S), c, cell.output_activation)
    if gates:
        made = {"i": i, "o": o}
        gates = [np.concatenate([made[k] for k in cell.gates], axis=1)]
    return (h, c, *gates), Trace(x, r, c_prev, i, np.ones_like(i), g, c, o, h)


def step_backward(t: Trace, d_state: State, w: Weights, cell: Cell) -> tuple[Array, State, Weights]:
    r"""One step back; what $i_t$ and $o_t$ were fed back to adds to $di_t$ and $do_t$.

    $$
    \begin{aligned}
    do_t &\mathrel{+}= \textstyle\sum_S dh_t \odot \varphi(c_t)
        & dnet_o &= do_t \odot \sigma'(net_o) \\
    dc_t &\mathrel{+}= dh_t \odot o_t \odot \varphi'(c_t) \\
    di_t &\mathrel{+}= \textstyle\sum_S dc_t \odot g_t & dnet_i &= di_t \odot \sigma'(net_i) \\
    dg_t &= dc_t \odot i_t & dnet_c &= dg_t \odot a'(net_c) \\
    dc_{t-1} &= dc_t
    \end{aligned}
    $$

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
    d_gate = {"i": np.zeros_like(t.i), "o": np.zeros_like(t.o)}
    if d_gates:
        d_gate |= zip(cell.gates, np.split(d_gates[0], len(cell.gates), axis=1), strict=True)
    d_o = d_gate["o"] + block_sum(d_h * y, S)
    d_c = d_c + d_h * spread(t.o, S) * phi.slope(y)
    d_i = d_gate["i"] + block_sum(d_c * t.g, S)
    d_g = d_c * spread(t.i, S)
    d_net: dict[str, Array] = {
        "i": d_i * sigmoid.slope(t.i),
        "c": d_g * a.slope(t.g),
        "o": d_o * sigmoid.slope(t.o),
    }
    d_x, d_r, d_w = nets_backward(d_net, t, w)
    if cell.gradient == "truncated":
        d_r = np.zeros_like(d_r)
    fed = t.r.shape[1] - sum(d.shape[1] for d in d_gates)
    return d_x, (d_r[:, :fed], d_c, *(d_r[:, fed:] for _ in d_gates)), d_w
