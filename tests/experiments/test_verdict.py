"""The verdicts of the reproduction board, on made-up trials."""

import pytest

from keras_lstm_ext.experiments.published import Published
from keras_lstm_ext.experiments.verdict import (
    BETTER,
    NOT_RUN,
    STOPPED,
    UNKNOWN,
    WITHIN,
    WORSE,
    verdict,
)

ROW = Published("adding", "a network", "a table", 1000)  # no limit in print: enough is 2,000
LIMITED = Published("lag-2a", "a network", "a table", 1000)  # its limit is five million
NEVER = Published("adding", "a network", "a table", None, solved=0.0)


def trials(solved, failed=0, mean=1000):
    spread = [mean * (0.9 + 0.2 * (n % 2)) for n in range(solved)]
    done = [{"solved": True, "sequences": int(n)} for n in spread]
    return done + [{"solved": False, "sequences": 9999}] * failed


CASES = [
    (NOT_RUN, [], 5000, ROW),
    (UNKNOWN, trials(3), 5000, None),
    (WITHIN, trials(10), 5000, ROW),
    (WORSE, trials(10, mean=3000), 5000, ROW),
    (BETTER, trials(10, mean=300), 5000, ROW),
    (WORSE, trials(0, 10), 5000, ROW),
    (f"{STOPPED} 1,999", trials(0, 10), 1999, ROW),
    (f"{STOPPED} 4,999,999", trials(0, 10), 4_999_999, LIMITED),
    (WORSE, trials(0, 10), 5_000_000, LIMITED),
    # Those that were sooner are not better where others were stopped.
    (f"{STOPPED} 1,500", trials(7, 3, mean=300), 1500, ROW),
    (WITHIN, trials(9, 1, mean=300), 5000, ROW),
    # Those that were later are worse, whenever the others were stopped.
    (WORSE, trials(7, 3, mean=3000), 1500, ROW),
    (BETTER, trials(6, 4), 5000, NEVER),
    (WITHIN, trials(0, 10), 5000, NEVER),
]


@pytest.mark.parametrize(("expected", "ours", "limit", "theirs"), CASES)
def test_verdict(expected, ours, limit, theirs):
    assert verdict(ours, limit, theirs, 10) == expected
