"""The paper's table and ours side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_lstm_ext.experiments import statistics, verdict
from keras_lstm_ext.experiments.published import (
    CLAIMS,
    LIMITS,
    Claim,
    Published,
    published,
)

Record = dict[str, Any]

NOTE = """\
Ours: share of trials that solve the task and mean number of sequences of those, with 95 %
confidence intervals (Wilson, Student), and the mean share of wrong test sequences. The mean of the
paper differs significantly where it is outside the 95 % prediction interval of the mean of as many
trials, made from the spread of ours (the papers give no standard deviation); its share of
successful trials differs where Fisher's exact test gives less than 5 %. Limit: the sequences after
which a trial that had not solved the task was stopped. Stopped trials say nothing of what more
sequences would have brought; where the limit of the paper is higher, or not in print, so may be its
share."""

UNKNOWN = "none in print"
"""The limit of a paper that gives none."""

RESETS = "no forget gates, resets"
"""A network that is told where strings end, which the task keeps from the others."""

MODELS = (
    "ClassicLSTM, Adam",
    "PeepholeLSTM, Adam",
    "ClassicLSTM, Adam, chrono bias",
    "PeepholeLSTM, Adam, chrono bias",
    "keras.layers.SimpleRNN, Adam",
)
"""Rows of today's models, that every task has beside those of its paper."""

TITLES = (
    *("network", "source", "limit", "trials", "solved", "sequences", "wrong"),
    *("verdict", "difference"),
)


def report(content: Record) -> str:
    """Puts the rows of a file beside the paper's.

    Args:
        content: What `reproduce` returned.

    Returns:
        A table in Markdown, with a note on how to read it.
    """
    parts = [content["task"], table([content]), *comparisons(content), NOTE, verdict.NOTE]
    return "\n\n".join(parts)


def table(contents: Sequence[Record]) -> str:
    """The table alone.

    Args:
        contents: What `reproduce` returned for some settings of one task.

    Returns:
        Markdown.
    """
    lines = [TITLES, ["---"] * len(TITLES)]
    for content in contents:
        for name, row in content["rows"].items():
            theirs = published(content["task"], content["settings"], name)
            if theirs:
                of_paper = _paper(theirs, row)
                lines.append(
                    [label(content, name), theirs.table, limit(content["task"]), *of_paper]
                )
            here = f"ours, {row['arithmetic'].partition(',')[0]}"
            cells = _ours(row, theirs)
            if name in MODELS:
                cells[-1] = not_comparable(row, best_of_paper(content))
            lines.append([label(content, name), here, f"{row['limit']:,}", *cells])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def limit(task: str) -> str:
    """The limit of a paper on a task."""
    return f"{LIMITS[task]:,}" if task in LIMITS else UNKNOWN


def comparisons(content: Record) -> list[str]:
    """What a file says to the papers' claims about two kinds of networks.

    Args:
        content: What `reproduce` returned.

    Returns:
        A sentence or two for each claim whose networks were trained.
    """
    ran = {name for name, row in content["rows"].items() if row["trials"]}
    return [
        _comparison(content, claim)
        for claim in CLAIMS
        if claim.task == content["task"] and {claim.network, claim.other} <= ran
    ]


def _comparison(content: Record, claim: Claim) -> str:
    counts: list[int] = []
    for name in (claim.network, claim.other):
        trials = content["rows"][name]["trials"]
        counts += [len(needed_sequences(trials)), len(trials)]
    low, high = statistics.difference_interval(*counts)
    a, n, b, m = counts
    return (
        f"The paper: {claim.says}. Ours: {label(content, claim.network)}, {a} of {n}; "
        f"{claim.other}, {b} of {m}. The difference of the shares is {a / n - b / m:+.0%} "
        f"({low:+.0%} to {high:+.0%}, Newcombe); Fisher's exact test gives "
        f"{statistics.fisher(*counts):.2g}."
    )


def models_table(contents: Sequence[Record]) -> str:
    """Networks of the papers and today's models, over all tasks: who solved what, and how soon.

    Args:
        contents: What `reproduce` returned for some tasks, each at the paper's settings.

    Returns:
        Markdown.
    """
    models = (name.replace(", Adam", "").removeprefix("keras.layers.") for name in MODELS)
    lines = [["task", "limits", "best of the paper's", *models], ["---"] * (len(MODELS) + 3)]
    for content in contents:
        rows, best = content["rows"], best_of_paper(content)
        ours = [rows.get(name, {"trials": []}) for name in MODELS]
        limits = f"{_limits([best])} / {_limits(ours)}"
        lines.append([content["task"], limits, *(_solved(row["trials"]) for row in (best, *ours))])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def best_of_paper(content: Record) -> Record:
    """The row whose networks solve most, of those that are not told where strings end."""
    theirs = [row for name, row in content["rows"].items() if name not in {RESETS, *MODELS}]
    return max(theirs, key=lambda row: _share_solved(row["trials"]), default={"trials": []})


