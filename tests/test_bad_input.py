"""Bad input: what goes in, which exception, and which words its message has.

Every message names the argument, what it got, and what it accepts.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import (
    CECLSTM,
    ClassicLSTM,
    ClassicLSTMCell,
    OriginalLSTM,
    PeepholeLSTM,
    PeepholeLSTMCell,
    Variant,
    VariantLSTM,
    chrono_bias,
)
from tests.backends import BACKEND
from tests.contract.family import FAMILY, Make, each_layer, normal, randomize

Case = tuple[str, Callable[[], Any], type[Exception], tuple[str, ...]]

X = normal(3, 7, 5)
UNITS = 4


def classic(**options: Any) -> Any:
    return randomize(ClassicLSTM(UNITS, **options))


def transposed() -> None:
    """What `torch.nn.LSTM` has: one row per gate and cell."""
    layer = classic()
    kernel, recurrent_kernel, bias = layer.get_weights()
    layer.set_weights([kernel.T, recurrent_kernel.T, bias])


def fed(*shape: int, **options: Any) -> Callable[[], Any]:
    return lambda: classic()(normal(*shape), **options)


def with_states(*shapes: tuple[int, ...], make: Any = classic) -> Callable[[], Any]:
    return lambda: make()(X, initial_state=[normal(*shape) for shape in shapes])


def second_batch_of_another_size() -> None:
    layer = classic(stateful=True)
    layer(X)
    layer(X[:2])


def unroll_without_length() -> None:
    ClassicLSTM(UNITS, unroll=True)(keras.Input((None, 5)))


def peephole() -> Any:
    return randomize(PeepholeLSTM(UNITS))


def weights_of_addons() -> None:
    """Keras' three, and one vector of peephole weights per gate."""
    peephole().set_weights([*classic().get_weights(), *[normal(UNITS)] * 3])


def a_table() -> None:
    classic()(pytest.importorskip("pandas").DataFrame(X[0]))


STATES = ("`initial_state`", "list of 2 tensors", "h: (batch, 4)", "c: (batch, 4)")
SEQUENCES = ("`sequences`", "(batch, timesteps, features)")
BLOCKS = ("`block_size`", "divide `units`", "block_size=3", "units=4")
GATE_BIAS = ("`gate_bias`", "dictionary", "Received: gate_bias=")

DENSE = ("`sequences` must be one dense tensor of shape (batch, timesteps, features)",)
ELSEWHERE: list[tuple[str, Any, str]] = [
    ("implementation", 2, "`engine`"),
    ("time_major", False, "keras.ops.transpose"),
    ("batch_input_shape", (3, 7, 5), "keras.Input(batch_shape="),
    ("weights", [X], "`set_weights`"),
    ("input_dim", 5, "keras.Input("),
    ("input_length", 7, "keras.Input("),
    ("inner_activation", "sigmoid", "`recurrent_activation`"),
    ("dropout_W", 0.1, "`dropout`"),
    ("W_regularizer", "l2", "`kernel_regularizer`"),
    ("output_dim", 4, "`units`"),
    ("hidden_size", 4, "`units`"),
    ("batch_first", True, "(batch, timesteps, features)"),
    ("num_layers", 2, "keras.Sequential"),
    ("bidirectional", True, "keras.layers.Bidirectional"),
    ("use_peepholes", True, "PeepholeLSTM"),
    ("forget_bias", 1.0, "`gate_bias="),
    ("cell_clip", 3.0, "clips"),
    ("return_sequence", True, "`return_sequences` is"),
    ("zzz", 1, "'units'"),
]
NO_BOOLEANS: list[tuple[str, Any]] = [
    ("return_sequences", "yes"),
    ("return_state", 2),
    ("go_backwards", None),
    ("stateful", "x"),
    ("unroll", 0.5),
    ("zero_output_for_mask", "x"),
    ("recompute", "x"),
]

