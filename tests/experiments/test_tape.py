"""What networks read: no padding, whole parts, the same wherever reading begins."""

import numpy as np
import pytest

from keras_lstm_ext.experiments.tape import (
    Tape,
    joined,
    parts_of_stream,
    training_draw,
    with_length,
)
from keras_lstm_ext.tasks import (
    TASKS,
    Adding,
    ContinualOrder,
    ContinualReber,
    PeriodicFunction,
    SpikeDelays,
    TimedSpikes,
)

PARTS = [
    (Adding(20), 1, {20, 21, 22}),
    (ContinualReber(1200), 100, set(range(9, 80))),
    (ContinualOrder(5), 5, set(range(100, 111))),
    (SpikeDelays(F=4, delays=(0, 2), intervals=7), 7, {4, 6}),
    (TimedSpikes(F=4, delays=(1, 2), intervals=7), 7, {5, 6}),
    (PeriodicFunction(F=5, periods=3), 3, {5}),
]


@pytest.mark.parametrize(("task", "parts", "lengths"), PARTS, ids=lambda p: type(p).__name__)
def test_parts(task, parts, lengths):
    assert parts_of_stream(task) == parts
    s = joined(task, task.sample(3, 40, symbols=True))
    assert s.ends[-1]
    steps = np.diff(np.flatnonzero(s.ends), prepend=-1)
    assert set(steps.tolist()) <= lengths
    assert len(set(steps.tolist())) > 1 or len(lengths) == 1
    if not isinstance(task, ContinualReber):
        assert len(steps) == 40 * parts


def test_strings_of_a_stream():
    task = ContinualReber(1200)
    s = joined(task, task.sample(5, 10, symbols=True))
    strings = np.split(s.inputs, np.flatnonzero(s.ends)[:-1] + 1)
    for string in strings:
        B, E = 0, 1
        assert string[0] == B
        assert string[-1] == E
        assert string[1] == string[-2], "what has to be remembered"


@pytest.mark.parametrize("name", ["adding", "reber", "lag-2c", "continual-reber", "timed-spikes"])
def test_reading_goes_on_where_it_stopped(name):
    draw = training_draw(TASKS[name], (1, 2))
    at_once = Tape(draw).take(30_000)
    begin = Tape(draw)
    first = [begin.take(n) for n in (1, 12_345)]
    second = Tape(draw, begin.position).take(30_000 - 12_346)
    for whole, *pieces in zip(at_once, *first, second, strict=True):
        np.testing.assert_array_equal(whole, np.concatenate(pieces))


def test_lengths():
    assert with_length(ContinualReber(), 0.01).length == 1000
    assert with_length(SpikeDelays(intervals=1000), 0.01).intervals == 10
    assert with_length(PeriodicFunction(periods=20), 0.01).periods == 1
    assert with_length(Adding(50), 0.01) == Adding(50)
