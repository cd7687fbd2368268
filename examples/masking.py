"""Title: Sequences of unequal length, with masking.

A batch is a rectangle, so shorter sequences are padded. `keras.layers.Masking` marks the padded
steps, and the layers skip them: the state is held and the answer does not depend on the padding.
Here a `PeepholeLSTM` learns the largest value of a sequence of 3 to 30 numbers, which can be
anywhere in it. The naive forecast is the mean of all answers.

Run: python examples/masking.py
"""

import argparse

import keras
import numpy as np

from keras_lstm_ext import PeepholeLSTM

PADDING = -10.0  # a value that no sequence has
LONGEST = 30


def make_sequences(count, rng):
    """Padded sequences of shape `(count, LONGEST, 1)` and their largest values, `(count, 1)`."""
    lengths = rng.integers(3, LONGEST + 1, size=count)
    sequences = [rng.uniform(-1, 1, size=length) for length in lengths]
    x = keras.utils.pad_sequences(
        sequences, LONGEST, dtype="float32", padding="post", value=PADDING
    )
    return x[..., None], np.array([[s.max()] for s in sequences], dtype="float32")


def make_model(units):
    """Reads sequences of any length."""
    return keras.Sequential(
        [
            keras.Input((None, 1)),
            keras.layers.Masking(PADDING),
            PeepholeLSTM(units),
            keras.layers.Dense(1),
        ]
    )


def main(epochs=15, examples=2000, units=16):
    """Trains, and returns the held-out errors of the model and of the naive forecast."""
    keras.utils.set_random_seed(2002)
    rng = np.random.default_rng(2002)
    x, y = make_sequences(examples, rng)
    x_test, y_test = make_sequences(500, rng)

    model = make_model(units)
    model.compile(keras.optimizers.Adam(1e-2), loss="mean_absolute_error")
    model.fit(x, y, epochs=epochs, verbose=2)

    error = float(np.mean(np.abs(model.predict(x_test, verbose=0) - y_test)))
    naive = float(np.mean(np.abs(y.mean() - y_test)))
    print(f"Mean absolute error on held-out sequences: {error:.3f}, naive {naive:.3f}")

    more_padding = np.pad(x_test, ((0, 0), (0, 20), (0, 0)), constant_values=PADDING)
    difference = np.abs(model.predict(x_test, verbose=0) - model.predict(more_padding, verbose=0))
    print(f"20 more padded steps change the answers by at most {difference.max():.1g}")
    return error, naive


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--examples", type=int, default=2000)
    main(**vars(parser.parse_args()))
