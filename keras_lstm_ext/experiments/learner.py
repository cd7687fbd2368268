"""A paper's network as a computation: its weights, and how the library that trains it has them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keras_lstm_ext.tasks import Network

Array = NDArray[Any]


class Weights(NamedTuple):
    """What is learned of one network; an array of no size for what it does not have."""

    K: Array  # (columns, sources): from the input, from what is fed back, from 1
    p: Array  # (gates, units)
    V: Array  # (outputs, seen): from the cells, from the input by shortcut, from 1


@dataclass(frozen=True, eq=False)
class Learner:
    """The weights of networks of one kind.

    Args:
        network: The network.
        features: Number of input units.
        outputs: Number of output units.
    """

    network: Network
    features: int
    outputs: int

    @property
    def fed_back(self) -> int:
        """Number of values that a step reads of the step before."""
        return sum(self.network.variant.feedback_widths(self.network.units).values())

    def draw_weights(self, rng: np.random.Generator) -> Weights:
        """Initial weights of one network."""
        n = self.network
        columns = n.variant.columns(n.units)
        K, p, V = (rng.uniform(-n.weight_range, n.weight_range, shape) for shape in self.shapes)
        K *= self.learned
        for gate, bias in n.gate_bias.items():
            K[columns[gate], -1] = bias
        return Weights(K, p, V)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Of `Weights`."""
        n, v = self.network, self.network.variant
        seen = n.units + n.shortcut * self.features + n.output_bias
        return self.learned.shape, (len(v.gates) * v.peepholes, n.units), (self.outputs, seen)

    @cached_property
    def learned(self) -> Any:
        """Which entries of K there are, `(columns, sources)`: all but some biases."""
        use_bias, widths = self.network.use_bias, self.network.variant.widths(self.network.units)
        has_bias = {k: k != "c" if use_bias == "gates" else use_bias for k in widths}
        learned = np.ones((sum(widths.values()), self.features + self.fed_back + 1), bool)
        if self.network.variant.gates_to_gates:
            cells = self.network.variant.columns(self.network.units)["c"]
            learned[cells, self.features + self.network.units : -1] = False
        learned[:, -1] = np.concatenate([np.full(n, has_bias[k]) for k, n in widths.items()])
        return learned

    def pack(self, weights: Weights) -> Array:
        """The weights in a row, as the library has them."""
        return np.concatenate([weights.K.ravel(), weights.p.ravel(), weights.V.T.ravel()])

    def unpack(self, packed: Array) -> Weights:
        """The inverse of `pack`, of a row that may have more."""
        ends = np.cumsum([rows * columns for rows, columns in self.shapes])
        K, p, V, _ = np.split(packed, ends)
        of_K, of_p, of_V = self.shapes
        return Weights(K.reshape(of_K), p.reshape(of_p), V.reshape(of_V[::-1]).T)
