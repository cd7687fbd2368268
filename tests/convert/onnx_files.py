"""Models of one ONNX `LSTM` node, and ONNX Runtime to run them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

WEIGHTS = {"W": 1, "R": 2, "B": 3, "P": 7}


def model(arrays: Mapping[str, np.ndarray], units: int, **attributes: Any) -> Any:
    """A model with the inputs x, h and c, batch in the second place, and the weights constant."""
    pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    directions = len(arrays["W"])
    names = ["x", "", "", "", "", "h", "c", ""]
    for name in arrays:
        names[WEIGHTS[name]] = f"weights_{name}"
    if directions == 2:
        attributes["direction"] = "bidirectional"
    node = helper.make_node(
        "LSTM", names, ["y", "y_h", "y_c"], name="memory", hidden_size=units, **attributes
    )
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in {
            "x": ["time", "batch", arrays["W"].shape[2]],
            "h": [directions, "batch", units],
            "c": [directions, "batch", units],
            "y": ["time", directions, "batch", units],
            "y_h": [directions, "batch", units],
            "y_c": [directions, "batch", units],
        }.items()
    ]
    weights = [numpy_helper.from_array(np.array(a), f"weights_{k}") for k, a in arrays.items()]
    graph = helper.make_graph([node], "lstm", values[:3], values[3:], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    return made


def with_forget_gate(arrays: Mapping[str, np.ndarray], units: int) -> dict[str, np.ndarray]:
    """Arrays of the nets i, o, c with random ones of net f between o and c, or after o in P."""
    rng = np.random.default_rng(8)
    whole = {}
    for name, array in arrays.items():
        starts = {"W": [2], "R": [2], "B": [2, 5], "P": [2]}[name]
        made = rng.normal(size=(len(array), units * len(starts), *array.shape[2:]))
        parts = np.split(made.astype("float32"), len(starts), axis=1)
        at = np.repeat(np.array(starts) * units, units)
        whole[name] = np.insert(array, at, np.concatenate(parts, axis=1), axis=1)
    return whole


def run(made: Any, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> list[np.ndarray]:
    """Outputs `(batch, timesteps, directions, units)` and the last states, directions first."""
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    y, y_h, y_c = session.run(None, {"x": x.swapaxes(0, 1).copy(), "h": h, "c": c})
    return [y.transpose(2, 0, 1, 3), y_h, y_c]
