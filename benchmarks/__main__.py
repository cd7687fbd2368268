"""The command `python -m benchmarks`."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def main(argv: Sequence[str] | None = None) -> int:
    """Measures a suite, or prints the tables of one that was measured.

    Args:
        argv: The arguments after the command's name. Default: those of the process.

    Returns:
        Exit status: 1 if a contender failed or was refused, 2 for wrong arguments.
    """
    backend = argparse.ArgumentParser(add_help=False)
    backend.add_argument("--backend", choices=("tensorflow", "jax", "torch"), default="tensorflow")
    # Keras reads it when it is imported, and the package imports Keras.
    os.environ["KERAS_BACKEND"] = backend.parse_known_args(argv)[0].backend
    parser = build_parser(backend)
    arguments = parser.parse_args(argv)
    try:
        return show(arguments.report) if arguments.report else run(arguments)
    except (ValueError, OSError) as error:
        parser.error(str(error))


def build_parser(backend: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """All arguments."""
    from benchmarks.contenders import SUITES
    from keras_lstm_ext.bench.command import add_arguments

    description = "Measures the layers beside what they could be replaced by."
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=description, parents=[backend]
    )
    add = parser.add_argument
    add("suite", nargs="?", choices=tuple(SUITES), default="layers", help="default: %(default)s")
    add("--device", choices=("cpu", "gpu"), default="cpu", help="default: %(default)s")
    add("--torch-python", metavar="PATH", help="interpreter with keras and torch, if another one")
    add("--no-peak", action="store_true", help="do not measure what the machine can do at best")
    add("--report", type=Path, metavar="FILE", help="only print the tables of this file")
    add_arguments(parser)
    return parser


def show(path: Path) -> int:
    """Prints the tables of a file."""
    from keras_lstm_ext.bench.record import read
    from keras_lstm_ext.bench.report import report

    print(report(read(path)))
    return 0


def run(arguments: argparse.Namespace) -> int:
    """Measures a suite, writes its file and prints its tables."""
    from benchmarks import contenders, load, memory, peak
    from keras_lstm_ext.bench import command, driver, record
    from keras_lstm_ext.bench.process import limit_processors
    from keras_lstm_ext.bench.report import report

    suite = contenders.suite(arguments.suite, arguments.backend, arguments.device)
    suite = command.narrowed(suite, arguments)
    pythons = (("torch", arguments.torch_python),) if arguments.torch_python else ()
    settings = replace(command.settings(arguments), device=arguments.device, pythons=pythons)
    limit_processors(settings.threads)
    machine = command.quiet_machine()
    missing = driver.LeftOut()
    own = {"memory": memory.measure, "load": load.measure}
    measure = own.get(suite.name, driver.measure)
    rates = {} if arguments.no_peak else peak.measure(arguments.backend, settings, missing)
    measured = measure(suite, settings)
    if not measured["results"]:
        raise ValueError("no contender of the suite can run here; why not stands above")
    measured["left_out"] = [*missing.rows, *measured["left_out"]]
    made = record.record(suite.name, settings, machine, measured, rates)
    path = arguments.json or record.place(made, arguments.backend, RESULTS)
    record.write(made, path)
    print(report(made))
    driver.tell(f"written: {path}")
    return int(any(row["failed"] for row in made["left_out"]))


if __name__ == "__main__":
    sys.exit(main())
