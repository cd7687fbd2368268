r"""A projection of the cell outputs of any variant (LSTMP).

$$
\begin{aligned}
m_t &= o_t \odot \varphi(c_t) \\
h_t &= P \, m_t
\end{aligned}
$$

What is put out and fed back is $h_t$, of another width than the cells. `P` is `(units, outputs)`.

Source: Sak, Senior and Beaufays (2014), whose cell has peepholes.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from .functions import Array
from .nets import Cell, Form, State, Weights


class Unprojected(NamedTuple):
    """What the variant within made, and m `(batch, units)`."""

    inner: Any
    m: Array


def output(m: Array, w: Weights) -> Array:
    r"""What is put out and fed back.

    $$h_t = P \, m_t$$
    """
    return m @ w["P"]


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
        (m, *rest), trace = self.inner.step(x, state, w, cell)
        return (output(m, w), *rest), Unprojected(trace, m)

    def step_backward(
        self, t: Unprojected, d_state: State, w: Weights, cell: Cell
    ) -> tuple[Array, State, Weights]:
        r"""One step back.

        $$dm_t = P^\top dh_t \qquad dP = dh_t \, m_t^\top$$
        """
        d_h, *d_rest = d_state
        d_m = d_h @ w["P"].T
        d_x, d_before, d_w = self.inner.step_backward(t.inner, (d_m, *d_rest), w, cell)
        return d_x, d_before, d_w | {"P": t.m.T @ d_h}
