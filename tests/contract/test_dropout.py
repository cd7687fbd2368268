"""Dropout: one mask for all steps, from the seed, in training only, on all that is fed back."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import CECLSTM, OriginalLSTM
from tests.contract.family import (
    BATCH,
    FEATURES,
    TIME,
    UNITS,
    Make,
    assert_close,
    each_layer,
    normal,
    randomize,
    run,
)

X = normal(BATCH, TIME, FEATURES)
BOTH = {"dropout": 0.5, "recurrent_dropout": 0.5}
LINEAR: dict[str, Any] = {"activation": None, "output_activation": None, "use_bias": False}


def ones(_: Any) -> Any:
    return keras.ops.ones_like(_)


@each_layer
def test_no_effect_at_inference(make: Make) -> None:
    plain, dropping = randomize(make(UNITS)), randomize(make(UNITS, **BOTH))
    assert_close(run(dropping, X), run(plain, X))
    assert_close(run(dropping, X, training=False), run(plain, X))


@each_layer
@pytest.mark.parametrize("rate", BOTH)
def test_each_rate_has_an_effect_in_training(make: Make, rate: str) -> None:
    layer = randomize(make(UNITS, seed=5, **{rate: 0.5}))
    assert np.abs(run(layer, X, training=True)[0] - run(layer, X)[0]).max() > 1e-3


@each_layer
def test_the_seed_decides(make: Make) -> None:
    first, same, other = (randomize(make(UNITS, seed=seed, **BOTH)) for seed in (5, 5, 6))
    calls = [run(first, X, training=True), run(first, X, training=True)]
    assert np.abs(calls[0][0] - calls[1][0]).max() > 1e-3, "two calls drew the same mask"
    assert_close(run(same, X, training=True), calls[0])
    assert_close(run(same, X, training=True), calls[1])
    assert np.abs(run(other, X, training=True)[0] - calls[0][0]).max() > 1e-3


def test_inputs_are_dropped_by_one_mask_for_all_steps() -> None:
    layer = CECLSTM(
        64, recurrent=False, kernel_initializer="identity", dropout=0.75, seed=7,
        return_sequences=True, **LINEAR,
    )  # fmt: skip
    [c] = run(layer, np.ones((2, TIME, 64), "float32"), training=True)
    steps = np.diff(c, axis=1, prepend=0.0)
    assert set(np.unique(steps)) == {0.0, 4.0}
    assert (steps == steps[:, :1]).all(), "the mask changed between steps"
    assert (steps[0] != steps[1]).any(), "rows share a mask"
    assert 0.1 < (steps[:, 0] != 0).mean() < 0.4


def test_outputs_are_dropped_by_one_mask_for_all_steps() -> None:
    layer = CECLSTM(
        64, kernel_initializer="identity", recurrent_initializer="identity",
        recurrent_dropout=0.5, seed=7, return_sequences=True, **LINEAR,
    )  # fmt: skip
    [c] = run(layer, np.ones((2, 5, 64), "float32"), training=True)
    dropped, kept = np.arange(1.0, 6.0), np.cumsum(3.0 ** np.arange(5))
    is_kept = c[:, -1] == kept[-1]
    np.testing.assert_array_equal(c, np.where(is_kept[:, None], kept[:, None], dropped[:, None]))
    assert 0.3 < is_kept.mean() < 0.7


def test_gates_that_are_fed_back_are_dropped_by_one_mask_too() -> None:
    units = 64
    layer = OriginalLSTM(
        units, recurrent_activation=ones, recurrent_dropout=0.5, seed=7, return_sequences=True,
        **LINEAR,
    )  # fmt: skip
    layer.build((2, 5, 1))
    recurrent_kernel = np.zeros((3 * units, 3 * units), "float32")
    recurrent_kernel[units : 2 * units, units : 2 * units] = np.eye(units)  # from i to c
    layer.set_weights([np.zeros((1, 3 * units)), recurrent_kernel])
    [c] = run(layer, np.zeros((2, 5, 1), "float32"), training=True)
    steps = np.diff(c, axis=1, prepend=0.0)
    assert (steps[:, 0] == 0.0).all(), "the first step reads the initial gates, which are zero"
    assert set(np.unique(steps[:, 1:])) == {0.0, 2.0}
    assert (steps[:, 1:] == steps[:, 1:2]).all(), "the mask changed between steps"


@each_layer
def test_the_cell_drops_in_a_plain_rnn(make: Make) -> None:
    layer = randomize(make(UNITS, seed=5, **BOTH))
    plain = keras.layers.RNN(type(layer.cell).from_config(layer.cell.get_config()))
    plain.build(X.shape)
    plain.set_weights(layer.get_weights())
    assert_close(run(plain, X, training=True), run(layer, X, training=True))
    assert_close(run(plain, X), run(layer, X))


@each_layer
@pytest.mark.slow
def test_dropout_trains_in_a_compiled_model(make: Make) -> None:
    model = keras.Sequential([keras.Input((None, FEATURES)), make(UNITS, seed=5, **BOTH)])
    model.compile("sgd", "mse")
    x, y = normal(8, TIME, FEATURES), normal(8, UNITS)
    losses = model.fit(x, y, batch_size=4, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(losses).all()


@each_layer
def test_a_call_that_fails_leaves_no_mask_behind(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("no engine")

    layer = randomize(make(UNITS, seed=5, **BOTH))
    with monkeypatch.context() as patch:
        patch.setattr(layer, "inner_loop", fail)
        with pytest.raises(RuntimeError, match="no engine"):
            layer(X, training=True)
    assert run(layer, X[:1], training=True)[0].shape == (1, UNITS)
