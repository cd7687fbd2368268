"""The constant error carousel alone: a memory cell without gates."""

from keras_lstm_ext.layers._arguments import arguments
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.layers._groups import Carousel, OfCell, OfLayer
from keras_lstm_ext.layers._layer import RecurrentLayer
from keras_lstm_ext.variants import CEC


@arguments
class CECLSTMCell(Carousel, OfCell, RecurrentCell):
    r"""One step of a `CECLSTM`: see there for the equations.

    {step}

    {arguments}

    Examples:
        >>> cell = CECLSTMCell(2, activation=None, output_activation=None, recurrent=False)
        >>> h, (h, c) = cell(keras.ops.ones((1, 3)), cell.get_initial_state(1))
        >>> tuple(h.shape)
        (1, 2)
    """

    member = CEC


@arguments
class CECLSTM(Carousel, OfLayer, RecurrentLayer):
    r"""Constant error carousel without gates: a linear self-connection of weight 1.

    $$
    \begin{aligned}
    c_t &= c_{t-1} + \tanh(W_c x_t + R_c h_{t-1} + b_c) \\
    h_t &= \tanh(c_t)
    \end{aligned}
    $$

    The error that reaches a cell stays as it is for as long as the cell is left alone, since
    $\partial c_t / \partial c_{t-1} = 1$ when nothing is fed back. Squashers and feedback can be
    switched off: `CECLSTM(units, activation=None, output_activation=None, recurrent=False)` is the
    carousel alone, a running sum of its weighted inputs. Nothing protects the memory from inputs,
    or the outputs from the memory; the gates of `OriginalLSTM` are the remedy.

    Source: the "naive approach" of Hochreiter and Schmidhuber 1997, section 3.2, with a linear
    cell; squashers are an option here. That paper credits the analysis behind it to Hochreiter's
    diploma thesis of 1991. By Schmidhuber's account of 2025 the thesis has the cell too.

    `kernel` has the shape `(features, units)`, `recurrent_kernel` `(units, units)`, `bias`
    `(units,)`. The states are `[h, c]`.

    {arguments}

    Raises:
        ValueError: If an argument has a value that it does not accept.

    Examples:
        >>> layer = CECLSTM(
        ...     1, activation=None, output_activation=None, recurrent=False,
        ...     kernel_initializer="ones", return_sequences=True,
        ... )
        >>> x = keras.ops.reshape(keras.ops.arange(1, 6, dtype="float32"), (1, 5, 1))
        >>> [float(h) for h in keras.ops.convert_to_numpy(layer(x))[0, :, 0]]
        [1.0, 3.0, 6.0, 10.0, 15.0]
    """

    cell_class = CECLSTMCell
