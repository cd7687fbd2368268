"""Title: Forecasting sunspots.

The yearly number of sunspots since 1700 rises and falls in cycles of about eleven years. A
`ClassicLSTM` reads 22 years, two cycles, and forecasts the next one. The last fifth of the years is
held out. The naive forecasts are last year's number, and the number eleven years before.

Run: pip install statsmodels, then python examples/sunspots.py
"""

import argparse

import keras
import numpy as np
import statsmodels.datasets.sunspots

from keras_lstm_ext import ClassicLSTM

WINDOW = 22
CYCLE = 11


def load_windows():
    """Windows of shape `(examples, WINDOW, 1)` and the number after each, `(examples, 1)`."""
    series = statsmodels.datasets.sunspots.load_pandas().data["SUNACTIVITY"]
    series = series.to_numpy("float32")[:, None]
    windows = np.stack([series[t : t + WINDOW] for t in range(len(series) - WINDOW)])
    return windows, series[WINDOW:]


def make_model(units, scale):
    """Reads and forecasts sunspot numbers; inside, they are of the order of one."""
    return keras.Sequential(
        [
            keras.Input((WINDOW, 1)),
            keras.layers.Rescaling(1 / scale),
            ClassicLSTM(units),
            keras.layers.Dense(1),
            keras.layers.Rescaling(scale),
        ]
    )


def main(epochs=60, units=16):
    """Trains, and returns the held-out mean absolute errors by forecaster."""
    keras.utils.set_random_seed(1700)
    x, y = load_windows()
    split = int(0.8 * len(x))
    scale = float(y[:split].std())

    model = make_model(units, scale)
    model.compile(keras.optimizers.Adam(5e-3), "mean_absolute_error", loss_weights=1 / scale)
    model.fit(x[:split], y[:split], batch_size=16, epochs=epochs, verbose=2)

    x, y = x[split:], y[split:]
    errors = {
        "ClassicLSTM": float(np.mean(np.abs(model.predict(x, verbose=0) - y))),
        "last year": float(np.mean(np.abs(x[:, -1] - y))),
        "eleven years before": float(np.mean(np.abs(x[:, -CYCLE] - y))),
    }
    print(f"Mean absolute error on the last {len(y)} years, in sunspots:")
    for name, error in errors.items():
        print(f"  {name:20} {error:5.1f}")
    return errors


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60)
    main(**vars(parser.parse_args()))
