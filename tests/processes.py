"""Runs a script in a process of its own, with the backend of this one."""

import os
import subprocess
import sys
from pathlib import Path

import keras

ROOT = Path(__file__).parents[1]


def start(script: str, *arguments: object, package: bool = True) -> subprocess.Popen[str]:
    """Starts `python -c script arguments`.

    Args:
        script: Source text.
        arguments: Its `sys.argv[1:]`.
        package: Whether the process may import this package.

    Returns:
        The process.
    """
    environment = os.environ | {
        "KERAS_BACKEND": keras.backend.backend(),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONPATH": str(ROOT) if package else "",
    }
    if not package:
        script = "import sys; sys.modules['keras_lstm_ext'] = None\n" + script
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Waits for the end of a process, which must be a good one, and returns what it printed."""
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output


def run(script: str, *arguments: object, package: bool = True) -> str:
    """Runs a script to its end, and returns what it printed."""
    return finish(start(script, *arguments, package=package))
