"""LSTM with the forget gate of 1999/2000: the LSTM of today's frameworks."""

from keras_lstm_ext.layers._arguments import arguments
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.layers._groups import Blocks, OfCell, OfLayer
from keras_lstm_ext.layers._layer import RecurrentLayer
from keras_lstm_ext.variants import CLASSIC


@arguments
class ClassicLSTMCell(Blocks, OfCell, RecurrentCell):
    r"""One step of a `ClassicLSTM`: see there for the equations.

    {step}

    {arguments}

    Examples:
        >>> layer = keras.layers.RNN([ClassicLSTMCell(8), ClassicLSTMCell(4)])
        >>> tuple(layer(keras.ops.ones((2, 5, 3))).shape)
        (2, 4)
    """

    member = CLASSIC


@arguments
class ClassicLSTM(Blocks, OfLayer, RecurrentLayer):
    r"""LSTM with input, forget and output gate.

    $$
    \begin{aligned}
    i_t &= \sigma(W_i x_t + R_i h_{t-1} + b_i) \\
    f_t &= \sigma(W_f x_t + R_f h_{t-1} + b_f) \\
    g_t &= \tanh(W_c x_t + R_c h_{t-1} + b_c) \\
    o_t &= \sigma(W_o x_t + R_o h_{t-1} + b_o) \\
    c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
    h_t &= o_t \odot \tanh(c_t)
    \end{aligned}
    $$

    The same function as `keras.layers.LSTM`, whose weights it loads as they are. The forget gate
    lets a cell empty itself; the error inside it is scaled by $f_t$ at every step.

    Source: Gers, Schmidhuber and Cummins 1999 and 2000 for the forget gate, on the cell of
    Hochreiter and Schmidhuber 1997. The papers have blocks (`block_size`), the squashers of
    1997, and the truncated gradient; the full one came with Graves and Schmidhuber 2005, tanh is in
    Zaremba, Sutskever and Vinyals 2014.

    With `blocks = units / block_size`, `kernel` and `recurrent_kernel` have the columns i (blocks),
    f (blocks), c (units), o (blocks). The states are `[h, c]`.

    {arguments}

    Raises:
        ValueError: If an argument has a value that it does not accept.

    Examples:
        >>> layer, keras_layer = ClassicLSTM(4), keras.layers.LSTM(4)
        >>> x = keras.random.normal((2, 5, 3), seed=1)
        >>> y = layer(x), keras_layer(x)
        >>> layer.set_weights(keras_layer.get_weights())
        >>> bool(keras.ops.max(keras.ops.abs(layer(x) - keras_layer(x))) < 1e-6)
        True
    """

    cell_class = ClassicLSTMCell
