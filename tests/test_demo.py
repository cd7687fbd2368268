import os
import struct
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, cli
from keras_lstm_ext.demo import digits, errors, forecast, models, report
from keras_lstm_ext.demo.forecaster import Forecaster
from keras_lstm_ext.demo.table import Table, read
from keras_lstm_ext.demo.training import Settings, save_and_check
from keras_lstm_ext.demo.windows import Scaling, Windows
from keras_lstm_ext.files import whole

for extra in ("matplotlib", "pandas", "sklearn"):
    pytest.importorskip(extra)

trains = pytest.mark.skipif(
    keras.backend.backend() == "torch",
    reason="Keras' loop takes minutes per run on PyTorch; the contract tests train there",
)

ROWS = 40
GOOD = [f"{k},{0.1 * k},{np.sin(k)}" for k in range(ROWS)]


def text(header: str = "row,x,y", change: dict[int, str] | None = None, rows: int = ROWS) -> str:
    """A table as text, with some of its data rows replaced."""
    lines = GOOD[:rows]
    for row, line in (change or {}).items():
        lines[row] = line
    return "\n".join([header, *lines]) + "\n"


def random_table(rows: int, columns: int, seed: int = 3) -> Table:
    rng = np.random.default_rng(seed)
    names = tuple(f"column{k}" for k in range(columns))
    return Table(names, rng.normal(5, 2, size=(rows, columns)).cumsum(axis=0))


BAD_TABLES = [
    # what is wrong, the table, more arguments, the words of the message
    ("missing column", text("a,b,c"), [], ["no column 'y'", "'a', 'b', 'c'"]),
    ("missing ignored column", text(), ["--ignore", "z"], ["no column 'z'", "'row', 'x', 'y'"]),
    ("target ignored", text(), ["--ignore", "y"], ["'y' is the target"]),
    ("text", text(change={5: "5,high,1"}), [], ["'x', line 7", "'high'", "--ignore 'x'"]),
    ("text in the target", text(change={0: "0,1,low"}), [], ["'y', line 2", "'low'"]),
    ("dates", text(change={0: "2024-01-01,1,1"}), [], ["'row', line 2", "--ignore 'row'"]),
    ("infinity", text(change={3: "3,inf,1"}), [], ["'x', line 5", "'inf'", "finite"]),
    ("beyond float32", text(change={3: "3,1e99,1"}), [], ["'x', line 5", "'1e99'"]),
    ("gap", text(change={9: "9,,1"}), [], ["'x', line 11", "gap"]),
    ("gap in the target", text(change={9: "9,1,"}), [], ["'y', line 11", "gap"]),
    ("blank line", text(change={9: ""}), [], ["'row', line 11", "gap"]),
    ("too few rows", text(rows=29), [], ["29 rows", "--window 4", "at least 30"]),
    ("no rows", "row,x,y\n", [], ["0 rows", "at least 30"]),
    (
        "constant target",
        text(change={k: f"{k},{k},7" for k in range(32)}),
        [],
        ["'y' is the same in all 32 rows"],
    ),
    ("empty file", "", [], ["not a comma-separated table"]),
    (
        "uneven rows",
        text(change={7: "1,2,3,4,5"}),
        [],
        ["not a comma-separated table", "line 9", "5 cells", "3 columns"],
    ),
    ("not text", b"\xff\xfe\x00\x81", [], ["not a comma-separated table"]),
]


