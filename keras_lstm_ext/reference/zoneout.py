r"""Zoneout: entries of h and c that keep their old values for a step.

$$
\begin{aligned}
c_t &= d^c_t \odot c_{t-1} + (1 - d^c_t) \odot \tilde c_t \\
h_t &= d^h_t \odot h_{t-1} + (1 - d^h_t) \odot \tilde h_t
\end{aligned}
$$

$\tilde c_t$ and $\tilde h_t$ are what the step makes of the old state; $\tilde h_t$, and the
peephole of the output gate, see $\tilde c_t$. In training each entry of $d_t$ is drawn for each
step, 1 with the probability of zoneout and else 0; in inference it is that probability.

Source: Krueger et al. (2016).
"""

from .functions import Array


def mixed(made: Array, old: Array, d: Array | float) -> Array:
    r"""The new value of what is zoned out, here of c.

    $$c_t = d^c_t \odot c_{t-1} + (1 - d^c_t) \odot \tilde c_t$$
    """
    return d * old + (1.0 - d) * made


def mixed_backward(d_mixed: Array, d: Array | float) -> tuple[Array, Array]:
    r"""The derivatives of what the step made, and of the old value.

    $$d\tilde c_t = (1 - d^c_t) \odot dc_t \qquad dc_{t-1} \mathrel{+}= d^c_t \odot dc_t$$
    """
    return (1.0 - d) * d_mixed, d * d_mixed
