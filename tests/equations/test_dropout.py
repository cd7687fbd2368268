"""Dropout: the engines use the same masks in the same places as the cell."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext.engines import native
from tests import backends
from tests.equations.oracle import FEATURES, LAYERS, UNITS, randomize

RATES = {"dropout": 0.4, "recurrent_dropout": 0.3, "seed": 7, "gradient": "full"}


def result(variant: str, engine: str, masked: bool, **more: Any) -> list[np.ndarray]:
    layer = LAYERS[variant](UNITS, engine=engine, return_sequences=True, **RATES, **more)
    layer.build((3, 5, FEATURES))
    randomize(layer)
    rng = np.random.default_rng(8)
    x = rng.normal(size=(3, 5, FEATURES)).astype("float32")
    weights = rng.normal(size=(3, 5, UNITS)).astype("float32")
    mask = keras.ops.convert_to_tensor(rng.random((3, 5)) < 0.7) if masked else None

    def loss(x: Any) -> Any:
        return keras.ops.sum(layer(x, mask=mask, training=True) * weights)

    value, d_arrays, d_variables = backends.gradients(loss, [x], layer.trainable_variables)
    return [np.asarray(value), *d_arrays, *d_variables]


@pytest.mark.slow
@pytest.mark.skipif(backends.BACKEND == "torch", reason="PyTorch has one engine")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("variant", ["cec", "original", "classic", "peephole"])
@pytest.mark.parametrize("engine", ["bptt", "native"])
def test_engines_agree_under_dropout(engine: str, variant: str, masked: bool) -> None:
    if engine == "native" and native.why_not(LAYERS[variant](UNITS, engine=engine), None):
        pytest.skip("native does not run here")
    given, expected = (result(variant, each, masked) for each in (engine, "portable"))
    for g, e in zip(given, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=0, atol=1e-5 * np.max(np.abs(e)))


@pytest.mark.usefixtures("no_xla")
def test_engines_agree_under_dropout_with_fed_back_gates() -> None:
    if backends.BACKEND == "torch":
        pytest.skip("PyTorch has one engine")
    given, expected = (
        result("original", engine, True, block_size=2) for engine in ("bptt", "portable")
    )
    for g, e in zip(given, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=0, atol=1e-5 * np.max(np.abs(e)))
