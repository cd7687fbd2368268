"""Runs an experiment row by row into one JSON file, and goes on where it was stopped."""

import importlib
import json
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_lstm_ext.bench.record import commit, machine, write
from keras_lstm_ext.experiments.experiment import Experiment
from keras_lstm_ext.experiments.group import Group, Record
from keras_lstm_ext.tasks import TASKS, Task
from keras_lstm_ext.version import __version__

FORMAT = 1
"""Number of the file's format."""

LIMIT = 5_000_000
"""After so many sequences a trial has failed, as in task 2, where the paper gives no number."""


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
        >>> task_named("adding", {"T": 500})
        Adding(T=500)
    """
    if name not in TASKS:
        raise ValueError(f"`name` must be one of {tuple(TASKS)}. Received: name={name!r}")
    known = tuple(field.name for field in fields(TASKS[name]))  # type: ignore[arg-type]
    for key in settings:
        if key not in known:
            raise ValueError(f"a setting of {name} must be one of {known}. Received: {key!r}")
    changed: Task = replace(TASKS[name], **settings)  # type: ignore[type-var]
    return changed


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
) -> Record:
    """Trains the networks of an experiment as its paper did.

    Args:
        name: Key of `TASKS`.
        out: The JSON file. What it has already is kept; the trials that it lacks are run. While
            it grows, checkpoints lie beside it.
        settings: Arguments of the task that differ from its defaults.
        networks: Keys of the task's `networks`; all of them if none is given.
        trials: How many networks of each kind; default: as many as the paper.
        limit: Sequences or streams after which a trial has failed; default: the paper's.
        seed: Of all random numbers.
        checkpoint_seconds: How much work a kill may cost.
        verbose: Whether to show a progress bar.

    Returns:
        What the file has.

    Raises:
        ValueError: If an argument is not accepted, or the file is of another experiment.
    """
    settings = dict(settings or {})
    task = task_named(name, settings)
    for row in networks:
        if row not in task.networks:
            accepted = tuple(task.networks)
            raise ValueError(f"`network` must be one of {accepted}. Received: network={row!r}")
    content = _open(out, {"task": name, "settings": settings, "seed": seed})
    for place, (row, network) in enumerate(task.networks.items()):
        if networks and row not in networks:
            continue
        most = limit or network.training.max_sequences or LIMIT
        stored = content["rows"].setdefault(row, {"limit": most, "trials": []})
        if stored["limit"] != most:
            raise ValueError(
                f"{out} has {stored['limit']} as the limit of {row!r}. Received: limit={most}"
            )
        checkpoint = out.with_suffix(f".{place}.npz")
        wanted = range(network.training.trials if trials is None else trials)
        experiment = Experiment(task, network, seed)
        bar = _bar(name, row, len(wanted)) if verbose else None
        for group in _groups(experiment, most, wanted, stored["trials"], checkpoint):
            group.save(checkpoint)  # or a trial that ended soon would not be in its group again
            saved = time.monotonic()
            for ended in group.run():
                _add(stored["trials"], ended)
                if ended:
                    write(content, out)
                if ended or time.monotonic() - saved > checkpoint_seconds:
                    group.save(checkpoint)
                    saved = time.monotonic()
                if bar:
                    _show(bar, group, stored["trials"])
            checkpoint.unlink()
    return content


def _groups(
    experiment: Experiment, limit: int, wanted: range, done: list[Record], checkpoint: Path
) -> Iterator[Group]:
    """First the group that was interrupted, then all the trials that nobody has begun."""
    if checkpoint.exists():
        yield Group.load(checkpoint, experiment, limit)
    ended = {record["trial"] for record in done}
    missing = [trial for trial in wanted if trial not in ended]
    if missing:
        yield Group(experiment, missing, limit)


def _add(done: list[Record], ended: list[Record]) -> None:
    """A trial that ended just before a kill ends once more, the same way: it is there already."""
    known = {record["trial"] for record in done}
    done += [record for record in ended if record["trial"] not in known]
    done.sort(key=lambda record: record["trial"])


def read(path: Path) -> Record:
    """Reads what `reproduce` wrote.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        ValueError: If it is of another format.
    """
    content = json.loads(path.read_text())
    if not isinstance(content, dict) or content.get("experiments") != FORMAT:
        raise ValueError(f"{path} must be a file of experiments of format {FORMAT}")
    return content


def _open(path: Path, what: Record) -> Record:
    if not path.exists():
        for checkpoint in path.parent.glob(f"{path.stem}.*.npz"):
            checkpoint.unlink()
        content: Record = {"experiments": FORMAT} | what | _where() | {"rows": {}}
        write(content, path)
        return content
    content = read(path)
    for key, value in what.items():
        if content[key] != value:
            raise ValueError(f"{path} has {key}={content[key]!r}. Received: {key}={value!r}")
    return content


def _where() -> Record:
    backend = keras.backend.backend()
    return {
        "version": __version__,
        "commit": commit(),
        "machine": machine(),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "keras": keras.__version__,
            backend: importlib.import_module(backend).__version__,
        },
    }


def _bar(name: str, row: str, trials: int) -> keras.utils.Progbar:
    print(f"{name}, {row}")
    return keras.utils.Progbar(
        trials, stateful_metrics=["sequences", "error"], unit_name="trial", interval=1.0
    )


def _show(bar: keras.utils.Progbar, group: Group, done: list[Record]) -> None:
    sequences, error = group.mean_of_running()
    bar.update(len(done), [("sequences", sequences), ("error", error)])
