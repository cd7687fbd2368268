"""Masks of any pattern around an ONNX `LSTM` node, which knows lengths only.

The valid steps of each row move to its front, the node reads that many, and every step gets back
the output of the last valid step that was read before it or at it.
"""

from keras_lstm_ext.export.graph import Graph


class Packing:
    """The way there and back for one mask.

    Args:
        graph: Where to add the nodes.
        mask: Name of the boolean `(batch, timesteps)` tensor.
    """

    def __init__(self, graph: Graph, mask: str) -> None:
        self.graph, self.mask = graph, mask
        zero, one = graph.constant(0, "int64"), graph.constant(1, "int64")
        valid = graph.cast(mask, "int64")
        self.count = graph.node("CumSum", valid, one)  # of valid steps up to each step
        self.before = graph.node("Sub", self.count, valid)
        total = graph.node("ReduceSum", valid, graph.integers(1), keepdims=1)
        self.total = total
        self.lengths = graph.cast(graph.node("Squeeze", total, graph.integers(1)), "int32")
        # Valid steps from T down, then the others: the largest first, it is the order to read in.
        steps = graph.node("Gather", graph.node("Shape", mask), one, axis=0)
        falling = graph.node(
            "Sub", graph.node("Mul", valid, steps), graph.node("Range", zero, steps, one)
        )
        _, order = graph.node(
            "TopK", falling, graph.node("Unsqueeze", steps, graph.integers(0)), outputs=2
        )
        self.order = order

    def packed(self, x: str) -> str:
        """`(batch, timesteps, features)` with the valid steps in front."""
        return self._at(x, self.order)

    def unpacked(self, y: str, backwards: bool, zeros: bool) -> str:
        """Outputs of every step, of those of the node in reading order.

        Args:
            y: Outputs of the node, `(batch, timesteps, units)`.
            backwards: Whether the node reads from the end.
            zeros: Whether masked steps are 0; otherwise they repeat the output before.
        """
        graph, zero = self.graph, self.graph.constant(0, "int64")
        if backwards:
            index, seen = self.before, graph.node("Less", self.before, self.total)
        else:
            index = graph.node("Sub", self.count, graph.constant(1, "int64"))
            seen = graph.node("Greater", self.count, zero)
        index = graph.node("Where", seen, index, zero)
        shown = self.mask if zeros else seen
        return self._or_zero(graph.node("Unsqueeze", shown, graph.integers(2)), self._at(y, index))

    def last(self, h: str, backwards: bool, zeros: bool) -> str:
        """The output of the step that is read last: h, or 0."""
        if not zeros:
            return h  # of a row without a valid step, the node's h is 0
        step = self.graph.integers(0 if backwards else -1)
        return self._or_zero(self.graph.node("Gather", self.mask, step, axis=1), h)

    def state(self, final: str, initial: str | None) -> str:
        """A final state of the node; a row without a valid step keeps its initial one."""
        if initial is None:
            return final
        any_valid = self.graph.node("Greater", self.total, self.graph.constant(0, "int64"))
        return str(self.graph.node("Where", any_valid, final, initial))

    def _at(self, x: str, steps: str) -> str:
        indices = self.graph.node("Unsqueeze", steps, self.graph.integers(2))
        return str(self.graph.node("GatherND", x, indices, batch_dims=1))

    def _or_zero(self, shown: str, values: str) -> str:
        return str(self.graph.node("Where", shown, values, self.graph.constant(0.0)))
