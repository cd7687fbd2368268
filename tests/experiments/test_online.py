"""Learning on line in the library is what the reference says, for every network, bit by bit the
same with any number of threads."""

from dataclasses import replace

import numpy as np
import pytest

from keras_lstm_ext import reference
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.experiments import online, training
from keras_lstm_ext.experiments.learner import Learner
from keras_lstm_ext.experiments.online import Count
from keras_lstm_ext.experiments.training import Stretch, Trainer
from keras_lstm_ext.reference import nets, truncated
from keras_lstm_ext.tasks import TASKS
from keras_lstm_ext.variants import ORIGINAL, PEEPHOLE, Variant

FEATURES, OUTPUTS, STEPS = 3, 2, 40

SQUASHERS = {
    None: reference.linear,
    "tanh": reference.tanh,
    "sigmoid": reference.sigmoid,
    "centered_sigmoid_1": reference.centered_sigmoid_1,
    "centered_sigmoid_2": reference.centered_sigmoid_2,
}


def network(variant, units=6, **how):
    base = TASKS["adding"].network
    return replace(base, variant=variant, units=units, gate_bias={}, **how)


def of_task(name, row=None, **how):
    task = TASKS[name]
    return replace(task.networks[row] if row else task.network, **how)


NETWORKS = {
    "1997": of_task("reber", "3 blocks of 2, rate 0.1"),
    "1997, blocks of 1": of_task("reber", shortcut=True),
    "1997, all biases": of_task("adding"),
    "2a": of_task("lag-2a", grows=False),
    "2a, before the cell is added": of_task("lag-2a"),
    "2c": of_task("lag-2c"),
    "2000": of_task("continual-reber", "forget gates"),
    "2000, falling rate": of_task("continual-reber", "forget gates, falling rate"),
    "2000, decay": of_task("continual-reber", "no forget gates, state decay 0.9"),
    "2000, resets": of_task("continual-reber", "no forget gates, resets"),
    "2002": of_task("timed-spikes", "peepholes"),
    "2002, no peepholes": of_task("timed-spikes", "no peepholes"),
    "peepholes in blocks of 3": network(replace(PEEPHOLE, block_size=3)),
    "peepholes of two gates": network(Variant(gates=("i", "o"), peepholes=True, block_size=2)),
    "coupled": network(Variant(gates=("i", "o"), coupled=True, block_size=2)),
    "coupled, peepholes": network(Variant(gates=("i", "o"), coupled=True, peepholes=True)),
    "carousel": network(Variant(gates=())),
    "only a forget gate": network(Variant(gates=("f",), block_size=2)),
    "linear outputs": network(ORIGINAL, output_activation="linear", output_bias=False),
}


