"""The definitions of the other tasks, read back from the arrays."""

import numpy as np
import pytest

from keras_lstm_ext.tasks import (
    Adding,
    ContinualOrder,
    DistractorLag,
    LongLag,
    Multiplication,
    PeriodicFunction,
    SpikeDelays,
    TemporalOrder,
    TimedSpikes,
    TwoSequence,
)


def assert_share(flags, p):
    """The share of true flags is p, within 4.5 standard deviations."""
    flags = np.asarray(flags)
    assert abs(flags.mean() - p) <= 4.5 * (p * (1 - p) / flags.size) ** 0.5


def assert_uniform(values, low, high):
    """Integers are drawn from low to high, both of them, with equal probability."""
    assert set(np.unique(values)) == set(range(low, high + 1))
    for value in range(low, high + 1):
        assert_share(values == value, 1 / (high - low + 1))


def test_lag_2a_has_two_sequences():
    p = 7
    drawn = LongLag(p).sample(1, 2000)
    symbols = drawn.inputs.argmax(-1)
    assert symbols.shape == (2000, p)
    assert (symbols[:, 1:] == range(p - 1)).all()
    assert_uniform(symbols[:, 0], p - 1, p)
    assert (drawn.targets.argmax(-1) == np.hstack([symbols[:, 1:], symbols[:, :1]])).all()
    assert drawn.mask.all()


def test_lag_2b_is_random_between_and_tested_at_the_end():
    p, task = 7, LongLag(7, random=True)
    drawn, test = task.sample(1, 2000), task.for_testing.sample(1, 2000)
    symbols = drawn.inputs.argmax(-1)
    assert_uniform(symbols[:, 1:], 0, p - 2)
    assert_uniform(symbols[:, 0], p - 1, p)
    assert (drawn.targets[:, :-1].argmax(-1) == symbols[:, 1:]).all()
    assert (drawn.targets[:, -1].argmax(-1) == symbols[:, 0]).all()
    assert drawn.mask.all()
    np.testing.assert_array_equal(test.inputs, drawn.inputs)
    assert (test.mask == ([False] * (p - 1) + [True])).all()
    assert (test.lengths == p).all()
    at_end = LongLag(7, random=True, only_end=True)
    for a, b in zip(at_end.sample(1, 2000), test, strict=True):
        np.testing.assert_array_equal(a, b)
    assert at_end.for_testing == at_end


def test_lag_2c_is_q_plus_13_symbols_long():
    q, p, n = 5, 9, 20_000
    drawn = DistractorLag(q, p).sample(1, n)
    symbols = DistractorLag(q, p).sample(1, n, symbols=True).inputs
    lengths = drawn.lengths + 1  # with the last symbol, which is only predicted
    assert abs(lengths.mean() - (q + 13)) < 4.5 * (90 / n) ** 0.5
    for k in range(20):
        assert_share(lengths == q + 4 + k, 0.1 * 0.9**k)
    e, b, x, y = range(p, p + 4)
    assert (symbols[:, 0] == b).all()
    assert_uniform(symbols[:, 1], x, y)
    last = drawn.lengths - 1
    assert (symbols[range(n), last] == e).all()
    assert (symbols[~drawn.valid] == -1).all()
    middle = (np.arange(symbols.shape[1]) > 1) & (np.arange(symbols.shape[1]) < last[:, None])
    assert_uniform(symbols[middle], 0, p - 1)
    assert (drawn.targets[range(n), last].argmax(-1) == symbols[:, 1] - x).all()


