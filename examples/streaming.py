"""Title: One sample at a time, and how long each takes.

A `PeepholeLSTM` learns to forecast the next sample of a tone whose pitch glides, and then listens
to a tone that it has not heard, sample by sample, as an audio plug-in or a controller would. The
naive forecast is the sample before. Printed are the errors and the percentiles of the latency.

Run: python examples/streaming.py
"""

import argparse
import time

import keras
import numpy as np

from keras_lstm_ext import PeepholeLSTM, stream

RATE = 8000  # samples a second


def make_tone(seconds, rng):
    """A tone of shape `(samples,)` that glides between 200 and 800 Hz."""
    count = int(seconds * RATE)
    pitch = np.interp(np.arange(count), np.linspace(0, count, 20), rng.uniform(200, 800, 20))
    return np.sin(2 * np.pi * np.cumsum(pitch) / RATE).astype("float32")


def make_model(units):
    """Forecasts the next sample after every sample."""
    return keras.Sequential(
        [
            keras.Input((None, 1)),
            PeepholeLSTM(units, return_sequences=True),
            keras.layers.Dense(1),
        ]
    )


def listen(model, tone):
    """The forecasts of a tone that comes sample by sample, and the microseconds of each."""
    one = stream(model)
    forecasts, latencies = [], []
    for sample in tone:
        start = time.perf_counter_ns()
        forecast = one.step([[sample]])
        latencies.append(time.perf_counter_ns() - start)
        forecasts.append(forecast[0, 0])
    return np.array(forecasts), np.array(latencies) / 1000


def main(seconds=20, epochs=10, units=32):
    """Trains, listens, and returns the errors of the model and of the naive forecast."""
    keras.utils.set_random_seed(2002)
    rng = np.random.default_rng(2002)
    pieces = make_tone(seconds, rng)[: int(seconds * RATE) // 101 * 101].reshape(-1, 101, 1)

    model = make_model(units)
    model.compile(keras.optimizers.Adam(1e-2), loss="mean_absolute_error")
    model.fit(pieces[:, :-1], pieces[:, 1:], epochs=epochs, verbose=2)

    tone = make_tone(2, rng)
    forecasts, latencies = listen(model, tone)
    error = float(np.mean(np.abs(forecasts[:-1] - tone[1:])))
    naive = float(np.mean(np.abs(tone[:-1] - tone[1:])))
    print(f"Mean absolute error on a new tone: {error:.3f}, naive {naive:.3f}")
    for percentile in (50, 99, 99.9):
        print(f"{percentile} % of the steps within {np.percentile(latencies, percentile):.1f} µs")
    return error, naive


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=20, help="of the tone to learn from")
    parser.add_argument("--epochs", type=int, default=10)
    main(**vars(parser.parse_args()))
