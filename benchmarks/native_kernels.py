"""The contender `native` without TensorFlow: the C interface of its library, arrays in place.

What its layer takes longer is TensorFlow's call.
"""

import os
from ctypes import byref

import numpy as np

from keras_lstm_ext.bench.problem import Arrays, Problem
from keras_lstm_ext.bench.programs import Program
from keras_lstm_ext.engines.native import packing
from tests.native import library as c


def sequence(
    problem: Problem, task: str, threads: int | None = None, isa: str | None = None
) -> Program:
    """Calls the kernels on arrays that are there, as TensorFlow's allocator has them.

    Args:
        problem: What to compute.
        task: `"forward"` or `"train"`.
        threads: Default: as many of the process's as the layer would take.
        isa: A key of `packing.ISAS`. Default: the best that the processor has.

    Returns:
        The program.

    Raises:
        ValueError: If the library is not built.
    """
    if packing.library() is None:
        raise ValueError("the native library is not built; pip install compiles it")
    batch, _, _, units = problem.shape
    fed = sum(problem.record.state_sizes(units)) - units
    zeros = {k: np.zeros((batch, n), "float32") for k, n in (("h", fed), ("c", units))}
    inputs = {"x": problem.x, **zeros, **problem.weights}
    library, train = c.load(), task == "train"
    o = c.options(problem.record, problem.x, units, int(os.environ["OMP_NUM_THREADS"]))
    o.isa = packing.ISAS[isa] if isa else 0
    o.threads = threads or library.lstm_threads(byref(o))
    kept = c.forward(library, o, inputs, keep=train)
    errors = {"y": problem.dy, **zeros}
    d = c.backward(library, o, inputs, kept, errors) if train else {}
    structures = c.filled(c.Inputs, inputs), c.filled(c.Results, kept)
    back = c.filled(c.Errors, errors), c.filled(c.Gradients, d)

    def call() -> None:
        library.lstm_forward(byref(o), *map(byref, structures))
        if train:
            library.lstm_backward(byref(o), *map(byref, (*structures, *back)))

    def check(_: None) -> Arrays:
        return {"h": kept["y"], **{f"d{name}": d[name] for name in ("x", *problem.weights) if d}}

    return Program(call, check, "native")
