"""The nine networks side by side: what the search found, the test, which are worse or better."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_lstm_ext.experiments import statistics
from keras_lstm_ext.variants import ODYSSEY

Record = dict[str, Any]

SEARCH, SEEDS = "search", "seeds"
"""The two parts of a row."""

REFERENCE = "V"
"""The network that has everything: the others are compared with it."""

WORSE, BETTER, ALIKE = "significantly worse", "significantly better", "no significant difference"
NOT_RUN, ITSELF = "not run", "compared with"

CRITICAL, NO_EFFECT = "a most critical component", "no significant improvement"

PAPER = dict.fromkeys(ODYSSEY, NO_EFFECT) | dict.fromkeys(("NFG", "NOAF"), CRITICAL)
PAPER[REFERENCE] = ITSELF
"""What the paper's abstract says of what each lacks, or of each, over its three tasks."""

TITLES = (
    "network",
    "weights",
    "search",
    "rate",
    "momentum",
    "seeds",
    "at the limit",
    "test, nats a step",
    "p",
    "here",
    "the paper",
)


def report(content: Record) -> str:
    """The table and how to read it.

    Args:
        content: What `reproduce` returned.

    Returns:
        Markdown.
    """
    return "\n\n".join([table(content), verdict(content), note(content)])


def table(content: Record) -> str:
    """The table alone.

    Args:
        content: What `reproduce` returned.

    Returns:
        Markdown.
    """
    lines = [TITLES, ["---"] * len(TITLES)]
    for name, row in content["rows"].items():
        found, tests = best(row), tested(row)
        lines.append(
            [
                name,
                f"{row['weights']:,}",
                str(len(row[SEARCH])),
                f"{found['rate']:.2g}" if found else "",
                f"{found['momentum']:.2g}" if found else "",
                str(len(row[SEEDS])),
                str(at_limit(content, name)),
                _mean(tests),
                _p(content, name),
                judged(content, name),
                PAPER[name],
            ]
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def best(row: Record) -> Record | None:
    """The run of the random search with the best validation; None if all diverged."""
    good = [run for run in row[SEARCH] if run["validation"] is not None]
    return min(good, key=lambda run: run["validation"], default=None)


def tested(row: Record) -> list[float]:
    """The test of each network with the best pair that did not diverge, in nats a step."""
    return [run["test"] for run in row[SEEDS] if run["test"] is not None]


def at_limit(content: Record, name: str) -> int:
    """How many networks with the best pair ended at the limit of epochs, not by themselves."""
    return sum(run["epochs"] == content["epochs"] for run in content["rows"][name][SEEDS])


def judged(content: Record, name: str) -> str:
    """How a row stands to the network that has everything.

    Args:
        content: What `reproduce` returned.
        name: Of the row.

    Returns:
        `WORSE`, `BETTER`, `ALIKE`, `NOT_RUN` or `ITSELF`.
    """
    if name == REFERENCE:
        return ITSELF
    p = significance(content, name)
    if p is None:
        return NOT_RUN
    if p >= 1 - statistics.LEVEL:
        return ALIKE
    ours, theirs = (tested(content["rows"][k]) for k in (name, REFERENCE))
    return WORSE if np.mean(ours) > np.mean(theirs) else BETTER


def significance(content: Record, name: str) -> float | None:
    """The p-value of a row against the network that has everything; None below two of either."""
    ours, theirs = (tested(content["rows"].get(k, {SEEDS: []})) for k in (name, REFERENCE))
    return statistics.welch(ours, theirs) if min(len(ours), len(theirs)) > 1 else None


def verdict(content: Record) -> str:
    """Which networks are worse and better, in a sentence or two."""
    found: dict[str, list[str]] = {}
    for name in content["rows"]:
        found.setdefault(judged(content, name), []).append(name)
    parts = [f"{word.capitalize()}: {_named(found[word])}." for word in _ORDER if word in found]
    return " ".join(parts)


_ORDER = (WORSE, BETTER, ALIKE, NOT_RUN)


def note(content: Record) -> str:
    """How to read the table, and what budget it is of."""
    constant = content["constant"]["test"]
    return (
        f"Budget: {content['runs']} runs of each network in the random search, {content['seeds']} "
        f"with the best pair of rate and momentum, at most {content['epochs']} epochs (at the "
        f"limit: how many had all of them), an end after {content['patience']} without a better "
        "validation, or if so many do not beat constant probabilities. Test: mean and standard "
        f"deviation; with a constant probability for each key it is {constant:.2f}. p: Welch's "
        f"test against {REFERENCE}; significant below {1 - statistics.LEVEL:.2g}. Of eight "
        f"comparisons without any difference, {8 * (1 - statistics.LEVEL):.1f} would come out "
        "significant in the mean."
    )


def _mean(tests: Sequence[float]) -> str:
    if not tests:
        return ""
    spread = f" ± {np.std(tests, ddof=1):.3f}" if len(tests) > 1 else ""
    return f"{np.mean(tests):.3f}{spread}"


def _p(content: Record, name: str) -> str:
    p = None if name == REFERENCE else significance(content, name)
    return "" if p is None else f"{p:.2g}"


def _named(names: Sequence[str]) -> str:
    return ", ".join(names)
