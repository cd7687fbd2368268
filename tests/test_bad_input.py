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
    OriginalLSTM,
    PeepholeLSTM,
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


STATES = ("`initial_state`", "list of 2 tensors", "h: (batch, 4)", "c: (batch, 4)")
SEQUENCES = ("`sequences`", "(batch, timesteps, features)")
BLOCKS = ("`block_size`", "divide `units`", "block_size=3", "units=4")
GATE_BIAS = ("`gate_bias`", "dictionary", "Received: gate_bias=")

CASES: list[Case] = [
    ("block size 3", lambda: ClassicLSTM(4, block_size=3), ValueError, BLOCKS),
    ("block size 3 in 1997", lambda: OriginalLSTM(4, block_size=3), ValueError, BLOCKS),
    ("block size 0", lambda: PeepholeLSTM(4, block_size=0), ValueError,
     ("`block_size`", "positive integer", "block_size=0")),
    ("unknown engine", lambda: CECLSTM(4, engine="cuda"), ValueError,
     ("`engine`", "'auto'", "'portable'", "engine='cuda'")),
    ("unknown gradient", lambda: OriginalLSTM(4, gradient="half"), ValueError,
     ("`gradient`", "'full'", "'truncated'", "gradient='half'")),
    ("use_cudnn", lambda: ClassicLSTM(4, use_cudnn=True), ValueError,
     ("`use_cudnn`", "`engine`", "use_cudnn=True")),
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
