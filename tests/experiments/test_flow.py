"""The error flow of untrained networks, against a product of Jacobians in NumPy."""

import json

import numpy as np
import pytest

from keras_lstm_ext import cli
from keras_lstm_ext.experiments import flow
from keras_lstm_ext.experiments.experiment import TEST, Experiment
from keras_lstm_ext.experiments.runner import task_named

SMALL = {"T": 20}


@pytest.fixture(scope="module")
def models():
    task = task_named("adding", SMALL)
    experiment = Experiment(task, task.network, seed=5)
    return experiment, dict(flow._models(experiment, trial=1))


def test_simple_recurrent_network(models):
    experiment, built = models
    model = built["simple recurrent network"]
    shares = flow._shares(model, experiment, trial=1)
    W, R, b = (np.asarray(w, float) for w in model.layers[1].get_weights())
    V, bias = (np.asarray(w, float) for w in model.layers[2].get_weights())
    s = experiment.task.sample((5, 1, TEST), flow.SEQUENCES)
    for row, (x, last) in enumerate(zip(s.inputs, s.lengths - 1, strict=True)):
        h, states = np.zeros(len(R)), []
        for u in x[: last + 1]:
            h = np.tanh(u @ W + h @ R + b)
            states.append(h)
        y = 1 / (1 + np.exp(-(h @ V + bias)))
        d = V @ ((y - s.targets[row, last]) * y * (1 - y))
        norms = [np.linalg.norm(d)]
        for h in states[:0:-1]:
            d = R @ (d * (1 - h**2))
            norms.append(np.linalg.norm(d))
        expected = np.array(norms)[: shares.shape[1]] / norms[0]
        np.testing.assert_allclose(shares[row], expected, rtol=2e-3)
    assert len(set(s.lengths)) > 1


def test_nothing_is_lost_in_the_carousel_with_the_truncated_gradient(models):
    experiment, built = models
    shares = flow._shares(built["the paper's, truncated gradient"], experiment, trial=1)
    np.testing.assert_allclose(shares, 1.0, rtol=1e-5)
    assert np.ptp(flow._shares(built["the paper's, full gradient"], experiment, trial=1)) > 1e-4


def test_chrono_bias_keeps_what_a_bias_of_one_loses(models):
    experiment, built = models
    lost, kept = (
        np.median(flow._shares(built[name], experiment, trial=1)[:, -1])
        for name in ("ClassicLSTM", "ClassicLSTM, chrono bias")
    )
    assert kept > 10 * lost


@pytest.mark.slow
def test_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert (
        cli.main(["reproduce", "adding", "--setting", "T=20", "--error-flow", "--trials", "1"]) == 0
    )
    assert "| 3. ClassicLSTM |" in capsys.readouterr().out
    content = json.loads((tmp_path / "adding-T=20-error-flow.json").read_text())
    assert (content["settings"], content["trials"]) == (SMALL, 1)
    for row in content["rows"].values():
        assert len(row["lower"]) == len(row["median"]) == len(row["upper"]) >= 20
        assert row["median"][0] == 1.0
        assert (np.diff([row[k] for k in ("lower", "median", "upper")], axis=0) >= 0).all()


def test_a_task_with_targets_on_the_way_is_refused(tmp_path):
    with pytest.raises(ValueError, match="only target is at the end"):
        flow.measure("reber", tmp_path / "flow.json", trials=1, verbose=False)
    assert not list(tmp_path.iterdir())


def test_results_of_a_training_are_not_overwritten(tmp_path):
    out = tmp_path / "adding.json"
    out.write_text('{"experiments": 1, "rows": {}}')
    with pytest.raises(ValueError, match=r"adding\.json"):
        flow.measure("adding", out, SMALL, trials=1, verbose=False)
    assert out.read_text() == '{"experiments": 1, "rows": {}}'


def test_arguments_of_a_training_are_refused(tmp_path, capsys):
    how = ["--error-flow", "--limit", "10", "--out", str(tmp_path / "flow.json")]
    assert cli.main(["reproduce", "adding", *how]) == 2
    assert "--limit" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
