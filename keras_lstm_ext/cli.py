"""The command line: `python -m keras_lstm_ext demo`, `bench` and `reproduce`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from keras_lstm_ext.bench import command as bench
from keras_lstm_ext.demo import digits, forecast
from keras_lstm_ext.demo.errors import UserError
from keras_lstm_ext.demo.models import NAMES
from keras_lstm_ext.demo.training import Settings
from keras_lstm_ext.experiments import command as experiments


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a subcommand.

    Args:
        argv: The arguments after the command's name. Default: those of the process.

    Returns:
        Exit status: 0, 2 for what the user can put right, 130 after Ctrl-C.
    """
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
    _add_demo(commands)
    _add(commands, "bench", bench, "measure the engines beside keras.layers.LSTM on this machine")
    about = "train networks on a task of the papers as the paper did, and compare"
    _add(commands, "reproduce", experiments, about)
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    module: ModuleType,
    about: str,
) -> None:
    """Adds the command of a module with `add_arguments` and `run`."""
    parser = commands.add_parser(name, help=about, description=about.capitalize() + ".")
    module.add_arguments(parser)

    def run(arguments: argparse.Namespace) -> int | None:
        try:
            return module.run(arguments)
        except ValueError as error:
            raise UserError(str(error)) from error

    parser.set_defaults(run=run)


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    demo = commands.add_parser(
        "demo",
        help="train the layers side by side on handwritten digits, or a forecaster on a table",
        description="Trains the four layers and keras.layers.LSTM side by side on handwritten "
        "digits read pixel by pixel; with --csv, a forecaster on a table of yours instead.",
    )
    demo.set_defaults(run=_demo)
    add = demo.add_argument
    add("--out", type=Path, default=Path("keras_lstm_ext_demo"), help="folder for what is written")
    add("--layers", nargs="+", choices=NAMES, metavar="LAYER", help=f"of {', '.join(NAMES)}")
    add("--epochs", type=_positive, default=30, help="default: %(default)s")
    add("--units", type=_positive, default=32, help="memory cells, default: %(default)s")
    add("--seed", type=_seed, default=1997, help="default: %(default)s")
    table = demo.add_argument_group("a table of your own")
    add = table.add_argument
    add("--csv", type=Path, metavar="FILE", help="comma-separated, one row per time step")
    add("--target", metavar="COLUMN", help="the column to forecast, one row ahead")
    add("--window", type=_positive, default=24, help="rows read per forecast, default: %(default)s")
    add("--ignore", action="append", default=[], metavar="COLUMN", help="may be given repeatedly")


def _demo(arguments: argparse.Namespace) -> None:
    if (arguments.csv is None) != (arguments.target is None):
        raise UserError("--csv FILE and --target COLUMN go together")
    if arguments.csv is None and arguments.ignore:
        raise UserError("--ignore COLUMN needs --csv FILE")
    layers = tuple(dict.fromkeys(arguments.layers or ()))
    given = arguments.units, arguments.epochs, arguments.seed, arguments.out
    if arguments.csv is None:
        digits.run(Settings(layers or NAMES, *given))
    else:
        table = forecast.read(arguments.csv, arguments.target, arguments.window, arguments.ignore)
        forecast.run(Settings(layers or ("ClassicLSTM",), *given), table, arguments.window)


def _positive(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text!r}")


def _seed(text: str) -> int:
    if text.isdecimal() and int(text) < 2**32:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 2**32 - 1, not {text!r}")


def _fail(message: str, status: int) -> int:
    print(f"keras_lstm_ext: {message}", file=sys.stderr)
    return status
