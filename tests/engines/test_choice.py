"""Which engine runs, what `explain` says, and what must not happen behind the user's back."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import CECLSTM, ClassicLSTM, OriginalLSTM, PeepholeLSTM
from keras_lstm_ext.engines import tracing
from tests import backends

ON_TENSORFLOW = pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="of TensorFlow")

DECLINED = [
    pytest.param({}, "tensorflow jax", None, id="nothing special"),
    pytest.param({"unroll": True}, "tensorflow jax torch", "unroll=True", id="unrolled"),
    pytest.param({"activation": "gelu"}, "tensorflow jax", "activation=", id="activation"),
    pytest.param(
        {"recurrent_activation": keras.ops.cos}, "tensorflow jax", "recurrent_activation", id="gate"
    ),
    pytest.param({"recompute": True}, "torch", "this is torch", id="backend"),
]


@pytest.mark.parametrize(("arguments", "on", "reason"), DECLINED)
def test_bptt_declines_with_a_reason(arguments: dict, on: str, reason: str | None) -> None:
    if backends.BACKEND not in on:
        pytest.skip(f"of {on}")
    choice = ClassicLSTM(4, **arguments).explain((2, 5, 3))
    if reason is None:
        assert "bptt" not in choice.declined
        return
    assert choice.engine == "portable"
    if backends.BACKEND != "torch" or "torch" in reason:
        assert reason in choice.declined["bptt"]
    assert "engine: portable" in str(choice)
    assert "not bptt: " in str(choice)
    with pytest.raises(ValueError, match="`engine='bptt'` cannot run"):
        ClassicLSTM(4, engine="bptt", **arguments)(np.ones((2, 5, 3), "float32"))


def test_no_export_is_seen_where_there_is_none() -> None:
    assert not tracing.exporting()


@ON_TENSORFLOW
@pytest.mark.slow
def test_two_hundred_lengths_make_a_few_programs() -> None:
    import tensorflow as tf

    from keras_lstm_ext.engines.bptt import tensorflow as bptt

    layer = PeepholeLSTM(3, activation="softsign")
    # Other tests of the process may have had the same plan.
    before, compiled = bptt._programs.cache_info().currsize, _compiled(bptt)
    for length in range(1, 201):
        layer(tf.ones((2, length, 5)))
    assert bptt._programs.cache_info().currsize - before <= 1

    def lengths() -> Any:
        for length in range(1, 201):
            yield np.ones((2, length, 5), "float32"), np.ones((2, 1), "float32")

    data = tf.data.Dataset.from_generator(
        lengths,
        output_signature=(tf.TensorSpec((2, None, 5)), tf.TensorSpec((2, 1))),
    )
    model = keras.Sequential([layer, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(data, verbose=0)
    assert bptt._programs.cache_info().currsize - before <= 2
    assert _compiled(bptt) == compiled


def _compiled(bptt: Any) -> set[tuple]:
    """What was compiled so far: plans and signatures."""
    return {(p, s) for p, calls in bptt._calls.items() for s, n in calls.items() if n > 1}


@pytest.mark.skipif(backends.BACKEND == "torch", reason="PyTorch has no bptt")
@pytest.mark.parametrize("layer_class", [OriginalLSTM, ClassicLSTM, PeepholeLSTM, CECLSTM])
def test_second_derivative_is_refused(layer_class: type) -> None:
    layer = layer_class(3, engine="bptt")
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    layer.build(x.shape)
    with pytest.raises(NotImplementedError, match="engine='portable'"):
        backends.second_derivative(layer, x)


@pytest.mark.skipif(backends.BACKEND == "torch", reason="PyTorch has no bptt")
@pytest.mark.parametrize("layer", [ClassicLSTM(3, engine="portable"), CECLSTM(3, recurrent=False)])
def test_second_derivative_where_there_is_one(layer: Any) -> None:
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    layer.build(x.shape)
    assert np.all(np.isfinite(backends.second_derivative(layer, x)))
    assert np.any(backends.second_derivative(layer, x) != 0)


@pytest.mark.skipif(backends.BACKEND == "torch", reason="PyTorch has no bptt")
def test_layers_of_one_plan_and_other_sizes_share_nothing() -> None:
    """The same step function with other numbers of units and features is another program."""
    for units, features in ((3, 5), (4, 2), (6, 2), (6, 7)):
        x = np.random.default_rng(units).normal(size=(2, 3, features)).astype("float32")
        layer = OriginalLSTM(units, activation="softsign", engine="bptt")
        same = OriginalLSTM(units, activation="softsign", engine="portable")
        layer.build(x.shape)
        same.build(x.shape)
        same.set_weights(layer.get_weights())
        given, expected = (keras.ops.convert_to_numpy(each(x)) for each in (layer, same))
        np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-6)
