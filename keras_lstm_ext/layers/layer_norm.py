"""LSTM with layer normalisation."""

from keras_lstm_ext.layers._arguments import arguments
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.layers._groups import LayerNormed, OfCell, OfLayer
from keras_lstm_ext.layers._layer import RecurrentLayer
from keras_lstm_ext.variants import LAYER_NORM


@arguments
class LayerNormLSTMCell(LayerNormed, OfCell, RecurrentCell):
    r"""One step of a `LayerNormLSTM`: see there for the equations.

    {step}

    {arguments}

    Examples:
        >>> cell = LayerNormLSTMCell(4)
        >>> h, (h, c) = cell(keras.ops.ones((2, 3)), cell.get_initial_state(2))
        >>> tuple(cell.norm_kernel.shape), tuple(cell.state_norm_kernel.shape)
        ((2, 16), (2, 4))
    """

    member = LAYER_NORM


@arguments
class LayerNormLSTM(LayerNormed, OfLayer, RecurrentLayer):
    r"""LSTM whose net inputs, and whose state on its way out, are normalised.

    $$
    \begin{aligned}
    i_t &= \sigma(\mathrm{LN}(W x_t)_i + \mathrm{LN}(R h_{t-1})_i + b_i) \\
    f_t &= \sigma(\mathrm{LN}(W x_t)_f + \mathrm{LN}(R h_{t-1})_f + b_f) \\
    g_t &= \tanh(\mathrm{LN}(W x_t)_c + \mathrm{LN}(R h_{t-1})_c + b_c) \\
    o_t &= \sigma(\mathrm{LN}(W x_t)_o + \mathrm{LN}(R h_{t-1})_o + b_o) \\
    c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
    h_t &= o_t \odot \tanh(\mathrm{LN}(c_t))
    \end{aligned}
    $$

    LN shifts and scales the vector that it is given, $W x_t$ and $R h_{t-1}$ with the columns of
    all nets, to mean 0 and variance 1, and multiplies by a gain for each entry; that of $c_t$ has a
    shift too. The state itself goes on as it is.

    Source: Ba, Kiros and Hinton 2016.

    With `blocks = units / block_size`, `kernel` and `recurrent_kernel` have the columns i (blocks),
    f (blocks), c (units), o (blocks), and so has `norm_kernel`, whose rows are the gains of
    $W x_t$ and $R h_{t-1}$; `state_norm_kernel` has the rows gain and shift. The states are
    `[h, c]`.

    {arguments}

    Raises:
        ValueError: If an argument has a value that it does not accept.

    Examples:
        >>> layer = LayerNormLSTM(8, normalize_output=False)
        >>> tuple(layer(keras.ops.ones((2, 5, 3))).shape)
        (2, 8)
    """

    cell_class = LayerNormLSTMCell
