"""Data-parallel training on two logical devices gives what one device gives."""

import pytest

from tests import backends, processes

SCRIPT = """
import sys
import keras, numpy as np, tensorflow as tf
import keras_lstm_ext

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
rng = np.random.default_rng(0)
x, y = rng.normal(size=(8, 6, 3)).astype("float32"), rng.normal(size=(8, 1)).astype("float32")

def weights(strategy, layer_class):
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model = keras.Sequential([layer_class(4), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.1), "mse")
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(4, drop_remainder=True)
    model.fit(data, epochs=2, verbose=0)
    return model.get_weights()

layer_class = getattr(keras_lstm_ext, sys.argv[1])
one = weights(tf.distribute.get_strategy(), layer_class)
two = weights(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), layer_class)
for a, b in zip(one, two, strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
print("same")
"""


# A process each: TensorFlow numbers its collectives per process, and two strategies collide.
@pytest.mark.slow
@pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="of TensorFlow")
@pytest.mark.parametrize("name", ["CECLSTM", "OriginalLSTM", "ClassicLSTM", "PeepholeLSTM"])
def test_mirrored_strategy(name: str) -> None:
    assert processes.run(SCRIPT, name).strip().endswith("same")
