"""A forecaster on a user's own table, and how it compares with the naive forecast."""

import keras
import numpy as np

from keras_lstm_ext.demo import models, report
from keras_lstm_ext.demo.errors import require
from keras_lstm_ext.demo.table import Table
from keras_lstm_ext.demo.table import read as read
from keras_lstm_ext.demo.training import Run, Settings, save_and_check, train

ROWS_DRAWN = 200


def build(layer: keras.Layer, table: Table, window: int) -> keras.Model:
    r"""Makes a model that reads rows as they are in the table and forecasts the target.

    $$\hat{y}_{t+1} = y_t + s \, (w^\top h_t + b)$$

    It starts as the naive forecast, $w = 0$ and $b = 0$, and learns what to add to it, in units of
    the mean absolute change $s$. Inputs are standardised inside. Every statistic comes from the
    rows to train on.

    Args:
        layer: The recurrent layer.
        table: The table.
        window: Rows to read.

    Returns:
        A model from `(batch, window, columns)` to `(batch, 1)`.
    """
    known = table.values[: table.training_rows]
    variance = known.var(axis=0)
    variance[variance == 0] = 1.0
    inputs = keras.Input((window, len(table.columns)))
    standardised = keras.layers.Normalization(
        mean=known.mean(axis=0).tolist(), variance=variance.tolist()
    )(inputs)
    change = keras.layers.Dense(1, kernel_initializer="zeros")(layer(standardised))
    change = keras.layers.Rescaling(mean_change(table))(change)
    return keras.Model(inputs, keras.layers.Add()([inputs[:, -1, -1:], change]))


def mean_change(table: Table) -> float:
    """Mean absolute change of the target in the rows to train on: the naive forecast's error.

    Args:
        table: The table.

    Returns:
        The mean, in the target's unit.
    """
    return float(np.mean(np.abs(np.diff(table.target[: table.training_rows]))))


def run(settings: Settings, table: Table, window: int) -> dict[str, float]:
    """Trains, compares on held-out rows, and writes figures and models.

    Args:
        settings: What the user chose.
        table: The table.
        window: Rows that a forecast reads.

    Returns:
        Mean absolute errors on the held-out rows, by layer, and of the "naive forecast".

    Raises:
        UserError: If matplotlib is missing.
    """
    require("matplotlib")
    settings.out.mkdir(parents=True, exist_ok=True)
    held = len(table.values) - table.training_rows
    print(
        f"Forecasting {table.columns[-1]!r} one row ahead from {window} rows of "
        f"{len(table.columns)} columns: {table.training_rows} rows to train on, the last {held} "
        "held out"
    )
    inputs, targets = table.windows(window)
    runs = [_train(name, settings, table, inputs, targets) for name in settings.layers]
    forecasts = {r.name: r.model.predict(inputs[-held:], verbose=0)[:, 0] for r in runs}
    actual = table.target[-held:]
    errors = {name: float(np.mean(np.abs(f - actual))) for name, f in forecasts.items()}
    errors["naive forecast"] = float(np.mean(np.abs(table.target[-held - 1 : -1] - actual)))
    _report(runs, errors)
    _draw(settings, table, runs, forecasts, errors["naive forecast"])
    for r in runs:
        path = settings.out / f"forecaster_{r.name}.keras"
        report.print_saved(path, save_and_check(r.model, path, inputs[-held:]))
    return errors


def _train(
    name: str, settings: Settings, table: Table, inputs: np.ndarray, targets: np.ndarray
) -> Run:
    keras.utils.set_random_seed(settings.seed)
    layer = models.recurrent(name, settings.units)
    model = build(layer, table, inputs.shape[1])
    known = table.training_rows - inputs.shape[1]
    return train(
        name,
        model,
        (inputs[:known], targets[:known]),
        (inputs[known:], targets[known:]),
        engine=models.engine(layer, (None, *inputs.shape[1:])),
        epochs=settings.epochs,
        # Long tables in larger batches, so that an epoch stays under 65 steps.
        batch_size=max(32, -(-known // 64)),
        loss="mean_absolute_error",
        loss_weights=1 / mean_change(table),
    )


def _report(runs: list[Run], errors: dict[str, float]) -> None:
    naive = errors["naive forecast"]
    cells = {r.name: (f"{r.model.count_params():,}", f"{r.seconds:.1f}", r.engine) for r in runs}
    rows = [
        (name, f"{error:.4g}", *cells.get(name, ("", "", "")))
        for name, error in sorted(errors.items(), key=lambda item: item[1])
    ]
    print()
    print(report.table(("forecaster", "error", "parameters", "seconds", "engine"), rows))
    print()
    print("Error: mean absolute error on the held-out rows, in the column's own unit.")
    print("Naive forecast: the last value. Seconds: with tracing.")
    for r in runs:
        print(verdict(r.name, errors[r.name], naive))


def verdict(name: str, error: float, naive: float) -> str:
    """Says who won.

    Args:
        name: The layer's name.
        error: Its mean absolute error.
        naive: The naive forecast's.

    Returns:
        A sentence.

    Examples:
        >>> verdict("ClassicLSTM", 0.9, 1.0)
        "ClassicLSTM's error is 10.0 % below the naive forecast's."
        >>> verdict("ClassicLSTM", 1.1, 1.0)
        "The naive forecast wins: ClassicLSTM's error is 10.0 % above its."
    """
    if error < naive:
        return f"{name}'s error is {100 * (1 - error / naive):.1f} % below the naive forecast's."
    above = f"{100 * (error / naive - 1):.1f} % above its" if naive else "not zero, as its is"
    return f"The naive forecast wins: {name}'s error is {above}."


def _draw(
    settings: Settings,
    table: Table,
    runs: list[Run],
    forecasts: dict[str, np.ndarray],
    naive: float,
) -> None:
    unit = mean_change(table)
    curves = {r.name: [unit * loss for loss in r.history["val_loss"]] for r in runs}
    path = settings.out / "learning_curves.png"
    what = f"Mean absolute error of {table.columns[-1]} on held-out rows"
    report.draw_curves(path, curves, what, naive, "naive forecast")
    print(f"\nLearning curves: {path}")
    path = settings.out / "forecast.png"
    drawn = min(ROWS_DRAWN, len(table.values) - table.training_rows)
    rows = range(len(table.values) - drawn + 1, len(table.values) + 1)
    lines = {name: values[-drawn:] for name, values in forecasts.items()}
    what = f"{table.columns[-1]}, forecast one row ahead"
    report.draw_forecasts(path, what, rows, table.target[-drawn:], lines)
    print(f"Forecasts of held-out rows: {path}")
