"""What the reference says, checked by hand, by ONNX Runtime and by what the carousel promises."""

import ast
from pathlib import Path

import numpy as np
import pytest

import keras_lstm_ext.reference as reference
from keras_lstm_ext.reference import backward, block_sum, forward, linear, spread
from tests.reference.cases import FEATURES, MEMBERS_AND_BLOCK_SIZES, UNITS, make_case

LN3 = np.log(3.0)  # sigma(ln 3) = 3/4
FILES = sorted(Path(reference.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_imports_nothing_but_numpy(file):
    allowed = {"numpy", "typing", "dataclasses", "collections"}
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1 or node.module.split(".")[0] in allowed


def test_a_linear_carousel_has_the_identity_as_jacobian():
    weights = {"W_c": np.random.default_rng(0).normal(size=(FEATURES, UNITS))}
    x = np.random.default_rng(1).normal(size=(1, 50, FEATURES))
    state = (np.zeros((1, UNITS)), np.random.default_rng(2).normal(size=(1, UNITS)))
    run = forward("cec", x, state, weights, activation=linear, output_activation=linear)
    for unit in np.eye(UNITS):
        d_states = (np.zeros((1, UNITS)), unit[None])
        _, (_, d_c), _ = backward(run, np.zeros_like(run.outputs), d_states)
        np.testing.assert_array_equal(d_c[0], unit)


def test_what_a_masked_step_holds_reaches_nothing():
    rng = np.random.default_rng(3)
    weights = {"W_c": rng.normal(size=(FEATURES, UNITS)), "R_c": rng.normal(size=(UNITS, UNITS))}
    mask = np.array([[1, 0, 1, 0], [0, 0, 0, 0]], bool)
    x = np.where(mask[:, :, None], rng.normal(size=(2, 4, FEATURES)), np.nan)
    runs = [forward("cec", given, None, weights, mask) for given in (x, np.nan_to_num(x))]
    np.testing.assert_array_equal(runs[0].outputs, runs[1].outputs)
    (dx, _, dw), (_, _, expected) = (backward(run, np.ones_like(run.outputs)) for run in runs)
    assert (dx[~mask] == 0).all()
    for name in weights:
        np.testing.assert_array_equal(dw[name], expected[name])


def scalar(**weights):
    return {k: np.full((1, 1) if k[0] in "WR" else 1, value) for k, value in weights.items()}


def test_original_by_hand():
    # i = sigma(ln 3) = 3/4, g = 4 * 3/4 - 2 = 1, o = 1/2; then the gates feed back into i.
    w = scalar(W_i=LN3, W_c=LN3, W_o=0.0)
    w["R_i"] = np.array([[0.0], [4 / 3 * LN3], [-2 * LN3]])  # 3/4 of 4/3 less 1/2 of 2 is 0
    run = forward("original", np.ones((1, 2, 1)), None, w)
    np.testing.assert_allclose(run.states[1], 0.75 + 0.75, rtol=1e-15)
    np.testing.assert_allclose(run.outputs.ravel(), 0.5 * np.tanh([0.375, 0.75]), rtol=1e-15)
    np.testing.assert_allclose(run.states[2], [[0.75, 0.5]], rtol=1e-15)


def test_peephole_by_hand_the_output_gate_sees_the_new_state():
    # c = 3/4 * 2 + 3/4 * 0 = 3/2 and o = sigma(ln 3 * 2/3 * 3/2) = 3/4; of the old state, 1/2.
    w = scalar(W_i=LN3, W_f=LN3, W_c=2.0, W_o=0.0, p_o=2 / 3 * LN3)
    x = np.ones((1, 1, 1))
    run = forward("peephole", x, None, w, activation=linear, output_activation=linear)
    np.testing.assert_allclose(run.outputs.ravel(), [1.125], rtol=1e-15)


def test_peephole_by_hand_the_other_gates_see_the_old_state():
    # With c = 1: i = sigma(ln 3) = 3/4, f = sigma(-ln 3) = 1/4, so c = 1/4 + 3/4 * 2, o = 1/2.
    w = scalar(W_i=0.0, p_i=LN3, W_f=0.0, p_f=-LN3, W_c=2.0, W_o=0.0)
    state = (np.zeros((1, 1)), np.ones((1, 1)))
    run = forward(
        "peephole", np.ones((1, 1, 1)), state, w, activation=linear, output_activation=linear
    )
    np.testing.assert_allclose(run.outputs.ravel(), [0.875], rtol=1e-15)


def test_a_gate_of_a_block_sees_every_cell_of_its_block_and_no_other():
    case = make_case("peephole", 3)
    h, c = case.state

    def input_gates(c):
        run = forward(case.variant, case.x[:, :1], (h, c), case.weights, **case.options)
        return run.trace[0].i

    before = input_gates(c)
    for cell in range(UNITS):
        nudged = c.copy()
        nudged[:, cell] += 1.0
        changed = (input_gates(nudged) != before).all(axis=0)
        assert changed.tolist() == [cell // 3 == 0, cell // 3 == 1]


def test_spread_and_block_sum_are_each_others_transpose():
    rng = np.random.default_rng(0)
    gate, cells = rng.normal(size=(3, 4)), rng.normal(size=(3, 12))
    left, right = spread(gate, 3) * cells, gate * block_sum(cells, 3)
    np.testing.assert_allclose(left.sum(), right.sum(), rtol=1e-12)


MASKS = [
    # mask, outputs as steps of the unmasked run over the valid inputs (0: none yet), with zeros
    ([1, 1, 1], [1, 2, 3], [1, 2, 3]),
    ([1, 1, 0], [1, 2, 2], [1, 2, 0]),
    ([0, 1, 0, 0, 1], [0, 1, 1, 1, 2], [0, 1, 0, 0, 2]),
    ([0, 0], [0, 0], [0, 0]),
]


@pytest.mark.parametrize("name", ["cec", "original", "classic", "peephole"])
@pytest.mark.parametrize(("mask", "repeated", "zeroed"), MASKS)
def test_a_masked_step_holds_the_state_and_repeats_the_output(name, mask, repeated, zeroed):
    case = make_case(name, 1)
    mask = np.array([mask, mask], bool)
    x = case.x[:, : mask.shape[1]]
    short = forward(case.variant, x[:, mask[0]], case.state, case.weights, **case.options)
    steps = np.concatenate([np.zeros((2, 1, UNITS)), short.outputs], axis=1)
    for zero_output, expected in ((False, repeated), (True, zeroed)):
        run = forward(
            case.variant,
            x,
            case.state,
            case.weights,
            mask,
            zero_output_for_mask=zero_output,
            **case.options,
        )
        np.testing.assert_array_equal(run.outputs, steps[:, expected])
        for held, final in zip(run.states, short.states, strict=True):
            np.testing.assert_array_equal(held, final)


def test_go_backwards_keeps_the_order_of_processing():
    case = make_case("peephole", 1, "holes")
    mask = case.options.pop("mask")
    arguments = (case.state, case.weights)
    there = forward(case.variant, case.x, *arguments, mask, go_backwards=True, **case.options)
    back = forward(case.variant, case.x[:, ::-1], *arguments, mask[:, ::-1], **case.options)
    np.testing.assert_array_equal(there.outputs, back.outputs)


@pytest.mark.parametrize(("name", "block_size"), MEMBERS_AND_BLOCK_SIZES)
def test_float32_stays_float32_and_agrees(name, block_size):
    case = make_case(name, block_size)

    def run(dtype):
        state = tuple(s.astype(dtype) for s in case.state)
        weights = {k: w.astype(dtype) for k, w in case.weights.items()}
        run = forward(case.variant, case.x.astype(dtype), state, weights, **case.options)
        d_x, d_state, d_w = backward(run, case.d_outputs.astype(dtype))
        return [run.outputs, *run.states, d_x, *d_state, *d_w.values()]

    for single, double in zip(run(np.float32), run(np.float64), strict=True):
        assert (single.dtype, double.dtype) == (np.float32, np.float64)
        np.testing.assert_allclose(single, double, rtol=0, atol=1e-5 * np.abs(double).max())


def test_onnx_runtime_agrees():
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    case = make_case("peephole", 1)
    w = case.weights
    inputs = {
        "X": case.x.swapaxes(0, 1),
        "W": np.concatenate([w[f"W_{k}"].T for k in "iofc"])[None],
        "R": np.concatenate([w[f"R_{k}"].T for k in "iofc"])[None],
        "B": np.concatenate([*(w[f"b_{k}"] for k in "iofc"), np.zeros(4 * UNITS)])[None],
        "initial_h": case.state[0][None],
        "initial_c": case.state[1][None],
        "P": np.concatenate([w[f"p_{k}"] for k in "iof"])[None],
    }
    names = ["X", "W", "R", "B", "", "initial_h", "initial_c", "P"]
    node = onnx.helper.make_node("LSTM", names, ["Y", "Y_h", "Y_c"], hidden_size=UNITS)
    graph = onnx.helper.make_graph(
        [node],
        "lstm",
        [onnx.helper.make_tensor_value_info(k, 1, v.shape) for k, v in inputs.items()],
        [onnx.helper.make_tensor_value_info(k, 1, None) for k in ("Y", "Y_h", "Y_c")],
    )
    opsets = [onnx.helper.make_opsetid("", 14)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    Y, Y_h, Y_c = session.run(None, {k: v.astype(np.float32) for k, v in inputs.items()})
    run = forward(case.variant, case.x, case.state, w, **case.options)
    np.testing.assert_allclose(Y[:, 0].swapaxes(0, 1), run.outputs, rtol=0, atol=1e-6)
    np.testing.assert_allclose(Y_h[0], run.states[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(Y_c[0], run.states[1], rtol=0, atol=1e-6)


ZEROS = np.zeros
W_c = {"W_c": ZEROS((3, 6))}
BAD = [
    ({"variant": "gru"}, "variant='gru'.*accepted.*'peephole'"),
    ({"gradient": "none"}, "gradient='none'.*accepted"),
    ({"weights": {}}, "'W_c' is missing"),
    ({"weights": W_c | {"p_i": ZEROS(6)}}, "'p_i' is not accepted; accepted"),
    ({"weights": W_c | {"W_i": ZEROS((3, 6))}, "variant": "cec"}, "'W_i' is not accepted"),
    ({"weights": W_c | {"R_c": ZEROS((5, 6))}}, r"'R_c'.*\(5, 6\).*\(6, 6\)"),
    ({"weights": W_c | {"b_f": ZEROS(6)}}, "'b_f' is given without 'W_f'"),
    ({"block_size": 4}, "block_size=4.*6 units"),
    ({"state": (ZEROS((2, 6)),) * 3}, r"state has shapes.*accepted: \[\(2, 6\), \(2, 6\)\]"),
    ({"state": (ZEROS((1, 6)),) * 2}, r"state has shapes.*accepted: \[\(2, 6\), \(2, 6\)\]"),
    ({"weights": W_c | {"W_f": ZEROS((3, 6))}, "decay": 0.9}, "decay=0.9.*forget gate"),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_input(change, message):
    arguments = {"variant": "classic", "x": ZEROS((2, 4, 3)), "state": None, "weights": W_c}
    with pytest.raises(ValueError, match=message):
        forward(**arguments | change)
