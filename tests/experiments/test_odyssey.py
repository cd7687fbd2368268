"""The networks of 2017 on chorales: data, gradient, training, killed and resumed runs, the test."""

import json
import re
import time
from pathlib import Path
from random import Random

import keras
import numpy as np
import pytest

from keras_lstm_ext import VariantLSTM, cli
from keras_lstm_ext.experiments import statistics
from keras_lstm_ext.experiments.odyssey import chorales, report, runner
from keras_lstm_ext.experiments.odyssey.network import Network, call
from keras_lstm_ext.experiments.odyssey.training import How, State, epoch
from keras_lstm_ext.variants import ODYSSEY
from tests import processes

stats = pytest.importorskip("scipy.stats")
io = pytest.importorskip("scipy.io")

UNITS, KEYS = 5, 4
RECORD = Path(report.__file__).parents[1] / "results" / "odyssey" / "jsb-chorales.json"


def songs(seed: int, n: int, keys: int = KEYS) -> list[np.ndarray]:
    """Chorales of unequal lengths."""
    rng = np.random.default_rng(seed)
    return [(rng.random((rng.integers(3, 9), keys)) < 0.3).astype("float32") for _ in range(n)]


SETS = chorales.Chorales(songs(1, 5), songs(2, 3), songs(3, 4))


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A file as the chorales' is, and few cells."""
    path = tmp_path / "JSB_Chorales.mat"
    names = zip(("traindata", "validdata", "testdata"), range(1, 4), strict=True)
    content = {}
    for name, seed in names:
        content[name] = np.empty((1, 6), object)
        content[name][0] = [c.astype("uint8") for c in songs(seed, 6, chorales.KEYS)]
    io.savemat(path, content)
    monkeypatch.setattr(chorales, "DIGEST", chorales.hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def as_keras(network: Network, theta: np.ndarray) -> keras.Model:
    """The same network in Keras, on the engine that shares no code with `native`."""
    w, v = network.split(theta), network.variant
    cells = VariantLSTM(UNITS, variant=v, return_sequences=True, engine="portable")
    outputs = keras.layers.Dense(KEYS)
    model = keras.Sequential([keras.Input((None, KEYS)), cells, outputs])
    values = {"kernel": w.W, "recurrent_kernel": w.R[:UNITS], "peephole_kernel": w.p, "bias": w.b}
    gates = [k for net, k in v.columns(UNITS).items() if net != "c"]
    if v.gates_to_gates:
        values["gate_kernel"] = np.concatenate([w.R[UNITS:, k] for k in gates], axis=1)
    for weight in cells.weights:
        weight.assign(values[weight.name])
    outputs.set_weights([w.V, w.a])
    return model


@pytest.mark.slow
@pytest.mark.parametrize("name", ODYSSEY)
def test_three_steps_of_training_are_those_of_keras(name):
    """An epoch of three chorales against `keras.optimizers.SGD`."""
    network = Network(ODYSSEY[name], UNITS, KEYS)
    how = How(0.05, 0.7, (1, 2), 10, 10)
    sets = SETS._replace(training=SETS.training[:3])
    state = State.start(network, how)
    after = epoch(network, sets, how, state)
    model = as_keras(network, state.theta)
    model.compile(
        keras.optimizers.SGD(how.rate, how.momentum, nesterov=True), summed, run_eagerly=True
    )
    order = np.random.default_rng((*how.seed, 1, 0)).permutation(3)
    nats = 0.0
    for k in order:
        chorale = sets.training[k]
        nats += cost_in_keras(model, [chorale]) * (len(chorale) - 1)
        model.train_on_batch(chorale[None, :-1], chorale[None, 1:])
    expected = as_keras(network, after.theta)
    for ours, theirs in zip(expected.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert np.abs(after.theta - state.theta).max() > 1e-2
    assert not (after.theta - state.theta)[~network.learned].any()
    steps = sum(len(c) - 1 for c in sets.training)
    costs = [nats / steps, cost_in_keras(expected, sets.validation)]
    np.testing.assert_allclose(after.curve, [costs], rtol=1e-5)


def summed(targets, z):
    """The cost of all steps and keys together."""
    return keras.ops.sum(keras.ops.softplus(z) - targets * z)


def cost_in_keras(model: keras.Model, sets: list[np.ndarray]) -> float:
    nats = 0.0
    for c in sets:
        z = np.asarray(keras.ops.convert_to_numpy(model(c[None, :-1]))[0], "float64")
        nats += np.sum(np.logaddexp(0, z) - c[1:] * z)
    return nats / sum(len(c) - 1 for c in sets)


@pytest.mark.parametrize("name", ["V", "FGR"])
def test_how_a_chorale_lies_in_memory_changes_nothing(name):
    """SciPy reads the columns one after another, the engine rows."""
    network = Network(ODYSSEY[name], UNITS, KEYS)
    theta, chorale = network.draw(np.random.default_rng(5)), SETS.training[0]
    other = np.asfortranarray(chorale)
    for ours, theirs in zip(
        network.gradient(theta, chorale), network.gradient(theta, other), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert network.cost(theta, [chorale]) == network.cost(theta, [other])


def test_an_array_of_another_order_is_refused():
    with pytest.raises(ValueError, match="rows one after another"):
        call(False, (), [np.zeros((3, 2), "float32").T])


def test_the_file_is_read_as_it_is(file):
    for part, seed in zip(chorales.load(file), range(1, 4), strict=True):
        for ours, theirs in zip(part, songs(seed, 6, chorales.KEYS), strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.flags.c_contiguous


def test_the_best_weights_are_those_of_the_best_validation():
    network, how = Network(ODYSSEY["CIFG"], UNITS, KEYS), How(0.1, 0.5, (4,), 30, 3)
    state = State.start(network, how)
    seen = []
    while not state.ended(how):
        state = epoch(network, SETS, how, state)
        seen.append(state.theta)
    best = int(np.argmin(state.curve[:, 1]))
    assert state.best_epoch == best + 1
    np.testing.assert_array_equal(state.best, seen[best])
    assert len(state.curve) == min(how.epochs, best + 1 + how.patience)
    assert network.cost(state.best, SETS.validation) == state.curve[best, 1]
    assert best + 1 < how.epochs, "it would have gone on for ever"


def test_a_network_that_does_not_beat_what_is_asked_ends():
    network = Network(ODYSSEY["V"], UNITS, KEYS)
    for to_beat, epochs in ((0.1, 3), (9.0, 7)):
        how = How(1e-3, 0.5, (4,), 7, 3, to_beat)
        state = State.start(network, how)
        while not state.ended(how):
            state = epoch(network, SETS, how, state)
        assert len(state.curve) == epochs, "the validation falls in each epoch"


def test_a_network_that_diverges_ends():
    network, how = Network(ODYSSEY["NOAF"], UNITS, KEYS), How(1e38, 0.9, (4,), 30, 30)
    state = State.start(network, how)
    while not state.ended(how):
        state = epoch(network, SETS, how, state)
    assert (len(state.curve), state.best_epoch) == (1, 0)


def test_the_constant_probability_is_what_a_count_gives():
    sets = SETS._replace(training=[np.array([[1, 1], [1, 0], [0, 0], [1, 0], [1, 0]], "float32")])
    sets = sets._replace(test=[np.array([[0, 1], [1, 0], [0, 0]], "float32")])
    share = np.array([3.5 / 5, 0.5 / 5])
    expected = -(np.log(share[0]) + np.log(1 - share[1]) + np.log(1 - share).sum()) / 2
    sets = sets._replace(validation=sets.test)
    assert chorales.constant_cost(sets)["test"] == pytest.approx(expected)


def test_the_search_draws_from_the_ranges_of_the_paper():
    pairs = np.array([runner.drawn(2017, k) for k in range(2000)])
    rates, slack = np.log10(pairs[:, 0]), np.log10(1 - pairs[:, 1])
    for values, (low, high) in ((rates, (-6, -2)), (slack, (-2, 0))):
        assert low <= values.min() < low + 0.02
        assert high - 0.02 < values.max() <= high
        assert abs(values.mean() - (low + high) / 2) < 0.05 * (high - low)
    assert abs(np.corrcoef(rates, slack)[0, 1]) < 0.06


@pytest.mark.parametrize("sizes", [(10, 10), (3, 7), (2, 2)])
def test_welch(sizes):
    rng = np.random.default_rng(sum(sizes))
    for shift in (0.0, 1.0, 10.0):
        a, b = rng.normal(0, 1, sizes[0]), rng.normal(shift, 3, sizes[1])
        expected = stats.ttest_ind(a, b, equal_var=False).pvalue
        assert statistics.welch(a, b) == pytest.approx(expected, rel=1e-4)


def test_the_stored_runs():
    """Of all kinds, equally many, from a commit that can be looked at."""
    content = runner.read(RECORD)
    assert list(content["rows"]) == list(ODYSSEY)
    for row in content["rows"].values():
        assert "changes" not in row["commit"]
        assert [run["run"] for run in row["search"]] == list(range(content["runs"]))
        assert [run["run"] for run in row["seeds"]] == list(range(content["seeds"]))
        assert {(run["rate"], run["momentum"]) for run in row["search"]} == {
            runner.drawn(content["seed"], run) for run in range(content["runs"])
        }
        found = report.best(row)
        assert {(run["rate"], run["momentum"]) for run in row["seeds"]} == {
            (found["rate"], found["momentum"])
        }
    text = report.report(content)
    assert text.count("\n| ") == 10
    assert f"Budget: {content['runs']} runs" in text


SMALL = runner.Budget(runs=2, seeds=3, epochs=3, patience=2)


@pytest.mark.slow
def test_a_run_and_more_of_it(file, tmp_path):
    out = tmp_path / "out.json"
    content = runner.reproduce(file, out, ["NP", "V"], SMALL, verbose=False)
    assert list(content["rows"]) == ["V", "NP"]
    assert content == json.loads(out.read_text())
    for row in content["rows"].values():
        assert [run["run"] for run in row["search"]] == [0, 1]
        found = report.best(row)
        assert {(run["rate"], run["momentum"]) for run in row["seeds"]} == {
            (found["rate"], found["momentum"])
        }
        assert len({run["test"] for run in row["seeds"]}) == 3, "seeds of their own"
    pairs = [[run["rate"] for run in row["search"]] for row in content["rows"].values()]
    assert pairs[0] == pairs[1], "every row has the same draws"
    more = runner.Budget(runs=6, seeds=3, epochs=3, patience=2)
    again = runner.reproduce(file, out, [], more, verbose=False)
    assert list(again["rows"]) == list(ODYSSEY)
    assert again["rows"]["V"]["search"][:2] == content["rows"]["V"]["search"]
    for row in again["rows"].values():
        found = report.best(row)
        assert {run["rate"] for run in row["seeds"]} == {found["rate"]}, "of the best of all six"
    undisturbed = runner.reproduce(file, tmp_path / "other.json", [], more, verbose=False)
    assert undisturbed["rows"] == again["rows"]
    with pytest.raises(ValueError, match=r"has epochs=3\. Received: epochs=20"):
        runner.reproduce(file, out, verbose=False)
    text = report.report(again)
    assert "Budget: 6 runs of each network" in text
    assert text.count("\n| ") == 10


RUN = """
import sys
from pathlib import Path
from keras_lstm_ext.experiments.odyssey import chorales, runner

data, out, chorales.DIGEST = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
budget = runner.Budget(runs=2, seeds=2, epochs=12, patience=12)
runner.reproduce(data, out, ["V", "FGR"], budget, checkpoint_seconds=0.0, verbose=False)
"""


@pytest.mark.slow
def test_killed_runs_end_with_the_same_bytes(file, tmp_path):
    undisturbed, killed = tmp_path / "undisturbed.json", tmp_path / "killed.json"
    random = Random(2017)
    for _ in range(3):
        process = processes.start(RUN, file, killed, chorales.DIGEST)
        seen, left = set(), random.randint(2, 9)
        while process.poll() is None and left > 0:
            now = {(p.name, p.stat().st_mtime_ns) for p in tmp_path.glob("killed.*.npz")}
            left -= len(now - seen)
            seen |= now
            time.sleep(0.002)
        assert process.poll() is None, "it ended before it was killed"
        process.kill()
        process.communicate()
    for out in (killed, undisturbed):
        processes.run(RUN, file, out, chorales.DIGEST)
    texts = [lines_of_results(path) for path in (killed, undisturbed)]
    assert texts[0] == texts[1]
    assert {path.name for path in tmp_path.glob("[!.]*")} == {
        "undisturbed.json",
        "killed.json",
        file.name,
    }


def lines_of_results(path: Path) -> str:
    """The text of a file from its rows on: before them is where it was run."""
    return path.read_text().split('"rows"')[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["odyssey"], "--data must be the file JSB_Chorales.mat: get it from https://github.com"),
        (["odyssey", "--data", "none.mat"], r"Received: none.mat"),
        (["odyssey", "--data", __file__], r"whose SHA-256 is ac0e608.*Received: .* SHA-256 is"),
        (["odyssey", "--limit", "3"], "--limit is not for odyssey"),
        (["odyssey", "--error-flow"], "--error-flow is not for odyssey"),
        (["adding", "--runs", "3"], "--runs is not for adding"),
    ],
)
def test_refusals(arguments, message, tmp_path, capsys):
    out = tmp_path / "out.json"
    assert cli.main(["reproduce", *arguments, "--out", str(out)]) == 2
    assert re.search(message, capsys.readouterr().err, re.DOTALL)
    assert not out.exists()


@pytest.mark.slow
def test_the_command(file, tmp_path, capsys):
    out = tmp_path / "out.json"
    how = ["--runs=1", "--trials=2", "--epochs=1", "--network=V", "--network=NP"]
    assert cli.main(["reproduce", "odyssey", "--data", str(file), "--out", str(out), *how]) == 0
    assert "| NP | " in capsys.readouterr().out
    assert len(json.loads(out.read_text())["rows"]["NP"]["seeds"]) == 2
