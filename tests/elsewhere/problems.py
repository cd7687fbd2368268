"""The calls of `tests/native/test_kernels.py` as a file, and what `runner.cpp` made of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.native import library as c
from tests.native.oracle import VARIANTS, Problem
from tests.native.test_kernels import OPTIONS, SIZES

INPUTS = ("x", "h", "c", "W", "R", "p", "b", "multiplier", "mask")
ERRORS = ("y", "h", "c")


def problems() -> Iterator[tuple[Problem, int]]:
    """Every one with every instruction set."""
    for variant in VARIANTS:
        for given in OPTIONS.values():
            recurrent = Problem(variant, 1, 1, 1, 1).record.feedback != "none"
            options = given if recurrent else {**given, "multiplier": False}
            for size in SIZES:
                for isa in c.ISAS.values():
                    yield Problem(variant, *size, **options), isa


def options(problem: Problem, isa: int) -> c.Options:
    """On one to three threads."""
    return problem.options(threads=1 + isa % 3, isa=isa)


def write(path: Path) -> None:
    with path.open("wb") as file:
        for problem, isa in problems():
            inputs, errors = problem.arrays()
            file.write(bytes(options(problem, isa)))
            arrays = [inputs.get(name) for name in INPUTS] + [errors.get(name) for name in ERRORS]
            for array in arrays:
                file.write(np.int64(-1 if array is None else array.size).tobytes())
                file.write(b"" if array is None else np.ascontiguousarray(array).tobytes())


def read(path: Path) -> Iterator[tuple[Problem, int, dict[str, Any]]]:
    """Results and gradients of each problem that was computed."""
    with path.open("rb") as file:
        for problem, isa in problems():
            if not np.frombuffer(file.read(4), "int32")[0]:
                continue
            inputs, _ = problem.arrays()
            shapes = {"y": (problem.batch, problem.time, problem.units)}
            shapes |= {name: inputs[name].shape for name in "hc"}
            shapes |= {f"d_{name}": inputs[name].shape for name in INPUTS[:7] if name in inputs}
            yield (
                problem,
                isa,
                {
                    name: np.frombuffer(file.read(4 * int(np.prod(shape))), "float32").reshape(
                        shape
                    )
                    for name, shape in shapes.items()
                },
            )
        assert not file.read(1)


def here(problem: Problem, isa: int) -> dict[str, Any]:
    """The same from the library of this machine."""
    library, o = c.load(), options(problem, isa)
    inputs, errors = problem.arrays()
    kept = c.forward(library, o, inputs)
    d = c.backward(library, o, inputs, kept, errors)
    return {name: kept[name] for name in "yhc"} | {f"d_{name}": a for name, a in d.items()}
