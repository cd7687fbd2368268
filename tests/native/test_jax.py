"""The native engine on JAX: what its transformations make of it, and where it does not run."""

import ctypes
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, PeepholeLSTM
from keras_lstm_ext.engines.native import packing
from tests import backends, processes
from tests.native import library as c
from tests.native.oracle import Problem
from tests.native.test_arrays import plan_of

if backends.BACKEND != "jax" or packing.library() is None:
    pytest.skip("of the native engine on JAX", allow_module_level=True)

import jax
import jax.numpy as jnp

from keras_lstm_ext.engines.native import elsewhere
from keras_lstm_ext.engines.native import jax as native

PROBLEM = Problem("peephole", 3, 5, 4, 6, mask=True, multiplier=True)
EQUATIONS = PeepholeLSTM(6).cell.equations
ALL_FED = Problem("all fed back", 3, 5, 4, 6, mask=True, multiplier=True)
NORMALIZED = Problem("normalised blocks", 3, 5, 4, 6, mask=True)
PLAN = plan_of(PROBLEM)._replace(keeps=False)


@pytest.fixture(autouse=True)
def registered() -> None:
    assert native._why_not_registered() is None


def arrays(problem: Problem = PROBLEM) -> list[Any]:
    given, _ = problem.arrays()
    empty = {"mask": np.zeros((0, 0), bool)}
    absent = np.zeros((0, 0), "float32")
    return [jnp.asarray(given.get(k, empty.get(k, absent))) for k in packing.ARRAYS]


def equations(plan: packing.Plan) -> Any:
    if plan.normalize_nets:
        return replace(EQUATIONS, variant=NORMALIZED.record)
    return replace(EQUATIONS, variant=ALL_FED.record) if plan.feedback == 2 else EQUATIONS


def call(plan: packing.Plan, *inputs: Any) -> list[Any]:
    fixed = {"plan": plan, "equations": equations(plan)}
    return native._call.bind(*inputs, backward=len(inputs) > 9, **fixed)


@pytest.mark.parametrize("problem", [PROBLEM, ALL_FED], ids=lambda problem: problem.variant)
def test_same_bits_as_the_library(problem: Problem) -> None:
    library, (inputs, errors) = c.load(), problem.arrays()
    plan = plan_of(problem)
    y, h, state, gates, cells = call(plan, *arrays(problem))
    kept = c.forward(library, problem.options(), inputs)
    for given, name in ((y, "y"), (h, "h"), (state, "c")):
        np.testing.assert_array_equal(given, kept[name])
    given = call(plan, *arrays(problem), y, gates, cells, *(errors[k] for k in "yhc"))
    expected = c.backward(library, problem.options(), inputs, kept, errors)
    for d, name in zip(given, "xhcWRpb", strict=True):
        np.testing.assert_array_equal(d, expected[name])


@pytest.mark.parametrize("k", range(3, 9))
def test_a_wrong_shape_is_refused(k: int) -> None:
    wrong = arrays()
    wrong[k] = jnp.concatenate([wrong[k], wrong[k][..., :1]], axis=-1)
    with pytest.raises(Exception, match=f"`{packing.ARRAYS[k]}` must be"):
        jax.block_until_ready(call(PLAN, *wrong))


def test_sizes_beyond_64_bits() -> None:
    wrong = arrays()
    wrong[0] = jax.ShapeDtypeStruct((3, 2**60, 0), "float32")
    wrong[8] = jax.ShapeDtypeStruct((3, 2**60), "bool")
    with pytest.raises(ValueError, match="`x` is too large"):
        jax.eval_shape(lambda *a: call(PLAN, *a), *wrong)


