"""The reproduction board: every row of the papers' tables with what came out here."""

from collections.abc import Iterator
from html import escape
from itertools import groupby

import lstm_experiments

from keras_lstm_ext.experiments import verdict as words
from keras_lstm_ext.experiments.published import CLAIMS, PUBLISHED, READINGS, Published, published
from keras_lstm_ext.experiments.report import Record, needed_sequences

NAMES = {
    "reber": "1 Reber grammar",
    "lag-2a": "2a lag of 100",
    "lag-2b": "2b with noise",
    "lag-2c": "2c distractors",
    "two-sequence-3a": "3a two classes",
    "two-sequence-3b": "3b noisy signal",
    "two-sequence-3c": "3c noisy targets",
    "adding": "4 adding",
    "multiplication": "5 multiplication",
    "order-6a": "6a two symbols",
    "order-6b": "6b three symbols",
    "continual-reber": "endless grammar",
    "continual-order": "endless order",
    "spike-delays": "spike delays",
    "timed-spikes": "timed spikes",
    "periodic-function": "periodic function",
}
MARKS = {
    words.WITHIN: "within",
    words.BETTER: "better",
    words.WORSE: "worse",
    words.STOPPED: "stopped",
    words.NOT_RUN: "not-run",
    words.UNKNOWN: "not-run",
}
SOLVED = ' class="solved"/>'
HALF = 7
"""Tasks in the left one of the two tables."""


def board() -> Iterator[str]:
    """Two tables side by side, as HTML, which Markdown leaves alone."""
    rows = list(_rows())
    tasks = list(NAMES)
    yield from ("", '<div class="board" data-search-exclude>')
    for half in (tasks[:HALF], tasks[HALF:]):
        yield "<table class='verdicts'><thead><tr><th>task</th><th>row</th><th>trials</th>"
        yield "<th>verdict</th></tr></thead><tbody>"
        for task, group in groupby((r for r in rows if r[0] in half), key=lambda row: row[0]):
            yield from _group(task, list(group))
        yield "</tbody></table>"
    yield from ("</div>", "", words.NOTE, "")


def _rows() -> Iterator[tuple[str, str, Published | None, Record | None]]:
    """Task, what the row is, the paper's row, and ours."""
    for theirs in PUBLISHED:
        name, ours = theirs.network, None
        for content in sorted(lstm_experiments.results(theirs.task), key=_reading):
            found = published(content["task"], content["settings"], theirs.network)
            if found is theirs and theirs.network in content["rows"]:
                ours = content["rows"][theirs.network]
                settings = content["settings"]
                break
        else:
            settings = theirs.settings
        if settings:
            name = ", ".join(f"{key}={value}" for key, value in settings.items())
        yield theirs.task, name, theirs, ours
    for claim in CLAIMS:
        (content,) = [c for c in lstm_experiments.results(claim.task) if not c["settings"]]
        for network in (claim.network, claim.other):
            yield claim.task, network, None, content["rows"].get(network)


def _reading(content: Record) -> int:
    """A row as it stands in the paper comes before another reading of it."""
    return sum(key in READINGS for key in content["settings"])


def _group(
    task: str, rows: list[tuple[str, str, Published | None, Record | None]]
) -> Iterator[str]:
    for number, (_, name, theirs, ours) in enumerate(rows):
        trials = ours["trials"] if ours else []
        limit, of = (ours["limit"], ours["paper_trials"]) if ours else (0, 0)
        said = words.verdict(trials, limit, theirs, of)
        link = (
            f'<th scope="rowgroup" rowspan="{len(rows)}"><a href="{task}/">{NAMES[task]}</a></th>'
        )
        yield f"<tr>{link if number == 0 else ''}<td>{escape(name)}</td>"
        mark = next(mark for word, mark in MARKS.items() if said.startswith(word))
        yield f"<td>{_dots(trials)}</td><td><span class='{mark}'>{said}</span></td></tr>"


def _dots(trials: list[Record]) -> str:
    """A dot for each trial, full where it solved the task."""
    if not trials:
        return ""
    solved, radius, step, across = len(needed_sequences(trials)), 2.4, 7, 15
    dots = "".join(
        f'<circle cx="{4 + step * (n % across)}" cy="{4 + step * (n // across)}" r="{radius}"'
        + (SOLVED if n < solved else "/>")
        for n in range(len(trials))
    )
    width, height = (
        step * min(across, len(trials)) + 1,
        step * (1 + (len(trials) - 1) // across) + 1,
    )
    label = f"{solved} of {len(trials)} trials solved it"
    return f'<svg role="img" aria-label="{label}" width="{width}" height="{height}">{dots}</svg>'
