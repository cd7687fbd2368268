"""Tables and figures of the experiments in `keras_lstm_ext/experiments/results`."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import curves
import error_flow as flow
import lstm_benchmarks
import lstm_sources
import needed
import network
import numpy as np
import sample

from keras_lstm_ext.bench import report as bench
from keras_lstm_ext.experiments import report
from keras_lstm_ext.experiments.odyssey import report as odyssey_report

LOOKED_AT = {"continual-reber": "after each training stream"}
"""How often the papers test a network in training, where they say so."""

RESULTS = lstm_sources.PACKAGE / "experiments" / "results"
ODYSSEY = RESULTS / "odyssey" / "jsb-chorales.json"


def experiment(task: str) -> Iterator[str]:
    """What came out of a task: figures, a table, and the commands."""
    found = results(task)
    if not found:
        yield from ("", "Ours are not run yet.", "")
        return
    for figure in (needed, curves):
        yield from ("", '<figure class="needed">', figure.draw(task, found))
        yield f"<figcaption>{figure.CAPTION}</figcaption></figure>"
    yield from ("", *report.table(found).splitlines(), "")
    for content in found:
        for comparison in report.comparisons(content):
            yield from (comparison, "")
    yield from lstm_benchmarks.folded((f"    {line}" for line in commands(task, found)), "Commands")
    records = ", ".join(
        f'<a class="record" href="../results/{p.name}">{p.name}</a>' for p in paths(task)
    )
    yield from ("", f"Records of the runs: {records}", "")
    seeds = {f"Seed {content['seed']}": None for content in found}
    rows = [row for content in found for row in content["rows"].values()]
    lines = seeds | {line: None for row in rows for line in where(row)}
    yield from ("", *lstm_benchmarks.folded(f"* {line}" for line in lines))


def commands(task: str, found: list[report.Record]) -> Iterator[str]:
    """What runs each row again."""
    for content in found:
        settings = "".join(f" --setting {k}={v}" for k, v in content["settings"].items())
        for name, row in content["rows"].items():
            how = f' --network "{name}" --limit {row["limit"]} --trials {len(row["trials"])}'
            yield f"python -m keras_lstm_ext reproduce {task}{settings}{how}"


def task(name: str) -> Iterator[str]:
    """A drawn sample of a task, the paper's network, and its procedure beside ours."""
    for figure in (sample, network):
        yield from ("", '<figure class="needed task">', figure.draw(name))
        yield f"<figcaption>{figure.caption(name)}</figcaption></figure>"
    yield from ("", "| procedure | the paper | here |", "|---|---|---|")
    for what, theirs in network.procedure(name):
        yield f"| {what} | {theirs} | the same |"
    yield f"| looked at | {LOOKED_AT.get(name, 'not said')} | after every 2 % more sequences |"
    found = [row for c in results(name) if not c["settings"] for row in c["rows"].items()]
    ours = [row for network, row in found if network not in report.MODELS]
    training = sample.TASKS[name].network.training
    limits = sorted({row["limit"] for row in ours if row["trials"]})
    trials = sorted({len(row["trials"]) for row in ours if row["trials"]})
    yield f"| networks of a kind | {training.trials} | {_range(trials)} |"
    yield f"| limit | {report.limit(name)} | {_range(limits)} |"
    yield ""


def _range(numbers: list[int]) -> str:
    if not numbers:
        return "not run"
    ends = dict.fromkeys((numbers[0], numbers[-1]))
    return " to ".join(f"{n:,}" for n in ends)


def error_flow(task: str) -> Iterator[str]:
    """How much of an error reaches earlier steps, before a network has learned anything."""
    content = json.loads((RESULTS / "error-flow" / f"{task}.json").read_text("utf-8"))
    yield from ("", '<figure class="needed">', flow.draw(task, content))
    yield f"<figcaption>{flow.CAPTION}</figcaption></figure>"
    yield from ("", *report.flow_table(content).splitlines(), "")
    how = f"--error-flow --trials {content['trials']}"
    yield f"    python -m keras_lstm_ext reproduce {task} {how}"
    lines = f"Seed {content['seed']}", *where(content)
    yield from ("", *lstm_benchmarks.folded(f"* {line}" for line in lines))