@pytest.mark.parametrize(
    "mapped", ["x", "hc", "xhc multiplier mask", "W", "Rpb", "xhcWRpb multiplier mask"]
)
@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("problem", [PROBLEM, ALL_FED], ids=lambda problem: problem.variant)
def test_vmap(mapped: str, keeps: bool, problem: Problem) -> None:
    """Against a call for each slice."""
    plan, read = plan_of(problem)._replace(keeps=keeps), arrays(problem)
    names = [*mapped.split()[0], *mapped.split()[1:]]
    axes = [k % 2 if name in names else None for k, name in enumerate(packing.ARRAYS)]
    scale = jnp.asarray([1.0, -0.5])

    def stacked(a: Any, axis: int) -> Any:
        slices = [a, ~a] if a.dtype == bool else [a * s for s in scale]
        return jnp.stack(slices, axis)

    many = [a if k is None else stacked(a, k) for a, k in zip(read, axes, strict=True)]
    given = jax.vmap(lambda *a: call(plan, *a), in_axes=axes)(*many)
    for n in range(2):
        one = [a if k is None else jnp.take(a, n, k) for a, k in zip(many, axes, strict=True)]
        for g, e in zip(given, call(plan, *one), strict=True):
            np.testing.assert_array_equal(g[n], e)


def test_rows_of_all_slices_are_one_call() -> None:
    read = arrays()
    many = jnp.stack([jnp.stack([read[0]] * 2)] * 3)
    nested = jax.vmap(jax.vmap(lambda x: call(PLAN, x, *read[1:])[1]))
    text = jax.jit(nested).lower(many).as_text()
    assert text.count("@keras_lstm_ext_forward") == 1
    assert "while" not in text
    np.testing.assert_array_equal(nested(many)[2, 1], call(PLAN, *read)[1])


def test_a_slice_of_what_was_kept_is_whole() -> None:
    """A batch of pullbacks can be taken apart."""
    layer = ClassicLSTM(4, engine="native")
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 2, 5, 3)), "float32")
    layer.build(x.shape[1:])
    pullbacks = jax.vmap(lambda x: jax.vjp(layer, x)[1])(x)
    pullback = jax.tree.map(lambda a: a[1], pullbacks)
    given, d = pullback(jnp.ones((2, 4))), jax.vjp(layer, x[1])[1](jnp.ones((2, 4)))
    np.testing.assert_allclose(given[0], d[0], atol=1e-6)


ELSEWHERE = [
    (PROBLEM, PLAN._replace(reverse=True)),
    (ALL_FED, plan_of(ALL_FED)._replace(reverse=True)),
    (NORMALIZED, plan_of(NORMALIZED)._replace(reverse=True)),
    (Problem("peephole", 2, 4, 3, 6), PLAN._replace(masked=False, multiplied=False, shows=False)),
]


@pytest.mark.parametrize(("problem", "plan"), ELSEWHERE)
def test_another_platform_computes_the_same(problem: Problem, plan: packing.Plan) -> None:
    read, plan = arrays(problem), plan._replace(keeps=True)
    fixed = {"plan": plan, "equations": equations(plan)}
    ours = call(plan, *read)
    _, errors = problem.arrays()
    d_y = errors["y"] if plan.shows else errors["y"][:, :0]
    more = (ours[0], *ours[3:], d_y, errors["h"], errors["c"])
    theirs = elsewhere.run(*read, backward=False, **fixed)
    d_theirs = elsewhere.run(*read, *more, backward=True, **fixed)
    given, expected = [*theirs[:3], *d_theirs], [*ours[:3], *call(plan, *read, *more)]
    for g, e in zip(given, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-4, atol=1e-5)
    assert [a.shape for a in theirs] == [a.shape for a in ours]


def test_a_program_for_another_platform_does_without() -> None:
    layer, x = ClassicLSTM(4, engine="native"), jnp.ones((2, 5, 3))
    layer.build(x.shape)
    traced = jax.jit(jax.grad(lambda x: layer(x).sum())).trace(x)
    assert "@keras_lstm_ext" in traced.lower().as_text()
    assert "@keras_lstm_ext" not in traced.lower(lowering_platforms=("cuda",)).as_text()


def declined(layer: Any = None) -> str:
    return (layer or ClassicLSTM(4)).explain((2, 5, 3)).declined["native"]


