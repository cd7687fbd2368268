"""What holds for every task: bytes, padding, criteria, networks, data sets, bad input."""

import hashlib
import json
import math
from dataclasses import fields, replace

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, VariantLSTM
from keras_lstm_ext.tasks import (
    TASKS,
    Adding,
    ContinualOrder,
    ContinualReber,
    DistractorLag,
    EmbeddedReber,
    LongLag,
    Multiplication,
    PeriodicFunction,
    SpikeDelays,
    TemporalOrder,
    TimedSpikes,
    TwoSequence,
)

SMALL = TASKS | {"continual-reber": ContinualReber(length=500)}

each_task = pytest.mark.parametrize("name", SMALL)

DIGESTS = {
    "reber": "f0fb51cfc9449c251a6148509010032baea3d3f1bd39c720c1cd4a65bf0a55ff",
    "lag-2a": "2322c14d940816fee8bf36b7431d414774b091817aede69e19575e419a70f98f",
    "lag-2b": "5a630cf30ab43e8bc4034812016f19bf487511c62ee49289b88e67cf1844955f",
    "lag-2c": "8e21e9094e75917beae1b40d58d704bfeeb5dd291c842afce0df3f53cdd4429d",
    "two-sequence-3a": "678de8a351744e228bf71cd1e85102c9cdf66dccb555ad67a6a3692012851339",
    "two-sequence-3b": "ede851a0112522d03118ff18e5cf8da3524ed62ce09f678c3d1b7f8d674f0ae4",
    "two-sequence-3c": "335a854ee700309b05ad052864714f87599ebe42132708acd762067b22b622df",
    "adding": "08ca7174c32009b9e2e96a11815156639956afee53aba32363bee58ae33551d8",
    "multiplication": "d5c9403e290bd396bbbe89643be23900e722a955b9bcf6e1863e2ca0832a046e",
    "order-6a": "942cfa9e96700535f695c00d88b1e0c819e18207e9dc624cb0cf7ffdf69df6a8",
    "order-6b": "abe988e4a9a7d8dc7b30104f317782ac5add653016e90e2937c20f3032afa289",
    "continual-reber": "49bbe3c4d377a9b4dab5265d4ad33f6ab40c1396c2086ea9880d9de346689669",
    "continual-order": "6d2fe599521c87e09e28a986a35b53dc7feb02047df106496218387e41baec40",
    "spike-delays": "baa29bcb1a758c0bd3280a4b886f0e2dd430ac3fe0e8928e8abfb38f59dab5ae",
    "timed-spikes": "5d20c3ef3d846ca2751f3f3a0ea69181dc668272cbabc49a35ef323acf5f67af",
    "periodic-function": "f5ba43639dfaee062be37ffd40ff338167e9eee7b94d6b62c8e52d5a03fddfb8",
}


def digest(sequences):
    arrays = sequences.inputs, sequences.targets, sequences.mask
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


@each_task
def test_same_seed_same_bytes(name):
    task = SMALL[name]
    drawn = task.sample((1997, 6), 4)
    assert digest(drawn) == DIGESTS[name]
    again = task.sample(np.random.Generator(np.random.PCG64((1997, 6))), 4)
    assert digest(again) == digest(drawn)
    if not isinstance(task, PeriodicFunction):
        assert digest(task.sample(1998, 4)) != digest(drawn)


@each_task
def test_arrays_and_padding(name):
    task = SMALL[name]
    inputs, targets, mask = drawn = task.sample(1, 6)
    assert inputs.shape == (6, mask.shape[1], task.features)
    assert targets.shape == (6, mask.shape[1], task.outputs)
    assert (inputs.dtype, targets.dtype, mask.dtype) == ("float32", "float32", bool)
    assert mask[range(6), drawn.lengths - 1].all(), "a sequence ends with a target"
    assert (drawn.valid.sum(axis=1) == drawn.lengths).all()
    assert not inputs[~drawn.valid].any()
    assert not targets[~mask].any()
    symbols = task.sample(1, 6, symbols=True).inputs
    if symbols.ndim == 2:
        np.testing.assert_array_equal(inputs, np.eye(task.features + 1)[symbols][..., :-1])
    else:
        np.testing.assert_array_equal(inputs, symbols)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (ContinualReber(length=30), ContinualReber(length=200)),
        (SpikeDelays(intervals=3), SpikeDelays(intervals=20)),
        (TimedSpikes(intervals=3), TimedSpikes(intervals=20)),
        (PeriodicFunction(periods=3), PeriodicFunction(periods=20)),
    ],
    ids=lambda task: type(task).__name__,
)
def test_a_longer_stream_begins_like_a_shorter_one(short, long):
    few, many = short.sample(2, 5), long.sample(2, 5)
    for a, b in zip(few, many, strict=True):
        begin = b[:, : a.shape[1]]
        np.testing.assert_array_equal(a[few.valid], begin[few.valid])