@pytest.mark.parametrize(("task", "targets"), [("3a", (0, 1)), ("3b", (0, 1)), ("3c", (0.8, 0.2))])
@pytest.mark.parametrize("N", [1, 3])
def test_two_sequence(task, targets, N):
    T, n = 30, 4000
    problem = TwoSequence(T, N, task)
    inputs, target, mask = drawn = problem.for_testing.sample(1, n)
    assert_uniform(drawn.lengths, T, T + T // 10)
    is_class_1 = target[mask][:, 0] == np.float32(targets[1])
    assert (target[mask][~is_class_1, 0] == np.float32(targets[0])).all()
    assert_share(is_class_1, 0.5)
    noise = inputs[..., 0].copy()
    noise[:, :N] -= np.where(is_class_1, 1, -1)[:, None]
    parts = {True: noise[:, N:][drawn.valid[:, N:]], False: noise[:, :N]}
    for has_noise, part in parts.items():
        variance = 0.2 if has_noise or task == "3b" else 0
        assert abs(part.mean()) <= 5 * (variance / part.size) ** 0.5
        assert abs(part.var() - variance) <= 5 * variance * (2 / part.size) ** 0.5


def test_targets_of_3c_have_noise_in_training_only():
    n = 20_000
    noisy = TwoSequence(20, 1, "3c").sample(2, n)
    clean = TwoSequence(20, 1, "3c").for_testing.sample(2, n)
    noise = (noisy.targets - clean.targets)[noisy.mask]
    np.testing.assert_array_equal(noisy.inputs, clean.inputs)
    assert abs(noise.mean()) < 5 * (0.1 / n) ** 0.5
    assert abs(noise.var() - 0.1) < 0.1 * 5 * (2 / n) ** 0.5


@pytest.mark.parametrize("T", [20, 100])
@pytest.mark.parametrize(("task", "low"), [(Adding, -1), (Multiplication, 0)])
def test_marked_pairs(task, low, T):
    n = 20_000
    inputs, targets, mask = drawn = task(T).sample(1, n)
    values, markers = inputs[..., 0], inputs[..., 1]
    assert_uniform(drawn.lengths, T, T + T // 10)
    assert low <= values.min() < low + 0.01
    assert 0.99 < values.max() <= 1
    assert_share(values[drawn.valid] < (low + 1) / 2, 0.5)

    row, at = np.nonzero(markers == 1)
    at = at.reshape(n, 2)
    assert (row.reshape(n, 2) == np.arange(n)[:, None]).all(), "two marks in each sequence"
    assert at[:, 0].max() <= 9, "one of them among the first ten pairs"
    assert at[:, 1].max() == T // 2 - 1
    assert (drawn.lengths - 1 - at[:, 1]).min() == T // 2, "the minimal time lag"
    assert_share(at[:, 0] == 0, 0.1 + 0.9 / (T // 2 - 1))
    assert (markers[mask] == -1).all()
    assert ((markers[:, 0] == -1) == (at[:, 0] > 0)).all()
    assert (np.sum(markers != 0, axis=1) == np.where(at[:, 0] > 0, 4, 3)).all()

    X = np.take_along_axis(values, at, axis=1)
    if task is Adding:
        expected = 0.5 + np.where(at == 0, 0, X).sum(axis=1) / 4
    else:
        expected = np.where(at == 0, 1, X).prod(axis=1)
    np.testing.assert_allclose(targets[mask][:, 0], expected, atol=1e-6)


def check_order(symbols, classes, starts):
    """`symbols` is one text, `classes` its class; positions count from 1."""
    assert symbols[0] == "E"
    assert symbols[-1] == "B"
    assert 100 <= len(symbols) <= 110
    at = [t for t, symbol in enumerate(symbols, start=1) if symbol in "XY"]
    assert len(at) == len(starts)
    assert all(start <= t <= start + 10 for t, start in zip(at, starts, strict=True))
    assert set(symbols[1:-1]) <= set("abcdXY")
    assert classes == int("".join(str("XY".index(symbols[t - 1])) for t in at), base=2)
    return at


@pytest.mark.parametrize("starts", [(10, 50), (10, 33, 66)])
def test_temporal_order(starts):
    n, task = 3000, TemporalOrder(len(starts))
    drawn = task.sample(1, n)
    classes = drawn.targets[drawn.mask].argmax(-1)
    assert_uniform(classes, 0, 2 ** len(starts) - 1)
    assert_uniform(drawn.lengths, 100, 110)
    texts = [
        "".join("EBabcdXY"[symbol] for symbol in row[valid].argmax(-1))
        for row, valid in zip(drawn.inputs, drawn.valid, strict=True)
    ]
    at = np.array([check_order(text, c, starts) for text, c in zip(texts, classes, strict=True)])
    for positions, start in zip(at.T, starts, strict=True):
        assert_uniform(positions, start, start + 10)
    for letter in "abcd":
        rest = "".join(texts).translate(str.maketrans("", "", "EBXY"))
        assert_share([symbol == letter for symbol in rest], 0.25)


def test_continual_order_is_sequences_one_after_the_other():
    inputs, targets, mask = drawn = ContinualOrder(sequences=7).sample(1, 3)
    assert len(set(drawn.lengths)) > 1, "unequal lengths"
    for row in range(3):
        text = "".join("EBabcdXY"[s] for s in inputs[row][drawn.valid[row]].argmax(-1))
        parts = [part + "B" for part in text.split("B")[:-1]]
        assert "".join(parts) == text
        assert (np.flatnonzero(mask[row]) + 1 == np.cumsum([len(part) for part in parts])).all()
        for part, target in zip(parts, targets[row][mask[row]], strict=True):
            check_order(part, target.argmax(), (10, 33, 66))


@pytest.mark.parametrize(("F", "delays"), [(10, (0, 1)), (50, (0, 1)), (10, (0, 1, 2)), (3, (4,))])
def test_spikes(F, delays):
    measured = SpikeDelays(F, delays).sample(1, 20)
    generated = TimedSpikes(F, delays).sample(1, 20)
    np.testing.assert_array_equal(measured.inputs, generated.targets)
    np.testing.assert_array_equal(measured.valid, generated.mask)
    assert (measured.mask == (measured.inputs[..., 0] == 1)).all()
    counts = dict.fromkeys(delays, 0)
    for row in range(20):
        at = np.flatnonzero(measured.mask[row]) + 1
        intervals = np.diff(at, prepend=0)
        assert len(at) == 100
        assert (measured.targets[row, at - 1, 0] == intervals - F).all()
        shown = np.split(generated.inputs[row, :, 0], at)
        for interval, delay, inputs in zip(intervals, intervals - F, shown[:-1], strict=True):
            assert len(inputs) == interval
            assert (inputs == delay).all()
            counts[delay] += 1
        assert not shown[-1].any()
    for delay in delays:
        assert_share(np.arange(2000) < counts[delay], 1 / len(delays))


@pytest.mark.parametrize("F", [10, 25])
def test_periodic_functions(F):
    t = np.arange(1, 3 * F + 1)
    phase = (t % F) / F
    expected = {
        "cosine": np.sin(np.pi * phase) ** 2,
        "triangle": np.minimum(2 * phase, 2 - 2 * phase),
        "rectangle": phase > 0.5,
    }
    for shape, values in expected.items():
        inputs, targets, mask = PeriodicFunction(shape, F, periods=3).sample(0, 2)
        np.testing.assert_allclose(targets[..., 0], [values, values], atol=1e-6)
        assert not inputs.any()
        assert mask.all()
