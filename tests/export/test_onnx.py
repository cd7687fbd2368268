"""ONNX files: what ONNX Runtime makes of them is what Keras makes of the model."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from keras_lstm_ext import (
    CECLSTM,
    CECLSTMCell,
    ClassicLSTM,
    ClassicLSTMCell,
    CoupledLSTM,
    OriginalLSTM,
    OriginalLSTMCell,
    PeepholeLSTM,
    PeepholeLSTMCell,
    ProjectedLSTM,
    Variant,
    VariantLSTM,
)
from keras_lstm_ext.export import export_onnx
from tests.contract.family import as_arrays, assert_close, normal, randomize

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

BATCH, TIME, FEATURES, UNITS = 3, 9, 5, 4
X = normal(BATCH, TIME, FEATURES)
LENGTHS = [9, 4, 1]
PADDED = X * (np.arange(TIME) < np.array(LENGTHS)[:, None])[:, :, None]
WORDS = np.array([[3, 1, 2, 6, 5, 1, 2, 4, 3], [2, 2, 5, 1, 0, 0, 0, 0, 0], [6] + [0] * 8])

DECAY = Variant(gates=("i", "o"), decay=0.9, block_size=2)
ALONE = Variant(gates=("i",), peepholes=True, feedback="none")


def sequential(*stack: Any) -> keras.Model:
    return keras.Sequential([keras.Input((None, FEATURES), name="x"), *stack])


def of_words(*stack: Any) -> keras.Model:
    words = keras.Input((None,), dtype="int32", name="words")
    return keras.Sequential([words, layers.Embedding(7, FEATURES, mask_zero=True), *stack])


def with_states(make: Any) -> keras.Model:
    """Two calls in a chain: the states of the first one are the second one's."""
    x, h, c = keras.Input((None, FEATURES)), keras.Input((UNITS,)), keras.Input((UNITS,))
    y, *states = make(UNITS, return_sequences=True, return_state=True)(x, initial_state=[h, c])
    z, *states = make(UNITS, return_state=True)(y, initial_state=states)
    return keras.Model([x, h, c], [z, *states])


def both_ways_with_states() -> keras.Model:
    x = keras.Input((None, FEATURES))
    states = [keras.Input((UNITS,)) for _ in range(4)]
    wrapper = layers.Bidirectional(PeepholeLSTM(UNITS, return_state=True))
    return keras.Model([x, *states], wrapper(x, initial_state=states))


def branches() -> keras.Model:
    """A layer that is called twice, an inner model, merges, and shapes that change."""
    x = keras.Input((TIME, FEATURES))
    shared = layers.Dense(FEATURES, activation="relu")
    inner = keras.Sequential(
        [keras.Input((TIME, FEATURES)), ClassicLSTM(UNITS), layers.Dropout(0.5)]
    )
    a = inner(shared(shared(x)))
    b = layers.Flatten()(layers.Permute((2, 1))(layers.Reshape((3, 15))(x)))
    b = layers.Dense(UNITS, use_bias=False, activation="hard_sigmoid")(b)
    added = layers.Multiply()([layers.Add()([a, b]), b])
    steps = PeepholeLSTM(UNITS, return_sequences=True)(layers.RepeatVector(4)(added))
    joined = layers.Concatenate()([steps, steps])
    return keras.Model(x, [joined, added])


HOLES = np.random.default_rng(3).random((6, TIME)) < 0.5
HOLES[0], HOLES[1], HOLES[2] = False, True, np.arange(TIME) >= 4  # none, all, padding in front
MASKED = normal(6, TIME, FEATURES, seed=7) * HOLES[:, :, None]


def with_holes(wrap: bool, zeros: bool, sequences: bool) -> keras.Model:
    """One layer, or one per direction, on rows with masked steps anywhere."""
    options = {"zero_output_for_mask": zeros, "return_sequences": sequences}
    if wrap:
        return sequential(layers.Masking(), both(PeepholeLSTM, **options))
    backwards = ClassicLSTM(UNITS, go_backwards=True, **options)
    return sequential(
        layers.Masking(),
        PeepholeLSTM(UNITS, return_sequences=True, zero_output_for_mask=zeros),
        backwards,
    )