# What is added to one output of every so-manieth sequence, and whether the task is solved.
ANSWERS = [
    (LongLag(5), 0.24, 1, True),
    (LongLag(5), 0.26, 100, False),
    (LongLag(5, random=True).for_testing, 0.26, 100, False),
    (DistractorLag(5, 5), 0.19, 1, True),
    (DistractorLag(5, 5), -0.21, 100, False),
    (TwoSequence(20, 1, "3a"), 0.19, 100, True),
    (TwoSequence(20, 1, "3a"), 0.21, 100, False),
    (TwoSequence(20, 1, "3a"), 0.011, 1, False),
    (TwoSequence(20, 1, "3b"), 0.21, 20, True),  # 5 wrong of 100
    (TwoSequence(20, 1, "3b"), 0.21, 16, False),  # 7 wrong
    (TwoSequence(20, 1, "3b"), 0.041, 1, False),
    (TwoSequence(20, 1, "3c").for_testing, 0.09, 10, True),
    (TwoSequence(20, 1, "3c").for_testing, 0.11, 100, False),
    (TwoSequence(20, 1, "3c").for_testing, 0.016, 1, False),
    (Adding(20), 0.009, 1, True),
    (Adding(20), 0.011, 1, False),
    (Adding(20), -0.041, 100, False),
    (Adding(20, squared=True), -0.09, 1, True),
    (Adding(20, squared=True), -0.201, 100, False),
    (Multiplication(20, n_seq=11), 0.5, 10, True),
    (Multiplication(20, n_seq=10), 0.5, 10, False),
    (TemporalOrder(2), 0.29, 1, True),
    (TemporalOrder(2), 0.31, 100, False),
    (ContinualReber(50), 0.48, 1, True),
    (ContinualReber(50), 0.5, 100, False),
    (ContinualOrder(2), 0.31, 100, False),
    (SpikeDelays(intervals=5), 0.48, 1, True),
    (SpikeDelays(intervals=5), 0.5, 100, False),
    (TimedSpikes(intervals=5), -0.5, 100, False),
    (PeriodicFunction(periods=2), 0.29, 1, True),
    (PeriodicFunction(periods=2), 0.31, 100, False),
    (Adding(20), np.nan, 100, False),
    (ContinualReber(50), np.nan, 100, False),
]


@pytest.mark.parametrize(("task", "error", "every", "solved"), ANSWERS)
def test_criterion(task, error, every, solved):
    _, targets, mask = drawn = task.sample(3, 100)
    outputs = np.where(
        mask[..., None], targets, np.random.default_rng(0).normal(size=targets.shape)
    )
    assert task.solved(outputs, targets, mask)
    rows = np.arange(0, 100, every)
    outputs[rows, drawn.lengths[rows] - 1, -1] += error
    assert task.solved(outputs, targets, mask) == solved


def test_a_stream_counts_until_its_first_error():
    task = SpikeDelays(F=4, intervals=6)
    _, targets, mask = task.sample(0, 3)
    outputs = targets.copy()
    outputs[~mask] = 9.0
    spikes = [np.flatnonzero(row) for row in mask]
    outputs[0, spikes[0][2]] += 1
    outputs[0, spikes[0][4]] += 1
    outputs[1, spikes[1][0]] += 1
    np.testing.assert_array_equal(task.right_until(outputs, targets, mask), [2, 0, 6])


WEIGHTS = [
    ("reber", {}, [264, 276, 276, 264, 276]),
    ("lag-2a", {}, [10504]),
    ("lag-2b", {}, [10504]),
    *(("lag-2c", {"p": p}, [w]) for p, w in ((50, 364), (100, 664), (200, 1264))),
    *(("lag-2c", {"p": p}, [w]) for p, w in ((500, 3064), (1000, 6064))),
    *((f"two-sequence-{task}", {}, [102]) for task in ("3a", "3b", "3c")),
    ("adding", {}, [93]),
    ("multiplication", {}, [93]),
    ("order-6a", {}, [156]),
    ("order-6b", {}, [308]),
    ("reber", {"shortcut": True}, [313, 325]),
    ("reber", {"topology": "1999"}, [360]),
    ("continual-reber", {}, [424, 424]),
    ("continual-reber", {"shortcut": False}, [375, 375]),
    ("spike-delays", {}, [17, 14]),
    ("timed-spikes", {}, [17, 14]),
    ("periodic-function", {}, [17, 14]),
]


