"""Nodes and constants that are added to an ONNX graph, and what is read from one."""

from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from types import ModuleType
from typing import Any

import keras
import numpy as np

OPSET = 18
IR_VERSION = 8

Array = np.ndarray[Any, np.dtype[Any]]


class Graph:
    """New nodes and constants, each with a name of its own."""

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

    def alias(self, name: str, other: str) -> None:
        """Gives a tensor another name."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [name], [other]))

    def cast(self, name: str, dtype: str) -> str:
        """Adds a change of dtype."""
        to = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return str(self.node("Cast", name, to=to))

    def reversed(self, name: str, axes: Iterable[int]) -> str:
        """Adds a reading of some axes from their end."""
        axes = list(axes)
        past_the_start = np.iinfo(np.int64).min
        bounds = (self.integers(*[k] * len(axes)) for k in (-1, past_the_start))
        steps = self.integers(*[-1] * len(axes))
        return str(self.node("Slice", name, *bounds, self.integers(*axes), steps))

    def tensor(self, name: str, tensor: Any) -> Any:
        """Describes an input or output as Keras does; a size that is not fixed gets a name."""
        dtype = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype_of(tensor)))
        shape = [f"{name}_{k}" if size is None else size for k, size in enumerate(tensor.shape)]
        if shape and tensor.shape[0] is None:
            shape[0] = "batch"
        return self.onnx.helper.make_tensor_value_info(name, dtype, shape)

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"keras_lstm_ext/{kind}_{self._count}"


def dtype_of(tensor: Any) -> str:
    """The dtype in the file: float32 for every float."""
    return "float32" if keras.backend.is_float_dtype(tensor.dtype) else str(tensor.dtype)


def inner_graphs(node: Any) -> Iterator[Any]:
    """The graphs inside a node: bodies of loops, branches."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g


def read_by(node: Any) -> set[str]:
    """Names of the tensors that a node reads, those inside it included."""
    inner = (graph for graph in inner_graphs(node))
    names = set(node.input)
    for graph in inner:
        names |= {output.name for output in graph.output}.union(*map(read_by, graph.node))
    return names


def all_nodes(graph: Any) -> Iterator[Any]:
    """Every node of a graph and of the graphs inside it."""
    for node in graph.node:
        yield node
        for inner in inner_graphs(node):
            yield from all_nodes(inner)


def remove_unread(graph: Any) -> None:
    """Removes nodes and constants of which nothing is read."""
    read, kept = {output.name for output in graph.output}, []
    for node in reversed(graph.node):
        if read & set(node.output):
            read |= read_by(node)
            kept.append(node)
    constants = [constant for constant in graph.initializer if constant.name in read]
    for field, values in ((graph.node, kept[::-1]), (graph.initializer, constants)):
        del field[:]
        field.extend(values)


def import_onnx() -> ModuleType:
    """Imports `onnx`, when it is needed.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.defs
        import onnx.helper
        import onnx.numpy_helper
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "export_onnx needs onnx and tf2onnx, which come with the extra `onnx`: "
            'pip install "keras-lstm-ext[onnx]"'
        ) from error
    return onnx


def in_order(nodes: list[Any]) -> list[Any]:
    """Nodes so that each comes after those whose results it reads, as ONNX wants them."""
    maker = {name: k for k, node in enumerate(nodes) for name in node.output if name}
    needed = {
        k: [maker[name] for name in sorted(read_by(node)) if name in maker]
        for k, node in enumerate(nodes)
    }
    return [nodes[k] for k in TopologicalSorter(needed).static_order()]
