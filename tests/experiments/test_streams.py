"""Streams: when they end, what is reset, and learning at every step, against a loop in NumPy."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from keras_lstm_ext.experiments.experiment import Experiment
from keras_lstm_ext.experiments.group import Group
from keras_lstm_ext.experiments.learner import Learner
from keras_lstm_ext.experiments.online import Count
from keras_lstm_ext.experiments.training import Stretch, Trainer
from keras_lstm_ext.tasks import (
    TASKS,
    ContinualReber,
    DistractorLag,
    LongLag,
    Multiplication,
    Sequences,
)
from keras_lstm_ext.tasks._grammar import ALPHABET

NETWORK = TASKS["timed-spikes"].network
STEPS = 200


def sigma(x):
    return 1 / (1 + np.exp(-x))


def one_cell(weights, tape, training, parts, tolerance):
    """The linear cell with peepholes on a tape: weights, streams, and those without an error."""
    (i, f, g, o), (p_i, p_f, p_o), (v, bias) = (np.array(w, float) for w in flat(weights))
    w = {"i": i, "f": f, "g": g, "o": o, "p": np.array([p_i, p_f, p_o]), "v": np.array([v, bias])}
    velocity = {k: np.zeros_like(a) for k, a in w.items()}
    streams = whole = read = 0
    c = h = 0.0
    d = {k: np.zeros(4) for k in "ifg"}  # effects on c of x, h, 1 and the peephole
    rate, alive = training.learning_rate, True
    for x, target, counts, ends in zip(*tape, strict=True):
        u = np.array([x[0], h, 1.0])
        net = {k: w[k] @ u for k in "ifgo"}
        i, f = sigma(net["i"] + w["p"][0] * c), sigma(net["f"] + w["p"][1] * c)
        local = {"i": net["g"] * i * (1 - i), "f": c * f * (1 - f), "g": i}
        d = {k: f * d[k] + local[k] * np.array([*u, c]) for k in d}
        c = f * c + i * net["g"]
        o = sigma(net["o"] + w["p"][2] * c)
        h = o * c
        y = sigma(w["v"] @ [h, 1.0])
        if counts and alive:
            d_y = (y - target[0]) * y * (1 - y)
            d_h = d_y * w["v"][0]
            e_c, e_o = d_h * o, d_h * c * o * (1 - o)
            gradient = {k: e_c * d[k][:3] for k in d} | {"o": e_o * u}
            gradient["p"] = np.array([e_c * d["i"][3], e_c * d["f"][3], e_o * c])
            gradient["v"] = d_y * np.array([h, 1.0])
            for k, a in gradient.items():
                velocity[k] = training.momentum * velocity[k] - rate * a
                w[k] = w[k] + velocity[k]
            rate *= training.decay
            alive = abs(y - target[0]) < tolerance
        if ends:
            read += 1
            over = not alive or read == parts
            if over or training.resets:
                c = h = 0.0
                d = {k: np.zeros(4) for k in d}
            if over:
                whole += alive
                streams, read, alive, rate = streams + 1, 0, True, training.learning_rate
    return w, streams, whole


def flat(weights):
    return weights.K, weights.p[:, 0], weights.V[0]


@pytest.mark.parametrize(
    ("changes", "parts", "tolerance"),
    [
        ({}, 4, 0.6),
        ({"momentum": 0.0, "decay": 0.9}, 3, 0.7),
        ({"resets": True}, 5, 2.0),
    ],
    ids=["errors", "falling rate", "resets"],
)
def test_against_one_cell(changes, parts, tolerance):
    training = replace(NETWORK.training, learning_rate=0.3, **{"momentum": 0.5} | changes)
    network = replace(NETWORK, training=training, weight_range=1.0)
    learner, rng = Learner(network, 1, 1), np.random.default_rng(4)
    weights = [learner.draw_weights(rng) for _ in range(3)]
    tapes = [
        (
            rng.normal(size=(STEPS, 1)).astype("float32"),
            rng.uniform(size=(STEPS, 1)).astype("float32"),
            rng.random(STEPS) < 0.6,
            rng.random(STEPS) < 0.2,
        )
        for _ in weights
    ]
    trainer = Trainer(learner, parts, tolerance)
    state = trainer.start(weights)
    together = Stretch(*map(np.stack, zip(*tapes, strict=True)))
    for half in (slice(0, 90), slice(90, STEPS)):
        state, y, _ = trainer.learn(state, Stretch(*(array[:, half] for array in together)))
    assert np.isfinite(y).all()
    for k, network in enumerate(state):
        w, streams, whole = one_cell(weights[k], tapes[k], training, parts, tolerance)
        expected = np.stack([w[net] for net in "ifgo"]), w["p"][:, None], w["v"][None]
        for a, b in zip(trainer.weights(network), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)
        assert streams == network[Count.STREAMS] > 5
        assert whole == network[Count.WHOLE] > 0


@pytest.mark.parametrize(("name", "expected"), [("timed-spikes", [0, 2]), ("adding", [])])
def test_a_stream_without_an_error_is_worth_a_look(name, expected):
    task = TASKS[name]
    training = replace(task.network.training, judged_on="test")
    group = Group(Experiment(task, replace(task.network, training=training), seed=3), range(3), 100)
    group.chunk = 1000
    assert not any(group._look(k) for k in range(3))
    group.progress = group.progress._replace(unbroken=np.array([True, False, True]))
    assert [k for k in range(3) if group._look(k)] == expected


@pytest.mark.parametrize("row", ["no forget gates, resets", "no forget gates"])
def test_a_network_is_judged_with_the_resets_that_it_learned_with(row):
    task = ContinualReber(length=150)
    network = replace(task.networks[row], weight_range=1.0)
    experiment = Experiment(task, network, seed=7)
    learned = experiment.trainer.start([experiment.draw_weights(trial=0)])[0]
    stream = task.sample(3, 1, symbols=True)
    whole = experiment.outputs(learned, stream)
    symbols = "".join(ALPHABET[k] for k in stream.inputs[0])
    starts = [0, *(k + 1 for k in range(149) if symbols[k : k + 2] == "EB"), 150]
    assert len(starts) > 5
    pieces = [
        experiment.outputs(learned, Sequences(*(array[:, a:b] for array in stream)))
        for a, b in itertools.pairwise(starts)
    ]
    same = np.abs(np.concatenate(pieces, axis=1) - whole) < 1e-5
    assert same[:, : starts[1]].all()
    assert same.all() == network.training.resets


@pytest.mark.parametrize(("added", "grown"), [(None, [0, 1, 1, 1]), (7, [0, 0, 1, 1])])
def test_when_the_cell_is_added(added, grown):
    task = LongLag(p=6, added=added)
    group = Group(Experiment(task, task.network, seed=1), range(1), limit=10)
    nothing = np.zeros((1, 3, task.outputs))
    part = Stretch(np.zeros((1, 3), int), nothing, *[np.ones((1, 3), bool)] * 2)
    found = []
    # The squared error stops falling in the second chunk, and a chunk is three sequences.
    for squared in (0.5, 0.499, 0.4, 0.3):
        state = group.progress.state.copy()
        group.chunk += 1
        state[:, Count.STREAMS] += 3
        group._note(part, group.progress.positions, state, nothing, np.array([[0.5, squared]]))
        found.append(group.progress.state[0, Count.GROWN])
    assert found == grown


@pytest.mark.parametrize(
    ("task", "twice"),
    [
        (DistractorLag(q=5, p=5), DistractorLag(q=5, p=5, factor=2)),
        (Multiplication(T=20), Multiplication(T=20, factor=2)),
    ],
)
def test_the_factor_is_twice_the_gradient(task, twice):
    changes = []
    for t in (task, twice):
        experiment = Experiment(t, t.network, seed=1)
        start = experiment.trainer.start([experiment.draw_weights(0)])
        stretch = experiment.tape(0).take(200)
        first = np.flatnonzero(stretch.ends)[0] + 1
        state, *_ = experiment.trainer.learn(start, Stretch(*(a[None, :first] for a in stretch)))
        n = experiment.learner.pack(experiment.draw_weights(0)).size
        changes.append((state - start)[0, :n])
    assert np.abs(changes[0]).max() > 0
    np.testing.assert_allclose(changes[1], 2 * changes[0], rtol=1e-9, atol=1e-15)


def test_a_chunk_without_a_target_is_no_divergence():
    task = DistractorLag(q=1000, p=1000)
    experiment = Experiment(task, task.network, seed=1)
    assert experiment.steps > 1000
    group = Group(experiment, range(2), limit=10)
    group.chunk = 1000
    nothing = np.zeros((2, 5, task.outputs))
    empty = Stretch(np.zeros((2, 5), int), nothing, *[np.zeros((2, 5), bool)] * 2)
    for mask in (True, False):
        counted = empty._replace(mask=np.full((2, 5), mask))
        state, y, errors = experiment.trainer.learn(group.progress.state, counted)
        assert np.isfinite(errors).all() == np.isfinite(errors).any() == mask
        errors = np.where(mask, 0.25, errors)
        group._note(counted, group.progress.positions, state, y, errors)
        np.testing.assert_array_equal(group.progress.errors, 0.25)