def masked_with_states(zeros: bool, wrap: bool) -> keras.Model:
    """Every output that a mask decides, of all patterns, forward and backward."""
    x, states = keras.Input((None, FEATURES)), [keras.Input((UNITS,)) for _ in range(4)]
    masked = layers.Masking()(x)
    options = {"return_state": True, "zero_output_for_mask": zeros}
    outputs: list[Any] = []
    for sequences in (True, False):
        options["return_sequences"] = sequences
        if wrap:
            wrapper = layers.Bidirectional(PeepholeLSTM(UNITS, **options), merge_mode=None)
            outputs += wrapper(masked, initial_state=states)
            outputs += layers.Bidirectional(ClassicLSTM(UNITS, **options))(masked)
        else:
            outputs += PeepholeLSTM(UNITS, **options)(masked, initial_state=states[:2])
            outputs += PeepholeLSTM(UNITS, go_backwards=True, **options)(
                masked, initial_state=states[2:]
            )
            outputs += ClassicLSTM(UNITS, go_backwards=True, **options)(masked)
    return keras.Model([x, *states], outputs)


def both(make: Any, **options: Any) -> Any:
    merge = {k: options.pop(k) for k in ("merge_mode",) if k in options}
    return layers.Bidirectional(make(UNITS, **options), **merge)


def attention() -> keras.Model:
    """Two inputs, an encoder whose states a decoder goes on with, attention, a slice, a sum."""
    source, target = keras.Input((None, FEATURES)), keras.Input((None, FEATURES))
    options = {"return_sequences": True, "return_state": True}
    encoded, *states = layers.LSTM(UNITS, **options)(source)
    decoded, *_ = PeepholeLSTM(UNITS, **options)(target, initial_state=states)
    seen = layers.Attention()([decoded, encoded])
    y = layers.LayerNormalization()(decoded + seen)
    return keras.Model([source, target], layers.Dense(2, activation="softmax")(y[:, -1]))


def convolutional() -> keras.Model:
    stack = [
        layers.Conv1D(6, 3, padding="same", activation="gelu"),
        layers.BatchNormalization(),
        layers.MaxPooling1D(2),
        layers.LSTM(UNITS),
        layers.RepeatVector(3),
        layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True)),
        layers.TimeDistributed(layers.Dense(2)),
    ]
    return sequential(*stack)


def normalized() -> keras.Model:
    """Normalization first, whose numbers are no weights that tf2onnx would find."""
    mean, variance = [1.0, -2.0, 0.5, 3.0, 0.0][:FEATURES], [0.5, 1.0, 2.0, 3.0, 0.1][:FEATURES]
    stack = [
        layers.Normalization(mean=mean, variance=variance),
        layers.Rescaling(0.5, offset=0.25),
        layers.LSTM(UNITS, return_sequences=True),
        layers.Lambda(lambda x: 2.0 * x[:, -1], output_shape=(UNITS,)),
        layers.LeakyReLU(0.2),
        layers.Dense(3, activation="gelu"),
    ]
    return sequential(*stack)


def adapted() -> keras.Model:
    normalization = layers.Normalization()
    normalization.adapt(X)
    return sequential(normalization, PeepholeLSTM(UNITS))


def autoencoder() -> keras.Model:
    stack = [
        layers.LSTM(UNITS),
        layers.RepeatVector(TIME),
        layers.LSTM(UNITS, return_sequences=True),
        layers.TimeDistributed(layers.Dense(FEATURES)),
    ]
    return keras.Sequential([keras.Input((TIME, FEATURES)), *stack])


