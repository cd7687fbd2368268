"""The stored results: whole, of known experiments, and what a run still gives."""

from pathlib import Path

import numpy as np
import pytest

import keras_lstm_ext
from keras_lstm_ext.bench import record
from keras_lstm_ext.experiments import flow, published, report
from keras_lstm_ext.experiments.runner import read, reproduce, rows_of, task_named

FILES = sorted(Path(keras_lstm_ext.__file__).parent.glob("experiments/results/*.json"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_file(path):
    content = read(path)
    task = task_named(content["task"], content["settings"])
    for name, row in content["rows"].items():
        assert name in rows_of(task)
        trials = row["trials"]
        assert trials
        assert [trial["trial"] for trial in trials] == list(range(len(trials)))
        for trial in trials:
            assert trial["solved"] or trial["sequences"] >= row["limit"] or not trial["test"]
            assert trial["curve"][-1][0] <= trial["sequences"]
    for row in content["rows"].values():
        assert row["commit"]
        assert "changes" not in row["commit"], "of a tree that nobody can look at"
        assert row["arithmetic"].startswith(("float64, native library", "float32, "))
        assert {"limit", "version", "machine", "versions"} <= set(row)
    assert path.stem.startswith(content["task"])


def test_error_flow():
    path = FILES[0].parent / "error-flow" / "adding.json"
    content = record.read(path, "error_flow", flow.FORMAT)
    assert "changes" not in content["commit"], "of a tree that nobody can look at"
    assert set(flow.LAYERS) < set(content["rows"])
    assert all(row["median"][0] == 1.0 for row in content["rows"].values())


def test_files_are_of_different_experiments():
    kinds = [(content["task"], str(content["settings"])) for content in map(read, FILES)]
    assert len(set(kinds)) == len(kinds)


def test_every_row_of_the_paper_that_was_run_is_shown_beside_it():
    for content in map(read, FILES):
        table = report.table([content])
        for name in content["rows"]:
            row = published.published(content["task"], content["settings"], name)
            assert row is None or f"| {report.label(content, name)} | {row.table} |" in table


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "trials"), [("order-6a", 1), ("reber-1999", 3), ("lag-2c-range", 2)]
)
def test_a_slice_run_again(name, trials, tmp_path):
    stored = read(FILES[0].parent / f"{name}.json")
    (network,) = task_named(stored["task"], stored["settings"]).networks
    row = stored["rows"][network]
    how = {"settings": stored["settings"], "limit": row["limit"], "verbose": False}
    content = reproduce(stored["task"], tmp_path / "again.json", trials=trials, **how)
    again = content["rows"][network]
    of_record = row["trials"][:trials]
    if again["digest"] == row["digest"]:
        assert [without_time(t) for t in again["trials"]] == [without_time(t) for t in of_record]
        return
    # A network of many steps ends elsewhere where the numbers are rounded in another way.
    needed = report.needed_sequences(row["trials"])
    found = report.needed_sequences(again["trials"])
    assert len(found) == trials
    assert min(needed) <= np.mean(found) <= max(needed)


def without_time(trial):
    return {key: value for key, value in trial.items() if key != "seconds"}
