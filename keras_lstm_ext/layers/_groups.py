"""The arguments of layers and cells, each written once: name, type, text and default.

A layer or cell has the groups that it needs among its bases, before the class that computes.
"""

from collections.abc import Sequence
from typing import Any

from keras_lstm_ext.layers._arguments import Config, absent, argument, arguments, options
from keras_lstm_ext.variants import Gradient, Variant

GateBias = dict[str, float | Sequence[float]]


@arguments
class OfKeras:
    """Those of `keras.layers.LSTM`, in its order."""

    units: int = argument("Positive integer, the number of memory cells.")
    activation: Any = argument(
        "Squasher of the cell input (g): a Keras activation, "
        '`"centered_sigmoid_2"`, `"centered_sigmoid_1"`, any function, or None for '
        "the identity.",
        default="tanh",
    )
    recurrent_activation: Any = argument("Activation of the gates.", default="sigmoid")
    use_bias: bool | str = argument(
        "True for a bias on every net input, False for none or, in a cell with "
        'gates, `"gates"` for the gates only.',
        default=True,
    )
    kernel_initializer: Any = argument(
        "Initializer of `kernel`, the input weights W.", default="glorot_uniform"
    )
    recurrent_initializer: Any = argument(
        "Initializer of `recurrent_kernel`, the recurrent weights R.", default="orthogonal"
    )
    bias_initializer: Any = argument(
        "Initializer of `bias`, where no other argument says otherwise.", default="zeros"
    )
    unit_forget_bias: bool = argument(
        "Whether the bias of the forget gate starts at 1.", default=True
    )
    kernel_regularizer: Any = argument("Regularizer of `kernel`.", default=None)
    recurrent_regularizer: Any = argument("Regularizer of `recurrent_kernel`.", default=None)
    bias_regularizer: Any = argument("Regularizer of `bias`.", default=None)
    activity_regularizer: Any = argument("Regularizer of the layer's output.", default=None)
    kernel_constraint: Any = argument("Constraint on `kernel`.", default=None)
    recurrent_constraint: Any = argument("Constraint on `recurrent_kernel`.", default=None)
    bias_constraint: Any = argument("Constraint on `bias`.", default=None)
    dropout: float = argument(
        "Fraction of the inputs that is dropped in training, in [0, 1).", default=0.0
    )
    recurrent_dropout: float = argument(
        "Fraction of what is fed back (h, and the gates where they are fed back) "
        "that is dropped in training, in [0, 1). The same entries at every time "
        "step.",
        default=0.0,
    )
    seed: int | None = argument("Integer seed of the dropout masks.", default=None)
    return_sequences: bool = argument(
        "Whether to return the output of every time step, or only the last.", default=False
    )
    return_state: bool = argument(
        "Whether to return the final states after the output.", default=False
    )
    go_backwards: bool = argument(
        "Whether to read sequences from their end; outputs stay in reading order.", default=False
    )
    stateful: bool = argument(
        "Whether the final states of a batch are the initial states of the next one.", default=False
    )
    unroll: bool = argument(
        "Whether to unroll the loop over time, which must then have a fixed length.", default=False
    )


@options
class Common(OfKeras):
    """What all layers and cells have."""

    output_activation: Any = argument(
        'Squasher of the cell state on its way out. `"same"` follows `activation`, '
        "as in Keras; None is the identity.",
        default="same",
    )
    zoneout_h: float = argument(
        "Probability with which an entry of h keeps its old value in a step of training, in "
        "[0, 1). In inference it keeps this share of it.",
        default=0.0,
    )
    zoneout_c: float = argument("The same of the cell state c.", default=0.0)
    name: str | None = argument("Name of the layer or cell.", default=None)
    dtype: Any = argument("Dtype or dtype policy; None for Keras' own.", default=None)
    trainable: bool = argument("Whether the weights are trained.", default=True)


@options
class OfCell(Common):
    """What all cells have: nothing that is about sequences."""

    activity_regularizer: Any = absent()
    return_sequences: bool = absent()
    return_state: bool = absent()
    go_backwards: bool = absent()
    stateful: bool = absent()
    unroll: bool = absent()