CASES: list[Case] = [
    ("block size 3", lambda: ClassicLSTM(4, block_size=3), ValueError, BLOCKS),
    ("block size 3 in 1997", lambda: OriginalLSTM(4, block_size=3), ValueError, BLOCKS),
    ("block size 0", lambda: PeepholeLSTM(4, block_size=0), ValueError,
     ("`block_size`", "positive integer", "block_size=0")),
    ("unknown engine", lambda: CECLSTM(4, engine="gpu"), ValueError,
     ("`engine`", "'auto'", "'portable'", "engine='gpu'")),
    ("unknown gradient", lambda: OriginalLSTM(4, gradient="half"), ValueError,
     ("`gradient`", "'full'", "'truncated'", "gradient='half'")),
    ("use_cudnn", lambda: ClassicLSTM(4, use_cudnn=True), ValueError,
     ("`use_cudnn`", "`engine`", "use_cudnn=True")),
    *[(name, partial(ClassicLSTM, 4, **{name: value}), ValueError,
       (f"`{name}` is no argument of ClassicLSTM", instead, f"{name}="))
      for name, value, instead in ELSEWHERE],
    *[(f"{name} of a cell", partial(PeepholeLSTMCell, 4, **{name: value}), ValueError,
       (f"`{name}` is no argument of PeepholeLSTMCell", instead))
      for name, value, instead in ELSEWHERE[:4]],
    *[(f"{name}={value!r}", partial(OriginalLSTM, 4, **{name: value}), ValueError,
       (f"`{name}` must be True or False", f"{name}={value!r}"))
      for name, value in NO_BOOLEANS],
    ("unit_forget_bias as text", lambda: ClassicLSTM(4, unit_forget_bias="yes"), ValueError,
     ("`unit_forget_bias` must be True or False", "'yes'")),
    ("recurrent as text", lambda: CECLSTM(4, recurrent="no"), ValueError,
     ("`recurrent` must be True or False", "recurrent='no'")),
    ("peepholes as text", lambda: Variant(peepholes="no"), ValueError,
     ("`peepholes` must be True or False", "peepholes='no'")),
    ("decay as text", lambda: Variant(gates=("i", "o"), decay="0.5"), ValueError,
     ("`decay` must be a number from 0 to 1", "decay='0.5'")),
    ("seed 2.5", lambda: ClassicLSTM(4, seed=2.5), ValueError,
     ("`seed` must be an integer or None", "seed=2.5")),
    ("seed True", lambda: ClassicLSTM(4, seed=True), ValueError,
     ("`seed` must be an integer or None", "seed=True")),
    ("initializer", lambda: ClassicLSTM(4, kernel_initializer="foo"), ValueError,
     ("`kernel_initializer`", "Keras initializer", "kernel_initializer='foo'")),
    ("no initializer of a bias", lambda: ClassicLSTM(4, bias_initializer=None), ValueError,
     ("`bias_initializer`", "Keras initializer", "None")),
    ("peephole initializer", lambda: PeepholeLSTM(4, peephole_initializer=3), ValueError,
     ("`peephole_initializer`", "peephole_initializer=3")),
    ("regularizer as number", lambda: ClassicLSTM(4, kernel_regularizer=0.01), ValueError,
     ("`kernel_regularizer`", "keras.regularizers.L2(0.01)", "kernel_regularizer=0.01")),
    ("activity regularizer", lambda: ClassicLSTM(4, activity_regularizer="l3"), ValueError,
     ("`activity_regularizer`", "Keras regularizer", "'l3'")),
    ("constraint", lambda: ClassicLSTM(4, bias_constraint="positive"), ValueError,
     ("`bias_constraint`", "keras.constraints.MaxNorm(3.0)", "'positive'")),
    ("trainable as text", lambda: ClassicLSTM(4, trainable="no"), ValueError,
     ("`trainable` must be True or False", "trainable='no'")),
    ("states in a list", lambda: classic()([X, normal(3, 4), normal(3, 4)]), ValueError,
     (*DENSE, "initial_state=[h, c]", "a list of 3 tensors")),
    ("states in a list, both directions",
     lambda: keras.layers.Bidirectional(ClassicLSTM(4))([X, normal(3, 4), normal(3, 4)]),
     ValueError, ("initial_state=[h, c]", "3 tensors")),
    ("a list of one tensor", lambda: classic()([X]), ValueError, (*DENSE, "x[0]")),
    ("lists of numbers", lambda: classic()(X.tolist()), ValueError,
     (*DENSE, 'np.asarray(x, "float32")', "list of 3")),
    ("rows of unequal length", lambda: classic()([X[0, :3], X[1, :5]]), ValueError,
     (*DENSE, "pad_sequences", "`mask`", "2 rows of 3 to 5 steps")),
    ("rows in an array of objects",
     lambda: classic()(np.array([X[0, :3], X[1, :5]], dtype=object)), ValueError,
     (*DENSE, "pad_sequences", "dtype object")),
    ("text", lambda: classic()("a text"), ValueError, (*DENSE, "Received: str")),
    ("texts", lambda: classic()(["a", "text"]), ValueError, (*DENSE, "TextVectorization")),
    ("an array of text", lambda: classic()(np.array([[["a"]]])), ValueError,
     (*DENSE, "TextVectorization", "<U1")),
    ("times", lambda: classic()(np.zeros((3, 7, 5), "datetime64[s]")), ValueError,
     (*DENSE, "datetime64[s]")),
    ("nothing", lambda: classic()(None), ValueError, (*DENSE, "Received: NoneType")),
    ("a dictionary", lambda: classic()({"x": X}), ValueError, (*DENSE, "Received: dict")),
    ("a table", a_table, ValueError, (*DENSE, "to_numpy()[None]", "DataFrame of shape (7, 5)")),
    ("mask as list", fed(3, 7, 5, mask=[[True] * 7] * 3), ValueError,
     ("`mask`", "(batch, timesteps) = (3, 7)", "list")),
    ("states without values", lambda: classic()(X, initial_state=[None, None]), ValueError,
     (*STATES, "tensors of numbers", "NoneType")),
    ("states as lists", lambda: classic()(X, initial_state=[[[0.0] * 4] * 3] * 2), ValueError,
     (*STATES, "tensors of numbers", "list")),
    ("complex states",
     lambda: classic()(X, initial_state=[np.ones((3, 4), "complex64")] * 2), ValueError,
     (*STATES, "tensors of numbers", "complex64")),
    ("weights before the layer is built", lambda: ClassicLSTM(4).set_weights([X] * 3), ValueError,
     ("`set_weights`", "built", "layer.build((None, None, features))", "ClassicLSTM")),
    ("weights before the cell is built", lambda: ClassicLSTMCell(4).set_weights([X]), ValueError,
     ("`set_weights`", "built", "ClassicLSTMCell")),
    ("weights without peepholes", lambda: peephole().set_weights(classic().get_weights()),
     ValueError, ("`weights`", "peephole_kernel (3, 4)", "convert.set_weights", "3 arrays")),
    ("weights of Addons' cell", weights_of_addons, ValueError,
     ("`weights`", "peephole_kernel (3, 4)", "convert.set_weights", "6 arrays")),
    ("weights of a cell", lambda: classic().cell.set_weights([X]), ValueError,
     ("`weights`", "kernel (5, 16)", "convert.set_weights", "1 arrays")),
    ("weights as dictionary", lambda: classic().set_weights({"kernel": X}), ValueError,
     ("`weights`", "list of 3 arrays", "Received: dict")),
    ("weights as text",
     lambda: (layer := classic()).set_weights([w.astype(str) for w in layer.get_weights()]),
     ValueError, ("`weights`", "dtypes", "<U32")),
    ("stateful of a built layer", lambda: setattr(classic(), "stateful", True), AttributeError,
     ("`stateful`", "before the layer is built", "set_weights")),
    ("dropout 2 afterwards", lambda: setattr(classic(), "dropout", 2), ValueError,
     ("`dropout`", "0 <= dropout < 1", "dropout=2")),
    ("engine afterwards", lambda: setattr(classic(), "engine", "foo"), ValueError,
     ("`engine`", "'portable'", "engine='foo'")),
    ("sequences afterwards", lambda: setattr(classic(), "return_sequences", "yes"), ValueError,
     ("`return_sequences`", "True or False", "'yes'")),
    ("activation afterwards", lambda: setattr(classic().cell, "activation", "tahn"), ValueError,
     ("`activation`", "Keras activation", "'tahn'")),
    ("gate bias afterwards", lambda: setattr(classic(), "gate_bias", {"i": [1.0]}), ValueError,
     GATE_BIAS),
    ("dropout 1.5", lambda: ClassicLSTM(4, dropout=1.5), ValueError,
     ("`dropout`", "0 <= dropout < 1", "dropout=1.5")),
    ("recurrent dropout -1", lambda: ClassicLSTM(4, recurrent_dropout=-1), ValueError,
     ("`recurrent_dropout`", "0 <= recurrent_dropout < 1", "recurrent_dropout=-1")),
    ("dropout as text", lambda: ClassicLSTM(4, dropout="0.5"), ValueError,
     ("`dropout`", "number", "dropout='0.5'")),
    ("activation", lambda: ClassicLSTM(4, activation="tahn"), ValueError,
     ("`activation`", "Keras activation", "activation='tahn'")),
    ("recurrent activation", lambda: PeepholeLSTM(4, recurrent_activation="sigma"), ValueError,
     ("`recurrent_activation`", "recurrent_activation='sigma'")),
    ("output activation", lambda: CECLSTM(4, output_activation="equal"), ValueError,
     ("`output_activation`", "output_activation='equal'")),
    ("use_bias as number", lambda: ClassicLSTM(4, use_bias=1), ValueError,
     ("`use_bias`", "True, False, 'gates'", "use_bias=1")),
    ("use_bias of no gates", lambda: CECLSTM(4, use_bias="gates"), ValueError,
     ("`use_bias`", "(True, False)", "use_bias='gates'")),
    ("gate bias of an absent gate", lambda: OriginalLSTM(4, gate_bias={"f": 1.0}), ValueError,
     (*GATE_BIAS, "('i', 'o')")),
    ("gate bias of a wrong length", lambda: OriginalLSTM(4, block_size=2, gate_bias={"i": [1.0]}),
     ValueError, (*GATE_BIAS, "2 numbers, one per block")),
    ("gate bias as number", lambda: ClassicLSTM(4, gate_bias=1.0), ValueError, GATE_BIAS),
    ("gate bias as text", lambda: ClassicLSTM(4, gate_bias={"i": "1"}), ValueError, GATE_BIAS),
    ("gate bias without bias", lambda: ClassicLSTM(4, use_bias=False, gate_bias={"i": 1.0}),
     ValueError, ("`gate_bias`", "use_bias=True", "use_bias=False")),
    ("lag of one step", lambda: chrono_bias(4, 1), ValueError, ("`timesteps`", "2", "timesteps=1")),
    ("lag as text", lambda: chrono_bias(4, "9"), ValueError, ("`timesteps`", "timesteps='9'")),
    ("endless lag", lambda: chrono_bias(4, float("inf")), ValueError, ("`timesteps`", "=inf")),
    ("no units", lambda: chrono_bias(0, 9), ValueError, ("`units`", "units=0")),
    ("peephole argument elsewhere", lambda: ClassicLSTM(4, peephole_initializer="zeros"),
     ValueError, ("peephole_initializer", "ClassicLSTM")),
    ("forget bias without gate", lambda: OriginalLSTM(4, unit_forget_bias=True), ValueError,
     ("unit_forget_bias", "OriginalLSTM")),
    ("gates out of order", lambda: Variant(gates=("f", "i")), ValueError,
     ("`gates`", "('i', 'f', 'o')", "gates=('f', 'i')")),
    ("unknown feedback", lambda: Variant(feedback="all"), ValueError,
     ("`feedback`", "'cells and gates'", "feedback='all'")),
    ("decay beside forget gate", lambda: Variant(decay=0.5), ValueError,
     ("`decay`", "forget gate", "decay=0.5")),
    ("decay above 1", lambda: Variant(gates=(), decay=1.5), ValueError,
     ("`decay`", "from 0 to 1", "decay=1.5")),
    ("variant as text", lambda: VariantLSTM(4, variant="classic"), ValueError,
     ("`variant`", "Variant", "variant='classic'")),
    ("rank 2", fed(3, 7), ValueError, (*SEQUENCES, "(3, 7)")),
    ("rank 4", fed(3, 7, 5, 1), ValueError, (*SEQUENCES, "(3, 7, 5, 1)")),
    ("rank 2 at build", lambda: ClassicLSTM(4).build((3, 7)), ValueError, (*SEQUENCES, "(3, 7)")),
    ("unknown features", lambda: ClassicLSTM(4).build((3, 7, None)), ValueError,
     (*SEQUENCES, "fixed number of features")),
    ("other features", fed(3, 7, 6), ValueError, (*SEQUENCES, "features = 5", "(3, 7, 6)")),
    ("no time step", fed(3, 0, 5), ValueError, (*SEQUENCES, "at least one time step", "(3, 0, 5)")),
    ("integer input", lambda: classic()(np.ones((3, 7, 5), "int32")), ValueError,
     ("`sequences`", "float dtype", "keras.ops.cast", "int32")),
    ("integer input, symbolic", lambda: classic()(keras.Input((7, 5), dtype="int64")), ValueError,
     ("`sequences`", "float dtype", "int64")),
    ("mask of another length", fed(3, 7, 5, mask=np.ones((3, 6), bool)), ValueError,
     ("`mask`", "(batch, timesteps) = (3, 7)", "(3, 6)")),
    ("mask of rank 3", fed(3, 7, 5, mask=np.ones((3, 7, 1), bool)), ValueError,
     ("`mask`", "(batch, timesteps) = (3, 7)", "(3, 7, 1)")),
    ("mask of another batch", fed(3, 7, 5, mask=np.ones((1, 7), bool)), ValueError,
     ("`mask`", "(batch, timesteps) = (3, 7)", "(1, 7)")),
    ("three states", with_states((3, 4), (3, 4), (3, 4)), ValueError, (*STATES, "3")),
    ("one state", with_states((3, 4)), ValueError, (*STATES, "1")),
    ("two states in 1997", with_states((3, 4), (3, 4), make=partial(OriginalLSTM, 4)), ValueError,
     ("`initial_state`", "list of 3 tensors", "gates: (batch, 8)", "2")),
    ("state as tensor", lambda: classic()(X, initial_state=normal(3, 4)), ValueError,
     (*STATES, "one tensor")),
    ("state of another size", with_states((3, 4), (3, 5)), ValueError, (*STATES, "(3, 5)")),
    ("state of another batch", with_states((3, 4), (2, 4)), ValueError,
     (*STATES, "batch = 3", "(2, 4)")),
    ("transposed weights", transposed, ValueError,
     ("`weights`", "kernel (5, 16)", "('i', 'f', 'c', 'o')", "(16, 5)")),
    ("weights of another number", lambda: classic().set_weights([]), ValueError,
     ("`weights`", "3 arrays", "0 arrays")),
    ("unroll without length", unroll_without_length, ValueError,
     ("`unroll=True`", "fixed number of time steps", "(None, None, 5)")),
    ("stateful with another batch", second_batch_of_another_size, ValueError,
     ("`stateful=True`", "size of the first, 3", "(2, 7, 5)")),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_bad_input(case: Case) -> None:
    _, given, error, words = case
    with pytest.raises(error) as caught:
        given()
    missing = [word for word in words if word not in str(caught.value)]
    assert not missing, str(caught.value)


@each_layer
@pytest.mark.parametrize("units", [0, -1, 2.5, "4", None, True, [4]], ids=repr)
def test_units_must_be_a_positive_integer(make: Make, units: Any) -> None:
    with pytest.raises(ValueError, match=r"`units` must be a positive integer\. Received: units="):
        make(units)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow's tensors")
def test_ragged_and_sparse_tensors() -> None:
    import tensorflow as tf

    layer = randomize(PeepholeLSTM(UNITS))
    ragged = tf.RaggedTensor.from_tensor(X, lengths=[3, 7, 2])
    message = r"x\.to_tensor\(\), with mask=tf\.sequence_mask\(x\.row_lengths\(\)\)"
    with pytest.raises(ValueError, match=message):
        layer(ragged)
    h = layer(ragged.to_tensor(), mask=tf.sequence_mask(ragged.row_lengths()))
    for row, length in enumerate([3, 7, 2]):
        np.testing.assert_allclose(h[row], layer(X[row : row + 1, :length])[0], atol=1e-5)
    with pytest.raises(ValueError, match=r"tf\.sparse\.to_dense\(x\)"):
        layer(tf.sparse.from_dense(X))
    with pytest.raises(ValueError, match="Of a sparse tensor"):
        ClassicLSTM(UNITS)(keras.Input((7, 5), sparse=True))


def test_a_layer_is_unharmed_by_refused_weights() -> None:
    layer = classic()
    before = layer.get_weights()
    with pytest.raises(ValueError, match="`weights`"):
        layer.set_weights([before[0] + 1, before[1].T, before[2]])
    assert all((a == b).all() for a, b in zip(layer.get_weights(), before, strict=True))


@pytest.mark.skipif(BACKEND != "tensorflow", reason="elsewhere the shape is known while tracing")
@pytest.mark.parametrize("name", FAMILY)
def test_no_time_step_at_run_time(name: str) -> None:
    import tensorflow as tf

    layer = randomize(FAMILY[name](UNITS))
    signature = tf.TensorSpec((None, None, 5), "float32")
    call = tf.function(layer, input_signature=[signature], autograph=False)
    assert call(X).shape == (3, UNITS)
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least one time step") as caught:
        call(X[:, :0])
    assert "`sequences`" in str(caught.value)
    assert "(batch, timesteps, features)" in str(caught.value)


@each_layer
def test_nan_is_allowed_and_stays_in_its_row(make: Make) -> None:
    x = X.copy()
    x[1, 3, 2] = np.nan
    h = keras.ops.convert_to_numpy(randomize(make(UNITS))(x))
    assert np.isnan(h[1]).all()
    assert np.isfinite(h[[0, 2]]).all()
