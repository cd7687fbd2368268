r"""A projection of the cell outputs of any variant (LSTMP).

$$
\begin{aligned}
m_t &= o_t \odot \varphi(c_t) \\
r_t &= P \, m_t \\
h_t &= [r_t;\ Q \, m_t]
\end{aligned}
$$

What is put out is $h_t$, what is fed back $r_t$, of other widths than the cells. `P` is
`(units, fed)`; `Q`, `(units, others)`, may be absent, and then $h_t = r_t$.

Source: Sak, Senior and Beaufays (2014), whose cell has peepholes. They call $P$ the recurrent and
$Q$ the non-recurrent projection.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .functions import Array
from .nets import Cell, Form, State, Weights


class Unprojected(NamedTuple):
    """What the variant within made, and m `(batch, units)`."""

    inner: Any
    m: Array


def output(m: Array, w: Weights) -> Array:
    r"""What is put out, of which $P \, m_t$ is fed back.

    $$h_t = [P \, m_t;\ Q \, m_t]$$
    """
    return m @ _both(w)


@dataclass
class Projected:
    """A variant whose cell outputs are projected.

    Args:
        inner: The variant.
        FORM: That of the variant.
    """

    inner: Any
    FORM: Form

    def step(self, x: Array, state: State, w: Weights, cell: Cell) -> tuple[State, Unprojected]:
        """One step forward: see `cec.step`."""
        h, *others = state
        fed = h[:, : w["P"].shape[1]]
        (m, *rest), trace = self.inner.step(x, (fed, *others), w, cell)
        return (output(m, w), *rest), Unprojected(trace, m)

    def step_backward(
        self, t: Unprojected, d_state: State, w: Weights, cell: Cell
    ) -> tuple[Array, State, Weights]:
        r"""One step back.

        $$
        dm_t = [P;\ Q]^\top dh_t \qquad [dP;\ dQ] = dh_t \, m_t^\top
            \qquad dh_{t-1} = [dr_{t-1};\ 0]
        $$
        """
        d_h, *d_rest = d_state
        d_m = d_h @ _both(w).T
        d_x, (d_r, *d_others), d_w = self.inner.step_backward(t.inner, (d_m, *d_rest), w, cell)
        fed = d_r.shape[1]
        d_before = np.zeros_like(d_h)
        d_before[:, :fed] = d_r
        d_both = t.m.T @ d_h
        return d_x, (d_before, *d_others), d_w | {"P": d_both[:, :fed], "Q": d_both[:, fed:]}


def _both(w: Weights) -> Array:
    """P and Q side by side: in code, where rows are examples, the columns of one matrix."""
    return np.concatenate([w["P"], w["Q"]], axis=1) if "Q" in w else w["P"]