@pytest.mark.parametrize(
    ("table", "more", "words"), [case[1:] for case in BAD_TABLES], ids=[c[0] for c in BAD_TABLES]
)
def test_a_bad_table_is_one_clear_line(
    table: str | bytes,
    more: list[str],
    words: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(table if isinstance(table, bytes) else table.encode())
    out = tmp_path / "out"
    arguments = ["demo", "--csv", str(path), "--target", "y", "--window", "4", "--out", str(out)]
    assert cli.main([*arguments, *more]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    for word in words:
        assert word in printed.err
    assert not out.exists()


BAD_ARGUMENTS = [
    (["--csv", "there_is_none.csv", "--target", "y"], ["no file there_is_none.csv"]),
    (["--csv", ".", "--target", "y"], ["."]),
    (["--csv", "x.csv"], ["--csv FILE and --target COLUMN go together"]),
    (["--target", "y"], ["--csv FILE and --target COLUMN go together"]),
    (["--ignore", "y"], ["--ignore COLUMN needs --csv FILE"]),
    (["--fill", "last", "--horizon", "3"], ["--horizon", "--fill", "needs --csv FILE"]),
]


@pytest.mark.parametrize(("arguments", "words"), BAD_ARGUMENTS, ids=lambda value: value[0])
def test_bad_arguments_are_one_clear_line(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["demo", *arguments]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert all(word in message for word in words)


@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        ("--epochs", "0", "from 1 on, not '0'"),
        ("--units", "2.5", "from 1 on, not '2.5'"),
        ("--window", "-3", "from 1 on, not '-3'"),
        ("--seed", "-1", "not '-1'"),
        ("--seed", str(2**32), f"not '{2**32}'"),
        ("--layers", "GRU", "OriginalLSTM"),
    ],
)
def test_bad_values_are_refused_by_name(
    argument: str, value: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo", f"{argument}={value}"])
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert argument in message
    assert words in message


def test_a_file_in_place_of_the_folder_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("mine")
    assert cli.main(["demo", "--out", str(tmp_path / "out")]) == 2
    assert "out: File exists" in capsys.readouterr().err
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("module", ["sklearn.datasets", "matplotlib", "pandas"])
def test_a_missing_package_names_the_extra(
    module: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "table.csv").write_text(text())
    table = ["--csv", str(tmp_path / "table.csv"), "--target", "y"] if module == "pandas" else []
    assert cli.main(["demo", "--out", str(tmp_path / "out"), *table]) == 2
    message = capsys.readouterr().err
    assert module in message
    assert 'pip install "keras_lstm_ext[demo]"' in message


def test_control_c_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(settings: Settings) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(digits, "run", interrupt)
    assert cli.main(["demo"]) == 130
    assert capsys.readouterr().err == "keras_lstm_ext: interrupted; no half-written file is left\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_file_is_written_whole_or_not_at_all(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    path.write_text("old")

    def stop_half_way() -> None:
        with whole(path) as temporary:
            temporary.write_text("ha")
            raise error

    with pytest.raises(error):
        stop_half_way()
    assert path.read_text() == "old"
    with whole(path) as temporary:
        assert temporary.suffix == path.suffix
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_good_table_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    values = np.random.default_rng(5).normal(size=(33, 3))
    lines = [f"2024-{k},{a!r},{b!r},{c!r}" for k, (a, b, c) in enumerate(values.tolist())]
    path.write_text("\ufeffdate,y,a,b\n" + "\n".join(lines) + "\n\n\n", encoding="utf-8")
    table = read(path, "y", 5, ["date"])
    assert table.columns == ("a", "b", "y")
    np.testing.assert_array_equal(table.values, values[:, [1, 2, 0]])
    assert table.training_rows == 27


def windows(table: Table, window: int, horizon: int = 1, **more: int) -> Windows:
    """All windows of a table, those to train on first."""
    ends = np.concatenate(table.examples(window, horizon))
    return Windows(table, Scaling.of(table, horizon), ends, window, **more)


@pytest.mark.parametrize("horizon", [1, 3])
def test_windows_never_hold_what_they_forecast(horizon: int) -> None:
    table, window = random_table(rows=37, columns=3), 5
    data = windows(table, window, horizon, batch_size=7)
    batches = [data[k] for k in range(len(data))]
    inputs, changes = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    known = table.values[:30]
    standard = (table.values - known.mean(axis=0)) / known.std(axis=0)
    unit = np.mean(
        [
            np.mean([abs(known[t + k, 2] - known[t, 2]) for t in range(30 - k)])
            for k in range(1, 1 + horizon)
        ]
    )
    starts = [*range(30 - window - horizon + 1), *range(30 - window, 37 - window - horizon + 1)]
    assert inputs.shape == (len(starts), window, 3)
    assert inputs.dtype == changes.dtype == "float32"
    for k, start in enumerate(starts):
        end = start + window
        np.testing.assert_allclose(inputs[k], standard[start:end], rtol=1e-5, atol=1e-6)
        moved = table.values[end : end + horizon, 2] - table.values[end - 1, 2]
        np.testing.assert_allclose(changes[k], moved / unit, rtol=1e-5, atol=1e-6)


def test_windows_are_shuffled_anew_in_every_epoch_and_none_is_lost() -> None:
    data = windows(random_table(rows=60, columns=1), 4, seed=3)
    order = data.ends.copy()
    data.on_epoch_end()
    assert not np.array_equal(data.ends, order)
    np.testing.assert_array_equal(np.sort(data.ends), np.sort(order))
    still = windows(random_table(rows=60, columns=1), 4)
    still.on_epoch_end()
    np.testing.assert_array_equal(still.ends, np.sort(order))


def test_a_filled_gap_is_read_but_not_forecast() -> None:
    table = random_table(rows=60, columns=2)
    table = Table(table.columns, table.values, np.isin(np.arange(60), [20, 55]))
    known, held_out = table.examples(4, horizon=2)
    assert sorted({*range(3, 46)} - {*known.tolist()}) == [18, 19]
    assert held_out.tolist() == [47, 48, 49, 50, 51, 52, 55, 56, 57]


def test_a_forecaster_starts_as_the_naive_forecast() -> None:
    table, window = random_table(rows=60, columns=3), 7
    rows = np.stack([table.values[k : k + window] for k in range(50)])
    model = Forecaster(keras.layers.LSTM(4), window, Scaling.of(table))
    np.testing.assert_array_equal(model.forecast(rows)[:, 0], rows[:, -1, -1])


def test_a_forecaster_knows_nothing_of_the_held_out_rows() -> None:
    table, window = random_table(rows=60, columns=3), 7
    other = Table(table.columns, table.values.copy())
    other.values[table.training_rows :] *= -100
    one, two = (
        Forecaster(keras.layers.LSTM(4), window, Scaling.of(t)).get_config() for t in (table, other)
    )
    assert one["scaling"] == two["scaling"]
    other.values[table.training_rows - 1] *= -100
    three = Forecaster(keras.layers.LSTM(4), window, Scaling.of(other)).get_config()
    assert three["scaling"] != one["scaling"]


def test_a_constant_input_column_does_no_harm() -> None:
    table = random_table(rows=60, columns=2)
    table.values[:, 0] = 0.1  # whose mean in float64 is not quite 0.1
    table.values[-1, 0] = 4e9
    model = Forecaster(keras.layers.LSTM(4), 7, Scaling.of(table))
    model.layers[-1].kernel.assign(np.ones((4, 1)))
    rows = np.stack([table.values[k : k + 7] for k in (0, 53)])
    assert np.isfinite(model.forecast(rows)).all()
    assert (windows(table, 7)[0][0][..., 0] == 0).all()


LEVELS = [(2.0**40, 1.0), (-(2.0**27), 2.0**-10), (0.0, 2.0**60), (0.0, 2.0**-60), (0.0, 2.0**330)]


@pytest.mark.parametrize(("level", "scale"), LEVELS)
def test_level_and_scale_do_not_matter(level: float, scale: float) -> None:
    table = random_table(rows=60, columns=2)
    table.values[:] = np.round(table.values * 1024) / 1024  # so that nothing is lost at any level
    other = Table(table.columns, scale * table.values + level)
    rows, changes = windows(table, 5, 2)[0]
    other_rows, other_changes = windows(other, 5, 2)[0]
    np.testing.assert_allclose(other_rows, rows, atol=2e-4)  # eps * 2**40 is a thousandth of 0.25
    np.testing.assert_allclose(other_changes, changes, rtol=1e-6)


@pytest.mark.parametrize(
    ("error", "naive", "words"),
    [
        (1.0, 1.0, "The naive forecast wins: L's error is 0.0 % above its."),
        (0.5, 0.0, "The naive forecast wins: L's error is not zero, as its is."),
        (0.0, 1.0, "L's error is 100.0 % below the naive forecast's."),
    ],
)
def test_the_verdict_is_honest(error: float, naive: float, words: str) -> None:
    assert forecast.verdict("L", error, naive) == words


def test_digits_are_split_without_overlap_and_read_row_by_row() -> None:
    from sklearn.datasets import load_digits

    (x, y), (x_held_out, y_held_out) = digits.load(seed=4)
    assert x.shape == (1347, 64, 1)
    assert x_held_out.shape == (450, 64, 1)
    assert x.dtype == "float32"
    images, labels = load_digits().images / 16, load_digits().target
    expected = sorted(([*image.ravel(), d] for image, d in zip(images, labels, strict=True)))
    found = np.concatenate([x, x_held_out])[..., 0], np.concatenate([y, y_held_out])
    assert sorted(([*row, d] for row, d in zip(*found, strict=True))) == expected
    assert np.ptp(np.bincount(y_held_out)) <= 3
    assert not np.array_equal(digits.load(seed=5)[0][1], y)


@pytest.mark.parametrize("name", models.NAMES)
def test_every_layer_can_be_built_and_says_its_engine(name: str) -> None:
    layer = models.recurrent(name, 6)
    layer.build((None, 5, 3))
    assert layer.units == 6
    expected = "keras"
    if name != "keras.layers.LSTM":
        expected = layer.explain((None, 5, 3), training=True).engine
        assert type(layer).__name__ == name
    assert models.engine(layer, (None, 5, 3)) == expected


def png_size(path: Path) -> tuple[int, int]:
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", header[16:])


def test_figures_are_png_of_print_size(tmp_path: Path) -> None:
    curves = {name: [1.0, 2.0 + k, 3.0] for k, name in enumerate(models.NAMES)}
    report.draw_curves(tmp_path / "curves.png", curves, "error", 2.5, "naive forecast")
    report.draw_curves(tmp_path / "point.png", {"ClassicLSTM": [5.0]}, "accuracy", 10, "chance")
    report.draw_forecasts(tmp_path / "rows.png", "y", range(3), [1, 2, 3], curves)
    for path in tmp_path.iterdir():
        assert png_size(path) == (1400, 800)


def test_labels_keep_their_order_and_distance() -> None:
    rng = np.random.default_rng(6)
    for gap in (0.01, 0.1, 0.5):
        heights = {str(k): height for k, height in enumerate(rng.uniform(size=7))}
        spread = report._spread(heights, gap)
        order = sorted(heights, key=lambda name: heights[name])
        assert np.diff([spread[name] for name in order]).min() > gap - 1e-12
    assert report._spread({"a": 3.0, "b": 1.0}, 0.5) == {"a": 3.0, "b": 1.0}


def test_a_model_comes_back_the_same(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3, 2)), ClassicLSTM(4, engine="portable")])
    inputs = np.random.default_rng(7).normal(size=(5, 3, 2)).astype("float32")
    assert save_and_check(model, tmp_path / "model.keras", inputs) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


