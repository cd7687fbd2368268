"""LSTM with one gate for what is stored and what is kept (CIFG)."""

from keras_lstm_ext.layers._arguments import arguments
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.layers._groups import Coupled, OfCell, OfLayer
from keras_lstm_ext.layers._layer import RecurrentLayer
from keras_lstm_ext.variants import COUPLED


@arguments
class CoupledLSTMCell(Coupled, OfCell, RecurrentCell):
    r"""One step of a `CoupledLSTM`: see there for the equations.

    {step}

    {arguments}

    Examples:
        >>> cell = CoupledLSTMCell(4)
        >>> h, (h, c) = cell(keras.ops.ones((2, 3)), cell.get_initial_state(2))
        >>> tuple(cell.kernel.shape)
        (3, 12)
    """

    member = COUPLED


@arguments
class CoupledLSTM(Coupled, OfLayer, RecurrentLayer):
    r"""LSTM whose input gate decides what is kept as well: what it lets in takes the old's place.

    $$
    \begin{aligned}
    i_t &= \sigma(W_i x_t + R_i h_{t-1} + p_i \odot c_{t-1} + b_i) \\
    g_t &= \tanh(W_c x_t + R_c h_{t-1} + b_c) \\
    c_t &= (1 - i_t) \odot c_{t-1} + i_t \odot g_t \\
    o_t &= \sigma(W_o x_t + R_o h_{t-1} + p_o \odot c_t + b_o) \\
    h_t &= o_t \odot \tanh(c_t)
    \end{aligned}
    $$

    Three quarters of the weights of a `PeepholeLSTM`, and a state that stays between -1 and 1 once
    it is there.

    Source: the variant CIFG of Greff et al. 2017.

    With `blocks = units / block_size`, `kernel` and `recurrent_kernel` have the columns i (blocks),
    c (units), o (blocks); `peephole_kernel` has the shape `(2, units)`, rows i, o. The states are
    `[h, c]`.

    {arguments}

    Raises:
        ValueError: If an argument has a value that it does not accept.

    Examples:
        >>> layer = CoupledLSTM(8)
        >>> tuple(layer(keras.ops.ones((2, 5, 3))).shape)
        (2, 8)
    """

    cell_class = CoupledLSTMCell