@pytest.mark.parametrize(("name", "changes", "weights"), WEIGHTS)
def test_networks_have_the_papers_number_of_weights(name, changes, weights):
    task = replace(TASKS[name], **changes)
    counts = [n.count_weights(task.features, task.outputs) for n in task.networks.values()]
    assert counts[: len(weights)] == weights


@each_task
def test_networks_are_layers(name):
    task = SMALL[name]
    for network in task.networks.values():
        layer = VariantLSTM(
            network.units,
            variant=network.variant,
            activation=network.variant.activation,
            output_activation=network.variant.output_activation,
            use_bias=network.use_bias,
            unit_forget_bias=False,
            gate_bias=network.gate_bias or None,
        )
        layer.build((None, None, task.features))
        width = network.units + network.shortcut * task.features
        dense = keras.layers.Dense(task.outputs, use_bias=network.output_bias)
        dense.build((None, width))
        expected = layer.count_params() + dense.count_params()
        assert network.count_weights(task.features, task.outputs) == expected
        assert network.variant.truncated


def test_data_set():
    task = EmbeddedReber()
    dataset = task.dataset(batch_size=5, batches=3, seed=2)
    fixed = task.dataset(batch_size=5, batches=3, seed=2, fixed=True)
    assert len(dataset) == 3
    inputs, targets, weights = dataset[1]
    assert weights.dtype == "float32"
    assert inputs.shape[:2] == targets.shape[:2] == weights.shape
    np.testing.assert_array_equal(inputs, fixed[1][0])
    assert dataset[0][0].tobytes() != inputs.tobytes()
    dataset.on_epoch_end()
    fixed.on_epoch_end()
    assert dataset[1][0].tobytes() != inputs.tobytes()
    np.testing.assert_array_equal(inputs, fixed[1][0])


@pytest.mark.parametrize("name", sorted(TASKS.keys() - {"continual-reber"}))
def test_tasks_say_whether_lengths_vary(name):
    task = TASKS[name]
    lengths = {task.sample((1, k), 1, symbols=True).mask.shape[1] for k in range(20)}
    assert task.varying == (len(lengths) > 1)


def test_lengths_that_vary_are_even_and_odd_in_turn():
    task = DistractorLag(q=5, p=3)
    for index, batch in enumerate(task.dataset(1, batches=8)):
        drawn = task.sample((0, 0, index), 1)
        assert batch[2].shape[1] % 2 == index % 2
        for array, expected in zip(batch, drawn, strict=True):
            steps = drawn.mask.shape[1]
            np.testing.assert_array_equal(array[:, :steps], expected)
            assert not array[:, steps:].any()


