"""How a row of ours stands to the paper's, in two or three words."""

from collections.abc import Sequence
from typing import Any

from keras_lstm_ext.experiments import statistics
from keras_lstm_ext.experiments.published import LIMITS, Published

WITHIN, BETTER, WORSE = "within the paper's range", "better", "worse"
STOPPED, NOT_RUN = "stopped after", "not run"
UNKNOWN = "no number to compare"

NOTE = """\
*Worse*, *better*: significantly more or fewer sequences, or fewer or more trials solved. *Stopped
after* so many: fewer trials solved it than in the paper, and ours were stopped there, before the
paper's limit or, where it prints none, before twice its mean. *Within the paper's range*: no
significant difference."""


def verdict(trials: Sequence[dict[str, Any]], limit: int, theirs: Published | None, of: int) -> str:
    """Judges the trials of one row.

    Args:
        trials: Ours.
        limit: Sequences after which one of them was stopped.
        theirs: The paper's row; None where it has no number.
        of: How many trials the paper's row is of.

    Returns:
        One of the words above; with `STOPPED` the limit.

    Examples:
        >>> row = Published("adding", "2 blocks of 2", "1997, Table 7", 74_000)
        >>> none = [{"solved": False, "sequences": 100_000}] * 10
        >>> verdict(none, 100_000, row, 10), verdict(none, 300_000, row, 10)
        ('stopped after 100,000', 'worse')
    """
    if not trials:
        return NOT_RUN
    if theirs is None:
        return UNKNOWN
    needed = [trial["sequences"] for trial in trials if trial["solved"]]
    share, solved = len(needed) / len(trials), round(theirs.solved * of)
    expected = statistics.expected_mean(needed, max(solved, 1))
    low, high = expected or (0.0, float("inf"))
    mean = theirs.sequences
    if mean is not None and mean < low:
        return WORSE
    fewer = share < theirs.solved
    enough = LIMITS.get(theirs.task, 2 * (mean or 0))
    if fewer and limit < enough:
        return f"{STOPPED} {limit:,}"
    if statistics.fisher(len(needed), len(trials), solved, of) < 1 - statistics.LEVEL:
        return WORSE if fewer else BETTER
    return BETTER if mean is not None and mean > high and not fewer else WITHIN
