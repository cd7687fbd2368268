r"""Networks side by side, and the truncated gradient that the papers train them by.

The gradient runs forward in time beside the state, so that a step costs the same however long the
sequence, and nothing of the past is stored. The step is the package's own,
`keras_lstm_ext.engines.step`; `keras_lstm_ext.reference.truncated` has the equations of the
gradient, with the same names and their sources.

The first axis of every array is that of the networks, or with one network that of its sequences.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_lstm_ext import activations
from keras_lstm_ext.activations import SLOPES
from keras_lstm_ext.engines.step import Equations, Nets
from keras_lstm_ext.tasks import Network

Tensor = Any


class Weights(NamedTuple):
    """What is learned; an array of no size for what a network does not have."""

    K: Tensor  # (networks, columns, sources): from the input, from what is fed back, from 1
    p: Tensor  # (networks, gates, units)
    V: Tensor  # (networks, outputs, seen): from the cells, from the input by shortcut, from 1


class Partials(NamedTuple):
    """The effects of the weights on the state of each cell."""

    K: Nets  # by net but o, (networks, units, sources)
    p: Nets  # by gate but o, (networks, units, block size)


class Step(NamedTuple):
    """What one step of the networks computes."""

    y: Tensor  # (networks, outputs)
    h: Tensor  # (networks, units)
    c: Tensor  # (networks, units)
    nets: Nets
    u: Tensor  # (networks, sources), what K reads
    seen: Tensor  # (networks, seen), what V reads


@dataclass(frozen=True, eq=False)
class Learner:
    """A paper's network as a computation.

    Args:
        network: The network.
        features: Number of input units.
        outputs: Number of output units.
    """

    network: Network
    features: int
    outputs: int

    @cached_property
    def equations(self) -> Equations:
        """The step of the memory cells."""
        v = self.network.variant
        g = activations.get("activation", v.activation)
        h = g
        if v.output_activation != "same":
            h = activations.get("output_activation", v.output_activation)
        return Equations(v, activations.get("recurrent_activation", "sigmoid"), g, h)

    @property
    def fed_back(self) -> int:
        """Number of values that a step reads of the step before."""
        return sum(self.network.variant.feedback_widths(self.network.units).values())

    def draw_weights(self, rng: np.random.Generator) -> Weights:
        """Initial weights of one network, without the first axis."""
        n, v = self.network, self.network.variant
        columns = v.columns(n.units)

        def uniform(*shape: int) -> Any:
            return rng.uniform(-n.weight_range, n.weight_range, shape)

        K = uniform(*self.learned.shape) * self.learned
        p = uniform(len(v.gates) * v.peepholes, n.units)
        V = uniform(self.outputs, n.units + n.shortcut * self.features + n.output_bias)
        for gate, bias in n.gate_bias.items():
            K[columns[gate], -1] = bias
        return Weights(K, p, V)

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

    def step(self, w: Weights, x: Tensor, c: Tensor, r: Tensor, grown: Tensor) -> Step:
        """One step.

        Args:
            w: The weights.
            x: The input, `(networks, features)`, or symbols, `(networks,)`.
            c: The state.
            r: What is fed back.
            grown: 1 where the outputs see the cells, 0 where not yet, `(networks,)`.

        Returns:
            The output and everything that the gradient needs.
        """
        if len(x.shape) == 1:
            x = ops.one_hot(x, self.features, dtype=c.dtype)
        one = ops.ones_like(c[:, :1])
        u = ops.concatenate([x, r, one], axis=-1)
        h, c, nets = self.equations.step(_product(w.K, u), c, ops.moveaxis(w.p, 1, 0))
        seen = [grown[:, None] * h, *[x] * self.network.shortcut, *[one] * self.network.output_bias]
        seen = ops.concatenate(seen, axis=-1)
        y = _product(w.V, seen)
        return Step(self._logistic(y), h, c, nets, u, seen)

    def _logistic(self, y: Tensor) -> Tensor:
        return ops.sigmoid(y) if self.network.output_activation == "sigmoid" else y

    def feed_back(self, step: Step) -> Tensor:
        """What the next step reads of this one."""
        v = self.network.variant
        if v.feedback == "none":
            return step.h[:, :0]
        gates = [step.nets[k] for k in v.gates] if v.feeds_gates else []
        return ops.concatenate([step.h, *gates], axis=-1)

    def no_partials(self, networks: int) -> Partials:
        """Effects before the first step."""
        n = self.network
        nets = [k for k in n.variant.nets if k != "o"]
        gates = [k for k in nets if n.variant.peepholes and k != "c"]
        sources = self.learned.shape[1]
        return Partials(
            {k: np.zeros((networks, n.units, sources)) for k in nets},
            {k: np.zeros((networks, n.units, n.variant.block_size)) for k in gates},
        )

    def carry(self, partials: Partials, step: Step, c_before: Tensor) -> Partials:
        """The effects of the weights on the state, carried on by one step."""
        e, nets = self.equations, step.nets
        slope = SLOPES[e.sigma]
        effect = {"c": SLOPES[e.activation](nets["c"])}
        if "i" in nets:
            effect["c"] = effect["c"] * e.spread(nets["i"])
            effect["i"] = e.by_input_gate(nets, c_before) * e.spread(slope(nets["i"]))
        if "f" in nets:
            effect["f"] = c_before * e.spread(slope(nets["f"]))
        f = e.kept(nets, ops.ones_like(c_before))[..., None]

        def carry(k: str, partial: Tensor, u: Tensor) -> Tensor:
            return f * partial + effect[k][..., None] * u

        u, c_block = step.u[:, None, :], self._of_block(c_before)
        return Partials(
            {k: carry(k, partial, u) for k, partial in partials.K.items()},
            {k: carry(k, partial, c_block) for k, partial in partials.p.items()},
        )

    def _of_block(self, c: Tensor) -> Tensor:
        """For each cell the cells of its block, `(networks, units, block size)`."""
        size = self.network.variant.block_size
        blocks = ops.reshape(c, (c.shape[0], -1, size))
        return ops.reshape(ops.stack([blocks] * size, axis=2), (*c.shape, size))

    def gradient(
        self, w: Weights, d_y: Tensor, step: Step, partials: Partials, grown: Tensor
    ) -> Weights:
        """The gradient of the error of one step.

        Args:
            w: The weights of the step.
            d_y: Error at the output, `(networks, outputs)`.
            step: The step.
            partials: The effects on its state.
            grown: As for `step`.

        Returns:
            The derivatives, in the places of the weights.
        """
        e, v, units = self.equations, self.network.variant, step.c.shape[-1]
        if self.network.output_activation == "sigmoid":
            d_y = d_y * step.y * (1.0 - step.y)
        d_h = grown[:, None] * ops.sum(d_y[..., None] * w.V[..., :units], axis=1)
        squashed = e.output_activation(step.c)
        e_c = d_h * SLOPES[e.output_activation](squashed)
        if "o" in v.gates:
            e_c = e_c * e.spread(step.nets["o"])
            e_o = SLOPES[e.sigma](step.nets["o"]) * e.sum_block(d_h * squashed)
        K, p = {}, {}
        for k, partial in partials.K.items():
            K[k] = e_c[..., None] * partial
            if k != "c":
                K[k] = self._sum_block(K[k])
        for k, partial in partials.p.items():
            p[k] = ops.reshape(self._sum_block(e_c[..., None] * partial), e_c.shape)
        if "o" in v.gates:
            K["o"] = e_o[..., None] * step.u[:, None, :]
            p["o"] = e.spread(e_o) * step.c
        return Weights(
            ops.concatenate([K[k] for k in v.nets], axis=1) * ops.cast(self.learned, w.K.dtype),
            ops.stack([p[k] for k in v.gates], axis=1) if v.peepholes else ops.zeros_like(w.p),
            d_y[..., None] * step.seen[:, None, :],
        )

    def _sum_block(self, cells: Tensor) -> Tensor:
        """`(networks, units, n)` to `(networks, blocks, n)`: a block's cells share their gates."""
        size = self.network.variant.block_size
        return ops.sum(ops.reshape(cells, (cells.shape[0], -1, size, cells.shape[-1])), axis=2)


def _product(W: Tensor, u: Tensor) -> Tensor:
    if W.shape[0] == 1:  # one network, many sequences
        return ops.matmul(u, ops.transpose(W[0]))
    return ops.matmul(W, u[..., None])[..., 0]
