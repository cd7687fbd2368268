"""LSTM with peepholes whose outputs are projected (LSTMP)."""

from keras_lstm_ext.layers._arguments import arguments
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.layers._groups import OfCell, OfLayer, Projecting
from keras_lstm_ext.layers._layer import RecurrentLayer
from keras_lstm_ext.variants import PROJECTED


@arguments
class ProjectedLSTMCell(Projecting, OfCell, RecurrentCell):
    r"""One step of a `ProjectedLSTM`: see there for the equations.

    Call it with `inputs` of shape `(batch, features)` and `states`, the list `[h, c]` of shapes
    `(batch, outputs)` and `(batch, units)`; it returns `(h, [h, c])`. There are `outputs =
    projection + nonrecurrent_projection` of them.

    {arguments}

    Examples:
        >>> cell = ProjectedLSTMCell(8, projection=3)
        >>> h, (h, c) = cell(keras.ops.ones((2, 5)), cell.get_initial_state(2))
        >>> tuple(h.shape), tuple(c.shape)
        ((2, 3), (2, 8))
    """

    member = PROJECTED


@arguments
class ProjectedLSTM(Projecting, OfLayer, RecurrentLayer):
    r"""LSTM that puts out and feeds back a projection of its cells, with fewer weights for it.

    $$
    \begin{aligned}
    i_t &= \sigma(W_i x_t + R_i h_{t-1} + p_i \odot c_{t-1} + b_i) \\
    f_t &= \sigma(W_f x_t + R_f h_{t-1} + p_f \odot c_{t-1} + b_f) \\
    g_t &= \tanh(W_c x_t + R_c h_{t-1} + b_c) \\
    c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
    o_t &= \sigma(W_o x_t + R_o h_{t-1} + p_o \odot c_t + b_o) \\
    h_t &= P (o_t \odot \tanh(c_t))
    \end{aligned}
    $$

    The width of $h_t$ is `projection`, the number of cells `units`. With `nonrecurrent_projection`,
    $h_t$ has that many entries more; the nets do not read them, and $R_k$ has no rows for them.

    Source: Sak, Senior and Beaufays 2014, with their recurrent and their non-recurrent projection.

    With `blocks = units / block_size`, `kernel` and `recurrent_kernel` have the columns i (blocks),
    f (blocks), c (units), o (blocks), `recurrent_kernel` has `projection` rows, `projection_kernel`
    a column for each entry of h, `peephole_kernel` the rows i, f, o. The states are `[h, c]`.

    {arguments}

    Raises:
        ValueError: If an argument has a value that it does not accept.

    Examples:
        >>> layer = ProjectedLSTM(8, projection=3, nonrecurrent_projection=2)
        >>> tuple(layer(keras.ops.ones((2, 5, 4))).shape)
        (2, 5)
        >>> tuple(layer.recurrent_kernel.shape)
        (3, 32)
    """

    cell_class = ProjectedLSTMCell
