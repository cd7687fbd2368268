"""A forecaster on a user's own table, how it compares with the naive forecast, what comes next."""

import csv
from pathlib import Path

import keras
import numpy as np

from keras_lstm_ext.demo import models, report
from keras_lstm_ext.demo.errors import require
from keras_lstm_ext.demo.forecaster import Forecaster
from keras_lstm_ext.demo.table import Table
from keras_lstm_ext.demo.table import read as read
from keras_lstm_ext.demo.training import Run, Settings, save_and_check, train
from keras_lstm_ext.demo.windows import Scaling, Windows
from keras_lstm_ext.files import whole

ROWS_DRAWN = 200
NAIVE = "naive forecast"


def run(settings: Settings, table: Table, window: int, horizon: int = 1) -> dict[str, float]:
    """Trains, compares on held-out rows, forecasts the next rows, and writes all that.

    Args:
        settings: What the user chose.
        table: The table.
        window: Rows that a forecast reads.
        horizon: Rows that it forecasts.

    Returns:
        Mean absolute errors on the held-out rows, by layer, and of the "naive forecast".

    Raises:
        UserError: If matplotlib is missing.
    """
    require("matplotlib")
    settings.out.mkdir(parents=True, exist_ok=True)
    _introduce(table, window, horizon)
    known, held_out = table.examples(window, horizon)
    scaling = Scaling.of(table, horizon)
    validation = Windows(table, scaling, held_out, window)
    runs = [_train(name, settings, table, known, validation) for name in settings.layers]
    last = table.target[held_out]
    forecasts = {r.name: r.model.level(last, _predict(r.model, validation)) for r in runs}
    forecasts[NAIVE] = np.repeat(last[:, None], horizon, axis=1)
    actual = table.target[held_out[:, None] + validation.ahead]
    by_row = {name: np.abs(f - actual).mean(axis=0) for name, f in forecasts.items()}
    errors = {name: float(error.mean()) for name, error in by_row.items()}
    _report(runs, errors)
    _draw(settings, table, runs, held_out, forecasts, errors[NAIVE])
    for r in runs:
        path = settings.out / f"forecaster_{r.name}.keras"
        few = Windows(table, scaling, held_out[:1000], window)
        report.print_saved(path, save_and_check(r.model, path, few))
    _forecast_next(settings.out / "next_rows.csv", table, runs, by_row)
    return errors


def _introduce(table: Table, window: int, horizon: int) -> None:
    for note in table.notes:
        print(f"Note: {note}")
    ahead = "one row" if horizon == 1 else f"{horizon} rows"
    inputs = "1 column" if len(table.columns) == 1 else f"{len(table.columns)} columns"
    print(
        f"Forecasting {table.columns[-1]!r} {ahead} ahead from {window} rows of {inputs}: "
        f"{table.training_rows} rows to train on, the last "
        f"{len(table.values) - table.training_rows} held out",
        flush=True,
    )


def _predict(model: keras.Model, windows: Windows) -> np.ndarray:
    return np.asarray(model.predict(windows, verbose=0))


def _train(
    name: str, settings: Settings, table: Table, known: np.ndarray, held_out: Windows
) -> Run:
    keras.utils.set_random_seed(settings.seed)
    layer = models.recurrent(name, settings.units)
    scaling, window = held_out.scaling, len(held_out.back)
    # Long tables in larger batches, so that an epoch stays under 65 steps.
    batch_size = max(32, -(-len(known) // 64))
    examples = Windows(table, scaling, known, window, batch_size, settings.seed)
    return train(
        name,
        Forecaster(layer, window, scaling),
        {"x": examples, "validation_data": held_out, "shuffle": False},
        engine=models.engine(layer, (None, window, len(table.columns))),
        epochs=settings.epochs,
        steps=len(examples),
        loss="mean_absolute_error",
    )


def _report(runs: list[Run], errors: dict[str, float]) -> None:
    naive = errors[NAIVE]
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
    held_out: np.ndarray,
    forecasts: dict[str, np.ndarray],
    naive: float,
) -> None:
    unit = runs[0].model.scaling.unit
    path = settings.out / "learning_curves.png"
    curves = {r.name: [unit * loss for loss in r.history["val_loss"]] for r in runs}
    what = f"Mean absolute error of {report.short(table.columns[-1])} on held-out rows"
    report.draw_curves(path, curves, what, naive, NAIVE)
    print(f"\nLearning curves: {path}")
    path = settings.out / "forecast.png"
    rows = held_out[-ROWS_DRAWN:] + 1
    lines = {r.name: forecasts[r.name][-ROWS_DRAWN:, 0] for r in runs}
    what = f"{report.short(table.columns[-1])}, forecast one row ahead"
    report.draw_forecasts(path, what, (rows + 1).tolist(), table.target[rows], lines)
    print(f"Forecasts of held-out rows: {path}")


def _forecast_next(
    path: Path, table: Table, runs: list[Run], errors: dict[str, np.ndarray]
) -> None:
    """Forecasts the rows after the last one, prints them and writes them as CSV."""
    horizon = len(errors[NAIVE])
    times = table.times.following(horizon) if table.times else None
    first = len(table.values) + 1
    keys = times or [str(first + k) for k in range(horizon)]
    ends = table.values[None]
    columns = {r.name: r.model.forecast(ends[:, -r.model.window :])[0] for r in runs}
    columns[NAIVE] = np.repeat(table.target[-1], horizon)
    header = [table.times.name if times and table.times else "row", *columns]
    with whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(zip(keys, *(map(repr, c.tolist()) for c in columns.values()), strict=True))
    print(f"\nNext rows of {table.columns[-1]!r}, with the mean absolute error on held-out rows:\n")
    cells = [
        [key, *(f"{value[k]:.7g} ± {errors[name][k]:.2g}" for name, value in columns.items())]
        for k, key in enumerate(keys)
    ]
    print(report.table(header, cells[:24]))
    if len(cells) > 24:
        print(f"... and {len(cells) - 24} more")
    if table.times and not times:
        print(f"The step of {table.times.name!r} is not regular: rows are numbered.")
    print(f"\nNext rows as CSV: {path}")
