"""Zoneout: the equations of the reference on every engine, with draws and with their mean."""

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, engines
from tests import backends
from tests.equations.oracle import (
    Case,
    arrays_of,
    assert_equal,
    by_layer,
    by_reference,
    mask_of,
    randomize,
)

DTYPE = "float64" if backends.BACKEND == "tensorflow" else "float32"
TOLERANCES = (1e-12, 1e-9) if backends.BACKEND == "tensorflow" else (1e-5, 1e-5)
RATES = {"zoneout_h": 0.3, "zoneout_c": 0.6}

CASES = {
    "classic": Case("classic", {"gradient": "full", **RATES}),
    "of h": Case("peephole", {"gradient": "truncated", "zoneout_h": 0.4}, "holes"),
    "of c": Case("peephole", {"gradient": "full", "zoneout_c": 0.4, "go_backwards": True}, "left"),
    "recomputed": Case("peephole", {"gradient": "full", "recompute": True, **RATES}, "holes"),
    "original": Case("original", {"gradient": "full", "block_size": 2, **RATES}),
    "truncated": Case("original", {"gradient": "truncated", **RATES}, "right"),
    "gates to gates": Case("gates to gates", {"gradient": "full", **RATES}),
    "all": Case("coupled, all", {"gradient": "full", "go_backwards": True, **RATES}, "holes"),
    "normalised": Case("normalised", {"gradient": "truncated", **RATES}, "empty row"),
    "projected": Case("projected", {"gradient": "full", **RATES}, "left", initial_state=False),
    "projected twice": Case("projected twice", {"gradient": "full", **RATES}, "holes"),
}
"""Zoneout beside each of the fields that it may meet."""
FEW = ("classic", "recomputed", "all") if backends.BACKEND != "jax" else ("all",)

each_engine = pytest.mark.parametrize(
    "engine", ["portable", pytest.param("bptt", marks=pytest.mark.slow)]
)


def made(case: Case, engine: str, **more: object) -> object:
    layer = case.layer(engine=engine, dtype=DTYPE, seed=11, **more)
    layer.build((case.batch, case.timesteps, 5))
    randomize(layer)
    return layer


def drawn(case: Case) -> tuple[object, object]:
    """What the first training call of a layer with this seed draws."""
    zones = made(case, "portable").cell.zones((case.batch, case.timesteps))
    return tuple(0.0 if z is None else keras.ops.convert_to_numpy(z).astype(float) for z in zones)


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        # XLA takes its time for each program of bptt.
        pytest.param(n, e, marks=[] if n in FEW and e == "portable" else pytest.mark.slow)
        for n in CASES
        for e in ("portable", "bptt")
    ],
)
def test_what_is_drawn_is_kept(name: str, engine: str) -> None:
    case = CASES[name]
    layer = made(case, engine)
    if engines.why_not(engine, layer, engines.Call()):
        pytest.skip(f"{engine} does not run here")
    outputs, gradients = by_layer(case, layer, DTYPE)
    trained = by_reference(case, layer, DTYPE, drawn(case))[1]
    rates = tuple(case.arguments.get(k, 0.0) for k in RATES)
    on_average = by_reference(case, layer, DTYPE, rates)
    assert_equal((outputs, gradients), (on_average[0], trained), *TOLERANCES)
    # Without a draw the gradient is that of the mean.
    again = by_layer(case, layer, DTYPE, training=False)
    assert_equal(again, on_average, *TOLERANCES)


def test_engines_keep_the_same_entries() -> None:
    if backends.BACKEND == "torch":
        pytest.skip("PyTorch has no bptt")
    case = Case("projected", {"gradient": "full", "go_backwards": True, **RATES}, "left")
    x, mask = arrays_of(case, made(case, "portable"), DTYPE)[0], mask_of(case)
    given = [made(case, e)(x, mask=mask, training=True) for e in ("bptt", "portable")]
    for ours, theirs in zip(*given, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 if "64" in DTYPE else 1e-5)


@each_engine
def test_each_step_and_row_draws_its_own(engine: str) -> None:
    layer = ClassicLSTM(50, zoneout_h=0.5, engine=engine, seed=4, return_sequences=True)
    if engines.why_not(engine, layer, engines.Call()):
        pytest.skip(f"{engine} does not run here")
    x = np.random.default_rng(0).normal(size=(2, 20, 3)).astype("float32")
    h = keras.ops.convert_to_numpy(layer(x, training=True))
    kept = h[:, 1:] == h[:, :-1]
    assert 0.45 < kept.mean() < 0.55
    assert len({row.tobytes() for row in kept.reshape(-1, 50)}) == kept.shape[0] * kept.shape[1]
    assert (keras.ops.convert_to_numpy(layer(x, training=True)) != h).any(), "drawn once only"


def test_a_cell_by_itself_draws_for_each_step() -> None:
    cell = ClassicLSTM.cell_class(30, zoneout_c=0.5, seed=4)
    x, states = np.ones((4, 3), "float32"), cell.get_initial_state(4)
    if backends.BACKEND == "jax":
        with pytest.raises(NotImplementedError, match="a cell by itself draws no zoneout"):
            keras.layers.RNN(cell)(x[:, None], training=True)
        return
    masks = []
    for _ in range(2):
        _, (_, c) = cell(x, states, training=True)
        masks.append(keras.ops.convert_to_numpy(c) == 0.0)
    assert 0.3 < masks[0].mean() < 0.7
    assert (masks[0] != masks[1]).any()
    _, (_, mean) = cell(x, states, training=False)
    assert (keras.ops.convert_to_numpy(mean) != 0.0).all()


def test_no_engine_without_it_is_taken() -> None:
    for arguments in ({"zoneout_h": 0.1}, {"zoneout_c": 0.1}):
        layer = ClassicLSTM(3, **arguments)
        for name in ("native", "cudnn"):
            assert next(iter(arguments)) in (engines.why_not(name, layer, engines.Call()) or "")
        assert layer.explain().engine in ("bptt", "portable")
