"""On JAX, training on several devices, by rows or by columns, gives what one device gives."""

import importlib.util

import pytest

from tests import processes

SCRIPT = """
import os, sys
os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"
import keras, numpy as np
import keras_lstm_ext

rng = np.random.default_rng(0)
x, y = rng.normal(size=(16, 6, 3)).astype("float32"), rng.normal(size=(16, 1)).astype("float32")

def weights(distribution, layer_class):
    keras.distribution.set_distribution(distribution)
    keras.utils.set_random_seed(1)
    model = keras.Sequential([layer_class(4, name="recurrent"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    shards = model.layers[0].kernel.value.addressable_shards
    return model.get_weights(), len(shards), {shard.data.shape[1] for shard in shards}

def columns():
    mesh = keras.distribution.DeviceMesh((2, 2), ["batch", "model"], devices)
    layout = keras.distribution.LayoutMap(mesh)
    layout[".*recurrent.*kernel"] = (None, "model")
    return keras.distribution.ModelParallel(layout_map=layout, batch_dim_name="batch")

devices = keras.distribution.list_devices()[:4]
for name in ("CECLSTM", "OriginalLSTM", "ClassicLSTM", "PeepholeLSTM"):
    layer_class = getattr(keras_lstm_ext, name)
    one, alone, (width,) = weights(None, layer_class)
    assert alone == 1
    ways = [(keras.distribution.DataParallel(devices=devices), 1)]
    if name == "PeepholeLSTM":
        ways.append((columns(), 2))
    for distribution, parts in ways:
        four, together, widths = weights(distribution, layer_class)
        assert (together, widths) == (4, {width // parts})
        for a, b in zip(one, four, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
print("same")
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_devices_of_jax() -> None:
    assert processes.run(SCRIPT).strip().endswith("same")
