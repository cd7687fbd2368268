"""`chrono_bias`: how its numbers are distributed, and that layers begin with them."""

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, OriginalLSTM, PeepholeLSTM, chrono_bias


def test_lags_are_spread_evenly():
    bias = chrono_bias(20_000, timesteps=50, seed=3)
    u = np.sort(np.exp(bias["f"]))
    even = np.linspace(1.0, 49.0, len(u))
    # Kolmogorov-Smirnov: 1.63 / sqrt(n) is exceeded once in a hundred seeds; this is one seed.
    assert np.abs(u - even).max() / 48 < 1.63 / np.sqrt(len(u))
    np.testing.assert_array_equal(bias["i"], np.negative(bias["f"]))


def test_a_seed_decides():
    assert chrono_bias(3, 10, seed=1) == chrono_bias(3, 10, seed=1)
    assert chrono_bias(3, 10, seed=1) != chrono_bias(3, 10, seed=2)
    assert chrono_bias(3, 10) != chrono_bias(3, 10)


@pytest.mark.parametrize("layer", [ClassicLSTM, PeepholeLSTM])
def test_a_layer_begins_with_it_and_keeps_it(layer):
    made = layer(6, block_size=2, gate_bias=chrono_bias(3, 100, seed=5))
    again = layer.from_config(made.get_config())
    x = keras.random.normal((2, 4, 3), seed=1)
    for one in (made, again):
        one(x)
        i, f, c, o = np.split(np.asarray(one.bias), [3, 6, 12])
        np.testing.assert_allclose(f, chrono_bias(3, 100, seed=5)["f"], rtol=1e-6)
        np.testing.assert_array_equal(i, -f)
        assert not c.any()
        assert not o.any()


def test_a_layer_without_forget_gate_refuses_it():
    with pytest.raises(ValueError, match="`gate_bias`"):
        OriginalLSTM(4, gate_bias=chrono_bias(4, 100))


def test_numpy_numbers_are_taken():
    assert chrono_bias(np.int64(3), np.float32(10), seed=np.int64(1)) == chrono_bias(3, 10, seed=1)
