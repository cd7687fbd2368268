"""What the runner learns is what Keras learns, and what the papers' equations say."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from keras_lstm_ext.experiments.as_keras import as_keras
from keras_lstm_ext.experiments.learner import Learner
from keras_lstm_ext.experiments.online import Count
from keras_lstm_ext.experiments.training import Stretch, Trainer
from keras_lstm_ext.tasks import TASKS
from keras_lstm_ext.variants import PEEPHOLE, Variant
from tests import backends

NETWORKS = {
    "1997": TASKS["adding"].network,
    "1997, gate biases": TASKS["reber"].network,
    "2a": replace(TASKS["lag-2a"].network, grows=False),
    "2000": TASKS["continual-reber"].network,
    "2000, decay": TASKS["continual-reber"].networks["no forget gates, state decay 0.9"],
    "2002": TASKS["timed-spikes"].network,
    "blocks with peepholes": replace(
        TASKS["adding"].network,
        variant=replace(PEEPHOLE, block_size=2, gradient="truncated"),
        gate_bias={"f": (0.5, 1.5)},
    ),
    "carousel": replace(
        TASKS["adding"].network,
        variant=Variant(gates=(), gradient="truncated"),
        gate_bias={},
    ),
}
FEATURES, OUTPUTS, SEQUENCES = 3, 2, 10


def in_turn(network):
    """The network where weights change after each sequence, by numbers that float32 has exactly."""
    training = replace(
        network.training,
        update="sequence",
        learning_rate=0.25,
        momentum=0.5 if network.training.momentum else 0.0,
        resets=False,
    )
    return replace(network, training=training, weight_range=0.9)


def keras_model(learner, weights, dtype):
    """The same network out of Keras layers, with the same weights, as the papers train it."""
    model = as_keras(learner, weights, dtype)
    training = learner.network.training
    optimizer = keras.optimizers.SGD(training.learning_rate, training.momentum)
    model.compile(optimizer, HalfSquares(reduction="sum", dtype=dtype), jit_compile=False)
    return model, model.get_layer("cells"), model.get_layer("outputs")


class HalfSquares(keras.losses.Loss):
    """Of every step, for `sample_weight` to choose from."""

    def call(self, targets, y):
        return 0.5 * keras.ops.sum(keras.ops.square(targets - y), axis=-1)


def keras_weights(network, layer, dense):
    """K, p and V out of the layers."""
    parts = [layer.kernel, *[layer.recurrent_kernel] * layer.recurrent]
    K = np.concatenate(
        [*map(np.asarray, parts), np.asarray(layer.cell.full_bias() + parts[0][:1] * 0)]
    ).T
    p = (
        np.asarray(layer.peephole_kernel)
        if network.variant.peepholes
        else np.zeros((0, network.units))
    )
    V = np.concatenate([np.atleast_2d(w) for w in dense.get_weights()]).T
    return K, p, V


def sequences(rng, n):
    for _ in range(n):
        steps = int(rng.choice([4, 7]))
        mask = rng.random(steps) < 0.5
        mask[-1] = True
        x, targets = rng.normal(size=(steps, FEATURES)), rng.uniform(size=(steps, OUTPUTS))
        yield x.astype("float32"), targets.astype("float32"), mask


def stretch(trials):
    """The tapes of all networks, which begin together and end with idle steps."""
    ends = [np.concatenate([np.arange(len(m)) == len(m) - 1 for _, _, m in t]) for t in trials]
    parts = [[np.concatenate(a) for a in zip(*t, strict=True)] for t in trials]
    steps = max(map(len, ends))

    def put(arrays):
        padded = [np.pad(a, [(0, steps - len(a))] + [(0, 0)] * (a.ndim - 1)) for a in arrays]
        return np.stack(padded)

    x, targets, mask = (put(a) for a in zip(*parts, strict=True))
    return Stretch(x, targets, mask, put(ends))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dtype", "tolerance"),
    [(name, "float64", 1e-9) for name in NETWORKS] + [("1997", "float32", 2e-5)],
)
def test_ten_sequences_are_ten_batches_of_keras(name, dtype, tolerance):
    if dtype == "float64" and backends.BACKEND == "jax":
        pytest.skip("JAX has float32 here")
    network = in_turn(NETWORKS[name])
    learner = Learner(network, FEATURES, OUTPUTS)
    rng = np.random.default_rng(6)
    trials = [list(sequences(rng, SEQUENCES)) for _ in range(2)]
    drawn = [learner.draw_weights(rng) for _ in trials]
    trainer = Trainer(learner)
    state, _, _ = trainer.learn(trainer.start(drawn), stretch(trials))
    assert list(state[:, Count.STREAMS]) == [SEQUENCES] * len(trials)
    for trial, weights in enumerate(drawn):
        model, layer, dense = keras_model(learner, weights, dtype)
        for x, targets, mask in trials[trial]:
            batch = x[None].astype(dtype), targets[None].astype(dtype)
            model.train_on_batch(*batch, sample_weight=mask[None].astype(dtype))
        expected = dict(zip(("K", "p", "V"), keras_weights(network, layer, dense), strict=True))
        for key, w in expected.items():
            learned = getattr(trainer.weights(state[trial]), key)
            np.testing.assert_allclose(learned, w, rtol=0, atol=tolerance, err_msg=key)
            if w.size:
                assert np.abs(w - getattr(weights, key)).max() > 1e-3
