"""Embedded Reber strings against a regular expression, exact expectations and each other."""

import re
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from keras_lstm_ext.tasks import ContinualReber, EmbeddedReber
from keras_lstm_ext.tasks._grammar import ALPHABET, GRAMMAR

AFTER_3 = r"(XT*VP)*(S|XT*VV)E"
REBER = rf"B(TS*X{AFTER_3}|PT*V(VE|P{AFTER_3}))"
EMBEDDED = re.compile(rf"BT{REBER}TE|BP{REBER}PE")


def strings(sequences):
    """What is read, and the last symbol, which is only predicted."""
    inputs, targets, mask = sequences
    for row, valid in enumerate(mask):
        codes = [*inputs[row, valid].argmax(-1), targets[row, valid][-1].argmax()]
        yield "".join(ALPHABET[code] for code in codes)


@pytest.fixture(scope="module")
def drawn():
    return list(strings(EmbeddedReber().sample(1997, 20_000)))


def test_strings_are_of_the_grammar(drawn):
    assert all(EMBEDDED.fullmatch(string) for string in drawn)


def test_lengths(drawn):
    lengths = np.array([len(string) for string in drawn])
    assert lengths.min() == 9
    assert abs(lengths.mean() - 12) < 4 * lengths.std() / len(lengths) ** 0.5
    assert lengths.max() > 30, "there is no longest string"


def test_the_exact_mean_length_is_twelve():
    """By solving L(node) = 1 + mean of L over the edges, in whole numbers."""
    nodes = [node for node in GRAMMAR if node != "start"]
    A = np.eye(len(nodes), dtype=int) * 2
    for row, node in enumerate(nodes):
        edges = GRAMMAR[node] * (2 // len(GRAMMAR[node]))
        for _, to in edges:
            if to != "start":
                A[row, nodes.index(to)] -= 1
    lengths = np.linalg.solve(A, np.full(len(nodes), 2.0))
    assert 1 + lengths[nodes.index("choice")] == pytest.approx(12.0, abs=1e-12)


@pytest.mark.parametrize(
    ("string", "coins"),
    [("BTBTXSETE", 4), ("BPBPVVEPE", 4), ("BTBTXXVVETE", 6), ("BPBTSXSEPE", 5)],
)
def test_probability_of_a_string(drawn, string, coins):
    p = Fraction(1, 2**coins)
    expected = len(drawn) * p
    assert abs(Counter(drawn)[string] - expected) < 4 * float(expected * (1 - p)) ** 0.5


def test_test_strings_are_not_in_the_training_set():
    train, test = map(list, map(strings, EmbeddedReber().split(seed=3)))
    assert len(train) == len(test) == 256
    assert not set(train) & set(test)
    assert all(EMBEDDED.fullmatch(string) for string in train + test)


def possible_targets(drawn):
    """What came next after each beginning of a string, if that was seen often enough."""
    seen, count = defaultdict(set), Counter()
    for string in drawn:
        for t in range(1, len(string)):
            seen[string[:t]].add(string[t])
            count[string[:t]] += 1
    seen = {beginning: seen[beginning] for beginning in seen if count[beginning] > 100}
    return {**seen, "": {"B"}}


def test_a_stream_is_strings_and_its_targets_are_what_may_come_next(drawn):
    possible = possible_targets(drawn)
    inputs, targets, mask = ContinualReber(length=5000).sample(7, 2)
    assert mask.all()
    checked = 0
    for stream, target in zip(inputs, targets, strict=True):
        text = "".join(ALPHABET[code] for code in stream.argmax(-1))
        whole = text[: text.rindex("EB") + 1]
        assert re.fullmatch(f"({EMBEDDED.pattern})+", whole)
        ends = [0, *(match.end() for match in EMBEDDED.finditer(whole))]
        for start, end in pairwise(ends):
            for t in range(start + 1, end + 1):
                beginning = "" if t == end else text[start:t]
                if beginning in possible:
                    given = {ALPHABET[code] for code in np.flatnonzero(target[t - 1])}
                    assert given == possible[beginning]
                    checked += 1
    assert checked > 5000


def test_targets_of_a_stream_can_be_the_symbols_that_come_next():
    inputs, targets, _ = ContinualReber(length=300, targets="next").sample(7, 3)
    np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])


def test_targets_of_strings_can_be_what_may_come_next(drawn):
    possible = possible_targets(drawn)
    task = EmbeddedReber(targets="possible")
    train = task.split(seed=3)[0]
    known = EmbeddedReber().split(seed=3)[0]
    np.testing.assert_array_equal(train.inputs, known.inputs)
    np.testing.assert_array_equal(train.mask, known.mask)
    assert (train.targets >= known.targets).all()
    assert not train.targets[~train.mask].any()
    checked = 0
    for row, string in enumerate(strings(train)):
        for t in range(1, len(string)):
            if string[:t] in possible:
                given = {ALPHABET[code] for code in np.flatnonzero(train.targets[row, t - 1])}
                assert given == possible[string[:t]]
                checked += len(given) == 2
    assert checked > 500


@pytest.mark.parametrize(
    "task", [EmbeddedReber(), EmbeddedReber(targets="possible"), ContinualReber(400, "next")]
)
def test_most_active_outputs_must_be_what_may_come_next(task):
    """With the same random numbers, the stream of possible targets is the oracle."""
    _, targets, mask = task.sample(5, 6)
    if isinstance(task, ContinualReber):
        possible = ContinualReber(400).sample(5, 6).targets
    else:
        seen = possible_targets(strings(task.sample(0, 20_000)))
        possible = np.zeros_like(targets)
        for row, string in enumerate(strings(task.sample(5, 6))):
            for t in range(1, len(string)):
                mask[row, t - 1] = string[:t] in seen
                possible[row, t - 1, [ALPHABET.index(s) for s in seen.get(string[:t], ())]] = 1
    outputs = possible + np.random.default_rng(0).uniform(-0.4, 0.4, targets.shape)
    assert task.solved(outputs, targets, mask)
    assert not task.solved(np.full_like(outputs, np.nan), targets, mask)

    two = np.argwhere(mask & (possible.sum(-1) == 2))
    for row, t in two[:: max(1, len(two) // 20)]:
        wrong = outputs.copy()
        wrong[row, t, possible[row, t].argmax()] = -1.0
        assert not task.solved(wrong, targets, mask)
        right = task.right(wrong, targets, mask)
        assert not right[row, t]
        assert right.sum() == right.size - 1


def test_shortcut_has_weights_that_the_paper_does_not_count():
    paper, shortcut = EmbeddedReber().networks, EmbeddedReber(shortcut=True).networks
    for name, network in paper.items():
        more = shortcut[name].count_weights(7, 7) - network.count_weights(7, 7)
        assert more == 7 * 7