@options
class OfLayer(Common):
    """What all layers have."""

    engine: str = argument(
        '`"auto"` for the fastest engine that applies, or the name of one: see `explain`.',
        default="auto",
    )
    recompute: bool = argument(
        "Whether training keeps only h and c of every step and computes the gates "
        "again, for less memory (engine `bptt`).",
        default=False,
    )
    zero_output_for_mask: bool = argument(
        "Whether the output of a masked step is 0, instead of that of the step before.",
        default=False,
    )


@options
class Truncatable:
    """What layers and cells of one variant have."""

    gradient: Gradient = argument(
        '`"full"`, or `"truncated"`: no error flows through what is fed back, nor '
        "through the states that peepholes read.",
        default="full",
    )


@options
class Gated:
    """What there is where there may be gates."""

    gate_bias: GateBias | None = argument(
        "Initial bias per gate, as a number or a list of one number per block, for "
        'example `{"i": -1.0, "o": [-1.0, -2.0]}`.',
        default=None,
    )


@options
class Blocks(Gated, Truncatable):
    """What layers and cells of one variant with gates have."""

    block_size: int = argument(
        "Number of cells that share their gates; it divides `units`.", default=1
    )


@options
class Peepholes:
    """What there is where gates may see the cell state."""

    peephole_initializer: Any = argument(
        "Initializer of `peephole_kernel`, the peephole weights p.", default="zeros"
    )
    peephole_regularizer: Any = argument("Regularizer of `peephole_kernel`.", default=None)
    peephole_constraint: Any = argument("Constraint on `peephole_kernel`.", default=None)


@options
class Normalized:
    """What there is where net inputs or the state on its way out may be normalised."""

    gain_initializer: Any = argument(
        "Initializer of the gains: `norm_kernel`, and the first row of `state_norm_kernel`.",
        default="ones",
    )


@options
class Projected:
    """What there is where h may be a projection."""

    projection_initializer: Any = argument(
        "Initializer of `projection_kernel`.", default="glorot_uniform"
    )
    projection_regularizer: Any = argument("Regularizer of `projection_kernel`.", default=None)
    projection_constraint: Any = argument("Constraint on `projection_kernel`.", default=None)


@options
class Carousel(Truncatable):
    """What the carousel alone has, and lacks without gates."""

    recurrent_activation: Any = absent()
    unit_forget_bias: bool = absent()
    recurrent: bool = argument(
        "Whether a step reads the outputs of the step before, or nothing is fed back.", default=True
    )


@options
class Coupled(Peepholes, Blocks):
    """Without forget gate."""

    unit_forget_bias: bool = absent()


@options
class AnyVariant(Projected, Normalized, Gated, Peepholes):
    """What layers and cells of any variant have."""

    variant: Variant | Config = argument("The `Variant` that the equations follow.")
    activation: Any = argument(default="variant", kw_only=False)
    output_activation: Any = argument(default="variant")


@options
class Blocks1997(Blocks):
    """The same with the defaults of 1997, and without forget gate."""

    activation: Any = argument(default="centered_sigmoid_2", kw_only=False)
    unit_forget_bias: bool = absent()
    output_activation: Any = argument(default="centered_sigmoid_1")
    gradient: Gradient = argument(default="truncated")


@options
class LayerNormed(Normalized, Blocks):
    """The two switches of layer normalisation."""

    normalize_nets: bool = argument("Whether W x and R r are normalised.", default=True)
    normalize_output: bool = argument(
        "Whether the state is normalised on its way out.", default=True
    )
    epsilon: float = argument("What is added to each variance.", default=1e-5)


@options
class Projecting(Projected, Peepholes, Blocks):
    """What layers and cells with a projection of h have."""

    projection: int = argument("Width of what is fed back, a projection of the cell outputs.")
    nonrecurrent_projection: int | None = argument(
        "Number of further projections of the cell outputs, which h ends with and which are not "
        "fed back.",
        default=None,
    )
