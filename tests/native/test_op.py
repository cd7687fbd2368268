"""TensorFlow's ops under wrong arguments: an error that names the argument, never a crash."""

from typing import Any

import numpy as np
import pytest

from keras_lstm_ext.engines.native import packing
from tests import backends

pytestmark = pytest.mark.skipif(
    backends.BACKEND != "tensorflow" or packing.library() is None, reason="of the native ops"
)

BATCH, TIME, FEATURES, UNITS = 3, 4, 5, 6
NAMES = ("x", "h", "c", "W", "R", "p", "b", "multiplier", "mask")
KEPT = ("y", "gates", "cells", "d_y", "d_h", "d_c")
PLAN = packing.Plan(
    gates=7,
    block_size=1,
    feedback=1,
    coupled=False,
    peepholes=True,
    truncated=False,
    reverse=False,
    normalize_nets=False,
    normalize_output=False,
    masked=True,
    multiplied=True,
    shows=True,
    keeps=True,
    sigma=0,
    activation=1,
    output_activation=1,
    threads=2,
    decay=1.0,
    epsilon=1e-5,
)
SHAPES = {
    "x": (BATCH, TIME, FEATURES),
    "h": (BATCH, UNITS),
    "c": (BATCH, UNITS),
    "W": (FEATURES, 4 * UNITS),
    "R": (UNITS, 4 * UNITS),
    "p": (3, UNITS),
    "b": (4 * UNITS,),
    "multiplier": (BATCH, UNITS),
    "mask": (BATCH, TIME),
}


def ops() -> Any:
    from keras_lstm_ext.engines.native import tensorflow

    return tensorflow.ops()


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {name: rng.normal(size=shape).astype("float32") for name, shape in SHAPES.items()}
    made["mask"] = made["mask"] > 0
    return made


def kept_arrays(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    y, h, c, gates, cells = ops().keras_lstm_ext_training(*given.values(), plan=PLAN.words())
    return dict(zip(KEPT, (y, gates, cells, y, h, c), strict=True))


def malformed(rng: np.random.Generator, array: Any) -> np.ndarray:
    """Another rank, another size of one axis, or another dtype."""
    array = np.asarray(array)
    kind = rng.integers(4)
    if kind == 0:
        return array[None] if rng.random() < 0.5 else array.reshape(-1)[:, None, None, None]
    if kind == 1:
        return array.astype(
            rng.choice(["float64", "int32", "bool" if array.dtype != bool else "float32"])
        )
    if kind == 2:
        return array[(slice(None),) * (array.ndim - 1) + (slice(0, rng.integers(array.shape[-1])),)]
    axis = int(rng.integers(array.ndim))
    return np.concatenate([array, np.take(array, [0], axis)], axis)


@pytest.mark.parametrize("seed", range(4))
def test_malformed_calls(seed: int) -> None:
    import tensorflow as tf

    rng, good = np.random.default_rng(seed), arrays()
    kept = kept_arrays(good)
    for _ in range(500):
        backward = rng.random() < 0.5
        inputs = {**good, **kept} if backward else dict(good)
        name = str(rng.choice(list(inputs)))
        bad = malformed(rng, inputs[name])
        inputs[name] = bad
        op = rng.choice(["sequence", "last", "training"])
        op = "backward" if backward else op
        with pytest.raises((tf.errors.InvalidArgumentError, TypeError, ValueError)) as caught:
            getattr(ops(), f"keras_lstm_ext_{op}")(
                *(tf.constant(a) for a in inputs.values()), plan=PLAN.words()
            )
        if bad.dtype == np.asarray((good | kept)[name]).dtype:
            # Sizes are taken from x and c: against theirs, the others are wrong.
            assert f"`{name}`" in str(caught.value) or name in ("x", "c")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("gates", 8),
        ("gates", -1),
        ("block_size", 0),
        ("block_size", 2**40),
        ("sigma", 5),
        ("activation", -1),
        ("threads", 0),
        ("masked", 2),
    ],
)
def test_malformed_attributes(attribute: str, value: int) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match=f"`{attribute}` must be"):
        ops().keras_lstm_ext_last(
            *arrays().values(), plan=PLAN._replace(**{attribute: value}).words()
        )


def test_sizes_beyond_64_bits() -> None:
    import tensorflow as tf

    inputs = arrays() | {"x": tf.zeros((BATCH, 2**60, 0)), "W": np.zeros((0, 24), "float32")}
    with pytest.raises(tf.errors.InvalidArgumentError, match="`x` is too large"):
        ops().keras_lstm_ext_sequence(*inputs.values(), plan=PLAN.words())


def test_blocks_must_divide_the_units() -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match="multiple of block_size=4"):
        ops().keras_lstm_ext_last(*arrays().values(), plan=PLAN._replace(block_size=4).words())


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("time", [None, 4])
def test_shapes_are_inferred(batch: int | None, time: int | None) -> None:
    import tensorflow as tf

    good = arrays()

    @tf.function(input_signature=[tf.TensorSpec((batch, time, FEATURES))])
    def trace(x: Any) -> None:
        inputs = [x, *list(good.values())[1:]]
        y, h, c, *_ = ops().keras_lstm_ext_training(*inputs, plan=PLAN.words())
        assert tuple(y.shape) == (batch, time, UNITS)
        assert tuple(h.shape) == tuple(c.shape) == (BATCH, UNITS)
        assert tuple(ops().keras_lstm_ext_last(*inputs, plan=PLAN.words())[0].shape) == (
            BATCH,
            UNITS,
        )

    trace.get_concrete_function()
