"""An ONNX graph while it is written, and the values that flow through it."""

from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import keras
import numpy as np

OPSET = 18
IR_VERSION = 8

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Value:
    """A tensor of the graph.

    Args:
        name: Its name.
        mask: Name of the boolean `(batch, timesteps)` tensor that says which steps count, or None.
    """

    name: str
    mask: str | None = None

    def masked(self, mask: str | None) -> "Value":
        """The same tensor with another mask."""
        return replace(self, mask=mask)


class Graph:
    """Nodes and constants, each with a name of its own."""

    def __init__(self) -> None:
        self.onnx = import_onnx()
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._count = 0

    def constant(self, array: Any, dtype: str = "float32") -> str:
        """Adds a constant, and returns its name."""
        name = self._name("constant")
        values = np.asarray(array, dtype=dtype, order="C")  # scalars stay scalars
        self.constants.append(self.onnx.numpy_helper.from_array(values, name))
        return name

    def integers(self, *values: int) -> str:
        """Adds a constant of whole numbers, as shapes, axes and indices are given."""
        return self.constant(values, "int64")

    def node(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Adds a node, and returns the name of its output, or a list of names."""
        names = [self._name(op.lower()) for _ in range(outputs)]
        made = self.onnx.helper.make_node(op, inputs, names, name=names[0], **attributes)
        self.nodes.append(made)
        return names if outputs > 1 else names[0]

    def cast(self, name: str, dtype: str) -> str:
        """Adds a change of dtype."""
        to = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return str(self.node("Cast", name, to=to))

    def model(self, inputs: list[Any], outputs: list[Any], producer: str) -> Any:
        """The whole as a checked model.

        Args:
            inputs: What `tensor` gave for each input.
            outputs: The same for each output.
            producer: Name of the program that wrote it.

        Returns:
            An `onnx.ModelProto`.
        """
        helper = self.onnx.helper
        graph = helper.make_graph(self.nodes, "model", inputs, outputs, self.constants)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(
            graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name=producer
        )
        self.onnx.checker.check_model(model, full_check=True)
        return model

    def tensor(self, name: str, tensor: Any) -> Any:
        """Describes an input or output as Keras does; a size that is not fixed gets a name."""
        given = "float32" if keras.backend.is_float_dtype(tensor.dtype) else tensor.dtype
        dtype = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(given))
        shape = [f"{name}_{k}" if size is None else size for k, size in enumerate(tensor.shape)]
        if shape and tensor.shape[0] is None:
            shape[0] = "batch"
        return self.onnx.helper.make_tensor_value_info(name, dtype, shape)

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"


def import_onnx() -> ModuleType:
    """Imports `onnx`, when it is needed.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ImportError(
            "export_onnx needs onnx, which comes with the extra `onnx`: "
            'pip install "keras-lstm-ext[onnx]"'
        ) from error
    return onnx
