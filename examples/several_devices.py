"""Title: One model on several devices.

A `PeepholeLSTM` learns on two devices at once with `tf.distribute.MirroredStrategy`: each takes
half of every batch, and both end with the same weights. Two logical CPUs stand for two GPUs here,
so that it runs anywhere; with GPUs leave `logical_cpus` out. Runs on the TensorFlow backend.

Run: python examples/several_devices.py
"""

import keras
import numpy as np
import tensorflow as tf

from keras_lstm_ext import PeepholeLSTM


def logical_cpus():
    """Two devices on one processor; to be called before TensorFlow computes anything."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return [device.name for device in tf.config.list_logical_devices("CPU")]


def train(strategy, x, y):
    """Trains a model within a strategy, and returns its weights."""
    keras.utils.set_random_seed(2002)
    with strategy.scope():
        model = keras.Sequential([keras.Input(x.shape[1:]), PeepholeLSTM(8), keras.layers.Dense(1)])
        model.compile("adam", "mse")
    model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=2)
    return model.get_weights()


def main():
    """Trains on two devices and on one, and returns the largest difference of weights."""
    devices = logical_cpus()
    rng = np.random.default_rng(2002)
    x = rng.normal(size=(64, 20, 3)).astype("float32")
    y = x.sum(axis=(1, 2))[:, None]
    both = train(tf.distribute.MirroredStrategy(devices), x, y)
    one = train(tf.distribute.OneDeviceStrategy(devices[0]), x, y)
    difference = max(float(np.abs(a - b).max()) for a, b in zip(both, one, strict=True))
    print(f"{len(devices)} devices; weights differ from those of one by at most {difference:.1g}")
    return difference


if __name__ == "__main__":
    main()
