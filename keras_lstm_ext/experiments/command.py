"""The command `reproduce`: its arguments, and what it does."""

import argparse
import ast
from pathlib import Path
from typing import Any

from keras_lstm_ext.experiments import flow
from keras_lstm_ext.experiments.odyssey import command as odyssey
from keras_lstm_ext.experiments.report import MODELS, flow_table, report
from keras_lstm_ext.experiments.runner import reproduce
from keras_lstm_ext.tasks import TASKS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command.

    Args:
        parser: Its parser.
    """
    add = parser.add_argument
    names = (*TASKS, odyssey.NAME)
    add("name", nargs="?", choices=names, metavar="NAME", help="the experiment; see --list")
    add("--list", action="store_true", help="list experiments, their settings and networks")
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
    add("--limit", type=_positive, metavar="N", help="sequences after which a trial has failed")
    add("--seed", type=int, default=1997, help="default: %(default)s")
    add(
        "--error-flow",
        action="store_true",
        help="do not train: measure how far an error reaches in networks that have learned nothing",
    )
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
        for name, task in TASKS.items():
            print(f"{name}: {task}", *task.networks, sep="\n    ")
        print("each of them also, for comparison", *MODELS, sep="\n    ")
        print(odyssey.describe())
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
        if arguments.network or arguments.limit:
            raise ValueError("--error-flow trains nothing: leave out --network and --limit")
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
    )
    print(report(content))


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
