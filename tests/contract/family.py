"""The layers that every contract test runs through, and the arrays that they run on."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import (
    CECLSTM,
    ClassicLSTM,
    CoupledLSTM,
    LayerNormLSTM,
    OriginalLSTM,
    PeepholeLSTM,
    ProjectedLSTM,
    Variant,
    VariantLSTM,
)

Make = Callable[..., Any]

BATCH, TIME, FEATURES, UNITS = 3, 7, 5, 4

BLOCKS = Variant(gates=("i", "f", "o"), peepholes=True, feedback="cells and gates", block_size=2)

FAMILY: dict[str, Make] = {
    "cec": CECLSTM,
    "original": partial(OriginalLSTM, block_size=2),
    "classic": ClassicLSTM,
    "peephole": PeepholeLSTM,
    "variant": partial(VariantLSTM, variant=BLOCKS),
}
CLASSES = (
    CECLSTM,
    OriginalLSTM,
    ClassicLSTM,
    PeepholeLSTM,
    VariantLSTM,
    CoupledLSTM,
    ProjectedLSTM,
    LayerNormLSTM,
)

# JAX compiles each layer's every call: minutes, for a contract that the variant hardly enters.
FEW = ("peephole", "variant") if keras.backend.backend() == "jax" else tuple(FAMILY)

each_layer = pytest.mark.parametrize(
    "make",
    [
        pytest.param(make, id=name, marks=[] if name in FEW else pytest.mark.slow)
        for name, make in FAMILY.items()
    ],
)
each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    """Normal float32 numbers."""
    return np.random.default_rng(seed).normal(scale=scale, size=shape).astype("float32")


def randomize(layer: Any, seed: int = 1, features: int = FEATURES) -> Any:
    """Gives a layer, or a wrapper of layers, random weights."""
    if not layer.built:
        layer.build((BATCH, TIME, features))
    layer.set_weights(
        [normal(*w.shape, seed=seed + k, scale=0.5) for k, w in enumerate(layer.get_weights())]
    )
    return layer


def random_states(layer: Any, batch: int = BATCH, seed: int = 50) -> list[np.ndarray]:
    """Random initial states."""
    return [normal(batch, n, seed=seed + k, scale=0.5) for k, n in enumerate(layer.state_size)]


def as_arrays(outputs: Any) -> list[np.ndarray]:
    """What a layer returned, as a list of NumPy arrays."""
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [keras.ops.convert_to_numpy(output) for output in outputs]


def run(layer: Any, *args: Any, **kwargs: Any) -> list[np.ndarray]:
    """Calls a layer and gives NumPy arrays."""
    return as_arrays(layer(*args, **kwargs))


def assert_close(given: Any, expected: Any, tolerance: float = 1e-5) -> None:
    """Compares lists of arrays, of the same length and the same shapes."""
    assert len(given) == len(expected)
    for a, b in zip(given, expected, strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
