"""The libraries of the wheels for ARM and Windows: the numbers of this machine's own library."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_lstm_ext.engines.native import packing
from release.platforms import PLATFORMS
from tests.elsewhere import problems
from tests.elsewhere.conftest import ARM, WINDOWS, run
from tests.native import library as c

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(packing.library() is None, reason="the library is not built"),
]

RUNNER = Path(__file__).with_name("runner.cpp")
OUTPUTS, GRADIENTS = 1e-6, 5e-6
"""Relative to the largest number of an array. ARM rounds once where SSE rounds twice, which adds up
in gradients, sums over all steps: against the reference, either is within 1e-5."""

EVERY = len(list(problems.problems())) // len(c.ISAS)
"""Problems of one instruction set."""


def isas(platform: str) -> int:
    library = c.load()
    return 1 if platform == ARM else sum(library.lstm_supports(isa) for isa in c.ISAS.values())


def built(platform: str, tools: Path, folder: Path) -> Path:
    """The runner for a platform, linked as C and as wheels are: Zig compiles no more libraries."""
    made, target = folder / "runner.o", ["-target", PLATFORMS[platform].target]
    flags = ["-O2", "-std=c++17", "-fno-exceptions", "-I", packing.FOLDER]
    run(tools, "-m", "ziglang", "c++", *target, *flags, "-c", RUNNER, "-o", made)
    run(tools, "-m", "ziglang", "cc", *target, "-O3", "-s", made, "-o", folder / "runner.exe")
    return folder / "runner.exe"


@pytest.mark.parametrize(
    ("emulator", "platform"), [(ARM, ARM), (WINDOWS, WINDOWS)], indirect=["emulator"]
)
def test_numbers(
    emulator: Any, platform: str, tools: Path, wheels: Path, calls: Path, tmp_path: Path
) -> None:
    command, environment = emulator
    native = wheels / platform / "keras_lstm_ext" / "native"
    results = tmp_path / "results"
    runner = built(platform, tools, tmp_path)
    said = run(*command, runner, native / "lstm.so", calls, results, env=environment)
    assert said.split() == [str(EVERY * isas(platform)), "ran"]
    for problem, isa, given in problems.read(results):
        for name, expected in problems.here(problem, isa).items():
            error = np.max(np.abs(given[name] - expected), initial=0.0)
            largest = np.max(np.abs(expected), initial=0.0)
            tolerance = GRADIENTS if name.startswith("d_") else OUTPUTS
            assert error <= tolerance * largest, (problem, isa, name, error / largest)