@pytest.mark.slow
@pytest.mark.parametrize("task", [DistractorLag(q=2, p=3), EmbeddedReber()], ids=type)
@pytest.mark.parametrize("seed", range(3))
def test_keras_trains_on_lengths_that_vary(task, seed):
    model = keras.Sequential(
        [
            keras.Input((None, task.features)),
            ClassicLSTM(2, return_sequences=True),
            keras.layers.Dense(task.outputs),
        ]
    )
    model.compile("adam", "mse")
    data = task.dataset(1, batches=20, seed=seed)
    history = model.fit(data, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.slow
def test_keras_trains_on_a_data_set():
    task = Adding(20)
    model = keras.Sequential(
        [
            keras.Input((None, task.features)),
            ClassicLSTM(3, return_sequences=True),
            keras.layers.Dense(task.outputs),
        ]
    )
    model.compile("adam", "mse")
    history = model.fit(
        task.dataset(4, batches=3),
        validation_data=task.dataset(4, batches=2, seed=1, fixed=True),
        epochs=2,
        verbose=0,
    )
    assert np.isfinite(history.history["val_loss"]).all()


@pytest.mark.parametrize("task", [SpikeDelays, TimedSpikes, PeriodicFunction])
def test_networks_of_2002_begin_with_the_biases_asked_for(task):
    for network in task(forget_bias=1.5, output_bias=-2.5).networks.values():
        assert network.gate_bias == {"i": (0.0,), "f": (1.5,), "o": (-2.5,)}


BAD = [
    (lambda: Adding(T=19), "`T` must be an integer from 20 on", "T=19"),
    (lambda: Adding(T=100.0), "`T`", "T=100.0"),
    (lambda: Adding(output="tanh"), "`output`", "output='tanh'"),
    (lambda: Multiplication(n_seq=0), "`n_seq`", "n_seq=0"),
    (lambda: LongLag(p=1), "`p`", "p=1"),
    (lambda: DistractorLag(q=0), "`q`", "q=0"),
    (lambda: DistractorLag(weight_range=0.0), "`weight_range`", "weight_range=0.0"),
    (lambda: EmbeddedReber(shortcut="true"), "`shortcut`", "shortcut='true'"),
    (lambda: EmbeddedReber(targets="all"), "('next', 'possible')", "targets='all'"),
    (lambda: EmbeddedReber(topology="2000"), "('1997', '1999')", "topology='2000'"),
    (lambda: LongLag(added=-1), "`added`", "added=-1"),
    (lambda: DistractorLag(factor=3), "`factor`", "factor=3"),
    (lambda: Multiplication(factor=0), "`factor`", "factor=0"),
    (lambda: LongLag(only_end="no"), "`only_end`", "only_end='no'"),
    (lambda: ContinualReber(shortcut=None), "`shortcut`", "shortcut=None"),
    (lambda: DistractorLag(p=True), "`p`", "p=True"),
    (lambda: TwoSequence(task="3d"), "('3a', '3b', '3c')", "task='3d'"),
    (lambda: TwoSequence(T=2, N=3), "`T` must be an integer from 3 on", "T=2"),
    (lambda: TemporalOrder(4), "2 or 3", "relevant=4"),
    (lambda: ContinualReber(length=0), "`length`", "length=0"),
    (lambda: ContinualReber(targets="all"), "('possible', 'next')", "targets='all'"),
    (lambda: ContinualOrder(sequences=0), "`sequences`", "sequences=0"),
    (lambda: SpikeDelays(F=0), "`F`", "F=0"),
    (lambda: SpikeDelays(delays=()), "`delays`", "delays=()"),
    (lambda: TimedSpikes(delays=(0, -1)), "`delays`", "delays=-1"),
    (lambda: SpikeDelays(forget_bias="2"), "`forget_bias`", "forget_bias='2'"),
    (lambda: PeriodicFunction(output_bias=math.nan), "`output_bias`", "output_bias=nan"),
    (lambda: PeriodicFunction("sine"), "cosine", "shape='sine'"),
    (lambda: EmbeddedReber().split(0, size=0), "`size`", "size=0"),
    (lambda: Adding().sample(0, 0), "`n`", "n=0"),
    (lambda: Adding().sample(None, 1), "`seed`", "None"),
    (lambda: Adding().dataset(0, batches=1), "`batch_size`", "batch_size=0"),
    (lambda: Adding().dataset(1, batches=1, seed=-1), "`seed`", "seed=-1"),
    (lambda: Adding().solved(np.zeros((1, 2)), np.zeros((1, 2, 1)), None), "`outputs`", "(1, 2)"),
]


@pytest.mark.parametrize(("call", "accepted", "received"), BAD)
def test_bad_input(call, accepted, received):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call()
    assert accepted in str(caught.value)
    assert received in str(caught.value)


def test_registry():
    for name, task in TASKS.items():
        assert task.network is not None, name
        assert replace(task) == task
        assert "Source: " in (type(task).__doc__ or "")


def test_numpy_numbers_are_taken_and_kept_plain() -> None:
    """Grids of settings give them; a file of results is JSON."""
    for name, task in TASKS.items():
        values = {f.name: getattr(task, f.name) for f in fields(task)}
        scalar = (bool, int, float)
        given = {k: np.asarray(v)[()] if isinstance(v, scalar) else v for k, v in values.items()}
        assert any(isinstance(v, np.generic) for v in given.values()) or not values, name
        again = type(task)(**given)
        kept = {f.name: getattr(again, f.name) for f in fields(again)}
        assert json.dumps(kept) == json.dumps(values), name


def test_a_dataset_of_numpy_numbers() -> None:
    task = TASKS["adding"]
    given = task.dataset(np.int64(3), np.int64(2), seed=np.int64(5), fixed=np.True_)
    expected = task.dataset(3, 2, seed=5, fixed=True)
    assert len(given) == 2
    assert (given[1][0] == expected[1][0]).all()
