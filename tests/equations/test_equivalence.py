"""Every engine against the reference: outputs, states and all gradients."""

import functools
import itertools
from typing import Any

import pytest

from keras_lstm_ext import engines
from tests import backends
from tests.equations.oracle import (
    LINEAR,
    MASKS,
    Case,
    assert_equal,
    by_layer,
    by_reference,
    randomize,
)

BACKEND = backends.BACKEND
DTYPE = "float64" if BACKEND == "tensorflow" else "float32"
TOLERANCES = (1e-12, 1e-9) if BACKEND == "tensorflow" else (1e-5, 1e-5)

VARIANTS = {
    "cec": ("cec", {}),
    "cec 1991": ("cec", {"recurrent": False, **LINEAR}),
    "cec fed nothing": ("cec", {"recurrent": False}),
    "original": ("original", {}),
    "original blocks": ("original", {"block_size": 3, "use_bias": "gates"}),
    "classic": ("classic", {}),
    "classic blocks": ("classic", {"block_size": 2, "use_bias": False}),
    "peephole": ("peephole", {}),
    "peephole blocks": ("peephole", {"block_size": 3}),
    "decay": ("decay", {}),
    "task 2a": ("task 2a", {}),
    "coupled": ("coupled", {}),
    "coupled blocks": ("coupled", {"block_size": 2}),
    "coupled plain": ("coupled plain", {"block_size": 3, "use_bias": "gates"}),
    "gates to gates": ("gates to gates", {}),
    "gates to gates blocks": ("gates to gates", {"block_size": 2}),
    "all fed back": ("all fed back", {"block_size": 3}),
}
EXTENDED = {
    "normalised": ("normalised", {"block_size": 2}),
    "normalised nets": ("normalised", {"normalize_output": False, "use_bias": False}),
    "normalised output": ("normalised", {"normalize_nets": False}),
    "projected": ("projected", {}),
    "projected twice": ("projected twice", {"block_size": 2}),
    "normalised carousel": ("normalised carousel", {}),
    "normalised, fed nothing": ("normalised, fed nothing", {"block_size": 3}),
    "normalised gates to gates": ("normalised gates to gates", {"block_size": 2}),
    "coupled, all": ("coupled, all", {"block_size": 3}),
    "original, all": ("original, all", {"block_size": 2}),
}


def matrix(variants: dict[str, Any]) -> list:
    """Each variant with each mask, gradient, direction, with and without initial state."""
    axes = (variants.items(), ("none", *MASKS), ("full", "truncated"), (False, True), (False, True))
    return [
        pytest.param(
            Case(
                variant,
                {**arguments, "gradient": gradient, "go_backwards": backwards},
                mask,
                initial_state,
            ),
            id=f"{name}-{mask}-{gradient}{'-backwards' * backwards}{'-state' * initial_state}",
        )
        for (name, (variant, arguments)), mask, gradient, backwards, initial_state in (
            itertools.product(*axes)
        )
    ]


MORE = matrix(EXTENDED)[::11]
"""Every pair of two axes' values is among these, nearly: each field is a case of its own too."""
WHOLE = matrix(VARIANTS)
TWICE = [
    WHOLE[40 * v + k]
    for v in range(len(VARIANTS))
    for k in (8 * (v % 5) + v % 8, 8 * ((v + 2) % 5) + 7 - v % 8)
]
"""Two cases of each variant: every pair of two axes' values but of a variant and a mask."""
MATRIX = [c for k, c in enumerate(WHOLE) if k % 3 == 0 or k % 7 == 0 or c in TWICE]
"""Three of seven of them and more, which is more than all pairs: what fails shows in many cases."""

