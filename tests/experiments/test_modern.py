"""Today's models on the papers' tasks: what they are made of, and how their trials end."""

import numpy as np
import pytest

from keras_lstm_ext.experiments import modern
from keras_lstm_ext.experiments.experiment import Experiment
from keras_lstm_ext.experiments.runner import reproduce, rows_of
from keras_lstm_ext.tasks import TASKS, TwoSequence
from tests import backends

ROWS = tuple(modern.MODELS)


def experiment(name):
    return Experiment(TASKS[name], TASKS[name].network, seed=1)


@pytest.mark.parametrize("name", ["adding", "reber", "two-sequence-3a"])
def test_sizes(name):
    names = "ClassicLSTM, Adam", "PeepholeLSTM, Adam", "keras.layers.SimpleRNN, Adam"
    classic, peephole, simple = (modern.model_for(row, experiment(name)) for row in names)
    units, features = TASKS[name].network.units, TASKS[name].features
    assert classic.layers[0].units == peephole.layers[0].units == units
    columns = 4 * units
    assert classic.layers[0].count_params() == columns * (features + units + 1)
    assert peephole.count_params() == classic.count_params() + 3 * units
    assert simple.count_params() >= classic.count_params()
    smaller = simple.layers[0].units - 1
    weights = smaller * (features + smaller + 1) + (smaller + 1) * TASKS[name].outputs
    assert weights < classic.count_params(), "a smaller one would have had enough"


@pytest.mark.parametrize("name", ["adding", "lag-2c"])
def test_gates_may_begin_with_the_lags_of_the_task(name):
    task, units = TASKS[name], TASKS[name].network.units
    for layer in ("ClassicLSTM", "PeepholeLSTM"):
        row = f"{layer}, Adam, chrono bias"
        plain = modern.model_for(f"{layer}, Adam", experiment(name)).layers[0]
        spread = modern.model_for(row, experiment(name), seed=5).layers[0]
        assert type(spread) is type(plain)
        assert plain.gate_bias is None
        i, f, *_ = np.split(np.asarray(spread.bias), 4)
        np.testing.assert_array_equal(i, -f)
        lag = max(task.sample(seed, 1).lengths.item() for seed in range(200))
        assert 0 < np.exp(f).max() < lag
        other = modern.model_for(row, experiment(name), seed=6).layers[0]
        assert len({*f, *np.split(np.asarray(other.bias), 4)[1]}) == 2 * units


def test_rows():
    assert rows_of(TASKS["timed-spikes"]) == ("peepholes", "no peepholes", *ROWS)
    assert rows_of(TASKS["adding"]) == ("2 blocks of 2", *ROWS)


@pytest.mark.parametrize("name", ["continual-reber", "continual-order", "spike-delays"])
def test_streams_are_short(name):
    drawn = modern.sampler(experiment(name), trial=0)(1, 30)
    assert 0.7 * modern.STREAM < drawn.lengths.mean() < 1.3 * modern.STREAM


@pytest.mark.slow
@pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="one backend is enough")
def test_a_trial_is_solved_and_repeated(tmp_path):
    how = {"settings": {"T": 10}, "networks": [ROWS[0]], "limit": 50_000, "verbose": False}
    first = reproduce("two-sequence-3a", tmp_path / "a.json", trials=2, **how)["rows"][ROWS[0]]
    assert [trial["solved"] for trial in first["trials"]] == [True, True]
    assert all(trial["test"]["wrong"] <= 5 for trial in first["trials"])
    assert first["trials"][0]["curve"] != first["trials"][1]["curve"]
    again = modern.run_trial(
        ROWS[0],
        Experiment(TwoSequence(T=10), TwoSequence(T=10).network, seed=1997),
        trial=1,
        limit=50_000,
    )
    assert again["sequences"] == first["trials"][1]["sequences"]


@pytest.mark.slow
@pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="one backend is enough")
@pytest.mark.parametrize("name", ["adding", "reber", "order-6a", "timed-spikes"])
def test_a_trial_fails_at_the_limit(name):
    record = modern.run_trial("keras.layers.SimpleRNN, Adam", experiment(name), trial=0, limit=1)
    assert not record["solved"]
    assert record["sequences"] == modern.BATCHES * modern.BATCH_SIZE
    if name == "timed-spikes":
        assert max(record["test"]["right_until"]) < 100
    else:
        assert record["test"]["wrong"] > 0
