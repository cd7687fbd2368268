"""Statistics against SciPy and statsmodels, the published rows, and the table."""

import numpy as np
import pytest

from keras_lstm_ext.experiments import statistics
from keras_lstm_ext.experiments.published import LIMITS, PUBLISHED, published
from keras_lstm_ext.experiments.report import comparisons, difference, models_table, report
from keras_lstm_ext.experiments.runner import task_named
from keras_lstm_ext.tasks import TASKS

scipy_stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("freedom", [1, 2, 9, 17, 99])
def test_t(freedom):
    expected = scipy_stats.t.ppf(0.975, freedom)
    assert statistics.t_quantile(freedom) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "counts", [(10, 10, 7, 10), (1, 9, 30, 30), (0, 5, 0, 8), (3, 20, 62, 100)]
)
def test_fisher(counts):
    k, n, j, m = counts
    expected = scipy_stats.fisher_exact([[k, n - k], [j, m - j]]).pvalue
    assert statistics.fisher(*counts) == pytest.approx(expected)


@pytest.mark.parametrize(("k", "n"), [(0, 7), (3, 20), (30, 30)])
def test_share(k, n):
    expected = scipy_stats.binomtest(k, n).proportion_ci(method="wilson")
    assert statistics.share_interval(k, n) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(
    ("counts", "expected"),
    # The examples of Newcombe 1998, Statistics in Medicine 17:873, Table II, method 10.
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
    ],
)
def test_difference_of_shares(counts, expected):
    assert statistics.difference_interval(*counts) == pytest.approx(expected, abs=1e-4)


def test_means():
    values = [3.0, 5.0, 4.5, 9.0]
    mean, error = np.mean(values), scipy_stats.sem(values)
    expected = scipy_stats.t.interval(0.95, 3, mean, error)
    assert statistics.mean_interval(values) == pytest.approx(expected, rel=1e-4)
    low, high = statistics.expected_mean(values, trials=4)
    assert (high - low) / (expected[1] - expected[0]) == pytest.approx(2**0.5, rel=1e-4)
    assert statistics.mean_interval([1.0]) is statistics.expected_mean([1.0], 3) is None


def test_every_published_row_is_of_one_network():
    for row in PUBLISHED:
        assert row.network in task_named(row.task, row.settings).networks
        default = vars(TASKS[row.task])
        assert all(default[key] != value for key, value in row.settings.items())
        assert published(row.task, row.settings, row.network) is row
        if row.lowest_highest:
            low, high = row.lowest_highest
            assert low < row.sequences < high


def test_limits_are_those_of_the_papers_networks():
    for task, limit in LIMITS.items():
        trainings = [network.training for network in TASKS[task].networks.values()]
        assert {training.max_sequences for training in trainings} == {limit}
    for task in TASKS.keys() - LIMITS.keys():
        assert all(n.training.max_sequences is None for n in TASKS[task].networks.values())


def trials(sequences, failed=0):
    ended = [(n, True) for n in sequences] + [(99, False)] * failed
    return [
        {"sequences": n, "solved": solved, "test": {"wrong": 1, "of": 100}} for n, solved in ended
    ]