OPTIONS = {
    "last output": {"return_sequences": False},
    "zero output": {"zero_output_for_mask": True},
    "zero output, last": {"zero_output_for_mask": True, "return_sequences": False},
    "recompute": {"recompute": True},
    "unroll": {"unroll": True},
}
OPTION_CASES = [
    pytest.param(
        Case(variant, {"gradient": "full", **arguments, **option}, mask, state),
        id=f"{name}-{option_name}-{mask}",
    )
    for (name, (variant, arguments)), (option_name, option), (mask, state) in itertools.product(
        VARIANTS.items(), OPTIONS.items(), (("none", True), ("empty row", True), ("left", False))
    )
]

PAIRS = WHOLE[::7]
"""Every pair of two axes' values is among these."""
PAIRS_AND_TWICE = [c for c in WHOLE if c in PAIRS or c in TWICE]
FEW = WHOLE[::37]
SOME = [*WHOLE[::43], *MORE[::9]]
# On JAX each of them is compiled, and the equations are those of the same library.
BY_DEFAULT = [*TWICE, *MORE[::4]] if BACKEND != "jax" else [*TWICE[::3], *MORE[::8]]
FEW_OPTIONS = OPTION_CASES[::17]
"""Every option with every mask."""
HALF_OF_OPTIONS = [c for k, c in enumerate(OPTION_CASES) if k % 2 == 0 or c in FEW_OPTIONS]


def the_rest_is_slow(cases: list, some: list) -> list:
    """All of `cases`, where those that are not in `some` run with the slow tests."""
    slow = pytest.mark.slow
    return [p if p in some else pytest.param(*p.values, id=p.id, marks=slow) for p in cases]


def check(
    case: Case, engine: str, call: Any = None, jit: bool = False, training: bool = True
) -> None:
    dtype, tolerances = (DTYPE, TOLERANCES) if engine != "native" else ("float32", (1e-5, 1e-5))
    layer = case.layer(engine=engine, dtype=dtype)
    layer.build((case.batch, case.timesteps, 5))
    randomize(layer)
    given = by_layer(case, layer, dtype, call(layer) if call else None, jit, training)
    assert_equal(given, by_reference(case, layer, dtype, layer.cell.zoneout), *tolerances)


def applies(engine: str, case: Case) -> bool:
    layer = case.layer(engine=engine)
    return engines.why_not(engine, layer, engines.Call()) is None


def graph(layer: Any) -> Any:
    """The layer with unknown time and batch: the plain graph."""
    import tensorflow as tf

    def spec(*shape: int | None) -> tf.TensorSpec:
        return tf.TensorSpec(shape, layer.compute_dtype)

    @functools.wraps(layer)
    def call(x: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        specs = [spec(None, None, x.shape[-1])]
        specs += [spec(None, size) for size in layer.state_size] if initial_state else []
        if mask is not None:
            specs.append(tf.TensorSpec((None, None), tf.bool))

        @tf.function(input_signature=specs)
        def run(x: Any, *rest: Any) -> Any:
            m = rest[-1] if mask is not None else None
            states = list(rest[: len(layer.state_size)]) if initial_state else None
            return layer(x, initial_state=states, mask=m, training=training)

        return run(x, *(initial_state or []), *([] if mask is None else [mask]))

    return call


def traced(layer: Any) -> Any:
    """The layer in a plain `tf.function` with static shapes: `bptt` compiles itself."""
    import tensorflow as tf

    return tf.function(layer.__call__)


@pytest.mark.parametrize("case", the_rest_is_slow([*PAIRS_AND_TWICE, *MORE], BY_DEFAULT))
def test_portable(case: Case) -> None:
    check(case, "portable")


@pytest.mark.parametrize("case", the_rest_is_slow(HALF_OF_OPTIONS, FEW_OPTIONS))
def test_portable_options(case: Case) -> None:
    check(case, "portable")


@pytest.mark.slow
@pytest.mark.usefixtures("no_xla")
@pytest.mark.parametrize("case", [*PAIRS, *MORE, *OPTION_CASES[::8]])
def test_bptt(case: Case) -> None:
    """As a plain graph in TensorFlow."""
    if not applies("bptt", case):
        pytest.skip("bptt does not run here")
    check(case, "bptt")


@pytest.mark.slow
@pytest.mark.parametrize("case", [*TWICE[::2], *MORE[::4], *FEW_OPTIONS])
def test_bptt_compiled(case: Case) -> None:
    if not applies("bptt", case):
        pytest.skip("bptt does not run here")
    check(case, "bptt")


@pytest.mark.usefixtures("no_xla")
@pytest.mark.parametrize(
    ("case", "training"),
    [
        pytest.param(*case.values, training, id=f"{case.id}-{training}")
        for training, cases in ((True, FEW), (False, FEW[::3] if BACKEND != "jax" else []))
        for case in cases
    ],
)
def test_bptt_few(case: Case, training: bool) -> None:
    """As a plain graph in TensorFlow. In JAX the engine does not look at `training`."""
    if not applies("bptt", case):
        pytest.skip("bptt does not run here")
    check(case, "bptt", training=training)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="compiled above already, or without bptt")