class ByReference:
    """One network that learns by the rules of `Training`, out of the reference's functions."""

    def __init__(self, learner, weights, parts, tolerance):
        n = learner.network
        self.n, self.v, self.features = n, n.variant, learner.features
        self.parts, self.tolerance = parts, tolerance
        self.learned = learner.learned
        self.weights = [w.copy() for w in weights]
        self.velocity, self.gradient = (list(map(np.zeros_like, weights)) for _ in range(2))
        self.streams = self.whole = self.read = 0
        self.rate, self.alive = n.training.learning_rate, True
        self.reset()

    def module(self):
        v = self.v
        names = {"coupled": v.coupled, "peephole": v.peepholes, "original": v.feeds_gates}
        return next((name for name, is_it in names.items() if is_it), "classic")

    def by_name(self):
        K, p, _ = self.weights
        named = {}
        for k, columns in self.v.columns(self.n.units).items():
            W, R, b = np.split(K[columns].T, [self.features, len(K.T) - 1])
            named |= {f"W_{k}": W, f"b_{k}": b[0]} | ({f"R_{k}": R} if len(R) else {})
        return named | {f"p_{k}": row for k, row in zip(self.v.gates, p, strict=bool(len(p)))}

    def reset(self):
        """Begins a run of no steps, whose trace the steps extend."""
        squashers = (SQUASHERS[s] for s in (self.v.activation, self.v.squashes_output))
        names = ("activation", "output_activation")
        self.run = reference.forward(
            self.module(),
            np.zeros((1, 0, self.features)),
            None,
            self.by_name(),
            gradient="truncated",
            block_size=self.v.block_size,
            decay=self.v.decay,
            **dict(zip(names, squashers, strict=True)),
        )
        self.state, self.trace, self.xs = self.run.states, [], []

    def step(self, x, target, counts, ends):
        run, n, alive = self.run, self.n, self.alive
        fed = sum(s.shape[1] for s in self.state) - self.state[1].shape[1]
        w = nets.complete(self.by_name(), run.variant.FORM, fed, self.v.block_size, self.v.decay)
        self.state, trace = run.variant.step(x[None], self.state, w, run.cell)
        self.trace.append(trace)
        seen = np.concatenate(
            [trace.h[0] * (not n.grows), *[x] * n.shortcut, [1.0] * n.output_bias]
        )
        y = self.weights[2] @ seen
        y = y if n.output_activation == "linear" else reference.sigma(y)
        if counts and alive:
            self.learn(y - target, y, seen)
            self.alive = bool((np.abs(y - target) < self.tolerance).all())
        if ends:
            self.end()
        return y

    def learn(self, d_y, y, seen):
        n, V = self.n, self.weights[2]
        d_y = d_y if n.output_activation == "linear" else d_y * y * (1 - y)
        d_outputs = np.zeros((1, len(self.trace), n.units))
        d_outputs[0, -1] = d_y @ V[:, : n.units] * (not n.grows)
        run = replace(self.run, trace=self.trace, valid=np.ones((1, len(self.trace))))
        g = truncated.gradients(run, d_outputs)
        K = [
            np.concatenate(
                [g[f"W_{k}"], *([g[f"R_{k}"]] if f"R_{k}" in g else []), g[f"b_{k}"][None]]
            )
            for k in self.v.nets
        ]
        p = [g[f"p_{k}"] for k in self.v.gates] if self.v.peepholes else []
        p = np.array(p).reshape(self.weights[1].shape)
        new = np.concatenate(K, axis=1).T * self.learned, p, np.outer(d_y, seen)
        for total, part in zip(self.gradient, new, strict=True):
            total += part
        if n.training.update == "step":
            self.change()
        self.rate *= n.training.decay

    def change(self):
        for w, v, g in zip(self.weights, self.velocity, self.gradient, strict=True):
            v[:] = self.n.training.momentum * v - self.rate * g
            w += v
            g[:] = 0

    def end(self):
        self.read += 1
        over = not self.alive or self.read == self.parts
        if over:
            if self.n.training.update == "sequence":
                self.change()
            self.streams, self.whole = self.streams + 1, self.whole + self.alive
            self.read, self.alive, self.rate = 0, True, self.n.training.learning_rate
        if over or self.n.training.resets:
            self.reset()


def drawn(rng, networks, symbols):
    """Tapes by numbers that float32 has exactly."""
    inputs = rng.normal(size=(networks, STEPS, FEATURES)).astype("float32")
    if symbols:
        inputs = rng.integers(-1, FEATURES, size=(networks, STEPS))
    targets = rng.uniform(size=(networks, STEPS, OUTPUTS)).astype("float32")
    mask, ends = (rng.random((networks, STEPS)) < share for share in (0.5, 0.15))
    ends[:, [5, 20]] = True
    return Stretch(inputs, targets, mask, ends)


@pytest.mark.parametrize("symbols", [False, True], ids=["values", "symbols"])
@pytest.mark.parametrize("update", ["step", "sequence"])
@pytest.mark.parametrize("name", NETWORKS)
def test_learns_as_the_reference(name, update, symbols):
    n = NETWORKS[name]
    how = replace(n.training, update=update, learning_rate=0.3)
    how = replace(how, momentum=0.5 if how.momentum else 0.0)
    learner = Learner(replace(n, training=how, weight_range=0.8), FEATURES, OUTPUTS)
    rng = np.random.default_rng([symbols, *name.encode()])
    weights = [learner.draw_weights(rng) for _ in range(3)]
    trainer = Trainer(learner, parts=2, tolerance=0.8)
    state, stretch = trainer.start(weights), drawn(rng, 3, symbols)
    outputs, means = [], []
    for half in (slice(0, 17), slice(17, STEPS)):
        state, y, errors = trainer.learn(state, Stretch(*(array[:, half] for array in stretch)))
        outputs.append(y)
        means.append(errors * stretch.mask[:, half].sum(axis=1, keepdims=True))
    outputs = np.concatenate(outputs, axis=1)
    for k, w in enumerate(weights):
        one = ByReference(learner, w, parts=2, tolerance=0.8)
        x = stretch.inputs[k].astype(float)
        if symbols:  # -1 stands for none
            x = np.eye(FEATURES + 1)[stretch.inputs[k], :FEATURES]
        y = [one.step(*at) for at in zip(x, *(array[k] for array in stretch[1:]), strict=True)]
        shown = stretch.mask[k] | stretch.ends[k]
        np.testing.assert_allclose(outputs[k][shown], np.array(y)[shown], rtol=0, atol=1e-11)
        assert not outputs[k][~shown].any()
        counted = (outputs[k] - stretch.targets[k])[stretch.mask[k]]
        expected = np.abs(counted).mean(axis=1).sum(), (counted**2).mean(axis=1).sum()
        np.testing.assert_allclose(sum(means)[k], expected, rtol=1e-11)
        for learned, expected, drew in zip(trainer.weights(state[k]), one.weights, w, strict=True):
            np.testing.assert_allclose(learned, expected, rtol=0, atol=1e-11)
            assert not drew.size or n.grows or np.abs(expected - drew).max() > 1e-4
        assert (state[k, Count.STREAMS], state[k, Count.WHOLE]) == (one.streams, one.whole)
        assert one.streams
        assert state[k, Count.RATE] == pytest.approx(one.rate)


