r"""The LSTM family in NumPy float64: one function per equation, and the way back derived by hand.

This package decides what the right answer is. It knows nothing of the layers and engines that are
compared with it, imports nothing but NumPy, and is written to be read beside the papers.

Letters: $x$ input, $h$ output, $c$ cell state, $i, f, o$ gates, $g$ the squashed cell input;
$W$ input, $R$ recurrent, $p$ peephole weights, $b$ bias; $r$ what is fed back from the step before;
$a$ squashes the cell input (`activation`), $\varphi$ the cell state (`output_activation`).
$dz$, in code `d_z`, is the derivative of the loss with respect to $z$.

Rows are examples. So the code says `x @ W_i + r @ R_i + b_i` where the equations, whose vectors are
columns, say $W_i x_t + R_i r_{t-1} + b_i$: the matrices here are the papers' transposed.

Block $j$ of size $S$ is the cells $jS, \dots, (j+1)S-1$, which share their gates. A gate has one
entry per block, and $i_t \odot g_t$ multiplies each cell by the gate of its block. $\sum_S$ adds up
the cells of each block. With $S = 1$ both can be ignored.

Weights are a dictionary. `k` is a gate or, for the net input of the cell, `c`; `n` is `units` for
`c` and `units // block_size` for a gate:

* `W_k` `(features, n)`; a gate without it is absent, that is, always open;
* `R_k` `(fed, n)`; without it nothing is fed back into this net;
* `p_k` `(units,)`; without it the gate does not see the cell state;
* `b_k` `(n,)`; without it the net has no bias.

`normalized` and `projected` name the weights by which any variant becomes a normalised or projected
one; `zoneout` is an argument of `forward`.
"""

from . import (
    cec,
    classic,
    coupled,
    normalized,
    original,
    peephole,
    projected,
    truncated,
    zoneout,
)
from .functions import (
    Squasher,
    block_sum,
    centered_sigmoid_1,
    centered_sigmoid_2,
    linear,
    sigma,
    sigmoid,
    spread,
    tanh,
)
from .nets import Cell, Form, Trace
from .sequence import VARIANTS, Run, backward, forward

__all__ = [
    "VARIANTS",
    "Cell",
    "Form",
    "Run",
    "Squasher",
    "Trace",
    "backward",
    "block_sum",
    "cec",
    "centered_sigmoid_1",
    "centered_sigmoid_2",
    "classic",
    "coupled",
    "forward",
    "linear",
    "normalized",
    "original",
    "peephole",
    "projected",
    "sigma",
    "sigmoid",
    "spread",
    "tanh",
    "truncated",
    "zoneout",
]
