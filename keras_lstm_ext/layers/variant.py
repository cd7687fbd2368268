"""Any member of the family as a layer, from a `Variant`."""

from keras_lstm_ext.layers._arguments import arguments
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.layers._groups import AnyVariant, OfCell, OfLayer
from keras_lstm_ext.layers._layer import RecurrentLayer


@arguments
class VariantLSTMCell(AnyVariant, OfCell, RecurrentCell):
    r"""One step of any member of the family, described by a `Variant`.

    `"variant"`, the default of both activations, stands for those of the `Variant`.

    Call it with `inputs` of shape `(batch, features)` and `states`, the list `[h, c]` of shape
    `(batch, units)` each, with a third state where gates are fed back; it returns `(h, states)`.

    {arguments}

    Examples:
        >>> blocks_of_2000 = Variant(gates=("i", "f", "o"), block_size=2)
        >>> layer = keras.layers.RNN(VariantLSTMCell(8, variant=blocks_of_2000))
        >>> tuple(layer(keras.ops.ones((3, 5, 4))).shape)
        (3, 8)
    """


@arguments
class VariantLSTM(AnyVariant, OfLayer, RecurrentLayer):
    r"""A member of the family that has no name of its own.

    The papers' experiments are full of them: blocks with a forget gate but without gate feedback
    (2000), a cell without output gate (1997, task 2a), a constant decay in place of the forget gate
    (2000). A `Variant` says what the cell has; `"variant"`, the default of both activations, stands
    for those of the `Variant`.

    `kernel` has the columns of `variant.columns(units)`, `recurrent_kernel` the rows of
    `variant.feedback_widths(units)`, `peephole_kernel` one row per gate in the order i, f, o.
    Where gates are fed back to gates only, `gate_kernel` has rows and columns for the gates in this
    order. The nine networks of the search space odyssey (Greff et al. 2017) are `variants.ODYSSEY`.

    {arguments}

    Raises:
        ValueError: If an argument has a value that it does not accept.

    Examples:
        >>> decaying = Variant(gates=("i", "o"), decay=0.9, block_size=2)
        >>> layer = VariantLSTM(8, variant=decaying)
        >>> tuple(layer(keras.ops.ones((3, 5, 4))).shape)
        (3, 8)
    """

    cell_class = VariantLSTMCell