def models() -> Iterator[str]:
    """What today's models make of the tasks, beside the paper's networks."""
    found = [content for content in every() if not content["settings"]]
    yield from ("", *report.models_table(found).splitlines(), "")


def odyssey() -> Iterator[str]:
    """The nine networks of 2017 on chorales: the table, the command, the record."""
    content = read(ODYSSEY)
    yield from ("", *odyssey_report.report(content).splitlines(), "")
    how = f"--seed {content['seed']} --runs {content['runs']} --trials {content['seeds']}"
    yield from (f"    python -m keras_lstm_ext reproduce odyssey --data JSB_Chorales.mat {how}", "")
    name = ODYSSEY.name
    yield f'Record of the runs: <a class="record" href="../results/{name}">{name}</a>'
    lines = f"Seed {content['seed']}", *where(content)
    yield from ("", *lstm_benchmarks.folded(f"* {line}" for line in lines))


def live_rule() -> Iterator[str]:
    """Whether our networks meet the paper's stopping rule on adding, in either reading."""
    network = "2 blocks of 2"
    plain, squared = (read(RESULTS / f"adding{s}.json")["rows"][network] for s in ("", "-squared"))
    met, met_squared = (report.needed_sequences(row["trials"]) for row in (plain, squared))
    yield ""
    yield (
        f"Of our {len(plain['trials'])} networks {_some(len(met))} met that rule within "
        f"{plain['limit']:,} sequences, and a network on this page is no exception. With 0.04 and "
        f"0.01 read as bounds of the squared errors, {len(met_squared)} of "
        f"{len(squared['trials'])} met it, after {np.mean(met_squared):,.0f} sequences in "
        "the mean. "
        "[The runs, and what is open](adding.md)"
    )
    yield ""


def fact_peepholes() -> Iterator[str]:
    """How many of our networks learn timed spikes, with and without peepholes, by their biases."""
    forget, both = (_counts(f"timed-spikes-{biases}.json") for biases in ("forget", "both"))
    yield (
        "Of our networks whose forget gate begins open, {} learn them with peepholes, {} without. "
        "Where the output gate begins closed as well, it is {} with, and {} without. "
        "[The runs](/experiments/timed-spikes.md)"
    ).format(*forget, *both)


def _counts(name: str) -> Iterator[str]:
    """How many trials of each row of a file solved its task."""
    for row in read(RESULTS / name)["rows"].values():
        yield f"{len(report.needed_sequences(row['trials']))} of {len(row['trials'])}"


def _some(number: int) -> str:
    return str(number or "none")


def note() -> Iterator[str]:
    """How to read the tables."""
    yield from ("", *report.NOTE.splitlines(), "")


def where(made: report.Record) -> Iterator[str]:
    """Where a row of a file, or an error flow, was run."""
    arithmetic = f": {made['arithmetic']}" if "arithmetic" in made else ""
    yield f"Version {made['version']}, commit {made['commit']}{arithmetic}"
    yield bench.of_machine(made["machine"])
    yield ", ".join(f"{name} {version}" for name, version in made["versions"].items())


def results(task: str) -> list[report.Record]:
    """The files of a task, those with its own settings first."""
    of_task = (content for content in every() if content["task"] == task)
    return sorted(of_task, key=lambda content: list(content["settings"].items()))


def paths(task: str) -> list[Path]:
    """The files of a task."""
    return [p for p in sorted(RESULTS.glob("*.json")) if read(p)["task"] == task]


@cache
def read(path: Path) -> report.Record:
    """A file of results."""
    return json.loads(path.read_text("utf-8"))


def every() -> Iterator[report.Record]:
    """All files of results."""
    return (read(path) for path in sorted(RESULTS.glob("*.json")))