@pytest.mark.parametrize("difference", [1e-3, np.nan])
def test_a_model_that_came_back_different_is_an_error(difference: float) -> None:
    report.print_saved(Path("model.keras"), 0.0)
    with pytest.raises(errors.UserError, match=r"model\.keras predicts otherwise"):
        report.print_saved(Path("model.keras"), difference)


def test_an_error_for_users_is_a_value_error() -> None:
    assert issubclass(errors.UserError, ValueError)


@pytest.mark.slow
def test_the_forecaster_is_compared_honestly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    y = np.sin(np.arange(150) / 3) * 20 + 100
    noise = np.random.default_rng(8).normal(size=150)
    path = tmp_path / "table.csv"
    rows = "\n".join(f"{a!r},{b!r}" for a, b in zip(y.tolist(), noise.tolist(), strict=True))
    path.write_text(f"y,noise\n{rows}\n")
    settings = Settings(("ClassicLSTM", "keras.layers.LSTM"), 8, 20, 1, tmp_path / "out")
    found = forecast.run(settings, read(path, "y", 12), 12)
    naive = np.mean([abs(y[t] - y[t - 1]) for t in range(120, 150)])
    assert found["naive forecast"] == pytest.approx(naive, rel=1e-12)
    assert found["ClassicLSTM"] < naive
    model = keras.saving.load_model(tmp_path / "out/forecaster_ClassicLSTM.keras")
    misses = []
    for t in range(120, 150):
        rows_before = np.stack([noise[t - 12 : t], y[t - 12 : t]], axis=-1)[None]
        misses.append(abs(float(model.forecast(rows_before)[0, 0]) - y[t]))
    assert found["ClassicLSTM"] == pytest.approx(np.mean(misses), rel=1e-4)
    printed = capsys.readouterr().out
    assert "below the naive forecast's" in printed
    assert printed.count("same predictions") == 2


