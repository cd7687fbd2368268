"""Any member of the family as a layer, from a `Variant`."""

from typing import Any

import keras

from keras_lstm_ext.layers._arguments import Config, collect, documented
from keras_lstm_ext.layers._cell import GateBias, VariantLSTMCell
from keras_lstm_ext.layers._layer import RecurrentLayer
from keras_lstm_ext.variants import Variant


@keras.saving.register_keras_serializable(package="keras_lstm_ext")
@documented
class VariantLSTM(RecurrentLayer):
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

    def __init__(
        self,
        units: int,
        activation: Any = "variant",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool | str = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        *,
        variant: Variant | Config,
        peephole_initializer: Any = "zeros",
        peephole_regularizer: Any = None,
        peephole_constraint: Any = None,
        output_activation: Any = "variant",
        gate_bias: GateBias | None = None,
        engine: str = "auto",
        recompute: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**collect(locals()))
