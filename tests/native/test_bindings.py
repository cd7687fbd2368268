"""Every binding gives the bits of the library, forward and backward, with one thread."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from keras_lstm_ext.engines.native import packing
from tests import backends, processes

SCRIPT = """
import sys
import keras, numpy as np
from keras_lstm_ext import OriginalLSTM, PeepholeLSTM, VariantLSTM
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.variants import ODYSSEY
from tests import backends

jit = sys.argv[2] == "jit"
packing.processors = lambda: 1
if backends.BACKEND == "torch":
    import torch
    torch.set_num_threads(1)
if backends.BACKEND == "tensorflow":
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(1)

rng = np.random.default_rng(0)
x = rng.normal(size=(3, 7, 5)).astype("float32")
mask = keras.ops.convert_to_tensor(rng.random((3, 7)) < 0.7)
weigh = keras.ops.convert_to_tensor(rng.normal(size=(3, 7, 18)).astype("float32"))
results = []
last = {"go_backwards": True, "return_sequences": False, "engine": "native"}
every = {"return_sequences": True, "engine": "native"}
layers = [
    PeepholeLSTM(18, **every),
    PeepholeLSTM(18, block_size=3, **last),
    OriginalLSTM(18, block_size=3, gradient="full", **every),
    VariantLSTM(18, variant=ODYSSEY["CIFG"], **last),
    VariantLSTM(18, variant=ODYSSEY["FGR"], **every),
]
for layer in layers:
    layer.build(x.shape)
    layer.set_weights([rng.normal(size=w.shape, scale=0.4) for w in layer.weights])
    states = [rng.normal(size=(3, n)).astype("float32") for n in layer.state_size]

    def loss(x, *states):
        y = layer(x, initial_state=list(states), mask=mask)
        return keras.ops.sum(y * (weigh if layer.return_sequences else weigh[:, 0]))

    _, d, d_weights = backends.gradients(loss, [x, *states], layer.trainable_variables, jit)
    call = backends.compiled(layer) if jit else layer
    y = call(x, initial_state=[keras.ops.convert_to_tensor(s) for s in states], mask=mask)
    results += [keras.ops.convert_to_numpy(y), *d, *d_weights]
np.savez(sys.argv[1], *results)
"""


def computed(backend: str, how: str, folder: Path) -> list[np.ndarray]:
    file = folder / f"{backend}_{how}.npz"
    script = f"import os; os.environ['KERAS_BACKEND'] = {backend!r}\n{SCRIPT}"
    processes.run(script, file, how)
    with np.load(file) as arrays:
        return [arrays[name] for name in arrays.files]


@pytest.mark.slow
@pytest.mark.skipif(packing.library() is None, reason="the library is not built")
@pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="once is enough")
def test_the_same_bits_everywhere(tmp_path: Path) -> None:
    first = computed("tensorflow", "op", tmp_path)
    assert len(first) == 42
    others = [("tensorflow", "jit"), ("jax", "jit"), ("torch", "op")]
    for backend, how in others:
        if importlib.util.find_spec(backend) is None:
            continue
        for given, right in zip(computed(backend, how, tmp_path), first, strict=True):
            assert np.abs(right).max() > 1e-3
            np.testing.assert_array_equal(given, right)
