"""The LSTM of 1997: memory cell blocks with input and output gates, and no forget gate."""

from keras_lstm_ext.layers._arguments import arguments
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.layers._groups import Blocks1997, OfCell, OfLayer
from keras_lstm_ext.layers._layer import RecurrentLayer
from keras_lstm_ext.variants import ORIGINAL


@arguments
class OriginalLSTMCell(Blocks1997, OfCell, RecurrentCell):
    r"""One step of an `OriginalLSTM`: see there for the equations.

    Call it with `inputs` of shape `(batch, features)` and `states`, the list `[h, c, gates]` of
    shapes `(batch, units)`, `(batch, units)` and `(batch, 2 * blocks)`; it returns
    `(h, [h, c, gates])`.

    {arguments}

    Examples:
        >>> cell = OriginalLSTMCell(4, block_size=2)
        >>> h, states = cell(keras.ops.ones((1, 3)), cell.get_initial_state(1))
        >>> [tuple(state.shape) for state in states]
        [(1, 4), (1, 4), (1, 4)]
    """

    member = ORIGINAL


@arguments
class OriginalLSTM(Blocks1997, OfLayer, RecurrentLayer):
    r"""LSTM as first published: input and output gates around the carousel, no forget gate.

    $$
    \begin{aligned}
    r_{t-1} &= [h_{t-1}; i_{t-1}; o_{t-1}] \\
    i_t &= \sigma(W_i x_t + R_i r_{t-1} + b_i) \\
    o_t &= \sigma(W_o x_t + R_o r_{t-1} + b_o) \\
    g_t &= 4 \sigma(W_c x_t + R_c r_{t-1} + b_c) - 2 \\
    c_t &= c_{t-1} + i_t \odot g_t \\
    h_t &= o_t \odot (2 \sigma(c_t) - 1)
    \end{aligned}
    $$

    The gates of a step feed all nets of the next one, as cell outputs do. `block_size` cells share
    one input and one output gate. By default the gradient is the paper's truncated one: no error
    flows through $r_{t-1}$, and the error inside a cell stays constant for ever.

    Source: Hochreiter and Schmidhuber 1997, section 4 and appendix A.1; squashers from eqs A.2 and
    A.3, connections from Table 10. The paper starts output gates, and in some experiments input
    gates, with negative biases that differ from block to block: see `gate_bias`.

    With `blocks = units / block_size`, `kernel` has the columns i (blocks), c (units), o (blocks);
    `recurrent_kernel` has the same columns and the rows h (units), i (blocks), o (blocks); `bias`
    has the entries of the nets that have one. The states are `[h, c, gates]`, the gates `[i, o]`.

    {arguments}

    Raises:
        ValueError: If an argument has a value that it does not accept.

    Examples:
        The hidden layer of the paper's adding problem (experiment 4): two blocks of two cells,
        whose input gates start at -3 and -6.

        >>> layer = OriginalLSTM(4, block_size=2, gate_bias={"i": [-3.0, -6.0]})
        >>> tuple(layer(keras.ops.ones((1, 100, 2))).shape)
        (1, 4)
        >>> layer.count_params()
        88
    """

    cell_class = OriginalLSTMCell
