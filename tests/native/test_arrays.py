"""The library by words and arrays, as bindings call it: what does not fit is refused."""

from typing import Any

import numpy as np
import pytest

from keras_lstm_ext.engines.native import packing
from tests import backends, processes
from tests.native import library as c
from tests.native.oracle import Problem

pytestmark = [
    pytest.mark.skipif(packing.library() is None, reason="the library is not built"),
    pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="once is enough"),
]

NAMES = ("x", "h", "c", "W", "R", "p", "b", "multiplier", "mask")
RESULTS = ("y", "h", "c", "gates", "cells")
ERRORS = ("d_y", "d_h", "d_c")
GRADIENTS = NAMES[:7]

Arrays = dict[str, np.ndarray]


def plan_of(problem: Problem) -> packing.Plan:
    v, o = problem.record, problem.options()
    return packing.Plan(
        o.gates,
        v.block_size,
        o.feedback,
        v.coupled,
        v.peepholes,
        bool(o.truncated),
        problem.reverse,
        v.normalize_nets,
        v.normalize_output,
        problem.mask,
        problem.multiplier,
        True,
        True,
        o.sigma,
        o.activation,
        o.output_activation,
        1,
        v.decay,
        v.epsilon,
    )


def absent(name: str) -> np.ndarray:
    return np.zeros((0, 0), bool if name == "mask" else "float32")


def forward_of(problem: Problem, plan: packing.Plan) -> tuple[Arrays, Arrays]:
    """Inputs in their order, and results full of NaN."""
    given, _ = problem.arrays()
    inputs = {name: given.get(name, absent(name)) for name in NAMES}
    shapes = packing.result_shapes(plan.words(), *(inputs[name].shape for name in "xhc"))
    results = {
        name: np.full(shape, np.nan, "float32") for name, shape in zip(RESULTS, shapes, strict=True)
    }
    return inputs, results


def backward_of(problem: Problem, inputs: Arrays, results: Arrays) -> tuple[Arrays, Arrays]:
    """What the backward reads, and gradients full of NaN."""
    _, errors = problem.arrays()
    kept = {name: results[name] for name in ("y", "gates", "cells")}
    read = inputs | kept | {name: errors[name[2:]] for name in ERRORS}
    return read, {f"d_{name}": np.full_like(inputs[name], np.nan) for name in GRADIENTS}


def call(plan: packing.Plan, inputs: Arrays, outputs: Arrays) -> None:
    arrays = [*inputs.values(), *outputs.values()]
    assert all(a.flags.c_contiguous for a in arrays)
    types = {np.dtype("float32"): 1, np.dtype(bool): 2}
    packing.call(
        len(inputs) > len(NAMES),
        plan.words(),
        [(a.ctypes.data, types.get(a.dtype, 0), a.ndim, *a.shape) for a in arrays],
    )


PROBLEMS = [
    Problem("peephole", 3, 7, 5, 6, mask=True, multiplier=True),
    Problem("classic blocks", 2, 5, 4, 8, reverse=True),
    Problem("cec", 2, 4, 3, 5, gradient="truncated"),
    Problem("decay", 3, 4, 2, 7, mask=True),
    Problem("original, its gates in blocks", 3, 7, 5, 6, mask=True, multiplier=True),
    Problem("coupled", 2, 5, 4, 6, multiplier=True),
    Problem("normalised blocks", 3, 5, 4, 6, mask=True),
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.variant)
def test_same_bits_as_by_structures(problem: Problem) -> None:
    plan, library, (given, errors) = plan_of(problem), c.load(), problem.arrays()
    inputs, results = forward_of(problem, plan)
    call(plan, inputs, results)
    read, gradients = backward_of(problem, inputs, results)
    call(plan, read, gradients)
    kept = c.forward(library, problem.options(), given)
    for name in ("y", "h", "c"):
        np.testing.assert_array_equal(results[name], kept[name])
    expected = c.backward(library, problem.options(), given, kept, errors)
    for name, d in expected.items():
        np.testing.assert_array_equal(gradients[f"d_{name}"], d)


@pytest.mark.parametrize("shows", [True, False])
@pytest.mark.parametrize("keeps", [True, False])
def test_only_what_is_wanted(shows: bool, keeps: bool) -> None:
    problem = PROBLEMS[0]
    plan = plan_of(problem)
    inputs, everything = forward_of(problem, plan)
    call(plan, inputs, everything)
    plan = plan._replace(shows=shows, keeps=keeps)
    inputs, results = forward_of(problem, plan)
    call(plan, inputs, results)
    for name in ("h", "c"):
        np.testing.assert_array_equal(results[name], everything[name])
    assert results["y"].shape[1] == (7 if shows or keeps else 0)
    assert (results["gates"].size > 0) == keeps
    if keeps and not shows:
        read, gradients = backward_of(problem, inputs, results)
        wide = {name: d.copy() for name, d in gradients.items()}
        call(plan._replace(shows=True), read | {"d_y": np.zeros_like(results["y"])}, wide)
        call(plan, read | {"d_y": np.zeros((3, 0, 6), "float32")}, gradients)
        for name, d in gradients.items():
            np.testing.assert_array_equal(d, wide[name])


