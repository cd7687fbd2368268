"""The layouts of other systems as data: which array holds which weights, and where.

An array is written as a matrix of blocks, with `;` between its rows. `W_k` are the weights of net k
from the input, of shape `(features, units)`, and `R_k` those from the output, `(outputs, units)`;
`b_k` and `p_k` are its bias and its peephole weights, `(1, units)`. `P` is a projection of the
outputs, `(units, outputs)`, which a layer may have or not. `gW_k` and `gR_k` are the gains of
normalised net inputs, `s_gain` and `s_shift` those of the state on its way out, `(1, units)`.

`-` stands before the negative of a block. `.T` is a transposed block; `.F` one of the same shape
whose entries, read row by row, are those of the weights column by column. A block that stands in
several places is the sum of them.

A layout without the net f is that of coupled gates, f = 1 - i. Where a system has f, and its input
gate is the rest, the weights of i are the negatives of those of f: 1 - sigmoid(z) = sigmoid(-z).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from keras_lstm_ext.variants import PEEPHOLE, Variant


@dataclass(frozen=True)
class Layout:
    """How one system lays out the weights of an LSTM.

    Args:
        name: Its key in `LAYOUTS`.
        system: What the system is called.
        arrays: Names of the arrays, each with its matrix of blocks: `"W_i W_f; R_i R_f"` has the
            input weights of two nets side by side, above the recurrent ones. A name may hold
            `{level}`, the number of the layer from 0, and `{reverse}`, which is `"_reverse"` for
            the backward direction and else empty.
        states: Order of the two states.
        forget_bias: What the system adds to the bias of the forget gate when it runs; None where
            nothing is added, because it is in the stored bias.
        directions: Whether each array has a first axis, one entry per direction.
        row_vectors: Whether a vector is stored as a matrix of one row.
        also: Key of the layout of the same system that is taken where its names are given.
        epsilon: What the system adds to the variance in its normalisation; None where it has none.
        zoneout: Whether the system has zoneout of h, which the layer must be given by itself.
        source: Where this is documented.

    Examples:
        >>> LAYOUTS["onnx"].order
        ('i', 'o', 'f', 'c')
        >>> LAYOUTS["tf1"].arrays["kernel"]
        'W_i W_c W_f W_o; R_i R_c R_f R_o'
    """

    name: str
    system: str
    arrays: Mapping[str, str]
    states: tuple[str, str] = ("h", "c")
    forget_bias: float | None = None
    directions: bool = False
    row_vectors: bool = False
    also: str = ""
    epsilon: float | None = None
    zoneout: bool = False
    source: str = ""

    @property
    def order(self) -> tuple[str, ...]:
        """The gate order: that of the input weights, with c for the cell input."""
        blocks = " ".join(self.arrays.values()).replace("-", "").split()
        return tuple(block[2] for block in blocks if block.startswith("W"))

    @property
    def coupled(self) -> bool:
        """Whether the forget gate is what the input gate leaves."""
        return "f" not in self.order

    @property
    def projects(self) -> bool:
        """Whether there is a place for a projection of the outputs."""
        blocks = " ".join(self.arrays.values()).split()
        return "P" in blocks or "P.T" in blocks


def own(variant: Variant) -> Layout:
    """How this package lays out the weights of a variant."""

    def row(letter: str) -> str:
        return " ".join(f"{letter}_{k}" for k in variant.nets)

    arrays = {"kernel": row("W"), "recurrent_kernel": row("R"), "bias": row("b")}
    if variant.peepholes:
        arrays["peephole_kernel"] = "; ".join(f"p_{k}" for k in variant.gates)
    if variant.normalize_nets:
        arrays["norm_kernel"] = f"{row('gW')}; {row('gR')}"
    if variant.normalize_output:
        arrays["state_norm_kernel"] = "s_gain; s_shift"
    if variant.projection:
        arrays["projection_kernel"] = "P"
    source = "keras_lstm_ext.variants.NET_ORDER"
    return Layout("keras_lstm_ext", "this package", arrays, source=source)


_KERAS = {
    "kernel": "W_i W_f W_c W_o",
    "recurrent_kernel": "R_i R_f R_c R_o",
    "bias": "b_i b_f b_c b_o",
}
_FLAX = {"i": "i", "f": "f", "c": "g", "o": "o"}
_LASAGNE = {"i": "ingate", "f": "forgetgate", "c": "cell", "o": "outgate"}
_BLOCK_PEEPHOLES = {"wci": "p_i", "wcf": "p_f", "wco": "p_o"}
_HASTE = {
    "kernel": "W_i W_c W_f W_o",
    "recurrent_kernel": "R_i R_c R_f R_o",
    "bias": "b_i b_c b_f b_o",
}
_HASTE_NORM = {
    "gamma": "gW_i gW_c gW_f gW_o; gR_i gR_c gR_f gR_o",
    "gamma_h": "s_gain",
    "beta_h": "s_shift",
}

_ALL = (
    own(PEEPHOLE),
    Layout("keras", "Keras LSTM", _KERAS, source="keras.layers.LSTMCell"),
    Layout(
        "cudnn_lstm",
        "Keras 2 CuDNNLSTM",
        {
            "kernel": "W_i.F W_f.F W_c.F W_o.F",
            "recurrent_kernel": "R_i.T R_f.T R_c.T R_o.T",
            "bias": "b_i b_f b_c b_o b_i b_f b_c b_o",
        },
        source="keras.layers.CuDNNLSTM of Keras 2",
    ),
    Layout(
        "keras_1",
        "Keras 1 LSTM",
        {
            f"{ours}_{k}": f"{letter}_{k}"
            for k in ("i", "c", "f", "o")
            for ours, letter in (("W", "W"), ("U", "R"), ("b", "b"))
        },
        source="keras.layers.recurrent.LSTM of Keras 1",
    ),
    Layout(
        "tfa",
        "TensorFlow Addons PeepholeLSTMCell",
        _KERAS
        | {
            "input_gate_peephole_weights": "p_i",
            "forget_gate_peephole_weights": "p_f",
            "output_gate_peephole_weights": "p_o",
        },
        source="tfa.rnn.PeepholeLSTMCell",
    ),
    Layout(
        "tf1",
        "TensorFlow 1 LSTMCell, without cell_clip and proj_clip",
        {
            "kernel": "W_i W_c W_f W_o; R_i R_c R_f R_o",
            "bias": "b_i b_c b_f b_o",
            "w_i_diag": "p_i",
            "w_f_diag": "p_f",
            "w_o_diag": "p_o",
            "projection/kernel": "P",
        },
        states=("c", "h"),
        forget_bias=1.0,
        source="tf.compat.v1.nn.rnn_cell.LSTMCell",
    ),
    Layout(  # It has f and takes 1 - f for i.
        "tf1_coupled",
        "TensorFlow 1 CoupledInputForgetGateLSTMCell, without proj_clip and layer_norm",
        {
            "W_0": "W_c -W_i W_o; R_c -R_i R_o",
            "B": "b_c -b_i b_o",
            "W_F_diag": "-p_i",
            "W_O_diag": "p_o",
            "W_P_0": "P",
        },
        states=("c", "h"),
        forget_bias=1.0,
        source="tf.contrib.rnn.CoupledInputForgetGateLSTMCell",
    ),
    Layout(
        "block_lstm_v1",
        "TensorFlow BlockLSTM, with cell_clip=-1",
        {"w": "W_i W_c W_f W_o; R_i R_c R_f R_o", "b": "b_i b_c b_f b_o"} | _BLOCK_PEEPHOLES,
        states=("c", "h"),
        forget_bias=1.0,
        source="tf.raw_ops.BlockLSTM",
    ),
    Layout(
        "block_lstm_v2",
        "TensorFlow BlockLSTMV2, without cell_clip",
        {"w": "W_i W_f W_c W_o; R_i R_f R_c R_o", "b": "b_i b_f b_c b_o"} | _BLOCK_PEEPHOLES,
        states=("c", "h"),
        source="tf.raw_ops.BlockLSTMV2",
    ),
    Layout(
        "pytorch",
        "PyTorch nn.LSTM, proj_size included",
        {
            "weight_ih_l{level}{reverse}": "W_i.T; W_f.T; W_c.T; W_o.T",
            "weight_hh_l{level}{reverse}": "R_i.T; R_f.T; R_c.T; R_o.T",
            "bias_ih_l{level}{reverse}": "b_i b_f b_c b_o",
            "bias_hh_l{level}{reverse}": "b_i b_f b_c b_o",
            "weight_hr_l{level}{reverse}": "P.T",
        },
        also="pytorch_cell",
        source="torch.nn.LSTM",
    ),
    Layout(
        "pytorch_cell",
        "PyTorch nn.LSTMCell",
        {
            "weight_ih": "W_i.T; W_f.T; W_c.T; W_o.T",
            "weight_hh": "R_i.T; R_f.T; R_c.T; R_o.T",
            "bias_ih": "b_i b_f b_c b_o",
            "bias_hh": "b_i b_f b_c b_o",
        },
        source="torch.nn.LSTMCell",
    ),
    Layout(
        "flax",
        "Flax Linen LSTMCell and OptimizedLSTMCell",
        {f"i{name}/kernel": f"W_{k}" for k, name in _FLAX.items()}
        | {f"h{name}/kernel": f"R_{k}" for k, name in _FLAX.items()}
        | {f"h{name}/bias": f"b_{k}" for k, name in _FLAX.items()},
        states=("c", "h"),
        source="flax.linen.LSTMCell",
    ),
    Layout(
        "flax_nnx",
        "Flax NNX OptimizedLSTMCell",
        {
            "dense_i/kernel": "W_i W_f W_c W_o",
            "dense_h/kernel": "R_i R_f R_c R_o",
            "dense_h/bias": "b_i b_f b_c b_o",
        },
        states=("c", "h"),
        source="flax.nnx.OptimizedLSTMCell",
    ),
    Layout(
        "haiku",
        "Haiku LSTM",
        {"linear/w": "W_i W_c W_f W_o; R_i R_c R_f R_o", "linear/b": "b_i b_c b_f b_o"},
        forget_bias=1.0,
        source="haiku.LSTM",
    ),
    Layout(
        "haste",
        "Haste LSTM",
        _HASTE,
        zoneout=True,
        source="haste_pytorch.LSTM",
    ),
    Layout(
        "haste_layer_norm",
        "Haste LayerNormLSTM",
        _HASTE | _HASTE_NORM,
        epsilon=1e-5,
        zoneout=True,
        source="haste_pytorch.LayerNormLSTM",
    ),
    Layout(
        "haste_tf_layer_norm",
        "Haste LayerNormLSTM for TensorFlow",
        {"kernel": "W_i W_c W_f W_o; R_i R_c R_f R_o", "bias": "b_i b_c b_f b_o"} | _HASTE_NORM,
        states=("c", "h"),
        epsilon=1e-5,
        zoneout=True,
        source="haste_tf.LayerNormLSTM",
    ),
    Layout(
        "lasagne",
        "Lasagne LSTMLayer",
        {f"W_in_to_{name}": f"W_{k}" for k, name in _LASAGNE.items()}
        | {f"W_hid_to_{name}": f"R_{k}" for k, name in _LASAGNE.items()}
        | {f"b_{name}": f"b_{k}" for k, name in _LASAGNE.items()}
        | {f"W_cell_to_{name}": f"p_{k}" for k, name in _LASAGNE.items() if k != "c"},
        states=("c", "h"),
        source="lasagne.layers.LSTMLayer",
    ),
    Layout(
        "dl4j",  # Its letters mislead: what it calls i is the cell input, and g the input gate.
        "Deeplearning4j GravesLSTM; LSTM where there are no peepholes",
        {
            "W": "W_c W_f W_o W_i",
            "RW": "R_c R_f R_o R_i p_f.T p_o.T p_i.T",
            "b": "b_c b_f b_o b_i",
        },
        row_vectors=True,
        source="org.deeplearning4j.nn.layers.recurrent.LSTMHelpers",
    ),
    Layout(
        "onnx",
        "ONNX LSTM",
        {
            "W": "W_i.T; W_o.T; W_f.T; W_c.T",
            "R": "R_i.T; R_o.T; R_f.T; R_c.T",
            "B": "b_i b_o b_f b_c b_i b_o b_f b_c",
            "P": "p_i p_o p_f",
        },
        directions=True,
        source="ONNX operator LSTM",
    ),
    Layout(
        "onnx_input_forget",
        "ONNX LSTM with input_forget=1, without the forget gate's blocks, which nothing reads",
        {
            "W": "W_i.T; W_o.T; W_c.T",
            "R": "R_i.T; R_o.T; R_c.T",
            "B": "b_i b_o b_c b_i b_o b_c",
            "P": "p_i p_o",
        },
        directions=True,
        source="ONNX operator LSTM",
    ),
)

LAYOUTS: Mapping[str, Layout] = {layout.name: layout for layout in _ALL}
"""Every layout by its name.

Activations are the usual ones, sigmoid and tanh. Clipping has no place here, nor has a state that
is normalised and carried on, as in TensorFlow Addons' LayerNormLSTMCell: an LSTM that was trained
with them computes something else.
"""