def several_inputs() -> keras.Model:
    """Words, sequences and what does not change in time, by names that need not be identifiers."""
    words = keras.Input((None,), dtype="int32", name="words of a text")
    numbers, fixed = keras.Input((None, FEATURES), name="numbers.1"), keras.Input((3,), name="3")
    read = layers.LSTM(UNITS)(layers.Embedding(7, FEATURES, mask_zero=True)(words))
    measured = layers.GlobalAveragePooling1D()(both(layers.LSTM, return_sequences=True)(numbers))
    joined = layers.Concatenate()([read, measured, layers.Dense(2)(fixed)])
    return keras.Model([words, numbers, fixed], layers.Dense(3)(joined))


def mask_is_an_input() -> keras.Model:
    x, mask = keras.Input((None, FEATURES)), keras.Input((None,), dtype="bool")
    return keras.Model([x, mask], both(ClassicLSTM, return_sequences=True)(x, mask=mask))


@keras.saving.register_keras_serializable("tests")
class Twice(layers.LSTM):
    """Its call is not Keras' own, its loop is."""

    def call(self, sequences: Any, **how: Any) -> Any:
        return super().call(2.0 * sequences, **how)


@keras.saving.register_keras_serializable("tests")
class DoubledCell(layers.LSTMCell):
    """Its steps are not Keras' own."""

    def call(self, x: Any, states: Any, training: bool = False) -> Any:
        h, states = super().call(x, states, training=training)
        return 2.0 * h, states


def beside_loops() -> keras.Model:
    """What is no LSTM, or one of the user's own, is a loop, as Keras writes it."""
    loops = [
        layers.GRU(3, return_sequences=True),
        layers.RNN(DoubledCell(3), return_sequences=True),
    ]
    return sequential(*loops, layers.LSTM(UNITS))


def one_way_of_ones_own() -> keras.Model:
    backward = layers.LSTM(UNITS, go_backwards=True)
    return sequential(layers.Bidirectional(Twice(UNITS), backward_layer=backward))


def cells() -> list[Any]:
    return [layers.LSTMCell(3), PeepholeLSTMCell(UNITS), CECLSTMCell(2)]


def stacks() -> keras.Model:
    """Stacks of cells with every output that a mask decides, forward, backward, both."""
    x = keras.Input((None, FEATURES))
    masked, outputs = layers.Masking()(x), []
    for zeros in (False, True):
        how = {"return_sequences": True, "return_state": True, "zero_output_for_mask": zeros}
        outputs += layers.RNN(cells(), **how)(masked)
        outputs += layers.RNN(cells(), go_backwards=True, **how)(masked)
        outputs += layers.Bidirectional(layers.RNN(cells(), **how), merge_mode=None)(masked)[:2]
    return keras.Model(x, keras.tree.flatten(outputs))


def stack_with_states() -> keras.Model:
    x, states = keras.Input((None, FEATURES)), [keras.Input((UNITS,)) for _ in range(4)]
    stack = [layers.LSTMCell(UNITS), ClassicLSTMCell(UNITS)]
    nested = [states[:2], states[2:]]
    y, *finals = layers.RNN(stack, return_state=True)(layers.Masking()(x), initial_state=nested)
    return keras.Model([x, *states], keras.tree.flatten([y, finals]))


def of_parts() -> keras.Model:
    x = keras.Input((None, 3, FEATURES))
    part = layers.TimeDistributed(ClassicLSTM(UNITS))(x)
    return keras.Model(x, layers.LSTM(UNITS, go_backwards=True)(part))


