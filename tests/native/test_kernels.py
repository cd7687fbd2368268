"""The plain C interface against the reference: every variant, size, mask and instruction set."""

from typing import Any

import numpy as np
import pytest

from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.variants import CEC, CLASSIC
from tests import backends
from tests.native import library as c
from tests.native.oracle import VARIANTS, Problem, assert_close

pytestmark = [
    pytest.mark.skipif(packing.library() is None, reason="the library is not built"),
    pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="once is enough"),
]

# One tile and many, panels with tails, few rows and many, several chunks of time.
SIZES = [(3, 7, 5, 6), (1, 50, 7, 18), (2, 9, 33, 66), (40, 3, 20, 90)]
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "mask": {"mask": True},
    "everything": {"mask": True, "multiplier": True, "reverse": True},
    "truncated": {"multiplier": True, "gradient": "truncated", "only_last": True},
    "truncated, mask": {"mask": True, "reverse": True, "gradient": "truncated"},
}


def isas(library: Any) -> list[int]:
    return [isa for isa in c.ISAS.values() if library.lstm_supports(isa)]


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("variant", VARIANTS)
def test_against_the_reference(variant: str, options: dict[str, Any]) -> None:
    library = c.load()
    for size in SIZES:
        problem = Problem(variant, *size, **options)
        if problem.record.feedback == "none":
            problem = Problem(variant, *size, **{**options, "multiplier": False})
        inputs, errors = problem.arrays()
        results, gradients = problem.expected()
        for isa in isas(library):
            o = problem.options(threads=1 + isa % 3, isa=isa)
            kept = c.forward(library, o, inputs)
            assert_close(kept, results)
            assert_close(c.backward(library, o, inputs, kept, errors), gradients)


@pytest.mark.parametrize("variant", ["peephole", "all fed back", "coupled", "normalised"])
@pytest.mark.parametrize("size", [(5, 20, 7, 50), (24, 20, 7, 50), (3, 4, 5, 200)])
def test_same_bits(size: tuple[int, ...], variant: str) -> None:
    """Forward with any number of threads; backward with the same number."""
    library = c.load()
    problem = Problem(variant, *size, mask=True, multiplier=True)
    inputs, errors = problem.arrays()
    kept = c.forward(library, problem.options(1), inputs)
    for threads in (1, 2, 3, 4):
        o = problem.options(threads)
        inferred = c.forward(library, o, inputs, keep=False)
        trained = c.forward(library, o, inputs)
        for name in ("y", "h", "c"):
            np.testing.assert_array_equal(inferred[name], kept[name])
            np.testing.assert_array_equal(trained[name], kept[name])
        once, twice = (c.backward(library, o, inputs, trained, errors) for _ in range(2))
        for name, d in once.items():
            np.testing.assert_array_equal(d, twice[name])


@pytest.mark.parametrize("variant", ["classic", "all fed back", "normalised"])
@pytest.mark.parametrize("size", [(0, 4, 3, 5), (2, 4, 0, 5), (2, 0, 3, 5)])
def test_nothing(size: tuple[int, ...], variant: str) -> None:
    """No rows, no features, no steps: what is left is right, and gradients are zero."""
    library = c.load()
    problem = Problem(variant, *size)
    inputs, errors = problem.arrays()
    kept = c.forward(library, problem.options(2), inputs)
    results, gradients = problem.expected()
    assert_close(kept, results)
    assert_close(c.backward(library, problem.options(2), inputs, kept, errors), gradients)


@pytest.mark.parametrize("variant", ["classic", "normalised"])
def test_not_a_number_flows(variant: str) -> None:
    library = c.load()
    problem = Problem(variant, 3, 5, 4, 20)
    inputs, _ = problem.arrays()
    inputs["x"][1, 2, 0] = np.nan
    y = c.forward(library, problem.options(), inputs)["y"]
    assert np.isnan(y[1, 2:]).all()
    assert np.isfinite(y[1, :2]).all()
    assert np.isfinite(y[[0, 2]]).all()


@pytest.mark.parametrize("variant", ["peephole", "all fed back", "coupled", "normalised"])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_a_skipped_step_holds_reaches_nothing(
    value: float, threads: int, variant: str
) -> None:
    library = c.load()
    problem = Problem(variant, 4, 9, 5, 20, mask=True, reverse=True)
    (inputs, errors), o = problem.arrays(), problem.options(threads)
    found = []
    for held in (0.0, value):
        inputs["x"][~inputs["mask"]] = held
        kept = c.forward(library, o, inputs)
        found.append([kept["y"], kept["h"], kept["c"]])
        found[-1] += c.backward(library, o, inputs, kept, errors).values()
    for given, right in zip(*found, strict=True):
        np.testing.assert_array_equal(given, right)


