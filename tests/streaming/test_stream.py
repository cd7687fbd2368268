"""A model step by step is the model on the whole sequence."""

import copy
import gc
import pickle
import tracemalloc
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import keras_lstm_ext as kle
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.variants import ODYSSEY

layers = keras.layers
FEATURES, TIME, ROWS = 5, 7, 3

pytestmark = pytest.mark.skipif(packing.library() is None, reason="the library is not built")


def randomize(model: Any, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    for w in model.weights:
        if w.dtype == "float32":  # variances among them
            w.assign(
                np.abs(rng.normal(0.3, 0.4, w.shape))
                if "var" in w.name
                else rng.normal(0, 0.4, w.shape)
            )
    return model


def sequential(*parts: Any, features: int = FEATURES) -> Any:
    return randomize(keras.Sequential([keras.Input((None, features)), *parts]))


def inside() -> Any:
    inner = keras.Sequential(
        [keras.Input((None, FEATURES)), kle.PeepholeLSTM(6, return_sequences=True)]
    )
    x = keras.Input((None, FEATURES))
    h = layers.Dropout(0.3)(inner(x))
    h = layers.TimeDistributed(keras.Sequential([layers.Dense(4), layers.ReLU()]))(h)
    return randomize(keras.Model(x, layers.LSTM(3)(h)))


VARIANT = kle.Variant(gates=("i", "o"), block_size=2, decay=0.9)

MODELS: dict[str, Callable[[], Any]] = {
    "classic": lambda: sequential(kle.ClassicLSTM(9)),
    "blocks": lambda: sequential(kle.PeepholeLSTM(12, block_size=3, return_sequences=True)),
    "decay": lambda: sequential(kle.VariantLSTM(6, variant=VARIANT, use_bias="gates")),
    "carousel": lambda: sequential(kle.CECLSTM(4, recurrent=False, activation=None)),
    "no bias": lambda: sequential(kle.ClassicLSTM(9, use_bias=False, activation=None)),
    "Keras": lambda: sequential(
        layers.LSTM(17, return_sequences=True), layers.LSTM(4, use_bias=False)
    ),
    "cells": lambda: sequential(
        layers.RNN([kle.PeepholeLSTMCell(6), layers.LSTMCell(5), kle.CECLSTMCell(3)])
    ),
    "dense": lambda: sequential(
        layers.Dense(8, activation="silu"),
        kle.ClassicLSTM(6, return_sequences=True, dropout=0.5, recurrent_dropout=0.2),
        layers.Dense(4, activation="elu", use_bias=False),
        layers.Activation("softplus"),
        kle.PeepholeLSTM(33),
        layers.Dense(3, activation="softmax"),
    ),
    "normal": lambda: sequential(
        layers.Normalization(mean=[1.0, 2.0, -1.0, 0.0, 0.5], variance=[0.5, 1.0, 2.0, 3.0, 0.1]),
        layers.BatchNormalization(),
        kle.ClassicLSTM(6, return_sequences=True),
        layers.LayerNormalization(),
        layers.Rescaling(0.5, offset=-0.25),
        kle.ClassicLSTM(4),
        layers.BatchNormalization(scale=False),
        layers.Softmax(),
    ),
    "gates fed back": lambda: sequential(
        kle.OriginalLSTM(6, block_size=2, return_sequences=True),
        kle.VariantLSTM(5, variant=ODYSSEY["FGR"], return_sequences=True),
        kle.VariantLSTM(4, variant=ODYSSEY["CIFG"]),
    ),
    "normalised": lambda: sequential(
        kle.LayerNormLSTM(9, return_sequences=True),
        kle.LayerNormLSTM(6, block_size=2, use_bias=False, epsilon=1e-3),
    ),
    "inside": inside,
}


def activations() -> Any:
    names = ["relu", "relu6", "sigmoid", "tanh", "exponential", "linear"]
    return sequential(kle.ClassicLSTM(4), *(layers.Dense(5, activation=name) for name in names))


MODELS["activations"] = activations


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
@pytest.mark.parametrize("batch", [pytest.param(1, marks=pytest.mark.slow), ROWS])
def test_a_step_is_what_predict_gives(make: Any, batch: int) -> None:
    model, rng = make(), np.random.default_rng(1)
    x = rng.normal(0, 1.5, (batch, TIME, FEATURES)).astype("float32")
    stream = kle.stream(model, batch)
    for t in range(TIME):
        y = stream.step(x[:, t])
        if t not in (0, 4, TIME - 1):
            continue
        # Keras' `predict` traces `TimeDistributed` for one length, and is wrong for another.
        expected = keras.ops.convert_to_numpy(model(x[:, : t + 1]))
        expected = expected[:, -1] if expected.ndim == 3 else expected
        np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)
    assert np.abs(expected).max() > 1e-3


