"""What every variant is made of: squashers with their slopes, and gates shared by blocks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# float64 where an answer is to be exact; float32 stays float32.
Array: TypeAlias = NDArray[np.floating[Any]]


def sigma(x: Array) -> Array:
    r"""The logistic function, which every gate uses.

    $$\sigma(x) = \frac{1}{1 + e^{-x}}$$

    Examples:
        >>> import numpy as np
        >>> float(sigma(np.array(0.0)))
        0.5
    """
    # Where exp(-x) overflows to infinity, 1 / (1 + exp(-x)) is 0, which is right.
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-x))


@dataclass(frozen=True)
class Squasher:
    r"""A squashing function $y = a(x)$ and its slope $a'(x)$, written in terms of $y$.

    A forward pass leaves the values $y$ behind, so that is what a backward pass has at hand.

    Args:
        name: The name under which it is known.
        value: From $x$ to $y = a(x)$, elementwise.
        slope: From $y = a(x)$ to $a'(x)$, elementwise.

    Examples:
        >>> import numpy as np
        >>> y = sigmoid(np.array(0.0))
        >>> float(y), float(sigmoid.slope(y))
        (0.5, 0.25)
    """

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]

    def __call__(self, x: Array) -> Array:
        """The value at `x`."""
        return self.value(x)


sigmoid = Squasher("sigmoid", sigma, lambda y: y * (1.0 - y))
r"""$y = \sigma(x)$, in (0, 1): the gates."""

tanh = Squasher("tanh", np.tanh, lambda y: 1.0 - y**2)
r"""$y = \tanh(x)$, in (-1, 1): both squashers of the classic cell."""

linear = Squasher("linear", lambda x: x, np.ones_like)
"""$y = x$: the carousel alone, and the cells of the 2002 experiments."""

centered_sigmoid_2 = Squasher(
    "centered_sigmoid_2", lambda x: 4.0 * sigma(x) - 2.0, lambda y: 1.0 - y**2 / 4.0
)
r"""$y = 4\sigma(x) - 2$, in (-2, 2): the cell input of 1997, eq. A.3."""

centered_sigmoid_1 = Squasher(
    "centered_sigmoid_1", lambda x: 2.0 * sigma(x) - 1.0, lambda y: (1.0 - y**2) / 2.0
)
r"""$y = 2\sigma(x) - 1$, in (-1, 1): the cell output of 1997, eq. A.2."""


def spread(gate: Array, block_size: int) -> Array:
    """Gives every cell the gate of its block.

    Args:
        gate: `(batch, blocks)`.
        block_size: How many cells share a gate.

    Returns:
        `(batch, units)`, with `units = blocks * block_size`.

    Examples:
        >>> import numpy as np
        >>> spread(np.array([[0.1, 0.9]]), 3)
        array([[0.1, 0.1, 0.1, 0.9, 0.9, 0.9]])
    """
    return np.repeat(gate, block_size, axis=-1)


def block_sum(cells: Array, block_size: int) -> Array:
    """Adds up the cells of each block; the transpose of `spread`.

    Args:
        cells: `(batch, units)`.
        block_size: How many cells share a gate.

    Returns:
        `(batch, blocks)`, with `blocks = units // block_size`.

    Examples:
        >>> import numpy as np
        >>> block_sum(np.array([[1.0, 2.0, 3.0, 10.0, 20.0, 30.0]]), 3)
        array([[ 6., 60.]])
    """
    blocks = cells.shape[-1] // block_size
    total: Array = cells.reshape(*cells.shape[:-1], blocks, block_size).sum(axis=-1)
    return total
