"""Weights from ONNX files, whole and broken."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_lstm_ext import PeepholeLSTM
from keras_lstm_ext.convert import read_onnx, set_weights
from tests.contract.family import BATCH, TIME, UNITS, assert_close, normal, randomize, run
from tests.convert import onnx_files, systems

onnx = pytest.importorskip("onnx")

ARRAYS = systems.random_arrays("onnx")
USUAL = ["Sigmoid", "Tanh", "Tanh"]


def saved(folder: Path, model: Any) -> Path:
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


@pytest.mark.parametrize("attributes", [{}, {"activations": USUAL, "input_forget": 0}])
def test_weights_of_a_file(tmp_path: Path, attributes: dict[str, Any]) -> None:
    model = onnx_files.model(ARRAYS, UNITS, **attributes)
    found = read_onnx(saved(tmp_path, model))
    assert list(found) == ["memory"]
    layer = randomize(
        PeepholeLSTM(UNITS, return_sequences=True, return_state=True, engine="portable")
    )
    set_weights(layer, found["memory"], "onnx")
    x, h, c = (normal(*s, seed=3) for s in [(BATCH, TIME, 5), (BATCH, UNITS), (BATCH, UNITS)])
    y, y_h, y_c = onnx_files.run(model, x, h[None], c[None])
    assert_close(run(layer, x, initial_state=[h, c]), [y[:, :, 0], y_h[0], y_c[0]])


@pytest.mark.parametrize("given", ["WRB", "WR", "WRBP"])
def test_weights_of_coupled_gates(tmp_path: Path, given: str) -> None:
    coupled = systems.random_arrays("onnx_input_forget")
    whole = onnx_files.with_forget_gate({k: coupled[k] for k in given}, UNITS)
    path = saved(tmp_path, onnx_files.model(whole, UNITS, input_forget=1))
    found = read_onnx(path)["memory"]
    assert found.keys() == set(given)
    for name, array in found.items():
        np.testing.assert_array_equal(array, coupled[name])
    with pytest.raises(ValueError, match=r"12, 5\), which the layout|shape \(1, 12, 5\)"):
        set_weights(randomize(PeepholeLSTM(UNITS)), found, "onnx")


def test_weights_in_constant_nodes(tmp_path: Path) -> None:
    model = onnx_files.model(ARRAYS, UNITS)
    (weights,) = [t for t in model.graph.initializer if t.name == "weights_R"]
    constant = onnx.helper.make_node("Constant", [], ["weights_R"], value=weights)
    model.graph.node.insert(0, constant)
    model.graph.initializer.remove(weights)
    found = read_onnx(saved(tmp_path, model))["memory"]
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_truncated_file(tmp_path: Path, keep: float) -> None:
    path = saved(tmp_path, onnx_files.model(ARRAYS, UNITS))
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])
    with pytest.raises(ValueError, match="`path` must be a whole ONNX file"):
        read_onnx(path)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"clip": 3.0}, "clip"),
        ({"activations": ["HardSigmoid", "Tanh", "Tanh"]}, "hardsigmoid"),
    ],
)
def test_nodes_that_compute_something_else(
    tmp_path: Path, attributes: dict[str, Any], words: str
) -> None:
    path = saved(tmp_path, onnx_files.model(ARRAYS, UNITS, **attributes))
    with pytest.raises(ValueError, match=f"Node 'memory' must have the activations .*{words}"):
        read_onnx(path)


def test_weights_that_are_computed(tmp_path: Path) -> None:
    model = onnx_files.model(ARRAYS, UNITS)
    model.graph.node[0].input[2] = "computed"
    model.graph.node.insert(0, onnx.helper.make_node("Neg", ["weights_R"], ["computed"]))
    with pytest.raises(
        ValueError, match=r"constants of the model first. Received: computed \['R'\]"
    ):
        read_onnx(saved(tmp_path, model))


def test_a_file_without_lstm(tmp_path: Path) -> None:
    model = onnx_files.model(ARRAYS, UNITS)
    model.graph.node[0].CopyFrom(onnx.helper.make_node("Identity", ["x"], ["y"]))
    del model.graph.output[1:]
    with pytest.raises(ValueError, match="`path` must be an ONNX file with LSTM nodes"):
        read_onnx(saved(tmp_path, model))
