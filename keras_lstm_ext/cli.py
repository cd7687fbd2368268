"""The command line: `python -m keras_lstm_ext demo`, `bench`, `reproduce` and `doctor`."""

import argparse
import io
import sys
from collections.abc import Sequence
from types import ModuleType

from keras_lstm_ext import doctor
from keras_lstm_ext.bench import command as bench
from keras_lstm_ext.demo import command as demo
from keras_lstm_ext.demo.errors import UserError
from keras_lstm_ext.experiments import command as experiments


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a subcommand.

    Args:
        argv: The arguments after the command's name. Default: those of the process.

    Returns:
        Exit status: 0, 2 for what the user can put right, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A column may have a name that this terminal cannot show.
            stream.reconfigure(errors="backslashreplace")
    arguments = build_parser().parse_args(argv)
    try:
        return arguments.run(arguments) or 0
    except UserError as error:
        return _fail(str(error), 2)
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), 2)
    except KeyboardInterrupt:
        return _fail("interrupted; no half-written file is left", 130)


def build_parser() -> argparse.ArgumentParser:
    """The parser; each subcommand sets `run`, which takes the parsed arguments."""
    parser = argparse.ArgumentParser(
        prog="keras_lstm_ext", description="The LSTM family for Keras 3."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    about = "train the layers side by side on handwritten digits, or a forecaster on a table"
    # What the user of the demo can put right is a UserError already.
    _add(commands, "demo", demo, about).set_defaults(run=demo.run)
    _add(commands, "bench", bench, "measure the engines beside keras.layers.LSTM on this machine")
    about = "train networks on a task of the papers as the paper did, and compare"
    _add(commands, "reproduce", experiments, about)
    _add(commands, "doctor", doctor, "say what is installed and which engine runs each layer")
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    module: ModuleType,
    about: str,
) -> argparse.ArgumentParser:
    """Adds the command of a module with `add_arguments` and `run`."""
    parser = commands.add_parser(name, help=about, description=about.capitalize() + ".")
    module.add_arguments(parser)

    def run(arguments: argparse.Namespace) -> int | None:
        try:
            return module.run(arguments)
        except ValueError as error:
            raise UserError(str(error)) from error

    parser.set_defaults(run=run)
    return parser


def _fail(message: str, status: int) -> int:
    print(f"keras_lstm_ext: {message}", file=sys.stderr)
    return status
