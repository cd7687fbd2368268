"""The suite `load`: the same contenders on free processors, and while one processor is taken."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from keras_lstm_ext.bench import driver
from keras_lstm_ext.bench.contenders import Suite
from keras_lstm_ext.bench.process import Settings

Row = dict[str, Any]


def measure(suite: Suite, settings: Settings) -> Row:
    """Like `driver.measure`, twice; what is measured beside the load says so in its name."""
    beside = [replace(c, name=f"{c.name}, beside a load") for c in suite.contenders]
    free = driver.measure(suite, settings)
    with spinning():
        loaded = driver.measure(replace(suite, contenders=beside), settings)
    rows = {key: [*free[key], *loaded[key]] for key in ("results", "left_out")}
    return {**rows, "versions": free["versions"] | loaded["versions"]}


@contextmanager
def spinning() -> Iterator[subprocess.Popen[bytes]]:
    """A process that computes without end on the last processor that this one may use.

    Yields:
        The process, which ends with the context.

    Raises:
        ValueError: If the system binds no process to a processor, or there is only one.
    """
    available = processors()
    if len(available) < 2:
        raise ValueError(
            "the suite `load` binds a process to one of at least two processors. "
            f"Received: {len(available)} to choose from"
        )
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            os.sched_setaffinity(process.pid, {available[-1]})
            yield process
        finally:
            process.kill()


def processors() -> list[int]:
    """Those that this process may bind others to; none where the system does not do that."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
