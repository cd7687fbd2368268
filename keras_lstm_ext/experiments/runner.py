"""Runs an experiment row by row into one JSON file, and goes on where it was stopped."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import keras

from keras_lstm_ext.bench import record
from keras_lstm_ext.bench.worker import versions
from keras_lstm_ext.engines.native.packing import processors
from keras_lstm_ext.experiments import modern, online
from keras_lstm_ext.experiments.experiment import Experiment
from keras_lstm_ext.experiments.group import Group
from keras_lstm_ext.experiments.group import numbers as numbers_of_networks
from keras_lstm_ext.experiments.report import Record
from keras_lstm_ext.scalars import plain
from keras_lstm_ext.tasks import TASKS, Task
from keras_lstm_ext.version import __version__

FORMAT = 2
"""Number of the file's format."""

LIMIT = 5_000_000
"""After so many sequences a trial is stopped, as in task 2, where the paper gives no number."""


def task_named(name: str, settings: Mapping[str, Any]) -> Task:
    """The task of an experiment.

    Args:
        name: Key of `TASKS`.
        settings: Arguments of the task that differ.

    Returns:
        The task.

    Raises:
        ValueError: If there is no such task, or it does not accept a setting.

    Examples:
        >>> task_named("lag-2c", {"q": 100})
        DistractorLag(q=100, p=50, weight_range=0.2, factor=1)
    """
    if name not in TASKS:
        raise ValueError(f"`name` must be one of {tuple(TASKS)}. Received: name={name!r}")
    known = tuple(field.name for field in fields(TASKS[name]))  # type: ignore[arg-type]
    for key in settings:
        if key not in known:
            raise ValueError(f"a setting of {name} must be one of {known}. Received: {key!r}")
    task: Task = replace(TASKS[name], **settings)  # type: ignore[type-var]
    return task


