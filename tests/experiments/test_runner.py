"""The runner: killed and resumed runs, more trials, refusals, the command line."""

import json
import re
import time
from functools import partial
from random import Random

import keras
import numpy as np
import pytest

from keras_lstm_ext import cli
from keras_lstm_ext.bench import record
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.experiments import online
from keras_lstm_ext.experiments.runner import FORMAT, read, reproduce
from tests import processes

SETTINGS = {"p": 6}
RUN = """
import sys
from pathlib import Path
from keras_lstm_ext.experiments.runner import reproduce

out, seconds = Path(sys.argv[1]), float(sys.argv[2])
reproduce("lag-2a", out, {"p": 6}, trials=5, checkpoint_seconds=seconds, verbose=False)
"""


def result(path):
    """What a run found out: its file without times, and without how busy the machine was."""
    rows = read(path)["rows"]
    for row in rows.values():
        del row["machine"]["busy_share"]
        for trial in row["trials"]:
            del trial["seconds"]
    return rows


def kill_in_the_middle(out, random):
    """Kills a run soon after one of its first checkpoints; whether it was killed."""
    process = processes.start(RUN, out, 0.0)
    checkpoint = out.with_suffix(".0.npz")
    seen, left = set(), random.randint(1, 3)
    while process.poll() is None and left:
        now = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
        left -= now not in seen
        seen.add(now)
        time.sleep(0.001)
    time.sleep(random.uniform(0.0, 0.02))
    killed = process.poll() is None
    process.kill()
    process.communicate()
    return killed


@pytest.mark.slow
def test_killed_runs_end_like_undisturbed_ones(tmp_path):
    undisturbed, killed = tmp_path / "undisturbed.json", tmp_path / "killed.json"
    random = Random(1997)
    kills = sum(kill_in_the_middle(killed, random) for _ in range(10))
    assert kills == 10, "it ended before the tenth kill"
    processes.run(RUN, killed, 10.0)
    processes.run(RUN, undisturbed, 10.0)
    trials = result(undisturbed)["one cell"]["trials"]
    assert [trial["trial"] for trial in trials] == list(range(5))
    assert all(trial["solved"] for trial in trials)
    assert len({trial["sequences"] for trial in trials}) > 1, "they end one by one"
    assert result(killed) == result(undisturbed)
    assert {path.name for path in tmp_path.glob("[!.]*")} == {"undisturbed.json", "killed.json"}


@pytest.mark.slow
def test_a_setting_of_several_numbers_is_found_again(tmp_path):
    out = tmp_path / "delays.json"
    run = partial(reproduce, "spike-delays", out, networks=["peepholes"], limit=200, verbose=False)
    for trials in (1, 2):
        content = run({"delays": (0, 2), "intervals": 3}, trials=trials)
    assert content["settings"] == {"delays": [0, 2], "intervals": 3}
    assert len(content["rows"]["peepholes"]["trials"]) == 2
    with pytest.raises(ValueError, match="settings="):
        run({"delays": (0, 3), "intervals": 3})


SMALL = [
    ("adding", {"T": 20}, {"wrong", "of", "mean_error"}),
    ("reber", {}, {"wrong", "of", "mean_error"}),
    ("lag-2b", {"p": 4}, set()),
    ("two-sequence-3c", {"T": 10, "N": 2}, {"wrong", "of", "mean_error"}),
    ("order-6a", {}, {"wrong", "of", "mean_error"}),
    ("continual-reber", {"length": 600}, {"right_until"}),
    ("continual-order", {"sequences": 2}, {"right_until"}),
    ("spike-delays", {"intervals": 3}, {"right_until"}),
    ("timed-spikes", {"intervals": 3}, {"right_until"}),
    ("periodic-function", {"periods": 3}, {"right_until"}),
]


@pytest.mark.slow
def test_settings_have_files_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for T in ("20", "30"):
        how = ["--setting", f"T={T}", "--trials=1", "--limit=150"]
        assert cli.main(["reproduce", "adding", *how]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"adding-T=20.json", "adding-T=30.json"}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "settings", "test"), SMALL, ids=[name for name, *_ in SMALL])
def test_every_kind_of_experiment(name, settings, test, tmp_path):
    out = tmp_path / "out.json"
    arguments = [f"--setting={key}={value}" for key, value in settings.items()]
    arguments += ["--network", "3 blocks of 2, rate 0.5"] if name == "reber" else []
    arguments += ["--network", "forget gates"] if name.startswith("continual") else []
    arguments += ["--trials=2", "--limit=150", f"--out={out}"]
    assert cli.main(["reproduce", name, *arguments]) == 0
    content = json.loads(out.read_text())
    for row in content["rows"].values():
        first, second = row["trials"]
        assert first["sequences"] >= 150 or first["solved"]
        assert first["curve"] != second["curve"] or name == "periodic-function"
        assert set(first["test"]) == test


def run_2a(out, row="one cell", **how):
    content = reproduce("lag-2a", out, SETTINGS, [row], limit=300, verbose=False, **how)
    return content["rows"][row]


def as_if_stored(out, row="one cell", **changes):
    """Changes a row of a file to what another program would have left."""
    content = read(out)
    content["rows"][row] |= changes
    record.write(content, out)


OTHERS = [
    ({"arithmetic": "float32, XLA"}, "float32, XLA"),
    ({"digest": "of other numbers"}, "the same seed gives other numbers"),
    ({"digest": None}, "the same seed gives other numbers"),
]


