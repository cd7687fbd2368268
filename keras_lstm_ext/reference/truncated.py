r"""The papers' own learning rule, which runs forward in time.

No error flows back through what is fed back, nor through a peephole. Then a weight into a cell or
into its input or forget gate acts on the state of that cell alone, and its effect can be carried
along with the state. Nothing of the past has to be stored, and a step costs the same however long
the sequence.

With the sources $u_t = [x_t;\ r_{t-1};\ c_{t-1};\ 1]$ (the output gate, which acts on no state, has
$c_t$ in place of $c_{t-1}$), the effect on the state of the weight from
source $m$ into net $k$ is

$$
\frac{\partial c_t}{\partial w_{km}}
    = f_t \frac{\partial c_{t-1}}{\partial w_{km}} + \ell_k \, u_{m,t}
$$

where $\ell_k$, the effect of the net input on the state, is one of the equations below.

Source: Hochreiter and Schmidhuber (1997), eqs A.17 to A.26, where $f_t = 1$; Gers,
Schmidhuber and Cummins (1999, 2000) for the forget gate; Gers, Schraudolph and Schmidhuber (2002)
for peepholes, whose weights learn although no error passes through them.
"""

import numpy as np

from . import coupled
from .functions import Array, block_sum, sigmoid, spread
from .nets import Cell, Trace, Weights
from .sequence import VARIANTS, Run


def cell_input_effect(t: Trace, cell: Cell) -> Array:
    r"""How the state of a cell follows the net input of the cell.

    $$\ell_c = i_t \odot a'(net_c)$$
    """
    return spread(t.i, cell.block_size) * cell.activation.slope(t.g)


def input_gate_effect(t: Trace, cell: Cell) -> Array:
    r"""How the state of a cell follows the net input of its input gate.

    $$\ell_i = g_t \odot \sigma'(net_i)$$
    """
    return t.g * spread(sigmoid.slope(t.i), cell.block_size)


def coupled_gate_effect(t: Trace, cell: Cell) -> Array:
    r"""The same where what the input gate leaves is kept of the old state.

    $$\ell_i = (g_t - c_{t-1}) \odot \sigma'(net_i)$$
    """
    return (t.g - t.c_prev) * spread(sigmoid.slope(t.i), cell.block_size)


def forget_gate_effect(t: Trace, cell: Cell) -> Array:
    r"""How the state of a cell follows the net input of its forget gate.

    $$\ell_f = c_{t-1} \odot \sigma'(net_f)$$
    """
    return t.c_prev * spread(sigmoid.slope(t.f), cell.block_size)


def carry(partial: Array, f: Array, effect: Array, u: Array) -> Array:
    r"""The effect of the weights on the state, carried on by one step.

    $$
    \frac{\partial c_t}{\partial w_{km}}
        = f_t \frac{\partial c_{t-1}}{\partial w_{km}} + \ell_k \, u_{m,t}
    $$

    Args:
        partial: `(batch, sources, units)`.
        f: The forget gate of each cell, `(batch, units)`.
        effect: $\ell_k$, `(batch, units)`.
        u: The sources, `(batch, sources)`.

    Returns:
        `(batch, sources, units)`.
    """
    return f[:, None, :] * partial + u[:, :, None] * effect[:, None, :]


def state_error(t: Trace, d_h: Array, cell: Cell) -> Array:
    r"""The error of the cell state: the one error that a cell keeps.

    $$e_c = dh_t \odot o_t \odot \varphi'(c_t)$$
    """
    phi = cell.output_activation
    return d_h * spread(t.o, cell.block_size) * phi.slope(phi(t.c))


def output_gate_error(t: Trace, d_h: Array, cell: Cell) -> Array:
    r"""The error of the output gate's net input, which depends on this step alone.

    $$e_o = \sigma'(net_o) \odot \textstyle\sum_S dh_t \odot \varphi(c_t)$$
    """
    return sigmoid.slope(t.o) * block_sum(d_h * cell.output_activation(t.c), cell.block_size)


EFFECTS = {"i": input_gate_effect, "f": forget_gate_effect, "c": cell_input_effect}


def gradients(run: Run, d_outputs: Array) -> Weights:
    r"""The truncated gradient, computed forward in time.

    Args:
        run: What `forward` returned, without mask. Only its trace is used.
        d_outputs: $dh_t$ of every step, `(batch, timesteps, units)`.

    Returns:
        The derivatives of the weights that were given.

    Raises:
        ValueError: The run had masked steps, or was of more than a variant.

    Examples:
        >>> import numpy as np
        >>> from keras_lstm_ext.reference import forward, linear, truncated
        >>> x, w = np.ones((1, 3, 1)), {"W_c": np.array([[0.1]]), "R_c": np.array([[0.2]])}
        >>> run = forward("cec", x, None, w, activation=linear, output_activation=linear)
        >>> d_outputs = np.zeros((1, 3, 1))
        >>> d_outputs[0, -1] = 1.0
        >>> truncated.gradients(run, d_outputs)["W_c"]
        array([[3.]])
    """
    if not run.valid.all():
        raise ValueError("run: it has masked steps; accepted: a run without mask")
    if run.variant not in VARIANTS.values() or any(np.any(d) for d in run.zoneout):
        raise ValueError("run: it is normalised, projected or zoned out; accepted: a plain variant")
    cell, nets = run.cell, run.variant.FORM.nets
    effects = EFFECTS | {"i": coupled_gate_effect} if run.variant is coupled else EFFECTS
    totals = {k: _zeros(k, run) for k in nets}
    partials = {k: np.zeros((len(run.outputs), *totals[k].shape)) for k in nets if k != "o"}
    for step, t in enumerate(run.trace):
        d_h = d_outputs[:, step]
        e_c = state_error(t, d_h, cell)
        f = spread(t.f, cell.block_size)
        for k in partials:
            partials[k] = carry(partials[k], f, effects[k](t, cell), _sources(t, t.c_prev))
            totals[k] += np.einsum("bn,bmn->mn", e_c, partials[k])
        if "o" in nets:
            totals["o"] += _sources(t, t.c).T @ output_gate_error(t, d_h, cell)
    named: Weights = {}
    for k in nets:
        # The cells of a block share a gate's weights: their contributions add up.
        total = block_sum(totals[k], cell.block_size) if k in "if" else totals[k]
        named |= _by_name(k, total, run)
    return {name: named[name] for name in run.names}


def _zeros(k: str, run: Run) -> Array:
    """`(sources, n)`: `n` is the cells that net `k` acts on, or for the output gate the blocks."""
    t = run.trace[0]
    sources = t.x.shape[1] + t.r.shape[1] + t.c.shape[1] + 1
    return np.zeros((sources, t.o.shape[1] if k == "o" else t.c.shape[1]))


def _sources(t: Trace, seen: Array) -> Array:
    """What the weights multiply: input, what is fed back, the state that peepholes see, and 1."""
    return np.concatenate([t.x, t.r, seen, np.ones((len(t.x), 1))], axis=1)


def _by_name(k: str, total: Array, run: Run) -> Weights:
    """Takes the gradient by source and net, `(sources, n)`, apart into those of W, R, p and b."""
    ends = np.cumsum([s.shape[1] for s in (run.trace[0].x, run.trace[0].r, run.trace[0].c)])
    W, R, P, b = np.split(total, ends)
    named = {f"W_{k}": W, f"R_{k}": R, f"b_{k}": b[0]}
    if k != "c":
        # A gate has peepholes from the cells of its own block only.
        cells = np.arange(len(P))
        named[f"p_{k}"] = P[cells, cells // run.cell.block_size]
    return named