@pytest.mark.parametrize("case", FEW[::5])
def test_bptt_few_compiled(case: Case) -> None:
    check(case, "bptt")


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("gradient", ["full", "truncated"])
def test_bptt_of_all_fields(gradient: str, compiled: bool, request: pytest.FixtureRequest) -> None:
    """Normalised, projected twice and zoned out at once: XLA takes its time for each program."""
    if not compiled:
        request.getfixturevalue("no_xla")
    zoneout = {"zoneout_h": 0.3, "zoneout_c": 0.6}
    case = Case("coupled, all", {"gradient": gradient, "block_size": 2, **zoneout}, "holes", True)
    if not applies("bptt", case):
        pytest.skip("bptt does not run here")
    check(case, "bptt", training=False)


NORMALISED = matrix(
    {f"normalised{k}": EXTENDED[f"normalised{k}"] for k in ("", " nets", " output", " carousel")}
)[::3]
"""What `native` has of the extended variants: nothing is projected."""
NATIVE = [*MATRIX, *NORMALISED, *OPTION_CASES[::2]]
if BACKEND == "jax":
    NATIVE = [*SOME, *NORMALISED[::9], *OPTION_CASES[::7]]


@pytest.mark.slow
@pytest.mark.parametrize("case", NATIVE)
def test_native(case: Case) -> None:
    if not applies("native", case):
        pytest.skip("native does not run here")
    check(case, "native")


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("case", [*FEW, *NORMALISED[::11]])
def test_native_few(case: Case, training: bool) -> None:
    if not applies("native", case):
        pytest.skip("native does not run here")
    check(case, "native", training=training)


@pytest.mark.slow
@pytest.mark.skipif(BACKEND == "torch", reason="PyTorch has no XLA")
@pytest.mark.parametrize(
    ("case", "engine"),
    [
        pytest.param(*case.values, engine, id=f"{case.id}-{engine}")
        for k, case in enumerate(SOME)
        for engine in ("native", ("portable", "bptt")[k % 2])
    ],
)
def test_compiled_by_the_caller(case: Case, engine: str) -> None:
    if not applies(engine, case):
        pytest.skip(f"{engine} does not run here")
    check(case, engine, jit=True)


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow's graphs")
@pytest.mark.parametrize(
    ("engine", "how"),
    [("portable", graph), ("bptt", graph), ("bptt", traced), ("native", graph), ("native", traced)],
)
@pytest.mark.parametrize("case", SOME)
def test_in_a_graph(case: Case, engine: str, how: Any) -> None:
    if not applies(engine, case):
        pytest.skip(f"{engine} does not run here")
    check(case, engine, how)


@pytest.mark.usefixtures("no_xla")
@pytest.mark.skipif(BACKEND == "torch", reason="PyTorch has no bptt")
@pytest.mark.parametrize("variant", ["peephole", "classic"])
def test_bptt_recomputes(variant: str) -> None:
    check(Case(variant, {"recompute": True, "gradient": "full"}, "holes", True), "bptt")
