"""LSTM with the peepholes of 2000/2002: gates that see the cell state."""

from keras_lstm_ext.layers._arguments import arguments
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.layers._groups import Blocks, OfCell, OfLayer, Peepholes
from keras_lstm_ext.layers._layer import RecurrentLayer
from keras_lstm_ext.variants import PEEPHOLE


@arguments
class PeepholeLSTMCell(Peepholes, Blocks, OfCell, RecurrentCell):
    r"""One step of a `PeepholeLSTM`: see there for the equations.

    {step}

    {arguments}

    Examples:
        >>> cell = PeepholeLSTMCell(4, peephole_initializer="glorot_uniform")
        >>> h, (h, c) = cell(keras.ops.ones((2, 3)), cell.get_initial_state(2))
        >>> tuple(cell.peephole_kernel.shape)
        (3, 4)
    """

    member = PEEPHOLE


@arguments
class PeepholeLSTM(Peepholes, Blocks, OfLayer, RecurrentLayer):
    r"""LSTM with peepholes: input and forget gate see the old cell state, the output gate the new.

    $$
    \begin{aligned}
    i_t &= \sigma(W_i x_t + R_i h_{t-1} + p_i \odot c_{t-1} + b_i) \\
    f_t &= \sigma(W_f x_t + R_f h_{t-1} + p_f \odot c_{t-1} + b_f) \\
    g_t &= \tanh(W_c x_t + R_c h_{t-1} + b_c) \\
    c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
    o_t &= \sigma(W_o x_t + R_o h_{t-1} + p_o \odot c_t + b_o) \\
    h_t &= o_t \odot \tanh(c_t)
    \end{aligned}
    $$

    A gate can read the memory even while the output gate hides it, which helps to measure and to
    produce precise intervals. With the default zero initializer the layer starts exactly as a
    `ClassicLSTM` with the same weights. In a block, a gate sees every cell of its block.

    Source: Gers and Schmidhuber 2000; Gers, Schraudolph and Schmidhuber 2002. Their gradient is
    truncated: no error flows from gates through peepholes (`gradient="truncated"`). The full one
    came with Graves and Schmidhuber 2005. They squash neither cell input nor output; tanh is in
    Graves 2012.

    With `blocks = units / block_size`, `kernel` and `recurrent_kernel` have the columns i (blocks),
    f (blocks), c (units), o (blocks); `peephole_kernel` has the shape `(3, units)`, rows i, f, o.
    The states are `[h, c]`.

    {arguments}

    Raises:
        ValueError: If an argument has a value that it does not accept.

    Examples:
        >>> model = keras.Sequential([
        ...     keras.Input((None, 3)),
        ...     PeepholeLSTM(8, return_sequences=True),
        ...     PeepholeLSTM(8),
        ...     keras.layers.Dense(1),
        ... ])
        >>> tuple(model(keras.ops.ones((2, 5, 3))).shape)
        (2, 1)
    """

    cell_class = PeepholeLSTMCell
