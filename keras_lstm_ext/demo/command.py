"""The command `demo`: its arguments, and what it does."""

import argparse
from pathlib import Path

from keras_lstm_ext.demo import digits, forecast
from keras_lstm_ext.demo.columns import Reading
from keras_lstm_ext.demo.errors import UserError
from keras_lstm_ext.demo.gaps import FILLS
from keras_lstm_ext.demo.layout import SEPARATORS
from keras_lstm_ext.demo.models import NAMES
from keras_lstm_ext.demo.training import Settings

TABLE = (
    "A text file, also packed, with a header and one row per time step. Separator, decimal sign, "
    "encoding, comments, index columns and the time column are found; every choice that could be "
    "wrong is told. Rows are sorted by the time column; without one they must be oldest first. The "
    "last fifth is held out to compare with the naive forecast."
)

TABLE_DEFAULTS = {
    **{"window": 24, "horizon": 1, "fill": "refuse", "gap": [], "duplicates": "refuse"},
    **dict.fromkeys(("time", "dates", "separator", "decimal", "encoding")),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command.

    Args:
        parser: Its parser.
    """
    parser.description = (
        "Trains the four layers and keras.layers.LSTM side by side on handwritten digits read "
        "pixel by pixel; with --csv, a forecaster on a table of yours instead, which then says "
        "what comes after its last row."
    )
    add = parser.add_argument
    add("--out", type=Path, default=Path("keras_lstm_ext_demo"), help="folder for what is written")
    add("--layers", nargs="+", choices=NAMES, metavar="LAYER", help=f"of {', '.join(NAMES)}")
    add("--epochs", type=_positive, default=30, help="default: %(default)s")
    add("--units", type=_positive, default=32, help="memory cells, default: %(default)s")
    add("--seed", type=_seed, default=1997, help="default: %(default)s")
    _add_table(parser)
    parser.set_defaults(**TABLE_DEFAULTS)


def _add_table(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("a table of your own", TABLE).add_argument
    add("--csv", type=Path, metavar="FILE", help="the table")
    add("--target", metavar="COLUMN", help="the column to forecast")
    add("--window", type=_positive, help="rows read per forecast, default: %(default)s")
    add("--horizon", type=_positive, help="rows to forecast, default: %(default)s")
    add("--ignore", action="append", default=[], metavar="COLUMN", help="may be given repeatedly")
    fills = "what to do with gaps: refuse them, repeat the last value, drop rows; default: refuse"
    add("--fill", choices=FILLS, help=fills)
    gap = (
        "a cell that stands for a gap, as empty cells, ?, NA and - do; may be given repeatedly. "
        "Default: -999, 9999 and such where they lie far from all other numbers; none: none"
    )
    add("--gap", action="append", metavar="CELL", help=gap)
    time = "the time column, or none; default: the first of dates, times or time stamps"
    add("--time", metavar="COLUMN", help=time)
    order = "what 1/2/2024 means; default: what makes sense of all rows"
    add("--dates", choices=("day-first", "month-first"), help=order)
    keep = "which row of one time to keep; default: refuse such rows"
    add("--duplicates", choices=("refuse", "first", "last"), help=keep)
    names = ", ".join(SEPARATORS.values())
    add("--separator", type=_separator, metavar="SIGN", help=f"the sign, or its name: {names}")
    add("--decimal", choices=(".", ","), help="the decimal sign")
    add("--encoding", metavar="NAME", help="of the text, for example cp1252")


def run(arguments: argparse.Namespace) -> None:
    """Trains on digits or on a table.

    Args:
        arguments: What `add_arguments` made.

    Raises:
        UserError: If an argument or the table is not accepted.
    """
    if (arguments.csv is None) != (arguments.target is None):
        raise UserError("--csv FILE and --target COLUMN go together")
    if arguments.csv is None and arguments.ignore:
        raise UserError("--ignore COLUMN needs --csv FILE")
    given = [
        f"--{name}" for name, value in TABLE_DEFAULTS.items() if vars(arguments)[name] != value
    ]
    if arguments.csv is None and given:
        raise UserError(f"{', '.join(given)} needs --csv FILE")
    layers = tuple(dict.fromkeys(arguments.layers or ()))
    common = arguments.units, arguments.epochs, arguments.seed, arguments.out
    if arguments.csv is None:
        digits.run(Settings(layers or NAMES, *common))
        return
    how = Reading(
        arguments.separator,
        arguments.decimal,
        arguments.encoding,
        arguments.time,
        None if arguments.dates is None else arguments.dates == "day-first",
        tuple(arguments.gap),
        arguments.fill,
        arguments.duplicates,
    )
    window, horizon = arguments.window, arguments.horizon
    table = forecast.read(arguments.csv, arguments.target, window, arguments.ignore, how, horizon)
    forecast.run(Settings(layers or ("ClassicLSTM",), *common), table, window, horizon)


def _positive(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text!r}")


def _seed(text: str) -> int:
    if text.isdecimal() and int(text) < 2**32:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 2**32 - 1, not {text!r}")


def _separator(text: str) -> str:
    names = {name: sign for sign, name in SEPARATORS.items()} | {"\\t": "\t"}
    sign = names.get(text, text)
    if len(sign) == 1:
        return sign
    raise argparse.ArgumentTypeError(
        f"must be one sign, or one of {', '.join(names)}, not {text!r}"
    )