def test_whole_numbers_go_into_an_embedding() -> None:
    model = randomize(
        keras.Sequential(
            [keras.Input((None,), dtype="int32"), layers.Embedding(11, 4), kle.PeepholeLSTM(6)]
        )
    )
    x, stream = np.random.default_rng(2).integers(0, 11, (ROWS, TIME)), kle.stream(model, ROWS)
    y = [stream.step(x[:, t]) for t in range(TIME)][-1]
    np.testing.assert_allclose(y, model.predict(x, verbose=0), atol=1e-6)
    for wrong in ([0, 1, 11], [0, -1, 2]):
        with pytest.raises(ValueError, match="from 0 to 10"):
            stream.step(wrong)
    with pytest.raises(ValueError, match="whole numbers"):
        stream.step(np.zeros(ROWS))


def test_state_restore_and_reset() -> None:
    model = sequential(kle.OriginalLSTM(6, return_sequences=True), kle.PeepholeLSTM(4))
    x = np.random.default_rng(3).normal(size=(TIME, ROWS, FEATURES))
    stream = kle.stream(model, ROWS)
    first = stream.step(x[0])
    stream.step(x[1])
    kept = stream.state
    sizes = (6, 6, 12, 4, 4)  # 12 gates that are fed back
    assert [a.shape for a in kept] == [(ROWS, n) for n in sizes]
    then = stream.step(x[2])
    stream.step(x[3])
    stream.restore(kept)
    np.testing.assert_array_equal(stream.step(x[2]), then)
    stream.reset(1)
    again = stream.step(x[0])
    np.testing.assert_array_equal(again[1], first[1])
    assert np.abs(again - first)[[0, 2]].min() > 0
    stream.reset()
    np.testing.assert_array_equal(stream.step(x[0]), first)
    with pytest.raises(ValueError, match=r"shapes \[\(3, 6\)"):
        stream.restore(kept[:3])


def test_a_stream_outlives_its_model_and_moves_alone() -> None:
    model, x = sequential(kle.ClassicLSTM(6)), np.ones((1, FEATURES), "float32")
    streams = [kle.stream(model), kle.stream(model)]
    first = streams[0].step(x)
    streams[0].step(x)
    randomize(model, seed=9)
    del model
    gc.collect()
    np.testing.assert_array_equal(streams[1].step(x), first)


def test_outputs_are_the_callers() -> None:
    stream, x = kle.stream(sequential(kle.ClassicLSTM(6))), np.ones((1, FEATURES), "float32")
    first = stream.step(x)
    kept = first.copy()
    out = np.empty((1, 6), "float32")
    assert stream.step(x, out=out) is out
    np.testing.assert_array_equal(first, kept)
    assert np.abs(out - first).max() > 0
    for wrong in (np.empty((1, 5), "float32"), np.empty((1, 6))):
        with pytest.raises(ValueError, match="`out` must be a float32 array"):
            stream.step(x, out=wrong)


