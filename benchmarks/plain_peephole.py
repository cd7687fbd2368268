"""The contender that a user writes today: a peephole cell in `keras.layers.RNN`."""

from typing import Any

import keras
from keras import ops

Tensor = Any


class PlainPeepholeCell(keras.layers.Layer):
    """The equations, one step, in `keras.ops`."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, units]
        self.output_size = units

    def build(self, input_shape: Any) -> None:
        """Creates the weights."""
        n = self.units
        self.kernel = self.add_weight(shape=(input_shape[-1], 4 * n), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(n, 4 * n), name="recurrent_kernel")
        self.peephole_kernel = self.add_weight(shape=(3, n), name="peephole_kernel")
        self.bias = self.add_weight(shape=(4 * n,), name="bias")

    def call(self, x: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """One step."""
        h, c = states
        p_i, p_f, p_o = ops.unstack(ops.convert_to_tensor(self.peephole_kernel), num=3)
        z = ops.matmul(x, self.kernel) + ops.matmul(h, self.recurrent_kernel) + self.bias
        z_i, z_f, z_c, z_o = ops.split(z, 4, axis=-1)
        i = ops.sigmoid(z_i + p_i * c)
        f = ops.sigmoid(z_f + p_f * c)
        c = f * c + i * ops.tanh(z_c)
        o = ops.sigmoid(z_o + p_o * c)
        h = o * ops.tanh(c)
        return h, [h, c]


def plain_peephole_lstm(units: int, **arguments: Any) -> keras.layers.RNN:
    """The cell in Keras' loop."""
    return keras.layers.RNN(PlainPeepholeCell(units), **arguments)
