"""Handwritten digits read pixel by pixel: 64 time steps, one number each."""

import keras
import numpy as np

from keras_lstm_ext.demo import models, report
from keras_lstm_ext.demo.errors import require
from keras_lstm_ext.demo.training import Run, Settings, save_and_check, train

Split = tuple[np.ndarray, np.ndarray]
BATCH_SIZE = 32


def load(seed: int) -> tuple[Split, Split]:
    """The digits of scikit-learn, split into training and held-out images.

    Args:
        seed: Decides the split.

    Returns:
        Training and held-out examples, three to one: float32 inputs in [0, 1] of shape
        `(images, 64, 1)`, a row of pixels after the other, and the digits, of shape `(images,)`.
    """
    pixels, digits = require("sklearn.datasets").load_digits(return_X_y=True)
    sequences = (pixels / 16).astype("float32")[..., np.newaxis]
    x, x_held_out, y, y_held_out = require("sklearn.model_selection").train_test_split(
        sequences, digits, test_size=0.25, stratify=digits, random_state=seed
    )
    return (x, y), (x_held_out, y_held_out)


def run(settings: Settings) -> list[Run]:
    """Trains, prints a table, and writes curves and models.

    Args:
        settings: What the user chose.

    Returns:
        The runs, in the order of `settings.layers`.

    Raises:
        UserError: If scikit-learn or matplotlib is missing.
    """
    require("matplotlib")
    examples, held_out = load(settings.seed)
    settings.out.mkdir(parents=True, exist_ok=True)
    print(
        f"Handwritten digits, pixel by pixel: {len(examples[0])} images to train on, "
        f"{len(held_out[0])} held out, 64 time steps"
    )
    runs = [_train(name, settings, examples, held_out) for name in settings.layers]
    _report(runs)
    curves = {r.name: [100 * value for value in r.history["val_accuracy"]] for r in runs}
    path = settings.out / "learning_curves.png"
    report.draw_curves(path, curves, "Accuracy on held-out digits (%)", 10, "chance", 100)
    print(f"\nLearning curves: {path}")
    for r in runs:
        path = settings.out / f"digits_{r.name}.keras"
        report.print_saved(path, save_and_check(r.model, path, held_out[0]))
    return runs


def _train(name: str, settings: Settings, examples: Split, held_out: Split) -> Run:
    keras.utils.set_random_seed(settings.seed)
    layer = models.recurrent(name, settings.units)
    softmax = keras.layers.Dense(10, activation="softmax")
    x, y = examples
    return train(
        name,
        keras.Sequential([keras.Input((64, 1)), layer, softmax]),
        {"x": x, "y": y, "batch_size": BATCH_SIZE, "validation_data": held_out},
        engine=models.engine(layer, (None, 64, 1)),
        epochs=settings.epochs,
        steps=-(-len(x) // BATCH_SIZE),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )


def _report(runs: list[Run]) -> None:
    rows = [
        (
            r.name,
            f"{100 * r.history['val_accuracy'][-1]:.1f} %",
            f"{r.model.count_params():,}",
            f"{r.seconds:.1f}",
            r.engine,
        )
        for r in runs
    ]
    print()
    print(report.table(("layer", "accuracy", "parameters", "seconds", "engine"), rows))
    print()
    print("Accuracy: held-out images, after the last epoch. Seconds: with tracing.")
    for r in runs:
        if r.name in models.NOTES:
            print(f"{r.name} {models.NOTES[r.name]}")
