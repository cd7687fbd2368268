"""Out and in again: the same weights to the last bit."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, CoupledLSTM, LayerNormLSTM, PeepholeLSTM
from keras_lstm_ext.convert import LAYOUTS, get_weights, set_weights
from tests.contract.family import randomize

PEEPHOLES = [name for name, layout in LAYOUTS.items() if "p_i" in " ".join(layout.arrays.values())]


def twins(cls: Any = ClassicLSTM, **options: Any) -> tuple[Any, Any]:
    return randomize(cls(4, **options), seed=1), randomize(cls(4, **options), seed=70)


def assert_same(one: Any, other: Any) -> None:
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def forget_bias(layout: str) -> dict[str, float]:
    """Nothing is added, so that nothing is rounded."""
    return {} if LAYOUTS[layout].forget_bias is None else {"forget_bias": 0.0}


def classes(layout: str) -> tuple[Any, ...]:
    if LAYOUTS[layout].coupled:
        return (CoupledLSTM,)
    if LAYOUTS[layout].epsilon is not None:
        return (LayerNormLSTM,)
    return (ClassicLSTM, PeepholeLSTM) if layout in PEEPHOLES else (ClassicLSTM,)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_round_trip(layout: str) -> None:
    for cls in classes(layout):
        layer, other = twins(cls)
        options = forget_bias(layout)
        set_weights(other, get_weights(layer, layout, **options), layout, **options)
        assert_same(layer, other)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_round_trip_without_bias(layout: str) -> None:
    layer, other = twins(classes(layout)[0], use_bias=False)
    options = forget_bias(layout)
    set_weights(other, get_weights(layer, layout, **options), layout, **options)
    assert_same(layer, other)


@pytest.mark.parametrize(
    "layout", [k for k, v in LAYOUTS.items() if v.forget_bias is not None and not v.coupled]
)
def test_the_forget_bias_is_added_once(layout: str) -> None:
    layer, other = twins()
    bias = layer.get_weights()[2]
    stored = np.concatenate([a.ravel() for a in get_weights(layer, layout).values() if a.ndim == 1])
    assert np.sort(stored) == pytest.approx(np.sort(np.r_[bias[:4], bias[4:8] - 1, bias[8:]]))
    set_weights(other, get_weights(layer, layout), layout)
    # Taking 1 off and adding it again rounds, at most by half the distance of floats below 2.
    np.testing.assert_allclose(other.get_weights()[2], bias, rtol=0, atol=2**-23)
    bias[4:8] = 1 + 0.4 * np.tanh(bias[4:8])  # near 1, where it is exact
    layer.bias.assign(bias)
    set_weights(other, get_weights(layer, layout), layout)
    assert_same(layer, other)


@pytest.mark.parametrize("layout", ["pytorch", "onnx"])
def test_round_trip_of_both_directions(layout: str) -> None:
    layer, other = (keras.layers.Bidirectional(ClassicLSTM(4)) for _ in range(2))
    randomize(layer, seed=1), randomize(other, seed=70)
    set_weights(other, get_weights(layer, layout), layout)
    assert_same(layer, other)


def test_round_trip_of_several_layers() -> None:
    some = [randomize(ClassicLSTM(units), features=f) for units, f in [(4, 3), (2, 4), (6, 2)]]
    others = [randomize(ClassicLSTM(units), 70, f) for units, f in [(4, 3), (2, 4), (6, 2)]]
    set_weights(others, get_weights(some, "pytorch"), "pytorch")
    for one, other in zip(some, others, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_dtype_is_that_of_the_layer(dtype: str) -> None:
    # PyTorch draws no orthogonal matrix in float16.
    layer, other = twins(dtype=dtype, recurrent_initializer="zeros")
    arrays = get_weights(layer, "onnx")
    # JAX makes float64 into float32.
    assert {a.dtype for a in arrays.values()} == {layer.get_weights()[0].dtype}
    set_weights(other, arrays, "onnx")
    assert_same(layer, other)


def test_arrays_are_copies_in_c_order() -> None:
    layer = randomize(ClassicLSTM(4))
    before = layer.get_weights()
    for array in get_weights(layer, "pytorch").values():
        assert array.flags.c_contiguous
        assert array.flags.writeable
        array[:] = 7
    for a, b in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
