"""Traces and saturation, beside the reference and beside gates that were set by hand."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import CECLSTM, ClassicLSTM, OriginalLSTM, PeepholeLSTM, reference
from keras_lstm_ext.diagnostics import gate_trace, saturation
from tests.backends import BACKEND
from tests.contract.family import assert_close, each_layer, normal, randomize, run
from tests.equations import oracle
from tests.equations.oracle import Case

CASES = {
    "cec": Case("cec"),
    "original": Case("original", {"block_size": 2, "go_backwards": True}),
    "classic": Case("classic", {"block_size": 3}, mask="empty row"),
    "peephole": Case("peephole", mask="holes"),
    "peephole backwards": Case("peephole", {"go_backwards": True}, mask="right"),
    "decay": Case("decay", {"gradient": "full"}, initial_state=False),
    "task 2a": Case("task 2a", {"gradient": "full"}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_trace_is_what_the_reference_computes(name: str) -> None:
    case = CASES[name]
    dtype = "float64" if BACKEND == "tensorflow" else "float32"
    layer = case.layer(dtype=dtype)
    layer.build((case.batch, case.timesteps, oracle.FEATURES))
    oracle.randomize(layer)
    x, *states = oracle.arrays_of(case, layer, dtype)
    mask = oracle.mask_of(case)
    given = gate_trace(layer, x, mask=mask, initial_state=states or None)

    variant, more = oracle.IN_REFERENCE.get(case.variant, (case.variant, {}))
    options = {k: case.arguments[k] for k in ("go_backwards", "block_size") if k in case.arguments}
    if not states and case.variant == "original":
        states = [np.zeros((case.batch, size)) for size in layer.state_size]
    expected = reference.forward(
        variant,
        x.astype("float64"),
        tuple(s.astype("float64") for s in states) or None,
        oracle.split(case, layer),
        mask,
        **options,
        **more,
    )
    names = [k for k in ("i", "f", "g", "o", "c", "h") if k in "cgh" or k in layer.variant.gates]
    assert list(given) == names
    skipped = expected.valid == 0
    for k in names:
        values = np.stack([getattr(step, k) for step in expected.trace], axis=1)
        assert np.isnan(given[k][skipped]).all()
        scale = max(1.0, np.abs(values[~skipped]).max())
        tolerance = 1e-6 * scale if dtype == "float32" else 1e-12
        np.testing.assert_allclose(given[k][~skipped], values[~skipped], rtol=0, atol=tolerance)


@each_layer
def test_a_trace_ends_with_what_the_layer_returns(make: Any) -> None:
    layer = randomize(make(4, return_sequences=True))
    x = normal(3, 7, 5)
    assert_close([gate_trace(layer, x)["h"]], run(layer, x))


@pytest.mark.slow
def test_a_layer_inside_a_model_sees_what_the_model_gives_it() -> None:
    first = ClassicLSTM(4, return_sequences=True)
    both = keras.layers.Bidirectional(PeepholeLSTM(3, return_sequences=True))
    model = randomize(keras.Sequential([keras.Input((7, 5)), keras.layers.Masking(), first, both]))
    x = normal(2, 7, 5)
    x[0, 4:] = 0.0
    between = gate_trace(first, x, model)["h"]
    valid = ~np.isnan(between)
    assert valid[:, :, 0].sum(axis=1).tolist() == [4, 7]
    back = gate_trace(both.backward_layer, x, model)["h"]
    outputs = model.predict(x, verbose=0)
    np.testing.assert_allclose(back[0, 3:], outputs[0, :4, 3:][::-1], atol=1e-6)
    np.testing.assert_allclose(back[1], outputs[1, :, 3:][::-1], atol=1e-6)


def test_looking_changes_nothing() -> None:
    layer = randomize(PeepholeLSTM(4, stateful=True, recurrent_dropout=0.5))
    x = normal(3, 7, 5)
    layer(x)
    before = [keras.ops.convert_to_numpy(state) for state in layer.states]
    once, twice = gate_trace(layer, x), gate_trace(layer, x)
    for k in once:
        np.testing.assert_array_equal(once[k], twice[k])
    after = [keras.ops.convert_to_numpy(state) for state in layer.states]
    assert_close(after, before, tolerance=0.0)
    assert "inner_loop" not in vars(layer)


def test_saturation_counts_units_and_steps() -> None:
    layer = ClassicLSTM(3)
    layer.build((None, None, 1))
    kernel, recurrent, bias = (np.zeros(w.shape, "float32") for w in layer.weights)
    kernel[0, 0] = 10.0  # gate i of unit 0 follows the sign of x
    bias[3:6] = -9, 0, 9  # f: closed, in the middle, open
    bias[6:9] = 0, 9, 9  # g
    bias[9:12] = 9, 9, -9  # o: the last unit never shows anything
    layer.set_weights([kernel, recurrent, bias])
    x = np.array([1, -1, 1, 1], "float32").reshape(1, 4, 1)
    found = saturation(layer, x, mask=np.array([[True, True, True, False]]))
    np.testing.assert_allclose(found.near_1["i"], [2 / 3, 0, 0])
    np.testing.assert_allclose(found.near_0["i"], [1 / 3, 0, 0])
    assert found.near_0["f"].tolist() == [1, 0, 0]
    assert found.near_1["f"].tolist() == [0, 0, 1]
    assert found.dead.tolist() == [0, 2]
    assert found.stuck.tolist() == []


def test_a_stuck_unit_says_the_same_at_every_step() -> None:
    layer = CECLSTM(2, recurrent=False, kernel_initializer="zeros")
    layer.build((None, None, 1))
    start = [np.array([[0.0, 2.0]], "float32")] * 2
    found = saturation(layer, np.ones((1, 5, 1), "float32"), initial_state=start)
    assert (found.dead.tolist(), found.stuck.tolist()) == ([0], [1])
    assert found.near_0 == {}


def test_what_was_computed_as_nan_is_no_masked_step() -> None:
    layer = CECLSTM(2, recurrent=False, kernel_initializer="zeros")
    layer.build((None, None, 1))
    layer.bias.assign([0.0, np.nan])
    found = saturation(layer, np.ones((2, 4, 1), "float32"))
    assert (found.dead.tolist(), found.stuck.tolist()) == ([0], [])


BAD: dict[str, tuple[Any, str]] = {
    "wrapper": (lambda x: gate_trace(keras.layers.Bidirectional(CECLSTM(2)), x), "forward_layer"),
    "keras": (lambda x: gate_trace(keras.layers.GRU(2), x), "`layer`.*GRUCell"),
    "no layer": (lambda x: gate_trace(keras.layers.Dense(2), x), "`layer`.*Dense"),
    "all masked": (
        lambda x: saturation(ClassicLSTM(2), x, mask=np.zeros((2, 3), bool)),
        "no mask skips",
    ),
    "a generator": (lambda x: gate_trace(CECLSTM(2), (x for _ in "a")), r"next\(generator\)"),
    "a name": (lambda x: gate_trace(CECLSTM(2), "x.npy"), "`x` must be arrays.*str"),
    "features": (
        lambda x: gate_trace(randomize(CECLSTM(2)), x[:, :, :1]),
        r"`x` must be.*features = 5.*Received: x of shape \(2, 3, 1\)$",
    ),
    "near": (lambda x: saturation(OriginalLSTM(2), x, near=0.5), "`near`.*0.5"),
    "elsewhere": (
        lambda x: gate_trace(randomize(CECLSTM(2)), x, keras.Sequential([CECLSTM(3)])),
        "`model` must call `layer`",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(case: str) -> None:
    call, words = BAD[case]
    with pytest.raises(ValueError, match=words):
        call(normal(2, 3, 5))