@pytest.mark.parametrize(("changes", "words"), OTHERS)
def test_trials_of_other_numbers_are_not_appended(changes, words, tmp_path):
    out = tmp_path / "out.json"
    stored = run_2a(out, trials=1)
    assert stored["arithmetic"] == "float64, native library"
    as_if_stored(out, **changes)
    assert run_2a(out, trials=1)["trials"] == stored["trials"], "nothing is to be added"
    before = out.read_bytes()
    with pytest.raises(ValueError, match=rf"out\.json has 'one cell' .*{words}.*--again"):
        run_2a(out, trials=2)
    assert out.read_bytes() == before
    anew = run_2a(out, trials=2, again=True)
    assert (anew["arithmetic"], anew["digest"]) == (stored["arithmetic"], stored["digest"])
    assert [trial["curve"] for trial in anew["trials"][:1]] == [stored["trials"][0]["curve"]]
    assert len(run_2a(out, trials=2)["trials"]) == 2


def test_a_checkpoint_of_other_numbers_is_not_gone_on_with(tmp_path):
    out, checkpoint = tmp_path / "out.json", tmp_path / "out.0.npz"
    run_2a(out, trials=0)
    as_if_stored(out, digest="of other numbers")
    checkpoint.touch()
    with pytest.raises(ValueError, match="the same seed gives other numbers"):
        run_2a(out, trials=0)
    run_2a(out, trials=0, again=True)
    assert not checkpoint.exists()


def test_trials_of_another_keras_are_not_appended(tmp_path):
    out, row = tmp_path / "out.json", "ClassicLSTM, Adam"
    stored = run_2a(out, row, trials=0)
    assert f"float32, Keras {keras.__version__} on {keras.backend.backend()} " in (
        stored["arithmetic"] + " "
    )
    as_if_stored(out, row, arithmetic="float32, Keras 2", trials=[{"trial": 0}])
    with pytest.raises(ValueError, match=r"float32, Keras 2.*--again"):
        run_2a(out, row, trials=2)


def test_a_row_says_where_it_was_made(tmp_path):
    row = run_2a(tmp_path / "out.json", trials=0)
    assert {"limit", "version", "commit", "machine", "versions", "threads"} <= set(row)
    assert row["threads"] == packing.processors()


@pytest.mark.slow
def test_more_trials_later(tmp_path, capsys):
    out = tmp_path / "out.json"
    how = {"settings": {"T": 20}, "limit": 300}
    first = reproduce("adding", out, **how, trials=1)["rows"]["2 blocks of 2"]["trials"]
    assert "adding, 2 blocks of 2" in capsys.readouterr().out
    more = reproduce("adding", out, **how, trials=2, verbose=False)
    assert more["rows"]["2 blocks of 2"]["trials"][0] == first[0]
    assert len(read(out)["rows"]["2 blocks of 2"]["trials"]) == 2
    for changes, words in [
        ({"settings": {"T": 30}}, "settings={'T': 20}"),
        ({"seed": 1}, "seed=1997"),
        ({"limit": 299}, "300 as the limit"),
    ]:
        with pytest.raises(ValueError, match=words):
            reproduce("adding", out, **(how | changes), trials=2)


BAD = [
    ([], "`name` must be one of ('reber',"),
    (["adding", "--setting", "L=5"], "a setting of adding must be one of ('T', 'squared', "),
    (["adding", "--setting", "T=5"], "`T` must be an integer from 20 on. Received: T=5"),
    (["adding", "--setting", "squared=yes"], "`squared` must be one of (False, True)"),
    (["adding", "--network", "big"], "`network` must be one of ('2 blocks of 2', 'ClassicLSTM, "),
]


@pytest.mark.parametrize(("arguments", "words"), BAD)
def test_refusals(arguments, words, tmp_path, capsys):
    out = tmp_path / "out.json"
    assert cli.main(["reproduce", *arguments, "--out", str(out)]) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_without_the_library_networks_of_the_papers_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(packing, "LOADED", "not built (no C++ compiler found when installing)")
    online.library.cache_clear()
    out = tmp_path / "out.json"
    assert cli.main(["reproduce", "adding", "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert "which is not built (no C++ compiler found when installing). Install a C++" in said
    assert not out.exists()


def test_checkpoints_of_other_versions_are_refused(tmp_path):
    out, checkpoint = tmp_path / "out.json", tmp_path / "out.0.npz"
    reproduce("lag-2a", out, SETTINGS, trials=0, verbose=False)
    np.savez(checkpoint, chunk=3, seconds=1.0, arr_0=np.zeros(3))
    with pytest.raises(ValueError, match=r"out\.0\.npz is of another version"):
        reproduce("lag-2a", out, SETTINGS, trials=1, verbose=False)
    assert checkpoint.exists()


@pytest.mark.parametrize("argument", ["--trials=0", "--limit=x", "--setting=T"])
def test_bad_arguments(argument, capsys):
    with pytest.raises(SystemExit):
        cli.main(["reproduce", "adding", argument])
    assert argument.partition("=")[0] in capsys.readouterr().err


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match=f"experiments={FORMAT}"):
        reproduce("adding", path)


def test_list(capsys):
    assert cli.main(["reproduce", "--list"]) == 0
    listed = capsys.readouterr().out
    assert re.search(
        r"\n    2 blocks of 2\n        \d+ of \d+ trials, limit [\d,]+: .* s \[\d\]", listed
    )
    assert re.search(r"\n        T=500, squared=True: \d+ of \d+ trials", listed)
    assert re.search(r"\n\[1\] .+ threads .*(float64, native library|float32, XLA)", listed)
    assert "adding: Adding(T=100, squared=False, output='sigmoid')\n    2 blocks of 2\n" in listed
    assert "    forget gates, falling rate\n" in listed
    assert listed.count("    PeepholeLSTM, Adam, chrono bias\n") == 1
