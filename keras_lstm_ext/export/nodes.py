"""`LSTM` nodes in the place of the placeholders of a traced graph."""

from typing import Any

from keras_lstm_ext.export.graph import Graph, in_order, inner_graphs
from keras_lstm_ext.export.lstm import Call, lstm
from keras_lstm_ext.export.trace import DOMAIN, index_of


class Replacement:
    """Replaces the placeholders of a graph, and of the graphs inside it.

    Args:
        new: Takes the new nodes and constants.
        called: The layer of each placeholder.
        pairs: For the forward layer of each wrapper, by its `id`, the backward one.
    """

    def __init__(self, new: Graph, called: list[Any], pairs: dict[int, Any]) -> None:
        self.new, self.called, self.pairs = new, called, pairs
        self.in_reading_order: dict[str, str] = {}
        self.constants: dict[str, Any] = {}
        self.made_by: dict[str, Any] = {}

    def replace(self, graph: Any) -> None:
        """Replaces what it finds, in place."""
        to_array = self.new.onnx.numpy_helper.to_array
        self.constants |= {constant.name: to_array(constant) for constant in graph.initializer}
        self.made_by |= {name: node for node in graph.node for name in node.output}
        kept, self.new.nodes = self.new.nodes, []
        partners = self._partners(list(graph.node))
        for k, node in enumerate(graph.node):
            for inner in inner_graphs(node):
                self.replace(inner)
            if k in partners:
                self._lstm([node, graph.node[partners[k]]])
            elif k not in partners.values():
                self._write(node)
        nodes, self.new.nodes = self.new.nodes, kept
        del graph.node[:]
        graph.node.extend(in_order(nodes))

    def _partners(self, nodes: list[Any]) -> dict[int, int]:
        """For each forward placeholder that has one, the place of the backward one."""
        found: dict[int, int] = {}
        placeholders = [k for k, node in enumerate(nodes) if self._layer(node)]
        for k in placeholders:
            free = (other for other in placeholders if other not in found.values())
            partner = next((o for o in free if self._are_partners(nodes[k], nodes[o])), None)
            if partner is not None:
                found[k] = partner
        return found

    def _layer(self, node: Any) -> Any:
        if node.domain != DOMAIN or node.op_type != "PyFunc":
            return None
        (token,) = (a.s.decode() for a in node.attribute if a.name == "token")
        return self.called[index_of(token)]

    def _are_partners(self, first: Any, node: Any) -> bool:
        """Whether these are the two directions of a wrapper, of the same sequences and mask."""
        layer = self._layer(first)
        backward = self.pairs.get(id(layer))
        return (
            backward is not None
            and self._layer(node) is backward
            and first.input[0] == node.input[0]
            and first.input[3:] == node.input[3:]
            and self._directions(layer, backward)
            and bool(self._states(first)) == bool(self._states(node))
        )

    def _directions(self, forward: Any, backward: Any) -> bool:
        same_units = forward.cell.units == backward.cell.units
        return same_units and backward.go_backwards and not forward.go_backwards

    def _states(self, node: Any) -> tuple[str, ...]:
        h, c = node.input[1:3]
        return () if self._zero(h) and self._zero(c) else (h, c)

    def _zero(self, name: str) -> bool:
        if name in self.constants:
            return not self.constants[name].any()
        node = self.made_by.get(name)
        if node is None:
            return False
        if node.op_type == "ConstantOfShape":
            arrays = [self.new.onnx.numpy_helper.to_array(a.t) for a in node.attribute]
            return not any(array.any() for array in arrays)
        return node.op_type in ("Expand", "Identity", "Cast") and self._zero(node.input[0])

    def _write(self, node: Any) -> None:
        if self._layer(node):
            self._lstm([node])
        elif node.domain == DOMAIN and node.op_type == "ReverseV2":
            name, axes = node.input
            steps = [int(axis) for axis in self.constants[axes]]
            back = self.in_reading_order.get(name) if steps == [1] else None
            self.new.alias(back or self.new.reversed(name, steps), node.output[0])
        elif node.op_type == "Erfc":  # of gelu; tf2onnx has no form for it
            erf = self.new.node("Erf", node.input[0])
            self.new.alias(self.new.node("Sub", self.new.constant(1.0), erf), node.output[0])
        else:
            self.new.nodes.append(node)

    def _lstm(self, nodes: list[Any]) -> None:
        calls = [
            Call(self._layer(node), node.input[0], self._states(node), (*node.input[3:], None)[0])
            for node in nodes
        ]
        for node, call, (last, y, h, c) in zip(nodes, calls, lstm(self.new, calls), strict=True):
            if call.layer.go_backwards:
                self.in_reading_order[node.output[1]] = y
                y = self.new.reversed(y, [1])
            for name, output in zip((last, y, h, c), node.output, strict=True):
                self.new.alias(name, output)