CASES: dict[str, tuple[Callable[[], keras.Model], Any]] = {
    "cec": (lambda: sequential(CECLSTM(UNITS)), X),
    "normalized": (normalized, X),
    "adapted": (adapted, X),
    "cec 1991": (lambda: sequential(CECLSTM(UNITS, activation=None, recurrent=False)), X),
    "classic": (lambda: sequential(ClassicLSTM(UNITS)), X),
    "peephole": (lambda: sequential(PeepholeLSTM(UNITS, gradient="truncated")), X),
    "coupled": (lambda: sequential(CoupledLSTM(UNITS)), X),
    "coupled both ways": (lambda: sequential(both(CoupledLSTM, return_sequences=True)), X),
    "no bias": (lambda: sequential(PeepholeLSTM(UNITS, use_bias=False)), X),
    "gate biases": (lambda: sequential(ClassicLSTM(UNITS, use_bias="gates")), X),
    "blocks": (lambda: sequential(ClassicLSTM(UNITS, block_size=2)), X),
    "decay": (lambda: sequential(VariantLSTM(UNITS, variant=DECAY)), X),
    "one gate": (lambda: sequential(VariantLSTM(UNITS, variant=ALONE)), X),
    "1997 squashers": (
        lambda: sequential(
            ClassicLSTM(
                UNITS, activation="centered_sigmoid_2", output_activation="centered_sigmoid_1"
            )
        ),
        X,
    ),
    "other functions": (
        lambda: sequential(
            both(PeepholeLSTM, recurrent_activation="hard_sigmoid", activation="softsign")
        ),
        X,
    ),
    "gates of Keras 2": (
        lambda: sequential(ClassicLSTM(UNITS, recurrent_activation="hard_sigmoid_of_keras_2")),
        X,
    ),
    "backwards": (
        lambda: sequential(PeepholeLSTM(UNITS, return_sequences=True, go_backwards=True)),
        X,
    ),
    "states": (lambda: with_states(PeepholeLSTM), [X, X[:, 0, :UNITS], X[:, 1, :UNITS]]),
    "states of both": (both_ways_with_states, [X, *(X[:, k, :UNITS] for k in range(4))]),
    "branches": (branches, X),
    "masked": (lambda: sequential(layers.Masking(), PeepholeLSTM(UNITS)), PADDED),
    "masked sequences": (
        lambda: sequential(
            layers.Masking(),
            PeepholeLSTM(UNITS, return_sequences=True),
            layers.Dropout(0.5),
            layers.TimeDistributed(layers.Dense(3, activation="tanh")),
            ClassicLSTM(UNITS, return_sequences=True, go_backwards=True),
        ),
        PADDED,
    ),
    "masked zeros": (
        lambda: of_words(
            PeepholeLSTM(UNITS, return_sequences=True, zero_output_for_mask=True),
            ClassicLSTM(UNITS, zero_output_for_mask=True),
        ),
        WORDS,
    ),
    **{
        f"words, {mode}": (
            lambda mode=mode: of_words(
                both(PeepholeLSTM, return_sequences=True, merge_mode=mode),
                both(ClassicLSTM, merge_mode=mode),
                layers.Dense(2, activation="softmax"),
            ),
            WORDS,
        )
        for mode in ("concat", "sum", "mul", "ave")
    },
    **{
        f"holes {wrap} {zeros} {sequences}": (
            lambda options=(wrap, zeros, sequences): with_holes(*options),
            MASKED,
        )
        for wrap, zeros, sequences in itertools.product((False, True), repeat=3)
    },
    **{
        f"holes, zeros={zeros}, wrap={wrap}": (
            lambda zeros=zeros, wrap=wrap: masked_with_states(zeros, wrap),
            [MASKED, *(normal(6, UNITS, seed=k) for k in range(4))],
        )
        for zeros in (False, True)
        for wrap in (False, True)
    },
    "attention": (attention, [X, X[:, ::-1]]),
    "autoencoder": (autoencoder, X),
    "several inputs": (several_inputs, [WORDS, X, X[:, 0, :3]]),
    "a mask is an input": (mask_is_an_input, [np.where(HOLES[:, :, None], MASKED, np.nan), HOLES]),
    "one way of one's own": (one_way_of_ones_own, X),
    "beside loops": (beside_loops, X),
    "stack of two": (lambda: sequential(layers.RNN([layers.LSTMCell(3), layers.LSTMCell(2)])), X),
    "stack of one": (lambda: sequential(layers.RNN([layers.LSTMCell(3)])), X),
    "stacks": (stacks, MASKED),
    "stack with states": (
        stack_with_states,
        [MASKED, *(normal(6, UNITS, seed=k) for k in range(4))],
    ),
    "convolutional": (convolutional, X),
    "of parts": (of_parts, normal(3, 5, 3, FEATURES)),
    "no padding": (
        lambda: of_words(both(PeepholeLSTM, return_sequences=True), layers.LSTM(UNITS)),
        1 + WORDS % 6,
    ),
    "padding in front": (
        lambda: of_words(both(PeepholeLSTM, return_sequences=True), ClassicLSTM(UNITS)),
        WORDS[:, ::-1],
    ),
    "two outputs": (
        lambda: of_words(both(ClassicLSTM, return_sequences=True, merge_mode=None)),
        WORDS,
    ),
}