@pytest.mark.slow
@trains
def test_digits_train_every_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (x, y), (x_held_out, y_held_out) = digits.load(1)
    few = (x[:96], y[:96]), (x_held_out[:64], y_held_out[:64])
    monkeypatch.setattr(digits, "load", lambda seed: few)
    runs = digits.run(Settings(models.NAMES, 5, 2, 1, tmp_path))
    printed = capsys.readouterr().out
    assert [r.name for r in runs] == list(models.NAMES)
    for r in runs:
        # Keras counts the Dense layer's 5 * 10 + 10 as well.
        inner = {"CECLSTM": 35, "OriginalLSTM": 255, "PeepholeLSTM": 155}.get(r.name, 140)
        assert r.model.count_params() == inner + 60
        line = next(x for x in printed.splitlines() if x.startswith(r.name) and "%" in x)
        assert f"{100 * r.history['val_accuracy'][-1]:.1f} %" in line
        assert line.split()[-1] == r.engine
    assert png_size(tmp_path / "learning_curves.png") == (1400, 800)


@pytest.mark.slow
@trains
def test_the_command_runs_from_a_shell(tmp_path: Path) -> None:
    arguments = ["--epochs=1", "--units=4", "--layers", "PeepholeLSTM", "keras.layers.LSTM"]
    done = subprocess.run(
        [sys.executable, "-m", "keras_lstm_ext", "demo", *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert all(character.isprintable() or character == "\n" for character in done.stdout)
    assert done.stdout.count("same predictions (to 0)") == 2
    assert sorted(path.name for path in (tmp_path / "keras_lstm_ext_demo").iterdir()) == [
        "digits_PeepholeLSTM.keras",
        "digits_keras.layers.LSTM.keras",
        "learning_curves.png",
    ]


@pytest.mark.slow
@trains
def test_a_series_at_a_high_level_is_forecast_as_well(tmp_path: Path) -> None:
    wave = np.round(1024 * np.sin(np.arange(150) / 3)) / 1024
    found = []
    for level, scale in ((0.0, 1.0), (2.0**40, 1.0), (2.0**27, 2.0**-10)):
        table = Table(("y",), (scale * wave + level)[:, None])
        out = tmp_path / f"{level}"
        errors = forecast.run(Settings(("ClassicLSTM",), 8, 10, 1, out), table, 12, horizon=2)
        found.append([errors["ClassicLSTM"] / scale, errors["naive forecast"] / scale])
        lines = (out / "next_rows.csv").read_text().splitlines()
        assert lines[0] == "row,ClassicLSTM,naive forecast"
        assert [line.split(",")[0] for line in lines[1:]] == ["151", "152"]
        assert float(lines[1].split(",")[2]) == table.target[-1]
        ahead = (float(lines[1].split(",")[1]) - level) / scale
        assert ahead == pytest.approx(np.sin(150 / 3), abs=0.2)
    assert found[0][0] < found[0][1]
    np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=0.02)
