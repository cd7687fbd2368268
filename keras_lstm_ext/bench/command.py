"""The command `bench`: its arguments, and what it does."""

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from keras_lstm_ext.bench.contenders import Suite, short
from keras_lstm_ext.bench.driver import measure, tell
from keras_lstm_ext.bench.problem import Shape
from keras_lstm_ext.bench.process import Settings, limit_processors
from keras_lstm_ext.bench.record import machine, record, write
from keras_lstm_ext.bench.report import report

QUIET = 0.1
"""Up to which share of its time a machine may be busy before a run."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments that every benchmark has.

    Args:
        parser: The parser of the command.
    """
    default, add = Settings(), parser.add_argument
    add("--json", type=Path, metavar="FILE", help="write what was measured to this file")
    add("--shapes", nargs="+", type=shape, metavar="B,T,I,H", help="measure at these shapes only")
    add("--contenders", nargs="+", metavar="WORD", help="only those with one of these in the name")
    add("--threads", type=positive, default=default.threads, help="default: %(default)s")
    add("--rounds", type=positive, default=default.rounds, help="turns, default: %(default)s")
    add(
        "--seconds",
        type=float,
        default=default.seconds,
        help="about how long each turn is, default: %(default)s",
    )


def shape(text: str) -> Shape:
    """Reads a shape for argparse, which shows the message of its own error only."""
    try:
        return Shape.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive(text: str) -> int:
    """Reads a positive integer for argparse."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a positive integer. Received: {text!r}")
    return int(text)


def settings(arguments: argparse.Namespace) -> Settings:
    """What the arguments say of how to measure."""
    threads = min(arguments.threads, os.cpu_count() or 1)
    return Settings(threads=threads, rounds=arguments.rounds, seconds=arguments.seconds)


def narrowed(suite: Suite, arguments: argparse.Namespace) -> Suite:
    """The suite without what the arguments leave out.

    Args:
        suite: All of it.
        arguments: With `shapes` and `contenders`, each None for all.

    Returns:
        The rest.

    Raises:
        ValueError: If no contender is left.
    """
    words, known = arguments.contenders, suite.contenders
    chosen = [c for c in known if words is None or any(word in c.name for word in words)]
    if not chosen:
        raise ValueError(
            f"`contenders` must be parts of {[c.name for c in known]}. Received: {words}"
        )
    return replace(suite, contenders=chosen, shapes=arguments.shapes or suite.shapes)


def quiet_machine() -> dict[str, Any]:
    """The machine as it is before a run; says so if it is busy."""
    found = machine()
    if (found["busy_share"] or 0.0) > QUIET:
        tell(
            f"this machine is busy ({100 * found['busy_share']:.0f} %): the times will be too "
            "long, those of spinning threads (PyTorch) many times"
        )
    return found


def run(arguments: argparse.Namespace) -> int:
    """Measures the short suite, prints its tables and writes its file.

    Args:
        arguments: What `add_arguments` made.

    Returns:
        Exit status: 1 if a contender failed or was refused.

    Raises:
        ValueError: If no contender is left to measure.
    """
    suite, how = narrowed(short(keras.backend.backend()), arguments), settings(arguments)
    limit_processors(how.threads)
    made = record(suite.name, how, quiet_machine(), measure(suite, how))
    if arguments.json:
        write(made, arguments.json)
    print(report(made))
    return int(any(row["failed"] for row in made["left_out"]))
