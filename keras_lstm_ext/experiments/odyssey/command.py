"""`reproduce odyssey`: its arguments, and what it does."""

import argparse
from pathlib import Path

from keras_lstm_ext.experiments.odyssey import chorales
from keras_lstm_ext.experiments.odyssey.report import report
from keras_lstm_ext.experiments.odyssey.runner import Budget, reproduce
from keras_lstm_ext.variants import ODYSSEY

NAME = "odyssey"

OF_OTHERS = ("setting", "limit", "error_flow")
"""Arguments of `reproduce` that mean nothing here."""

OWN = ("data", "runs", "epochs", "patience")
"""Arguments that mean nothing elsewhere."""


def describe() -> str:
    """What `reproduce --list` says."""
    return "\n    ".join([f"{NAME}: chorales, with --data JSB_Chorales.mat", *ODYSSEY])


def add_arguments(parser: argparse.ArgumentParser, positive: type | object) -> None:
    """Adds what only this experiment has.

    Args:
        parser: Of `reproduce`.
        positive: Makes a positive integer of a text.
    """
    group = parser.add_argument_group(
        NAME, "the networks of 2017; --trials are those with the best rate and momentum"
    )
    add, default = group.add_argument, Budget()
    add("--data", type=Path, metavar="FILE", help=f"JSB_Chorales.mat, from {chorales.ADDRESS}")
    for name, about in (
        ("runs", "networks of a kind in the random search"),
        ("epochs", "of a network at most"),
        ("patience", "epochs without a better validation"),
    ):
        about = f"{about}; default: {getattr(default, name)}"
        add(f"--{name}", type=positive, metavar="N", help=about)  # type: ignore[arg-type]


def check(arguments: argparse.Namespace) -> None:
    """Refuses arguments that belong to the other kind of experiment.

    Args:
        arguments: Of `reproduce`.

    Raises:
        ValueError: If there is one.
    """
    ours = arguments.name == NAME
    for name in OF_OTHERS if ours else OWN:
        if getattr(arguments, name):
            option = f"--{name.replace('_', '-')}"
            raise ValueError(f"{option} is not for {arguments.name}: leave it out")
    if ours and arguments.data is None:
        raise ValueError(
            f"--data must be the file JSB_Chorales.mat: get it from {chorales.ADDRESS}"
        )


def run(arguments: argparse.Namespace) -> None:
    """Trains the networks and prints the table.

    Args:
        arguments: Of `reproduce`.

    Raises:
        ValueError: If an argument is not accepted.
    """
    given = {
        "runs": arguments.runs,
        "seeds": arguments.trials,
        "epochs": arguments.epochs,
        "patience": arguments.patience,
    }
    content = reproduce(
        arguments.data,
        arguments.out or Path(f"{NAME}.json"),
        arguments.network,
        Budget(**{key: value for key, value in given.items() if value is not None}),
        arguments.seed,
    )
    print(report(content))
