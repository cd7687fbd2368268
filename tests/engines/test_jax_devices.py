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


BY_HAND = """
import os
os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
import jax, keras, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
from keras_lstm_ext import PeepholeLSTM
from keras_lstm_ext.engines.native import packing

x = np.random.default_rng(3).normal(size=(4, 5, 3)).astype("float32")
layers = {name: PeepholeLSTM(6, engine=name) for name in ("portable", "bptt", "native", "auto")}
if not packing.library():
    del layers["native"]
for layer in layers.values():
    layer.build(x.shape)
    layer.set_weights(layers["portable"].get_weights())
weights = [w.value for w in layers["auto"].trainable_variables]
engines = []

def gradient(layer):
    def loss(weights, x):
        engines.append(layers["auto"].explain(x.shape).engine)
        scope = list(zip(layer.trainable_variables, weights, strict=True))
        with keras.StatelessScope(state_mapping=scope):
            return (layer(x) ** 2).sum()
    return jax.grad(loss)

def check(given):
    for g, e in zip(given, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-4, atol=1e-5)

expected = gradient(layers["portable"])(weights, x)
mesh = Mesh(np.array(jax.devices()), ("d",))
split, whole = NamedSharding(mesh, P("d")), NamedSharding(mesh, P())
placed = jax.device_put(weights, whole), jax.device_put(x, split)
for name in ("auto", "bptt", "native"):
    if name not in layers:
        continue
    program = jax.jit(gradient(layers[name])).lower(*placed).compile()
    check(program(*placed))
    assert name == "native" or "all-gather" not in program.as_text()
assert set(engines) == {"bptt"}

def by_device(check_types):
    def of_part(weights, x):
        d = gradient(layers["native"])(weights, x)
        return d if check_types else jax.lax.psum(d, "d")  # which JAX then adds itself
    where = {"mesh": mesh, "in_specs": (P(), P("d")), "out_specs": P(), "check_vma": check_types}
    return jax.jit(jax.shard_map(of_part, **where))

if "native" in layers:
    engines.clear()
    for check_types in (True, False):
        check(by_device(check_types)(weights, x))
    assert set(engines) == {"native"}
    of_part = jax.pmap(gradient(layers["native"]), axis_name="d", in_axes=(None, 0))
    check([d.sum(axis=0) for d in of_part(weights, x.reshape(2, 2, 5, 3))])
print("same")
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_rows_split_by_hand() -> None:
    """`jit` on rows split over devices gathers nothing; each device may call the library."""
    assert processes.run(BY_HAND).strip().endswith("same")