def changed(name: str, task: Task, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that differ from the task's own, as a file has them."""
    values = {key: getattr(task, key) for key in settings}
    values = {key: v for key, v in values.items() if v != getattr(TASKS[name], key)}
    as_in_file: dict[str, Any] = json.loads(json.dumps(values))
    return as_in_file


def reproduce(
    name: str,
    out: Path,
    settings: Mapping[str, Any] | None = None,
    networks: Sequence[str] = (),
    trials: int | None = None,
    limit: int | None = None,
    seed: int = 1997,
    checkpoint_seconds: float = 10.0,
    verbose: bool = True,
    again: bool = False,
) -> Record:
    """Trains the networks of an experiment as its paper did.

    Args:
        name: Key of `TASKS`.
        out: The JSON file. What it has already is kept; the trials that it lacks are run. While
            it grows, checkpoints lie beside it.
        settings: Arguments of the task that differ from its defaults.
        networks: Some of `rows_of(task)`; all networks of the paper if none is given.
        trials: How many networks of each kind; default: as many as the paper.
        limit: Sequences or streams after which a trial is stopped; default: the paper's.
        seed: Of all random numbers.
        checkpoint_seconds: How much work a kill may cost.
        verbose: Whether to show a progress bar.
        again: Whether the rows begin anew, and what the file has of them is replaced.

    Returns:
        What the file has.

    Raises:
        ValueError: If an argument is not accepted, the file is of another experiment or has trials
            to which this version would add others by other numbers, or there is no native library
            to train a network of the paper.
    """
    trials, limit, seed = plain(trials), plain(limit), plain(seed)  # as JSON has them
    task = task_named(name, settings or {})
    settings = changed(name, task, settings or {})
    accepted = rows_of(task)
    for row in networks:
        if row not in accepted:
            raise ValueError(f"`network` must be one of {accepted}. Received: network={row!r}")
    rows = [row for row in accepted if row in (networks or task.networks)]
    if not modern.MODELS.keys() >= set(rows):
        online.library()  # or there would be a file, and nothing to put into it
    content = _open(out, {"task": name, "settings": settings, "seed": seed})
    for row in rows:
        experiment = Experiment(task, task.networks.get(row, task.network), seed)
        training = experiment.network.training
        most = limit or training.max_sequences or LIMIT
        checkpoint = out.with_suffix(f".{accepted.index(row)}.npz")
        if again or row not in content["rows"]:
            new = {"limit": most, "paper_trials": training.trials} | numbers(row, experiment)
            content["rows"][row] = new | where_run() | {"trials": []}
            checkpoint.unlink(missing_ok=True)
            record.write(content, out)
        stored = content["rows"][row]
        if stored["limit"] != most:
            raise ValueError(
                f"{out} has {stored['limit']} as the limit of {row!r}. Received: limit={most}"
            )
        wanted = range(training.trials if trials is None else trials)
        if _missing(wanted, stored["trials"]) or checkpoint.exists():
            _same_numbers(out, row, stored, numbers(row, experiment))
        bar = _bar(name, row, len(wanted)) if verbose else None
        if row in modern.MODELS:
            running = _one_by_one(row, experiment, most, wanted, stored["trials"])
        else:
            how = checkpoint, checkpoint_seconds
            running = _side_by_side(experiment, most, wanted, stored["trials"], *how)
        for ended, shown in running:
            _add(stored["trials"], ended)
            if ended:
                record.write(content, out)
            if bar:
                bar.update(len(stored["trials"]), list(shown.items()))
    return content


def rows_of(task: Task) -> tuple[str, ...]:
    """What can be trained on a task: the paper's networks, and today's models."""
    return (*task.networks, *modern.MODELS)


def numbers(row: str, experiment: Experiment) -> Record:
    """What decides the numbers that a seed gives: the arithmetic, and a digest of how it begins."""
    of_model = row in modern.MODELS
    return modern.numbers(row, experiment) if of_model else numbers_of_networks(experiment)


def _same_numbers(out: Path, row: str, stored: Record, here: Record) -> None:
    """Refuses to put trials of two kinds into one row."""
    if all(stored.get(key) == value for key, value in here.items()):
        return
    raise ValueError(
        f"{out} has {row!r} in {stored.get('arithmetic')}, by version {stored.get('version')} and "
        f"commit {stored.get('commit')}. Here, in {here['arithmetic']}, the same seed gives other "
        "numbers, which must not stand in the same row: give another file with --out, or replace "
        "the row with --again"
    )


Running = Iterator[tuple[list[Record], dict[str, float]]]
"""Again and again: the records of trials that ended, and what the progress bar shows."""


def _side_by_side(
    experiment: Experiment,
    limit: int,
    wanted: range,
    done: list[Record],
    checkpoint: Path,
    seconds: float,
) -> Running:
    for group in _groups(experiment, limit, wanted, done, checkpoint):
        group.save(checkpoint)  # or a trial that ended soon would not be in its group again
        saved = time.monotonic()
        for ended in group.run():
            sequences, error = group.mean_of_running()
            yield ended, {"sequences": sequences, "error": error}
            if ended or time.monotonic() - saved > seconds:
                group.save(checkpoint)
                saved = time.monotonic()
        checkpoint.unlink()


def _one_by_one(
    row: str, experiment: Experiment, limit: int, wanted: range, done: list[Record]
) -> Running:
    for trial in _missing(wanted, done):
        ended = modern.run_trial(row, experiment, trial, limit)
        sequences, error = ended["curve"][-1]
        yield [ended], {"sequences": sequences, "error": error}


def _groups(
    experiment: Experiment, limit: int, wanted: range, done: list[Record], checkpoint: Path
) -> Iterator[Group]:
    """First the group that was interrupted, then all the trials that nobody has begun."""
    if checkpoint.exists():
        yield Group.load(checkpoint, experiment, limit)
    missing = _missing(wanted, done)
    if missing:
        yield Group(experiment, missing, limit)


def _missing(wanted: range, done: list[Record]) -> list[int]:
    ended = {trial["trial"] for trial in done}
    return [trial for trial in wanted if trial not in ended]


def _add(done: list[Record], ended: list[Record]) -> None:
    """A trial that ended just before a kill ends once more, the same way: it is there already."""
    known = {trial["trial"] for trial in done}
    done += [trial for trial in ended if trial["trial"] not in known]
    done.sort(key=lambda trial: trial["trial"])


def read(path: Path) -> Record:
    """Reads what `reproduce` wrote.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        ValueError: If it is of another format.
    """
    return record.read(path, "experiments", FORMAT)


def _open(path: Path, what: Record) -> Record:
    if not path.exists():
        for checkpoint in path.parent.glob(f"{path.stem}.*.npz"):
            checkpoint.unlink()
        content: Record = {"experiments": FORMAT} | what | {"rows": {}}
        record.write(content, path)
        return content
    content = read(path)
    for key, value in what.items():
        if content.get(key) != value:
            raise ValueError(f"{path} has {key}={content.get(key)!r}. Received: {key}={value!r}")
    return content


@cache
def where_run() -> Record:
    """What is noted of the place and the versions of a run."""
    return {
        "version": __version__,
        "commit": record.commit(),
        "machine": record.machine(),
        "threads": processors(),
        "versions": versions(),
    }


def _bar(name: str, row: str, trials: int) -> keras.utils.Progbar:
    print(f"{name}, {row}")
    return keras.utils.Progbar(
        trials, stateful_metrics=["sequences", "error"], unit_name="trial", interval=1.0
    )
