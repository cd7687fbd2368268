"""The kernel of a whole sequence: on a GPU beside the reference; elsewhere what leads to it."""

import ctypes
import itertools
import re
from typing import Any

import pytest

from keras_lstm_ext import ClassicLSTM, PeepholeLSTM
from keras_lstm_ext.engines import cuda
from keras_lstm_ext.engines.cuda import driver, layout
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.variants import NET_ORDER
from tests import backends
from tests.equations import oracle
from tests.equations.oracle import MASKS, Case, assert_equal, by_layer, by_reference, randomize

H100 = layout.Card(90, 232448, (132, 66, 30, 14))
SMALL = layout.Card(120, 101376, (20, 10, 4, 2))

jax_only = pytest.mark.skipif(backends.BACKEND != "jax", reason="of JAX")

VARIANTS = ("cec", "classic", "peephole", "decay", "coupled")
CASES = [
    Case(variant, {"gradient": gradient, "go_backwards": backwards}, mask, state)
    for k, (variant, mask, gradient, backwards, state) in enumerate(
        itertools.product(
            VARIANTS,
            ("none", *MASKS),
            ("full", "truncated"),
            (False, True),
            (False, True),
        )
    )
    if k % 5 == 0
]
"""Each pair of two axes' values, nearly."""


@jax_only
@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_a_gpu(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    check(case, 20, monkeypatch)


@jax_only
@pytest.mark.gpu
@pytest.mark.parametrize("units", [64, 256, 512, 1024])
@pytest.mark.parametrize(("batch", "timesteps"), [(1, 100), (70, 7), (131, 3)])
def test_clusters_and_launches_on_a_gpu(
    units: int, batch: int, timesteps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several blocks of a cluster, and rows of several launches."""
    case = Case("peephole", {"gradient": "full"}, batch=batch, timesteps=timesteps)
    check(case, units, monkeypatch)


def check(case: Case, units: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "UNITS", units)
    layer = case.layer(engine="cuda")
    layer.build((case.batch, case.timesteps, 5))
    randomize(layer)
    # With large weights many units amplify what float32 rounds, on every engine.
    layer.set_weights([w * min(1.0, 6 / units) ** 0.5 for w in layer.get_weights()])
    given = by_layer(case, layer, "float32", None, True)
    assert_equal(given, by_reference(case, layer, "float32"), 1e-5, 1e-5)


@jax_only
@pytest.mark.gpu
def test_auto_takes_it_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PeepholeLSTM(8).explain((2, 5, 3)).engine == "bptt"
    monkeypatch.setattr(cuda, "RECORDED_RUN", "tests-jax-gpu-a-card.json")
    for layer in (ClassicLSTM(8), PeepholeLSTM(8)):
        assert layer.explain((2, 5, 3)).engine == "cuda"
    assert "at least one row" in PeepholeLSTM(8).explain((0, 5, 3)).declined["cuda"]
    assert "multiples of 4" in PeepholeLSTM(6).explain((2, 5, 3)).declined["cuda"]
    assert "do not fit" in PeepholeLSTM(4096).explain((2, 5, 3)).declined["cuda"]


@pytest.mark.parametrize("card", [H100, SMALL], ids=["large", "small"])
@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize(("batch", "nets"), [(1, 4), (9, 1), (33, 3), (128, 4)])
def test_a_layout_covers_everything_and_fits(
    card: layout.Card, backward: bool, batch: int, nets: int
) -> None:
    for units in (4, 20, 64, 100, 256, 512, 1024):
        columns, products = (nets * units, 1) if backward else (units, nets)
        for found in layout.layouts(card, batch, units, nets, backward):
            clusters = card.clusters[layout.SIZES.index(found.cluster)]
            assert found.blocks(units) <= clusters * found.cluster
            assert found.own * found.blocks(units) // found.cluster >= units
            assert found.slice * found.cluster >= columns
            assert found.slice % found.chunk == 0
            assert found.chunk % 32 == 0
            assert found.warps_m * found.tiles_m * 16 == products * found.own
            assert found.warps_n * found.tiles_n * 8 >= batch
            assert found.warps_m * found.warps_n * found.warps_k <= layout.WARPS
            assert found.chunk // 16 >= found.warps_k
            assert found.stages >= 1
            assert found.shared <= card.shared


def test_large_layers_fit_no_card() -> None:
    assert layout.layouts(H100, 8, 1024, 4, True)
    assert not layout.layouts(H100, 8, 2048, 4, True)
    assert not layout.layouts(SMALL, 8, 1024, 4, False)


def test_the_kernel_reads_every_macro_of_a_layout() -> None:
    source = driver.SOURCE.read_text()
    (first, *_) = layout.layouts(H100, 8, 64, 4, False)
    for name in first.macros():
        assert re.search(rf"\b{name}\b", source), name


@pytest.mark.skipif(packing.library() is None, reason="the library is not built")
def test_a_kernel_that_is_not_there_is_not_launched() -> None:
    arrays = (ctypes.c_void_p * 1)(0)
    assert packing.LOADED.lstm_cuda_launch(ctypes.c_int64(1), 5, None, arrays, 1) == -1


@pytest.mark.skipif(packing.library() is None, reason="the library is not built")
def test_an_old_driver_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def card() -> layout.Card:
        raise AttributeError("undefined symbol: cuLibraryLoadData")

    monkeypatch.setattr(driver, "card", card)
    reason = driver.why_not.__wrapped__()
    assert "too old" in reason
    assert "cuLibraryLoadData" in reason


def macros(backward: bool, gates: str = "ifo", **more: Any) -> dict[str, Any]:
    nets = [net for net in NET_ORDER if net == "c" or net in gates]
    found = layout.layouts(H100, 9, 64, len(nets), backward)[0]
    fixed = {
        **{net.upper(): nets.index(net) if net in nets else -1 for net in NET_ORDER},
        **dict.fromkeys(("PEEPHOLES", "MASKED", "KEEPS", "SHOWS", "PRECISE"), 1),
        **dict.fromkeys(("COUPLED", "TRUNCATED"), 0),
        **{"SIGMA": 0, "ACTIVATION": 1, "OUTPUT_ACTIVATION": 1, "DECAY": "1.0f"},
        **{"BACKWARD": int(backward), "BATCH": 9, "UNITS": 64, "NETS": len(nets)},
    }
    return fixed | found.macros() | more


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("gates", ["ifo", "io", ""])
def test_the_kernel_compiles_without_a_card(backward: bool, gates: str) -> None:
    more = {"COUPLED": 1} if gates == "io" else {"PEEPHOLES": 0, "PRECISE": 0, "TRUNCATED": 1}
    try:
        driver._compiler()
    except OSError:
        pytest.skip("needs NVIDIA's run-time compiler")
    source = driver.SOURCE.read_text()
    binary = driver.compiled(
        source, macros(backward, gates, **({} if gates == "ifo" else more)), 90
    )
    assert binary.startswith(b"\x7fELF")
    with pytest.raises(OSError, match="NVRTC cannot compile the kernel"):
        driver.compiled(source, {}, 90)


@jax_only
def test_why_not_here() -> None:
    if backends.has_gpu():
        pytest.skip("there is a GPU")
    assert "and JAX on a cpu" in PeepholeLSTM(8).explain((2, 5, 3)).declined["cuda"]
    with pytest.raises(ValueError, match="JAX on a cpu"):
        PeepholeLSTM(8, engine="cuda").explain((2, 5, 3))
