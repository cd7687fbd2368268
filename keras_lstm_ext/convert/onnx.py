"""The weights of the LSTM nodes in an ONNX file."""

from os import PathLike
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

WEIGHTS = {1: "W", 2: "R", 3: "B", 7: "P"}
"""Which inputs of the operator are weights."""


def read_onnx(path: str | PathLike[str]) -> dict[str, dict[str, Array]]:
    """Reads the weights of every LSTM node of an ONNX file; it needs the package `onnx`.

    Args:
        path: The file.

    Returns:
        For each node, by its name (or that of its first output) and in the order of the graph,
        the arrays that `set_weights` takes with the layout `"onnx"`; of a node with
        `input_forget=1`, `"onnx_input_forget"`, which has three blocks of `units` rows in W in
        place of four: those of the forget gate are left out, since such a node takes what the input
        gate leaves. Initial states are not weights and are left out.

    Raises:
        ValueError: If the file is not whole or has no LSTM node, or if a node computes something
            else than this package, or its weights are not constants.
        OSError: If the file cannot be opened.
    """
    model = _load(path)
    constants = _constants(model.graph)
    nodes = [node for node in model.graph.node if node.op_type == "LSTM"]
    if not nodes:
        raise ValueError(f"`path` must be an ONNX file with LSTM nodes. Received: none in {path}")
    found = {}
    for node in nodes:
        name = node.name or next(filter(None, node.output))
        coupled = _check_attributes(node, name)
        given = {WEIGHTS[n]: v for n, v in enumerate(node.input) if n in WEIGHTS and v}
        unknown = [k for k, v in given.items() if v not in constants]
        if unknown:
            raise ValueError(
                f"The weights of node {name!r} must be initializers or constants: fold the "
                f"constants of the model first. Received: computed {unknown}"
            )
        arrays = {k: constants[v] for k, v in given.items()}
        found[name] = _without_forget_gate(arrays) if coupled else arrays
    return found


def _without_forget_gate(arrays: dict[str, Array]) -> dict[str, Array]:
    """The arrays of a node without the rows of net f, in the order i, o, f, c."""
    units = arrays["R"].shape[-1]
    blocks = {"W": "iofc", "R": "iofc", "B": "iofciofc", "P": "iof"}
    keep = {k: np.repeat([net != "f" for net in blocks[k]], units) for k in arrays}
    return {k: np.ascontiguousarray(array[:, keep[k]]) for k, array in arrays.items()}


def _load(path: str | PathLike[str]) -> Any:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        raise ValueError(f"`path` must be a whole ONNX file. Received: {path} ({error})") from error
    return model


def _constants(graph: Any) -> dict[str, Array]:
    from onnx import numpy_helper

    nodes = [node for node in graph.node if node.op_type == "Constant"]
    tensors = {t.name: t for t in graph.initializer} | {
        n.output[0]: a.t for n in nodes for a in n.attribute if a.name == "value"
    }
    return {name: numpy_helper.to_array(tensor) for name, tensor in tensors.items()}


def _check_attributes(node: Any, name: str) -> bool:
    """Refuses what no layer computes, and says whether the gates are coupled."""
    from onnx import helper

    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    activations = [a.decode().lower() for a in given.get("activations", [])]
    usual = ["sigmoid", "tanh", "tanh"]
    others = {
        "activations": activations if activations not in ([], usual, usual * 2) else [],
        "clip": given.get("clip", 0),
    }
    refused = {key: value for key, value in others.items() if value}
    if refused:
        raise ValueError(
            f"Node {name!r} must have the activations {usual}, and no clip. Received: {refused}"
        )
    return bool(given.get("input_forget", 0))
