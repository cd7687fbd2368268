"""Runs tests on a GPU and records how they ended: `python -m benchmarks.gpu_tests [PYTEST...]`."""

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import pytest

from benchmarks.__main__ import RESULTS
from keras_lstm_ext.bench import record
from keras_lstm_ext.bench.worker import versions


class Outcomes:
    """A plugin of pytest that counts."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest for each phase of each test."""
        if report.when == "call" or report.outcome != "passed":
            self.counts[report.outcome] += 1
        if report.failed:
            self.failed.append(report.nodeid)


def run(arguments: Sequence[str], folder: Path = RESULTS) -> int:
    """Runs pytest in this process and writes the record, whatever comes out.

    Args:
        arguments: Of pytest.
        folder: Where the record goes.

    Returns:
        Exit status of pytest.
    """
    outcomes = Outcomes()
    status = int(pytest.main(list(arguments), plugins=[outcomes]))
    found, backend = versions(), keras.backend.backend()
    made: dict[str, Any] = {
        "format": record.FORMAT,
        "suite": "tests",
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": record.commit(),
        "machine": record.machine(),
        "settings": {"device": "gpu" if "gpu" in found else "cpu"},
        "peak": {},
        "versions": {backend: found},
        "arguments": list(arguments),
        "status": status,
        "outcomes": dict(outcomes.counts),
        "failed": outcomes.failed,
    }
    record.write(made, record.place(made, backend, folder))
    return status


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
