"""Title: The weights of a peephole LSTM of TensorFlow 1, in Keras 3 and in ONNX' layout.

A file holds the variables of an old model by their names, as `tf.train.load_checkpoint` reads them
from a checkpoint. Here the file is made with random numbers, so that the example needs none. The
weights go into a `PeepholeLSTM`, whose outputs are compared with the equations of the old cell, and
from there into the layout of ONNX. A layer without peepholes refuses them and says why.

Run: python examples/load_old_weights.py
"""

import tempfile
from pathlib import Path

import keras
import numpy as np

from keras_lstm_ext import ClassicLSTM, PeepholeLSTM, convert

FEATURES, UNITS = 3, 5
PREFIX = "rnn/lstm_cell/"


def make_old_file(path, rng):
    """Writes what `tf.compat.v1.nn.rnn_cell.LSTMCell(UNITS, use_peepholes=True)` would have."""
    shapes = {"kernel": (FEATURES + UNITS, 4 * UNITS), "bias": (4 * UNITS,)}
    shapes |= {f"w_{gate}_diag": (UNITS,) for gate in "ifo"}
    np.savez(path, **{f"{PREFIX}{name}": rng.normal(size=s) for name, s in shapes.items()})


def old_outputs(variables, x, forget_bias=1.0):
    """What the old cell computes, step by step: the order i, j, f, o, and a bias that is added."""
    kernel, bias, p_i, p_f, p_o = (
        variables[f"{PREFIX}{name}"]
        for name in ("kernel", "bias", "w_i_diag", "w_f_diag", "w_o_diag")
    )
    h = c = np.zeros((len(x), UNITS))
    for x_t in x.swapaxes(0, 1):
        i, j, f, o = np.split(np.concatenate([x_t, h], axis=1) @ kernel + bias, 4, axis=1)
        c = sigmoid(f + forget_bias + p_f * c) * c + sigmoid(i + p_i * c) * np.tanh(j)
        h = sigmoid(o + p_o * c) * np.tanh(c)
    return h


def sigmoid(z):
    """The logistic function."""
    return 1 / (1 + np.exp(-z))


def main():
    """Returns the largest difference between old and new outputs, and the arrays for ONNX."""
    rng = np.random.default_rng(2002)
    with tempfile.TemporaryDirectory() as folder:
        make_old_file(Path(folder) / "old.npz", rng)
        variables = dict(np.load(Path(folder) / "old.npz"))

    layer = PeepholeLSTM(UNITS)
    layer.build((None, None, FEATURES))
    convert.set_weights(layer, variables, "tf1", prefix=PREFIX)

    x = rng.normal(size=(4, 12, FEATURES)).astype("float32")
    new = keras.ops.convert_to_numpy(layer(x))
    difference = float(np.abs(new - old_outputs(variables, x)).max())
    print(f"Old and new outputs differ by at most {difference:.1g}")

    arrays = convert.get_weights(layer, "onnx")
    print("For ONNX:", {name: array.shape for name, array in arrays.items()})

    classic = ClassicLSTM(UNITS)
    classic.build((None, None, FEATURES))
    try:
        convert.set_weights(classic, variables, "tf1", prefix=PREFIX)
    except ValueError as error:
        print("Refused:", error)
    return difference, arrays


if __name__ == "__main__":
    main()