SPREAD = [60_000, 70_000, 80_000, 90_000]
DIFFERENCES = [
    (trials(SPREAD), "none"),
    (trials([3 * n for n in SPREAD]), "more sequences"),
    (trials([n // 3 for n in SPREAD]), "fewer sequences"),
    (trials(SPREAD, failed=8), "fewer solved within the limit"),
    (trials([], failed=9), "fewer solved within the limit"),
    (trials([70_000]), "too few trials for the sequences"),
]


@pytest.mark.parametrize(("ours", "words"), DIFFERENCES)
def test_difference(ours, words):
    assert difference(ours, published("adding", {}, "2 blocks of 2"), others=10) == words


def test_table():
    row = {
        "paper_trials": 10,
        "trials": trials([200_000, 220_000], failed=2),
        "limit": 1_500_000,
        "arithmetic": "float32, XLA",
    }
    content = {"task": "adding", "settings": {"T": 500}, "rows": {"2 blocks of 2": row}}
    text = report(content)
    assert text.startswith("adding\n")
    assert "| 2 blocks of 2, T=500 | 1997, Table 7 | none in print | 10 | 100% | 209,000 |" in text
    assert (
        "| 2 blocks of 2, T=500 | ours, float32 | 1,500,000 | 4 | 50% (15% to 85%) | 210,000 (82,"
        in text
    )
    assert "1.00%" in text
    assert "| 1.00% | within the paper's range | none |" in text
    assert "*Stopped" in text


def test_no_interval_of_sequences_begins_below_zero():
    row = {"paper_trials": 10, "trials": trials([1_000, 90_000]), "limit": 100_000}
    row["arithmetic"] = "float64, native library"
    content = {"task": "adding", "settings": {"T": 500}, "rows": {"2 blocks of 2": row}}
    assert "| 45,500 (0 to 610," in report(content)


def test_a_row_of_todays_models_says_why_it_does_not_compare():
    how = {"paper_trials": 10, "arithmetic": "float32, Keras"}
    rows = {
        "2 blocks of 2": how | {"trials": trials(SPREAD), "limit": 300_000},
        "ClassicLSTM, Adam": how | {"trials": trials(SPREAD[:3]), "limit": 100_000},
        "PeepholeLSTM, Adam": how | {"trials": trials(SPREAD), "limit": 300_000},
    }
    lines = report({"task": "adding", "settings": {}, "rows": rows}).splitlines()
    ends = {
        line.split(" | ")[0][2:]: line.split(" | ")[-1][:-2] for line in lines if "ours" in line
    }
    why = "not comparable: one learning rate"
    assert ends["2 blocks of 2"] == "none"
    assert ends["PeepholeLSTM, Adam"] == why
    assert ends["ClassicLSTM, Adam"] == f"{why}, limit 100,000 of 300,000, 3 of 4 trials"


def test_models_beside_the_best_network_of_the_paper():
    rows = {
        "slow": {"trials": trials([50], failed=3), "limit": 9},
        "fast": {"trials": trials([30, 50], failed=1), "limit": 60_000},
        "no forget gates, resets": {"trials": trials([30, 50]), "limit": 7},
        "PeepholeLSTM, Adam": {"trials": trials([2_000, 4_000]), "limit": 200_000},
        "ClassicLSTM, Adam": {"trials": trials([], failed=2), "limit": 100_000},
    }
    title, _, line = models_table([{"task": "reber", "rows": rows}]).splitlines()
    assert title.startswith("| task | limits | best of the paper's | ClassicLSTM | PeepholeLSTM |")
    assert title.endswith("| ClassicLSTM, chrono bias | PeepholeLSTM, chrono bias | SimpleRNN |")
    limits = "60,000 / 100,000, 200,000"
    assert line == f"| reber | {limits} | 2 of 3, 40 | 0 of 2 | 2 of 2, 3,000 |  |  |  |"
    del rows["slow"]
    rows["fast"] = {"trials": []}
    assert "| reber | not run / 100,000, 200,000 |  | 0 of 2 |" in models_table(
        [{"task": "reber", "rows": rows}]
    )
    del rows["fast"]
    assert "| reber | not run / 100,000, 200,000 |  | 0 of 2 |" in models_table(
        [{"task": "reber", "rows": rows}]
    )


def test_a_claim_is_tested_where_both_kinds_of_networks_were_trained():
    with_, without = ({"trials": t} for t in (trials([9] * 9, failed=1), trials([9] * 3, failed=7)))
    content = {"task": "timed-spikes", "settings": {"F": 12}, "rows": {"peepholes": with_}}
    assert comparisons(content) == []
    content["rows"]["no peepholes"] = {"trials": []}
    assert comparisons(content) == []
    content["rows"]["no peepholes"] = without
    (text,) = comparisons(content)
    assert text == (
        "The paper: only networks with peepholes learn the task. Ours: peepholes, F=12, 9 of 10; "
        "no peepholes, 3 of 10. The difference of the shares is +60% (+17% to +81%, Newcombe); "
        "Fisher's exact test gives 0.02."
    )
    assert comparisons(content | {"task": "adding"}) == []