def by_a_forget_gate(arrays: c.Arrays, units: int) -> c.Arrays:
    """The arrays of a coupled cell for one whose forget gate has the input gate's net, negative."""

    def columns(a: np.ndarray) -> np.ndarray:
        return np.concatenate([a[..., :units], -a[..., :units], a[..., units:]], axis=-1)

    def fed(a: np.ndarray) -> np.ndarray:
        h, i, o = np.split(a, 3, axis=-1)
        return np.concatenate([h, i, np.zeros_like(i), o], axis=-1)

    forms = {"W": columns, "b": columns, "R": lambda a: fed(columns(a).T).T}
    forms |= {"p": lambda a: np.stack([a[0], -a[0], a[1]]), "h": fed, "multiplier": fed}
    return {k: np.ascontiguousarray(forms.get(k, lambda a: a)(a)) for k, a in arrays.items()}


def from_a_forget_gate(d: c.Arrays, units: int) -> c.Arrays:
    """The gradients of the coupled cell."""

    def columns(a: np.ndarray) -> np.ndarray:
        i, f, rest = np.split(a, [units, 2 * units], axis=-1)
        return np.concatenate([i - f, rest], axis=-1)

    def fed(a: np.ndarray) -> np.ndarray:
        return np.delete(a, slice(2 * units, 3 * units), axis=-1)

    forms = {"W": columns, "b": columns, "R": lambda a: fed(columns(a).T).T, "h": fed}
    forms |= {"p": lambda a: np.stack([a[0] - a[1], a[2]])}
    return {k: forms.get(k, lambda a: a)(a) for k, a in d.items()}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_coupled_gates_that_are_fed_back(options: dict[str, Any]) -> None:
    """1 - i is a forget gate whose net input is that of i, with the other sign."""
    library, units = c.load(), 18
    problem, twin = (
        Problem(name, 3, 7, 5, units, **options)
        for name in ("coupled, all fed back", "all fed back")
    )
    inputs, errors = problem.arrays()
    wide, d_wide = by_a_forget_gate(inputs, units), by_a_forget_gate(errors, units)
    for isa in isas(library):
        kept = c.forward(library, problem.options(isa=isa), inputs)
        right = c.forward(library, twin.options(isa=isa), wide)
        assert_close(kept, from_a_forget_gate({k: right[k] for k in "yhc"}, units))
        d = c.backward(library, problem.options(isa=isa), inputs, kept, errors)
        d_right = c.backward(library, twin.options(isa=isa), wide, right, d_wide)
        assert_close(d, from_a_forget_gate(d_right, units))


def test_instructions_that_the_processor_lacks_are_not_used() -> None:
    """The best of those that it has, up to those asked for, also by numbers without a meaning."""
    library = c.load()
    problem = Problem("classic", 3, 5, 4, 20)
    inputs, _ = problem.arrays()
    best = c.forward(library, problem.options(), inputs)["y"]
    for isa in (*c.ISAS.values(), 4, -1):
        y = c.forward(library, problem.options(isa=isa), inputs)["y"]
        np.testing.assert_allclose(y, best, atol=1e-6)


SQUASHERS = {
    "sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "tanh": np.tanh,
}


def squashed(x: np.ndarray, name: str, isa: int) -> np.ndarray:
    """The squasher of the library: what one step of a cell without feedback puts out."""
    arrays = {
        "x": x.reshape(-1, 1, 1),
        "h": np.zeros((len(x), 1), "float32"),
        "c": np.zeros((len(x), 1), "float32"),
        "W": np.ones((1, 1), "float32"),
        "b": np.zeros(1, "float32"),
    }
    linear = {"feedback": 0, "activation": c.SQUASHERS.index(name), "output_activation": 2}
    o = c.options(CEC, arrays["x"], 1, isa=isa, **linear)
    return c.forward(c.load(), o, arrays, keep=False)["h"][:, 0]


@pytest.mark.parametrize("name", SQUASHERS)
def test_squashers_to_two_units_in_the_last_place(name: str) -> None:
    bits = np.arange(0, 2**32, 20011, dtype="uint64").astype("uint32")
    x = bits.view("float32")
    x = x[np.isfinite(x)]
    with np.errstate(over="ignore"):
        right = SQUASHERS[name](x.astype("float64"))
    unit = np.spacing(np.abs(right).astype("float32"))
    for isa in isas(c.load()):
        y = squashed(x, name, isa)
        # What is smaller than any normal number may be 0.
        accurate = np.abs(y - right) <= 2.0 * unit
        assert np.all(accurate | (np.abs(right) < np.finfo("float32").tiny))


@pytest.mark.parametrize(("name", "low"), [("sigmoid", 0.0), ("tanh", -1.0)])
def test_limits_of_squashers(name: str, low: float) -> None:
    most = np.finfo("float32").max
    x = np.array([-np.inf, -most, most, np.inf, np.nan], "float32")
    for isa in isas(c.load()):
        np.testing.assert_array_equal(squashed(x, name, isa), [low, low, 1.0, 1.0, np.nan])


def test_keeps_what_the_backward_reads() -> None:
    """24 bytes per step, row and unit of an LSTM, with y: as little as bptt keeps."""
    o = c.options(CLASSIC, np.empty((2, 10, 4)), 64)
    kept = c.forward(c.load(), o, Problem("classic", 2, 10, 4, 64).arrays()[0])
    assert sum(kept[name].nbytes for name in ("y", "gates", "cells")) == 24 * 2 * 10 * 64
