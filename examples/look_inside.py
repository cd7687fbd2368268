"""Title: Looking inside a trained layer.

A `PeepholeLSTM` learns to count: it reads a sequence of noise with a few pulses in it, and says at
the end how many there were. What its gates do, how far back its error reaches, and which of them
are constants, is printed and drawn to a file.

Run: python examples/look_inside.py
"""

import argparse

import keras
import numpy as np

from keras_lstm_ext import PeepholeLSTM
from keras_lstm_ext.diagnostics import gate_trace, gradient_flow, plot_gate_trace, saturation

LENGTH = 40


def make_sequences(count, rng):
    """Noise with 0 to 5 pulses in it, and the number of pulses."""
    pulses = rng.integers(0, 6, size=count)
    x = rng.normal(scale=0.1, size=(count, LENGTH, 1))
    for row, number in zip(x, pulses, strict=True):
        row[rng.choice(LENGTH, number, replace=False)] += 1.0
    return x.astype("float32"), pulses[:, None].astype("float32")


def main(epochs=20, examples=2000, picture="look_inside.png"):
    """Trains and looks; returns the error of the model and that of the mean."""
    keras.utils.set_random_seed(2000)
    rng = np.random.default_rng(2000)
    x, y = make_sequences(examples, rng)
    layer = PeepholeLSTM(8, gate_bias={"f": 3.0})
    model = keras.Sequential([keras.Input((LENGTH, 1)), layer, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(1e-2), "mean_absolute_error")
    model.fit(x, y, batch_size=64, epochs=epochs, verbose=2)

    x, y = make_sequences(200, rng)
    error = float(np.mean(np.abs(model.predict(x, verbose=0) - y)))
    naive = float(np.mean(np.abs(y.mean() - y)))
    print(f"Mean absolute error on new sequences: {error:.3f}, naive {naive:.3f}")

    trace = gate_trace(layer, x)
    pulse = x[:, :, 0] > 0.5
    print(f"Input gates at a pulse: {trace['i'][pulse].mean():.2f} on average")
    print(f"Input gates elsewhere:  {trace['i'][~pulse].mean():.2f} on average")

    found = saturation(layer, x)
    print(f"Forget gates are open at {found.near_1['f'].mean():.0%} of all steps")
    print(f"Units that say nothing: {found.dead.tolist()}, always the same: {found.stuck.tolist()}")

    reach = gradient_flow(model, x, y).reach()
    print(f"The error reaches back {np.median(reach):.0f} of {LENGTH - 1} steps")

    plot_gate_trace(trace)[0].figure.savefig(picture)
    print(f"The first sequence, step by step: {picture}")
    return error, naive


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--picture", default="look_inside.png")
    main(**vars(parser.parse_args()))
