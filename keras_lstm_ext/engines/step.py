"""One time step of any variant after its matrix products, and its derivative, in `keras.ops`.

The equations of the family stand here once for the whole package; cells and engines call them.
"""

from dataclasses import dataclass
from typing import Any

from keras import ops

from keras_lstm_ext.activations import SLOPES, Activation
from keras_lstm_ext.engines.norm import normalize, normalize_backward
from keras_lstm_ext.variants import Variant

Tensor = Any
Nets = dict[str, Tensor]


@dataclass(frozen=True)
class Equations:
    """A variant together with its squashing functions, and how much zoneout keeps of h and of c.

    Tensors may have axes before the last: a whole sequence is as good as one step wherever the
    equations do not look at the step before.
    """

    variant: Variant
    sigma: Activation
    activation: Activation
    output_activation: Activation
    zoneout: tuple[float, float] = (0.0, 0.0)

    def step(
        self, z: Tensor | Nets, c: Tensor, p: Tensor | None, s: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Nets]:
        """Computes h, the new c and what each net gives, from the net inputs z and the old c.

        Args:
            z: Net inputs without peepholes, of shape `(batch, columns)`, or already by net.
            c: Cell state, of shape `(batch, units)`.
            p: The peephole weights, of shape `(gates, units)`, or None.
            s: Gain and shift of the state on its way out, of shape `(2, units)`, or None.

        Returns:
            h, not projected yet, and c, of shape `(batch, units)`, and i, f, g, o as far as the
            variant has them, under the names of their nets: g is what net c gives.
        """
        nets = self.write(z, c, p)
        c = self.new_state(nets, c)
        h, nets = self.read(z, c, p, nets, s)
        return h, c, nets

    def new_state(self, nets: Nets, c: Tensor) -> Tensor:
        """What is taken in, and what is left of the old state."""
        return self.intake(nets) + self.kept(nets, c)

    def write(self, z: Tensor | Nets, c: Tensor, p: Tensor | None) -> Nets:
        """Computes i, f and g, which decide what the state becomes."""
        net = self.split(z)
        nets = {k: self.gate(k, net[k], c, p) for k in ("i", "f") if k in net}
        return nets | {"c": self.activation(net["c"])}

    def intake(self, nets: Nets) -> Tensor:
        """What is added to the state: i g."""
        return self.spread(nets["i"]) * nets["c"] if "i" in nets else nets["c"]

    def kept(self, nets: Nets, c: Tensor) -> Tensor:
        """What is left of the old state: f c, (1 - i) c, or c times the constant decay."""
        if "f" in nets:
            return self.spread(nets["f"]) * c
        if self.variant.coupled:
            return self.spread(1.0 - nets["i"]) * c
        return c if self.variant.decay == 1.0 else self.variant.decay * c

    def by_input_gate(self, nets: Nets, c: Tensor) -> Tensor:
        """The derivative of the new state with respect to i: g, less the old state if coupled."""
        return nets["c"] - c if self.variant.coupled else nets["c"]

    def read(
        self, z: Tensor | Nets, c: Tensor, p: Tensor | None, nets: Nets, s: Tensor | None = None
    ) -> tuple[Tensor, Nets]:
        """Computes o and h from the new state."""
        h = self.output_activation(self.shown(c, s))
        if "o" not in self.variant.gates:
            return h, nets
        o = self.gate("o", self.split(z)["o"], c, p)
        return self.spread(o) * h, nets | {"o": o}

    def shown(self, c: Tensor, s: Tensor | None) -> Tensor:
        """The state as the output squasher reads it: normalised if the variant has it so."""
        if s is None:
            return c
        return s[0] * normalize(c, self.variant.epsilon)[0] + s[1]

    def gate(self, k: str, net: Tensor, c: Tensor, p: Tensor | None) -> Tensor:
        """Computes a gate, which sees the state c if the variant has peepholes."""
        if self.variant.peepholes:
            seen = ops.stop_gradient(c) if self.variant.truncated else c
            net = net + self.sum_block(self.peephole(k, p) * seen)
        return self.sigma(net)

    def step_backward(
        self,
        d_h: Tensor,
        d_c: Tensor,
        d_fed: Nets,
        nets: Nets,
        c_before: Tensor,
        c: Tensor,
        p: Tensor | None,
        s: Tensor | None = None,
    ) -> tuple[Nets, Tensor, Tensor]:
        """Derivative of `step`, from the values that it computed.

        Args:
            d_h: Error at h, `(batch, units)`.
            d_c: Error at the new c, from the steps after.
            d_fed: Error at each gate that was fed back to the next step; empty otherwise.
            nets: What `step` returned.
            c_before: The old cell state.
            c: The new cell state.
            p: The peephole weights, or None.
            s: Gain and shift of the state on its way out, or None.

        Returns:
            The error at each net input, at the old c, and at what the output squasher reads.
        """
        slope = {k: SLOPES[self.sigma] for k in self.variant.gates} | {"c": SLOPES[self.activation]}
        squashed = self.output_activation(self.shown(c, s))
        d_nets: Nets = {}

        def through(k: str, d: Tensor) -> Tensor:
            return (d + d_fed[k] if k in d_fed else d) * slope[k](nets[k])

        def peeped(k: str) -> Tensor:
            return self.spread(d_nets[k]) * self.peephole(k, p)

        passes = self.variant.peepholes and not self.variant.truncated
        d_squashed = d_h
        if "o" in nets:
            d_nets["o"] = through("o", self.sum_block(d_h * squashed))
            d_squashed = d_h * self.spread(nets["o"])
        d_shown = d_squashed * SLOPES[self.output_activation](squashed)
        d_c = d_c + self.shown_backward(d_shown, c, s)
        if passes and "o" in nets:
            d_c = d_c + peeped("o")
        d_g = d_c
        if "i" in nets:
            d_nets["i"] = through("i", self.sum_block(d_c * self.by_input_gate(nets, c_before)))
            d_g = d_c * self.spread(nets["i"])
        d_nets["c"] = through("c", d_g)
        if "f" in nets:
            d_nets["f"] = through("f", self.sum_block(d_c * c_before))
        d_c_before = self.kept(nets, d_c)
        if passes:
            d_c_before = sum((peeped(k) for k in ("i", "f") if k in nets), d_c_before)
        return d_nets, d_c_before, d_shown

    def shown_backward(self, d_shown: Tensor, c: Tensor, s: Tensor | None) -> Tensor:
        """The error at the state, from that at what the output squasher reads."""
        if s is None:
            return d_shown
        return normalize_backward(d_shown * s[0], *normalize(c, self.variant.epsilon))

    def split(self, z: Tensor | Nets) -> Nets:
        """The columns of z by net; what is split already stays as it is."""
        if isinstance(z, dict):
            return z
        size = self.variant.block_size
        # columns = units + gates * units / size; int: under torch.jit.trace a size is a tensor.
        units = int(z.shape[-1]) * size // (size + len(self.variant.gates))
        return {k: z[..., columns] for k, columns in self.variant.columns(units).items()}

    def join(self, nets: Nets) -> Tensor:
        """The inverse of `split`."""
        return ops.concatenate([nets[k] for k in self.variant.nets], axis=-1)

    def peephole(self, k: str, p: Tensor) -> Tensor:
        """The peephole weights of one gate."""
        return p[self.variant.gates.index(k)]

    def spread(self, gate: Tensor) -> Tensor:
        """From one entry per block to one per cell."""
        size = self.variant.block_size
        if size == 1:
            return gate
        # Not ops.repeat: inside a loop, XLA cannot compile its gradient on TensorFlow.
        cells = ops.stack([gate] * size, axis=-1)
        return ops.reshape(cells, (*ops.shape(gate)[:-1], gate.shape[-1] * size))

    def sum_block(self, cells: Tensor) -> Tensor:
        """From one entry per cell to the sum over each block: the transpose of `spread`."""
        size = self.variant.block_size
        if size == 1:
            return cells
        blocks = (*ops.shape(cells)[:-1], cells.shape[-1] // size, size)
        return ops.sum(ops.reshape(cells, blocks), axis=-1)


def differentiable(equations: Equations) -> str | None:
    """Gives None if `step_backward` knows every derivative, or says which one it lacks."""
    for name in ("sigma", "activation", "output_activation"):
        function = getattr(equations, name)
        if function not in SLOPES:
            argument = "recurrent_activation" if name == "sigma" else name
            return f"it does not know the derivative of {argument}={function!r}"
    return None
