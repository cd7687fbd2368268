"""The command `doctor`: what is installed, and which engine runs each layer, and why no faster one.

Ready to paste into a report: nothing of it names a person, a folder or a machine.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import keras

from keras_lstm_ext.bench.record import processor
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.version import __version__

BACKENDS = ("tensorflow", "jax", "torch")

PACKAGES = ("keras", "numpy", "tensorflow", "tensorflow-cpu", "jax", "jaxlib", "torch")

LAYERS = ("CECLSTM", "OriginalLSTM", "ClassicLSTM", "PeepholeLSTM")

SHAPE = (32, 100, 8)
"""Of the call that is explained: batch, time steps, features."""

SECONDS = 300
"""How long a backend may take to start."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds nothing: the command has no arguments.

    Args:
        parser: The parser of the command.
    """


def run(arguments: argparse.Namespace) -> None:
    """Prints the report, line by line as it is found.

    Args:
        arguments: Parsed ones.
    """
    for line in report():
        print(line, flush=True)


def report() -> Iterator[str]:
    """The lines of the report, each backend in a process of its own.

    Yields:
        One line after the other.
    """
    yield f"keras-lstm-ext {__version__}, Python {platform.python_version()}, {platform.system()}"
    yield ", ".join(versions())
    yield f"processor: {processor()}, {os.cpu_count()} threads, {platform.machine()}"
    yield f"native library: {library()}"
    for backend in BACKENDS:
        yield ""
        if importlib.util.find_spec(backend) is None:
            yield f"{backend}: not installed"
            continue
        found = ask(backend)
        if isinstance(found, str):
            yield f"{backend}: does not start ({found})"
            continue
        yield f"{backend}:"
        for layer, lines in found.items():
            yield from _indented(layer, lines)


def _indented(layer: str, explained: str) -> Iterator[str]:
    first, *others = explained.splitlines()
    yield f"  {layer:<13} {first}"
    yield from (f"  {'':<13} {line}" for line in others)


def versions() -> list[str]:
    """Name and version of each package that is installed.

    Returns:
        Of those in `PACKAGES`.
    """
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def library() -> str:
    """What the native library does on this processor, or why it does not load.

    Returns:
        Half a sentence.
    """
    reason = packing.why_not_built()
    if reason:
        return reason
    isas, cache = packing.processor()
    return f"loads; instruction sets {', '.join(isas)}; second-level cache {cache // 1024} kB"


def ask(backend: str) -> dict[str, str] | str:
    """Starts Keras with a backend, in another process.

    Args:
        backend: Name of the backend.

    Returns:
        What `explain` says of each layer, or why the process failed.
    """
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS} seconds"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1]
    return json.loads(done.stdout.splitlines()[-1])


def explained() -> dict[str, str]:
    """What `explain` says of each layer on this process' backend.

    Returns:
        By the layer's name.
    """
    import keras_lstm_ext

    made: dict[str, Any] = {name: getattr(keras_lstm_ext, name)(16) for name in LAYERS}
    return {name: str(layer.explain(SHAPE)) for name, layer in made.items()}


if __name__ == "__main__":
    keras.utils.disable_interactive_logging()
    print(json.dumps(explained()))