def not_comparable(row: Record, paper: Record) -> str:
    """Why a row of today's models is no comparison with one of the paper's networks.

    Args:
        row: Of a model.
        paper: Of the paper's networks.

    Returns:
        Words.

    Examples:
        >>> row, paper = {"limit": 9, "trials": [{}]}, {"limit": 9, "trials": [{}, {}]}
        >>> not_comparable(row, paper)
        'not comparable: one learning rate, 1 of 2 trials'
    """
    why = ["one learning rate"]
    if row["limit"] < paper.get("limit", 0):
        why.append(f"limit {row['limit']:,} of {paper['limit']:,}")
    if len(row["trials"]) < len(paper["trials"]):
        why.append(f"{len(row['trials'])} of {len(paper['trials'])} trials")
    return f"not comparable: {', '.join(why)}"


def took(name: str, row: Record) -> float:
    """Seconds that the trials of a row took: the papers' networks learn side by side."""
    return (sum if name in MODELS else max)(trial["seconds"] for trial in row["trials"])


def _limits(rows: Sequence[Record]) -> str:
    """The limits of some rows that were run."""
    found = sorted({row["limit"] for row in rows if row["trials"]})
    return ", ".join(f"{n:,}" for n in found) or "not run"


def _share_solved(trials: Sequence[Record]) -> float:
    return len(needed_sequences(trials)) / len(trials) if trials else -1.0


def _solved(trials: Sequence[Record]) -> str:
    needed = needed_sequences(trials)
    after = f", {np.mean(needed):,.0f}" if needed else ""
    return f"{len(needed)} of {len(trials)}{after}" if trials else ""


def flow_table(content: Record) -> str:
    """How much of an error reaches some earlier steps.

    Args:
        content: What `keras_lstm_ext.experiments.flow.measure` returned.

    Returns:
        Markdown.
    """
    last = min(len(row["median"]) for row in content["rows"].values()) - 1
    at = [*(k for k in (1, 10, 50) if k < last), last]
    lines = [["network", *(f"{k} back" for k in at)], ["---"] * (len(at) + 1)]
    for number, (name, row) in enumerate(content["rows"].items(), 1):
        lines.append([f"{number}. {name}", *(f"{row['median'][k]:.2g}" for k in at)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def label(content: Record, name: str) -> str:
    """Name of a row, with the settings of its file."""
    return ", ".join([name, *(f"{key}={value}" for key, value in content["settings"].items())])


def _paper(theirs: Published, row: Record) -> list[str]:
    sequences = "" if theirs.sequences is None else f"{theirs.sequences:,}"
    solved, wrong = f"{theirs.solved:.0%}", _wrong(theirs.wrong)
    return [str(row["paper_trials"]), solved, sequences, wrong, "", ""]


def _ours(row: Record, theirs: Published | None) -> list[str]:
    trials = row["trials"]
    if not trials:
        return ["0", "", "", "", "", ""]
    needed = needed_sequences(trials)
    low, high = statistics.share_interval(len(needed), len(trials))
    tests = [trial["test"] for trial in trials if "wrong" in trial["test"]]
    wrong = float(np.mean([test["wrong"] / test["of"] for test in tests])) if tests else None
    return [
        str(len(trials)),
        f"{len(needed) / len(trials):.0%} ({low:.0%} to {high:.0%})",
        _sequences(needed),
        _wrong(wrong),
        verdict.verdict(trials, row["limit"], theirs, row["paper_trials"]) if theirs else "",
        difference(trials, theirs, row["paper_trials"]) if theirs else "",
    ]


def _sequences(needed: Sequence[int]) -> str:
    interval = statistics.mean_interval(needed)
    around = f" ({max(0.0, interval[0]):,.0f} to {interval[1]:,.0f})" if interval else ""
    return f"{np.mean(needed):,.0f}{around}" if needed else ""


def _wrong(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"


def needed_sequences(trials: Sequence[Record]) -> list[int]:
    """How many sequences each successful trial took."""
    return [trial["sequences"] for trial in trials if trial["solved"]]


def difference(trials: Sequence[Record], theirs: Published, others: int) -> str:
    """Which differences from a paper's row are significant.

    Args:
        trials: Ours.
        theirs: The paper's row.
        others: How many trials it is of.

    Returns:
        Words.
    """
    found = []
    needed = needed_sequences(trials)
    solved = round(theirs.solved * others)
    if statistics.fisher(len(needed), len(trials), solved, others) < 1 - statistics.LEVEL:
        more = len(needed) / len(trials) > theirs.solved
        found.append("more solved" if more else "fewer solved within the limit")
    expected = statistics.expected_mean(needed, max(solved, 1))
    if theirs.sequences is not None and needed and expected is None:
        found.append("too few trials for the sequences")
    elif theirs.sequences is not None and expected is not None:
        low, high = expected
        if not low <= theirs.sequences <= high:
            found.append("fewer sequences" if theirs.sequences > high else "more sequences")
    return ", ".join(found) or "none"
