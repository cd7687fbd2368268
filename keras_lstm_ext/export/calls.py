"""What the layers compute while a model is traced: an `LSTM` node in the place of each loop.

`inner_loop` is where the layers of Keras and of this package compute a whole sequence. Everything
else in the model, masks and wrappers included, is Keras' own.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, NamedTuple
from unittest import mock

import keras
import numpy as np
from keras import layers, ops, tree

from keras_lstm_ext.export.lstm import is_lstm
from keras_lstm_ext.export.masks import Packing
from keras_lstm_ext.layers._layer import RecurrentLayer
from keras_lstm_ext.walk import cells_of

TOKEN = "keras_lstm_ext:"
CALLS = (layers.RNN.call, layers.LSTM.call, RecurrentLayer.call)
Method = Callable[..., Any]
Tensor = Any


class Node(NamedTuple):
    """An `LSTM` node: its cells, one per direction; its direction; names of the inputs it has."""

    cells: tuple[Any, ...]
    direction: str
    inputs: tuple[str, ...]


class Call(NamedTuple):
    """What `inner_loop` of a layer is given."""

    layer: Any
    x: Tensor
    states: Any
    mask: Tensor | None

    def shown(self, packing: Packing | None, y: Tensor, finals: list[Tensor]) -> Any:
        """What `inner_loop` gives: last output, outputs in the order of processing, states."""
        backwards, last, states = self.layer.go_backwards, finals[-2], finals
        if packing is not None:
            how = {"backwards": backwards, "zeros": self.layer.zero_output_for_mask}
            y, last = packing.unpacked(y, **how), packing.last(last, **how)
            states = list(map(packing.state, finals, tree.flatten(self.states)))
        y = ops.flip(y, axis=1) if backwards else y
        return last, y, tree.pack_sequence_as(self.states, states)


class Trace:
    """The nodes of a trace."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._seen: dict[int, Call] = {}
        self._ready: dict[int, Any] = {}

    @contextmanager
    def placing_nodes(self) -> Iterator[None]:
        """Within it, LSTM layers give nodes, in this thread."""
        thread = threading.get_ident()

        def here(original: Method, instead: Method) -> Method:
            @wraps(original)
            def method(*args: Any, **kwargs: Any) -> Any:
                if threading.get_ident() != thread:
                    return original(*args, **kwargs)
                return instead(original, *args, **kwargs)

            return method

        recurrent = (layers.RNN, layers.LSTM, RecurrentLayer)
        places: list[Any] = [(cls, "inner_loop", self._loop) for cls in recurrent]
        places.append((layers.Bidirectional, "call", self._both))
        places.append((layers.TimeDistributed, "call", _all_steps_at_once))
        with ExitStack() as stack:
            for cls, name, instead in places:
                method = here(getattr(cls, name), instead)
                stack.enter_context(mock.patch.object(cls, name, method))
            yield

    def _loop(
        self,
        original: Method,
        layer: Any,
        sequences: Tensor,
        initial_state: Any,
        mask: Any,
        training: bool = False,
    ) -> Any:
        call = Call(layer, sequences, initial_state, mask[0] if tree.is_nested(mask) else mask)
        if not all(map(is_lstm, cells_of(layer))):
            return original(*call, training=training)
        if id(layer) in self._ready:
            return self._ready.pop(id(layer))
        self._seen[id(layer)] = call
        return self._outputs(call)[0]

    def _both(self, original: Method, wrapper: Any, *args: Any, **kwargs: Any) -> Any:
        """A wrapper: once to see what its layers are given, again if one node does for both."""
        outputs = original(wrapper, *args, **kwargs)
        ways = [wrapper.forward_layer, wrapper.backward_layer]
        calls = [self._seen.pop(id(layer)) for layer in ways if id(layer) in self._seen]
        if len(calls) < 2 or not _are_one_node(*ways):
            return outputs
        self._ready = dict(zip(map(id, ways), self._outputs(*calls), strict=True))
        return original(wrapper, *args, **kwargs)

    def _outputs(self, *calls: Call) -> list[Any]:
        """Adds a node for each cell of a call, or one for the two directions of a wrapper."""
        import tensorflow as tf

        x, mask = calls[0].x, calls[0].mask
        packing = None if mask is None else Packing(mask)
        x = tf.transpose(x if packing is None else packing.packed(x), (1, 0, 2))
        backwards = "reverse" if calls[0].layer.go_backwards else "forward"
        direction = "bidirectional" if len(calls) == 2 else backwards
        initial = zip(*(tree.flatten(call.states) for call in calls), strict=True)
        finals: list[list[Tensor]] = [[] for _ in calls]
        for cells in zip(*(cells_of(call.layer) for call in calls), strict=True):
            given = {"X": x} if packing is None else {"X": x, "sequence_lens": packing.lengths}
            states = next(initial), next(initial)
            if not all(map(_is_zero, (*states[0], *states[1]))):
                given |= zip(("initial_h", "initial_c"), map(tf.stack, states), strict=True)
            y, h, c = self._node(cells, direction, given)
            for final, *both in zip(finals, tf.unstack(h), tf.unstack(c), strict=True):
                final += both
            x = y[:, 0]
        outputs = tf.unstack(tf.transpose(y, (1, 2, 0, 3)))
        return [c.shown(packing, *of) for c, *of in zip(calls, outputs, finals, strict=True)]

    def _node(self, cells: Any, direction: str, given: dict[str, Tensor]) -> list[Tensor]:
        """Adds a node, and returns its outputs Y, Y_h and Y_c."""
        import tensorflow as tf

        token, inputs = f"{TOKEN}{len(self.nodes)}", list(given.values())
        self.nodes.append(Node(cells, direction, tuple(given)))
        outputs = tf.raw_ops.PyFuncStateless(
            input=inputs, token=token, Tout=["float32"] * 3, name="LSTM"
        )
        steps, batch, _ = given["X"].shape
        state = (len(cells), batch, cells[0].units)
        return list(map(tf.ensure_shape, outputs, ((steps, *state), state, state)))


def _are_one_node(forward: Any, backward: Any) -> bool:
    """Whether a wrapper's layers are a forward and a backward one of one cell each."""
    ways = forward, backward
    return (
        # One with a call of its own may change what the wrapper gives to both.
        all(type(layer).call in CALLS and cells_of(layer) == [layer.cell] for layer in ways)
        and backward.go_backwards
        and not forward.go_backwards
        and forward.cell.units == backward.cell.units
    )


def _is_zero(state: Tensor) -> bool:
    import tensorflow as tf

    operation: Any = getattr(state, "op", None)  # a constant has none
    fills = operation is not None and operation.type == "Fill"
    value = tf.get_static_value(operation.inputs[1] if fills else state)
    return value is not None and not np.any(value)


def _all_steps_at_once(
    original: Method,
    wrapper: Any,
    inputs: Tensor,
    training: bool | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """A `TimeDistributed`: all steps as rows, of which each is computed alone outside training."""
    if mask is not None and isinstance(
        wrapper.layer, (layers.RNN, layers.Bidirectional, keras.Model)
    ):
        raise ValueError(
            f"export_onnx cannot write {wrapper.name!r}: a TimeDistributed with a mask around a "
            "layer that reads masks"
        )
    batch, steps, *rest = ops.shape(inputs)
    y = wrapper.layer(ops.reshape(inputs, (-1, *rest)), training=False)
    return ops.reshape(y, (batch, steps, *ops.shape(y)[1:]))