def test_says_why_not_on_another_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert "JAX on a gpu" in declined()


def test_says_why_not_where_jax_may_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax, "device_count", lambda: 2)
    assert "JAX has 2 devices" in declined()
    assert PeepholeLSTM(4, engine="native").explain((2, 5, 3)).engine == "native"


def test_a_few_steps_are_not_worth_packing() -> None:
    layer = ClassicLSTM(4)
    assert "below 8 rows times steps" in layer.explain((7, 1, 3)).declined["native"]
    assert [layer.explain(shape).engine for shape in ((8, 1, 3), None)] == ["native"] * 2
    assert ClassicLSTM(4, engine="native").explain((1, 1, 3)).engine == "native"


def speaks_another_version(frame: int) -> None:
    """A handler that answers 9.0: where the version lies, `native/xla.h` says."""
    extension = ctypes.c_size_t.from_address(frame + 8).value
    metadata = ctypes.c_size_t.from_address(extension + 24).value
    ctypes.c_int.from_address(metadata + 24).value = 9
    ctypes.c_int.from_address(metadata + 28).value = 0


HANDLER = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(speaks_another_version)


def test_says_why_not_where_xla_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX itself refuses a handler of another version, which becomes a sentence."""

    class Other:
        lstm_xla_forward = lstm_xla_backward = HANDLER

    native._why_not_registered.cache_clear()
    monkeypatch.setattr(packing, "LOADED", Other)
    monkeypatch.setattr(native, "TARGETS", ("keras_lstm_ext_forward",))
    register = jax.ffi.register_ffi_target
    monkeypatch.setattr(
        jax.ffi, "register_ffi_target", lambda _, *a, **k: register("another_version", *a, **k)
    )
    try:
        assert "does not take it" in declined()
        assert "9.0" in declined()
    finally:
        monkeypatch.undo()
        native._why_not_registered.cache_clear()
    assert native._why_not_registered() is None


def test_nan_goes_through() -> None:
    read = arrays(Problem("peephole", 3, 5, 4, 6))
    plan = PLAN._replace(masked=False, multiplied=False)
    y = call(plan, read[0].at[1, 2, 0].set(jnp.nan), *read[1:])[0]
    assert jnp.isnan(y[1, 2:]).all()
    np.testing.assert_array_equal(y[::2], call(plan, *read)[0][::2])


CONCURRENT = """
import concurrent.futures
import jax, numpy as np
from keras_lstm_ext import ClassicLSTM, PeepholeLSTM
layers = [ClassicLSTM(48), PeepholeLSTM(33)]
x = np.random.default_rng(0).normal(size=(8, 40, 16)).astype("float32")
for layer in layers:
    layer.build(x.shape)
    assert layer.explain(x.shape).engine == "native"
programs = [jax.jit(jax.value_and_grad(lambda x, f=f: f(x).sum())) for f in layers]

def run(k):
    return jax.tree.map(np.asarray, programs[k % 2](x))

expected = [run(k) for k in range(2)]
with concurrent.futures.ThreadPoolExecutor(6) as pool:
    for k, given in enumerate(pool.map(run, range(18))):
        for g, e in zip(given, expected[k % 2]):
            np.testing.assert_array_equal(g, e)
print("same")
"""


@pytest.mark.slow
def test_six_threads_and_two_models_at_once() -> None:
    assert processes.run(CONCURRENT).strip().endswith("same")


def test_a_layer_within_a_layer_of_an_open_batch_size() -> None:
    """Keras asks JAX for the shapes of such a layer with a symbol for the batch size."""

    class Outer(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = ClassicLSTM(4)

        def call(self, x: Any) -> Any:
            return self.inner(x)

    model = keras.Sequential([keras.Input((5, 2)), Outer()])
    assert model.output_shape == (None, 4)
    assert model.predict(np.ones((3, 5, 2), "float32"), verbose=0).shape == (3, 4)
