"""Trains the small layer of the figure "step through a cell" and writes its weights.

A `PeepholeLSTM` with a linear readout forecasts next year's sunspot number at every step. It
learns from the first four fifths of the years 1700 to 2008; the figure shows the last ones.

Run: pip install statsmodels, then python site/figures/train_step_through.py
"""

import importlib
import json
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
import statsmodels.datasets.sunspots

from keras_lstm_ext import PeepholeLSTM
from keras_lstm_ext.files import whole

TARGET = Path(__file__).parents[1] / "content" / "assets" / "step-through.json"
UNITS, STEPS, SCALE, LAST_YEAR = 3, 33, 100.0, 2008


def train(counts: np.ndarray) -> keras.Model:
    """Trains on every window of `STEPS` years; `counts` has the shape `(years,)`."""
    keras.utils.set_random_seed(1997)
    known = counts[: int(0.8 * len(counts))] / SCALE
    windows = np.lib.stride_tricks.sliding_window_view(known, STEPS + 1)[..., None]
    layer = PeepholeLSTM(UNITS, return_sequences=True)
    model = keras.Sequential([keras.Input((STEPS, 1)), layer, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(5e-3), "mean_absolute_error")
    model.fit(windows[:, :-1], windows[:, 1:], batch_size=16, epochs=200, verbose=2)
    return model


def weights(model: keras.Model) -> dict[str, list[float]]:
    """The layer's weights as `keras_lstm_ext.reference` names them, and the readout `v`, `b`."""
    layer, readout = model.layers
    named = {"v": readout.kernel[:, 0], "b": readout.bias}
    for letter, weight in (("W", layer.kernel), ("R", layer.recurrent_kernel), ("b", layer.bias)):
        parts = np.split(np.asarray(weight), 4, axis=-1)
        named |= {f"{letter}_{k}": part for k, part in zip("ifco", parts, strict=True)}
    named |= {
        f"p_{k}": row for k, row in zip("ifo", np.asarray(layer.peephole_kernel), strict=True)
    }
    return {name: np.round(np.asarray(w, "float64"), 4).tolist() for name, w in named.items()}


def main() -> None:
    """Trains and writes."""
    counts = statsmodels.datasets.sunspots.load_pandas().data["SUNACTIVITY"].to_numpy()
    backend = keras.config.backend()
    packages = ("keras", "keras-lstm-ext", "numpy", "statsmodels")
    made = {
        "made_by": "site/figures/train_step_through.py",
        "versions": {name: version(name) for name in packages}
        | {backend: importlib.import_module(backend).__version__},
        "data": "Yearly sunspot numbers, as distributed with statsmodels (public domain)",
        "first_year": LAST_YEAR - STEPS,
        "sunspots": counts[-STEPS - 1 :].tolist(),
        "scale": SCALE,
        "weights": weights(train(counts)),
    }
    text = json.dumps(made)
    with whole(TARGET) as path:
        path.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
