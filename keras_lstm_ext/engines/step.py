"""One time step of any variant, after its matrix products, in `keras.ops`.

The equations of the family stand here once for the whole package; cells and engines call them.
"""

from dataclasses import dataclass
from typing import Any

from keras import ops

from keras_lstm_ext.activations import Activation
from keras_lstm_ext.variants import Variant

Tensor = Any


@dataclass(frozen=True)
class Equations:
    """A variant together with its squashing functions."""

    variant: Variant
    sigma: Activation
    activation: Activation
    output_activation: Activation

    def step(
        self, z: Tensor, c: Tensor, peephole_kernel: Tensor | None
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Computes h, the new c and the gates from the net inputs z and the old c.

        Args:
            z: Net inputs without peepholes, of shape `(batch, columns)`.
            c: Cell state, of shape `(batch, units)`.
            peephole_kernel: Shape `(gates, units)`, or None.

        Returns:
            h and c, of shape `(batch, units)`, and the gates by letter, `(batch, blocks)` each.
        """
        v = self.variant
        units = c.shape[-1]
        net = {k: z[:, columns] for k, columns in v.columns(units).items()}
        if peephole_kernel is not None:
            p = dict(zip(v.gates, ops.unstack(peephole_kernel, len(v.gates)), strict=True))

        def gate(k: str, c: Tensor) -> Tensor:
            if not v.peepholes:
                return self.sigma(net[k])
            seen = ops.stop_gradient(c) if v.truncated else c
            return self.sigma(net[k] + self.sum_block(p[k] * seen))

        gates = {k: gate(k, c) for k in ("i", "f") if k in v.gates}
        g = self.activation(net["c"])
        i_g = self.spread(gates["i"]) * g if "i" in gates else g
        c = i_g + (self.spread(gates["f"]) * c if "f" in gates else self.decayed(c))
        h = self.output_activation(c)
        if "o" in v.gates:
            gates["o"] = gate("o", c)
            h = self.spread(gates["o"]) * h
        return h, c, gates

    def decayed(self, c: Tensor) -> Tensor:
        """The old state in a variant without forget gate."""
        return c if self.variant.decay == 1.0 else self.variant.decay * c

    def spread(self, gate: Tensor) -> Tensor:
        """From one entry per block to one per cell."""
        size = self.variant.block_size
        return gate if size == 1 else ops.repeat(gate, size, axis=-1)

    def sum_block(self, cells: Tensor) -> Tensor:
        """From one entry per cell to the sum over each block: the transpose of `spread`."""
        size = self.variant.block_size
        if size == 1:
            return cells
        return ops.sum(ops.reshape(cells, (-1, cells.shape[-1] // size, size)), axis=-1)