def run_file(path: Path, inputs: list[np.ndarray]) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    types = {"tensor(int32)": "int32", "tensor(float)": "float32", "tensor(bool)": "bool"}
    given = zip(session.get_inputs(), inputs, strict=True)
    feed = {wanted.name: array.astype(types[wanted.type]) for wanted, array in given}
    assert list(feed) == names
    return session.run(None, feed)


def nodes(path: Path, op: str) -> list[Any]:
    return [node for node in onnx.load(path).graph.node if node.op_type == op]


MANY = ("words", "holes", "stacks", "masked sequences", "masked zeros", "no padding")
QUICK = ("words, concat", "holes True True True")
"""Of the cases of many masks, those that run by default."""


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            marks=[pytest.mark.slow] * (case.startswith(MANY) and case not in QUICK),
        )
        for case in CASES
    ],
)
def test_onnx_runtime_gives_what_keras_gives(case: str, tmp_path: Path) -> None:
    make, inputs = CASES[case]
    model = randomize(make())
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_variance.assign(keras.ops.square(layer.moving_variance))
    path = tmp_path / "model.onnx"
    export_onnx(model, path)
    expected = as_arrays(model(inputs))
    arrays = inputs if isinstance(inputs, list) else [inputs]
    assert_close(run_file(path, arrays), expected)
    if case != "branches":  # its shapes are fixed
        doubled = [np.concatenate([a, a]) for a in arrays]
        assert_close(run_file(path, doubled), [np.concatenate([e, e]) for e in expected])


def test_nodes_hold_what_the_layers_are(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export_onnx(randomize(CASES["words, concat"][0]()), path)
    first, second = nodes(path, "LSTM")
    assert not nodes(path, "Loop")
    assert not nodes(path, "Scan")
    for node in (first, second):
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        assert attributes["direction"] == b"bidirectional"
        assert attributes["hidden_size"] == UNITS
        assert node.input[4], "sequence_lens"
    assert len(first.input) == 8
    assert first.input[7], "P"
    assert len(second.input) < 8 or not second.input[7]


@pytest.mark.parametrize(
    ("stack", "directions"),
    [
        (layers.LSTM(UNITS), "f"),
        (layers.Bidirectional(layers.LSTM(UNITS)), "b"),
        (layers.RNN(cells()), "fff"),
        (layers.RNN(layers.StackedRNNCells(cells()), go_backwards=True), "rrr"),
        (layers.Bidirectional(layers.RNN(cells())), "fffrrr"),
        (one_way_of_ones_own().layers[0], "fr"),
    ],
)
def test_how_many_nodes(stack: Any, directions: str, tmp_path: Path) -> None:
    export_onnx(sequential(stack), tmp_path / "model.onnx")
    made = nodes(tmp_path / "model.onnx", "LSTM")
    found = [a.s.decode()[0] for node in made for a in node.attribute if a.name == "direction"]
    assert sorted(found) == sorted(directions)
    assert not nodes(tmp_path / "model.onnx", "Loop")
    for node in made:
        assert not any(node.input[5:7]), "zeros are not given"


def test_outputs_by_number(tmp_path: Path) -> None:
    """Twelve, whose names are not in the order of their numbers."""
    x = keras.Input((None, FEATURES))
    y = ClassicLSTM(12)(x)
    model = randomize(keras.Model(x, [y[:, k] for k in range(12)]))
    export_onnx(model, tmp_path / "model.onnx")
    assert_close(run_file(tmp_path / "model.onnx", [X]), as_arrays(model(X)))


def test_a_long_sum_loses_nothing(tmp_path: Path) -> None:
    """Gates that are not there are open to the last bit, over 1000 steps."""
    layer = CECLSTM(1, activation=None, recurrent=False, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((None, 1)), layer])
    export_onnx(model, tmp_path / "sum.onnx")
    (total,) = run_file(tmp_path / "sum.onnx", [np.ones((1, 1000, 1))])
    assert total[0, 0] == 1000.0