def malformed(rng: np.random.Generator, array: np.ndarray) -> np.ndarray:
    """Another rank, size or dtype."""
    kind = rng.integers(4)
    if kind == 0:
        return array[None]
    if kind == 1:
        return array.astype("float64")
    if kind == 2 and array.shape[-1]:
        return np.ascontiguousarray(array[..., :-1])
    return np.zeros((*array.shape[:-1], array.shape[-1] + 1), array.dtype)


@pytest.mark.parametrize("seed", range(len(PROBLEMS)))
def test_what_does_not_fit_is_named_and_writes_nothing(seed: int) -> None:
    rng, problem = np.random.default_rng(seed), PROBLEMS[seed]
    plan = plan_of(problem)
    inputs, results = forward_of(problem, plan)
    call(plan, inputs, results)
    read, gradients = backward_of(problem, inputs, results)
    for _ in range(200):
        _, empty = forward_of(problem, plan)
        given, outputs = (
            (dict(read), {name: np.full_like(d, np.nan) for name, d in gradients.items()})
            if rng.random() < 0.5
            else (dict(inputs), empty)
        )
        spoilt = given if rng.random() < 0.7 else outputs
        name = str(rng.choice(list(spoilt)))
        spoilt[name] = malformed(rng, spoilt[name])
        # Sizes are taken from x and c: against theirs, the others are wrong.
        of_sizes = spoilt is given and name in ("x", "c")
        with pytest.raises(ValueError, match="`" if of_sizes else f"`{name}` must be"):
            call(plan, given, outputs)
        untouched = [a for n, a in outputs.items() if spoilt is given or n != name]
        assert all(np.isnan(a).all() for a in untouched)


def test_sizes_beyond_64_bits() -> None:
    problem = Problem("classic", 2, 3, 0, 4)
    plan = plan_of(problem)
    inputs, results = forward_of(problem, plan)
    numbers = [(0, 1, a.ndim, *a.shape) for a in (*inputs.values(), *results.values())]
    numbers[0] = (0, 1, 3, 2, 2**60, 0)
    with pytest.raises(ValueError, match="`x` is too large"):
        packing.call(False, plan.words(), numbers)


@pytest.mark.parametrize("count", [0, 13, 15])
def test_a_missing_array_is_refused(count: int) -> None:
    plan = plan_of(PROBLEMS[0])
    with pytest.raises(ValueError, match="9 inputs and 5 outputs"):
        packing.call(False, plan.words(), [(0, 1, 1, 0)] * count)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("gates", 8),
        ("block_size", 0),
        ("feedback", 3),
        ("coupled", 2),
        ("coupled", 1),  # beside a forget gate
        ("sigma", 5),
        ("threads", 0),
        ("decay", 1.5),
        ("decay", -1),
        ("normalize_nets", 2),
        ("epsilon", float("nan")),
    ],
)
def test_wrong_words(word: str, value: Any) -> None:
    plan = plan_of(PROBLEMS[0])
    inputs, results = forward_of(PROBLEMS[0], plan)
    with pytest.raises(ValueError, match=f"`{word}` must be"):
        call(plan._replace(**{word: value}), inputs, results)


ORDER = """
import sys
import numpy as np
from keras_lstm_ext.engines.native import packing
first = sys.argv[1]
if first == "tensorflow":
    del packing.LOADED
    import tensorflow as tf
    tf.load_op_library(str(packing.FOLDER / "lstm_tensorflow.so"))
    packing.LOADED = packing.load()
import keras
from keras_lstm_ext import ClassicLSTM
x = np.ones((2, 3, 4), "float32")
y = ClassicLSTM(5, engine="native")(x)
assert packing.why_not_built() is None
packing.LOADED.lstm_supports(1)
maps = {line.split()[-1] for line in open("/proc/self/maps") if "native/lstm" in line}
print(len(maps), ClassicLSTM(5).explain().engine)
"""


@pytest.mark.slow
@pytest.mark.parametrize("first", ["ctypes", "tensorflow"])
def test_whoever_loads_it_first(first: str) -> None:
    assert processes.run(ORDER, first).split()[-2:] == ["2", "native"]