@pytest.mark.parametrize("name", ["dense", "normal", "activations", "gates fed back"])
def test_steps_allocate_nothing(name: str) -> None:
    rows = 16384  # the smallest array takes 64 kilobytes, NumPy's own buffers up to 33
    stream, x = kle.stream(MODELS[name](), rows), np.ones((rows, FEATURES), "float32")
    out = stream.step(x)
    tracemalloc.start()
    stream.step(x, out=out)
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    stream.step(x, out=out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - before < rows * 4


def functional(fn: Any) -> Any:
    x = keras.Input((None, FEATURES))
    return keras.Model(x, fn(x))


class Doubled(layers.Dense):
    def call(self, inputs: Any, training: bool = False) -> Any:
        return 2 * super().call(inputs)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "no model": (lambda: kle.ClassicLSTM(4), "must be a built Keras model"),
    "not built": (lambda: keras.Sequential([kle.ClassicLSTM(4)]), "must be a built Keras model"),
    "both directions": (
        lambda: sequential(layers.Bidirectional(kle.ClassicLSTM(4), name="both")),
        "Bidirectional 'both'",
    ),
    "backwards": (lambda: sequential(kle.ClassicLSTM(4, go_backwards=True)), "go_backwards"),
    "blocks": (lambda: sequential(kle.PeepholeLSTM(10, block_size=5)), "blocks of up to 4 cells"),
    "squasher": (lambda: sequential(kle.ClassicLSTM(4, activation="gelu")), "activation"),
    "another kind": (lambda: sequential(layers.GRU(4, name="gru")), "GRU .gru.: only LSTM"),
    "convolution": (lambda: sequential(layers.Conv1D(4, 3), kle.ClassicLSTM(4)), "Conv1D"),
    "activation": (
        lambda: sequential(kle.ClassicLSTM(4), layers.Dense(2, activation="gelu")),
        "Dense.*gelu",
    ),
    "own call": (lambda: sequential(kle.ClassicLSTM(4), Doubled(2)), "Doubled"),
    "no memory": (lambda: sequential(layers.Dense(4)), "no recurrent layer"),
    "two ways": (
        lambda: functional(lambda x: layers.add([kle.ClassicLSTM(5)(x), layers.LSTM(5)(x)])),
        "not called once",
    ),
    "twice": (
        lambda: functional(lambda x: (d := layers.Dense(5))(kle.ClassicLSTM(5)(d(x)))),
        "not called once",
    ),
    "states out": (
        lambda: functional(lambda x: kle.ClassicLSTM(5, return_state=True)(x)[0]),
        "return_state",
    ),
    "half precision": (
        lambda: sequential(kle.ClassicLSTM(4, dtype="mixed_bfloat16")),
        "float32.*bfloat16",
    ),
    "masks": (
        lambda: keras.Sequential(
            [keras.Input((None,)), layers.Embedding(5, 4, mask_zero=True), kle.ClassicLSTM(4)]
        ),
        "mask_zero",
    ),
    "in parts": (
        lambda: keras.Sequential(
            [keras.Input((None, 4, 3)), layers.TimeDistributed(kle.ClassicLSTM(4, name="p"))]
        ),
        "begins anew",
    ),
    "axis": (
        lambda: keras.Sequential(
            [keras.Input((6, 3)), layers.BatchNormalization(axis=1), kle.ClassicLSTM(4)]
        ),
        "axis=1",
    ),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_streamed_is_named(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        kle.stream(make())


@pytest.mark.parametrize(
    "x", [np.ones((1, 4)), np.ones((2, 5)), 1.0, np.ones((1, 5)) * 1j, ["a"] * 5]
)
def test_wrong_steps_are_refused(x: Any) -> None:
    stream = kle.stream(sequential(kle.ClassicLSTM(3)))
    with pytest.raises(ValueError, match=r"`x` must hold floats, shape \(1, 5\)"):
        stream.step(x)


@pytest.mark.parametrize("batch", [0, -1, 1.5, True, None])
def test_wrong_batch_is_refused(batch: Any) -> None:
    with pytest.raises(ValueError, match="`batch` must be a positive integer"):
        kle.stream(sequential(kle.ClassicLSTM(3)), batch=batch)


def test_fading_states_become_zero_and_nothing_else_changes() -> None:
    """States on silence fade to what is slow to compute with; the caller's arithmetic stays."""
    model = keras.Sequential([keras.Input((None, 1)), kle.ClassicLSTM(8, unit_forget_bias=False)])
    stream, tiny = kle.stream(model), np.float32(1e-39)
    stream.step([[1.0]])
    for _ in range(500):
        stream.step([[0.0]])
    assert all((np.abs(s[s != 0]) > 1.2e-38).all() for s in stream.state)
    assert tiny * np.float32(0.5) > 0


@pytest.mark.parametrize("how", [copy.deepcopy, pickle.dumps])
def test_a_stream_is_not_copied(how: Any) -> None:
    with pytest.raises(TypeError, match="make another one"):
        how(kle.stream(sequential(kle.ClassicLSTM(3))))