def test_threads_change_no_bit(monkeypatch):
    learner = Learner(NETWORKS["2000"], FEATURES, OUTPUTS)
    rng = np.random.default_rng(3)
    trainer = Trainer(learner, 2, 0.8)
    state = trainer.start([learner.draw_weights(rng) for _ in range(7)])
    stretch = drawn(rng, 7, symbols=True)
    learned = []
    for threads in (1, 3):
        monkeypatch.setattr(training, "processors", lambda threads=threads: threads)
        learned.append(trainer.learn(state, stretch))
    alone = [trainer.learn(state[k:][:1], Stretch(*(a[k:][:1] for a in stretch))) for k in range(7)]
    learned.append(map(np.concatenate, zip(*alone, strict=True)))
    first, *others = learned
    assert not np.array_equal(first[0], state)
    for again in others:
        for a, b in zip(again, first, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["1997", "2000, decay", "peepholes in blocks of 3"])
def test_answers_as_it_reads_in_training(name):
    n = replace(NETWORKS[name], weight_range=0.8)
    learner = Learner(
        replace(n, training=replace(n.training, learning_rate=0.0)), FEATURES, OUTPUTS
    )
    rng = np.random.default_rng(8)
    trainer = Trainer(learner)
    state = trainer.start([learner.draw_weights(rng)])
    stretch = drawn(rng, 1, symbols=True)._replace(mask=np.ones((1, STEPS), bool))
    _, y, _ = trainer.learn(state, stretch)
    np.testing.assert_array_equal(trainer.answer(state[0], stretch.inputs, stretch.ends), y)
    pieces = stretch.inputs.reshape(4, -1), stretch.ends.reshape(4, -1)
    apart = trainer.answer(state[0], *pieces)
    np.testing.assert_array_equal(trainer.answer(state[0], *(a[2:3] for a in pieces))[0], apart[2])


@pytest.mark.parametrize("symbol", [-2, FEATURES])
def test_symbols_that_there_are_not(symbol):
    learner = Learner(NETWORKS["1997"], FEATURES, OUTPUTS)
    trainer = Trainer(learner)
    state = trainer.start([learner.draw_weights(np.random.default_rng(1))])
    stretch = drawn(np.random.default_rng(2), 1, symbols=True)
    stretch.inputs[0, 7] = symbol
    with pytest.raises(ValueError, match=f"from -1, for none, to 2. Received: .*{symbol}"):
        trainer.learn(state, stretch)


def test_large_net_inputs_saturate():
    learner = Learner(NETWORKS["1997"], FEATURES, OUTPUTS)
    trainer = Trainer(learner)
    rng = np.random.default_rng(1)
    huge, unknown = learner.draw_weights(rng), learner.draw_weights(rng)
    state = trainer.start([huge._replace(V=huge.V * 1e9), unknown._replace(V=unknown.V * np.nan)])
    stretch = drawn(rng, 2, symbols=False)
    y, nothing = map(trainer.answer, state, stretch.inputs[:, None], stretch.ends[:, None])
    assert set(np.round(y, 6).ravel()) == {0.0, 1.0}
    assert np.isnan(nothing).all()


def test_a_library_of_an_older_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "LOADED", object())
    with pytest.raises(ValueError, match=r"older version.*Install keras_lstm_ext again"):
        online.library.__wrapped__()
