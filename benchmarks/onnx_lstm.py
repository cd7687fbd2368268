"""The contender ONNX Runtime: one `LSTM` node, forward only, with or without peepholes."""

import os

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from keras_lstm_ext.bench.problem import Arrays, Problem
from keras_lstm_ext.bench.programs import Program


def sequence(problem: Problem, task: str) -> Program:
    """Runs the node time-major, the only order that ONNX Runtime has on a CPU."""
    session = onnxruntime.InferenceSession(
        model(problem).SerializeToString(), options(), providers=["CPUExecutionProvider"]
    )
    x = problem.x.swapaxes(0, 1).copy()
    return Program(lambda: session.run(None, {"x": x}), check)


def check(results: list[np.ndarray]) -> Arrays:
    # Y is (time, directions, batch, units).
    return {"h": results[0][:, 0].swapaxes(0, 1)}


def options() -> onnxruntime.SessionOptions:
    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    # Its threads would go on spinning while others have their turn.
    chosen.add_session_config_entry("session.force_spinning_stop", "1")
    return chosen


def model(problem: Problem) -> onnx.ModelProto:
    batch, time, features, units = problem.shape
    inputs = {"W": weights(problem, "W"), "R": weights(problem, "R"), "B": biases(problem)}
    names = ["x", "W", "R", "B"]
    if "p" in problem.weights:
        # Empty names: no lengths, no initial states.
        names += ["", "", "", "P"]
        inputs["P"] = peepholes(problem)
    node = helper.make_node("LSTM", names, ["Y", "", "Y_c"], hidden_size=units)
    graph = helper.make_graph(
        [node],
        "lstm",
        [tensor("x", time, batch, features)],
        [tensor("Y", time, 1, batch, units), tensor("Y_c", 1, batch, units)],
        [numpy_helper.from_array(array, name) for name, array in inputs.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def tensor(name: str, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def weights(problem: Problem, name: str) -> np.ndarray:
    """(1, 4 units, rows), transposed, in ONNX' order of the nets."""
    return reordered(problem.weights[name]).T[None].copy()


def biases(problem: Problem) -> np.ndarray:
    """(1, 8 units): one bias for W and one for R, which are added."""
    b = reordered(problem.weights["b"])
    return np.concatenate([b, np.zeros_like(b)])[None]


def peepholes(problem: Problem) -> np.ndarray:
    """(1, 3 units) in the order i, o, f."""
    i, f, o = problem.weights["p"]
    return np.concatenate([i, o, f])[None]


def reordered(array: np.ndarray) -> np.ndarray:
    """From Keras' i, f, c, o to i, o, f, c."""
    i, f, c, o = np.split(array, 4, axis=-1)
    return np.concatenate([i, o, f, c], axis=-1)