def test_inputs_and_outputs_by_name(tmp_path: Path) -> None:
    inputs = {"z": keras.Input((2,), name="z"), "a": keras.Input((None, FEATURES), name="a")}
    y, *states = ClassicLSTM(2, return_state=True)(inputs["a"])
    model = randomize(keras.Model(inputs, {"y": layers.Add()([y, inputs["z"]]), "c": states[1]}))
    export_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    feed = {"z": X[:, 0, :2], "a": X}
    expected = model(feed)
    assert_close(session.run(None, feed), as_arrays([expected["c"], expected["y"]]))


def test_a_model_of_mixed_precision_is_written_in_float32(tmp_path: Path) -> None:
    mixed = randomize(sequential(PeepholeLSTM(UNITS, dtype="mixed_bfloat16")))
    export_onnx(mixed, tmp_path / "model.onnx")
    expected = randomize(sequential(PeepholeLSTM(UNITS)))(X)
    assert_close(run_file(tmp_path / "model.onnx", [X]), as_arrays(expected))


class Doubled(keras.layers.Layer):
    def call(self, x: Any) -> Any:
        return 2 * x


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.inner = ClassicLSTM(UNITS)

    def call(self, x: Any) -> Any:
        return self.inner(x)


def subclassed() -> keras.Model:
    model = Subclassed()
    model(X)
    return model


def stateful() -> keras.Model:
    layer = ClassicLSTM(UNITS, stateful=True, name="it")
    return keras.Sequential([keras.Input(batch_shape=(2, 4, FEATURES)), layer])


def operation() -> keras.Model:
    x = keras.Input((TIME, FEATURES))
    return keras.Model(x, keras.ops.sin(ClassicLSTM(UNITS)(x)))


BLOCKS = Variant(peepholes=True, block_size=2)
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "gate feedback": (lambda: sequential(OriginalLSTM(4, name="it")), "'it'.*fed back"),
    "peephole blocks": (lambda: sequential(VariantLSTM(4, variant=BLOCKS)), "sees one cell"),
    "activation": (lambda: sequential(ClassicLSTM(4, activation="gelu")), "'gelu'"),
    "gates": (
        lambda: sequential(VariantLSTM(4, variant=DECAY, recurrent_activation="relu")),
        "sigmoid, not relu",
    ),
    "coupled gates": (
        lambda: sequential(CoupledLSTM(4, recurrent_activation="softsign")),
        "1 - i.*not softsign",
    ),
    "projection": (lambda: sequential(ProjectedLSTM(4, projection=2)), "compute projection=2"),
    "stateful": (stateful, "stateful"),
    "stack": (
        lambda: sequential(layers.RNN([layers.LSTMCell(4), layers.GRUCell(4)], name="it")),
        "'it'.*LSTM cells and .'GRUCell'.; make a layer of each",
    ),
    "stack of ours": (
        lambda: sequential(layers.RNN([ClassicLSTMCell(4), OriginalLSTMCell(4)])),
        "fed back",
    ),
    "subclassed": (subclassed, "Sequential and functional"),
    "not built": (lambda: keras.Sequential([ClassicLSTM(4)]), "built"),
    "a layer": (lambda: ClassicLSTM(4), "Keras model"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_written_is_named_and_no_file_is_made(case: str, tmp_path: Path) -> None:
    make, words = REFUSED[case]
    with pytest.raises(ValueError, match=f"(?is){words}"):
        export_onnx(make(), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
