"""The command `reproduce`: its arguments, and what it does."""

import argparse
import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_lstm_ext.bench.command import QUIET
from keras_lstm_ext.bench.record import processor
from keras_lstm_ext.experiments import flow
from keras_lstm_ext.experiments.odyssey import command as odyssey
from keras_lstm_ext.experiments.report import MODELS, Record, flow_table, report, took
from keras_lstm_ext.experiments.runner import read, reproduce
from keras_lstm_ext.tasks import TASKS

RESULTS = Path(__file__).parent / "results"
"""The stored runs, in the source tree."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command.

    Args:
        parser: Its parser.
    """
    add = parser.add_argument
    names = (*TASKS, odyssey.NAME)
    add("name", nargs="?", choices=names, metavar="NAME", help="the experiment; see --list")
    add("--list", action="store_true", help="list experiments, their networks, and times")
    add("--trials", type=_positive, metavar="N", help="default: as many as the paper")
    add(
        "--setting",
        action="append",
        default=[],
        type=_setting,
        metavar="KEY=VALUE",
        help="of the task, for example T=500; may be given repeatedly",
    )
    add(
        "--network",
        action="append",
        default=[],
        metavar="ROW",
        help="see --list; default: all of the paper's table; may be given repeatedly",
    )
    add("--limit", type=_positive, metavar="N", help="sequences after which a trial is stopped")
    add("--seed", type=int, default=1997, help="default: %(default)s")
    add(
        "--error-flow",
        action="store_true",
        help="do not train: measure how far an error reaches in networks that have learned nothing",
    )
    add("--again", action="store_true", help="replace what the file has of these rows")
    add(
        "--out",
        type=Path,
        metavar="FILE",
        help="JSON to write or to go on with; default: NAME and settings",
    )
    odyssey.add_arguments(parser, _positive)


def run(arguments: argparse.Namespace) -> None:
    """Runs an experiment and prints the table, or the list of experiments.

    Args:
        arguments: What `add_arguments` made.

    Raises:
        ValueError: If an argument is not accepted.
    """
    if arguments.list:
        print(*_listed(), odyssey.describe(), sep="\n")
        return
    if arguments.name is None:
        names = (*TASKS, odyssey.NAME)
        raise ValueError(f"`name` must be one of {names}, unless there is --list")
    odyssey.check(arguments)
    if arguments.name == odyssey.NAME:
        return odyssey.run(arguments)
    out = arguments.out or _default_out(arguments)
    settings = dict(arguments.setting)
    if arguments.error_flow:
        if arguments.network or arguments.limit or arguments.again:
            raise ValueError("--error-flow trains nothing: leave out --network, --limit, --again")
        trials = arguments.trials or flow.TRIALS
        print(flow_table(flow.measure(arguments.name, out, settings, trials, arguments.seed)))
        return
    content = reproduce(
        arguments.name,
        out,
        settings,
        arguments.network,
        arguments.trials,
        arguments.limit,
        arguments.seed,
        again=arguments.again,
    )
    print(report(content))


def _listed() -> Iterator[str]:
    """Tasks and networks, with the time of the stored rows and the machine that took it."""
    found = [read(path) for path in sorted(RESULTS.glob("*.json"))]
    places: dict[str, int] = {}

    def stored(name: str, content: Record) -> str:
        row = content["rows"][name]
        n = places.setdefault(_place(row), len(places) + 1)
        settings = "".join(f"{key}={value}, " for key, value in content["settings"].items())
        of = f"{len(row['trials'])} of {row['paper_trials']} trials, limit {row['limit']:,}"
        return f"{settings.removesuffix(', ')}: {of}: {took(name, row):,.0f} s [{n}]".lstrip(": ")

    for task_name, task in TASKS.items():
        yield f"{task_name}: {task}"
        of_task = [content for content in found if content["task"] == task_name]
        of_task.sort(key=lambda content: len(content["settings"]))
        rows = [*task.networks, *(row for content in of_task for row in content["rows"])]
        for row in dict.fromkeys(rows):
            times = [stored(row, content) for content in of_task if row in content["rows"]]
            if row in MODELS:
                yield f"    {row}: {'; '.join(times)}"
            else:
                yield from (f"    {row}", *(f"        {time}" for time in times))
    yield from ("each of them also, for comparison", *(f"    {model}" for model in MODELS))
    yield from (f"[{n}] {place}" for place, n in places.items())
    if not found:
        yield "Times are those of stored runs, which are in the source tree and not installed."


def _place(row: Record) -> str:
    machine, threads = row["machine"], row.get("threads", "an unknown number of")
    same = "this machine's processor" if machine["processor"] == processor() else "another machine"
    where = f"{machine['processor']}, {machine['processors']} processors, {threads} threads"
    if (machine["busy_share"] or 0.0) > QUIET:
        same += ", busy with something else as well"
    return f"{where} ({same}); {row['arithmetic']}"


def _default_out(arguments: argparse.Namespace) -> Path:
    """A file for each choice of settings, because a file has one."""
    parts = [arguments.name, *(f"{key}={value}" for key, value in arguments.setting)]
    return Path("-".join(parts + ["error-flow"] * arguments.error_flow) + ".json")


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"must be KEY=VALUE. Received: {text!r}")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a positive integer. Received: {text!r}")
    return int(text)
