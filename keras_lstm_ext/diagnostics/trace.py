"""What the gates of a layer do: every value of every step, and how often they are at an end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from keras_lstm_ext.diagnostics.data import first_batch
from keras_lstm_ext.diagnostics.subject import Subject, subject
from keras_lstm_ext.diagnostics.watch import Array, Seen, choose, watch

NAMES = ("i", "f", "g", "o", "c", "h")
GATES = ("i", "f", "o")


class Trace(dict[str, Array]):
    """Arrays by the letters of the equations, and what they are of.

    Args:
        arrays: The arrays.
        layer: Name of the layer.
        call: Number of the call that is shown, from 0.
        calls: How often the model calls the layer.
        valid: Of shape `(batch, timesteps)`, False where a mask skips the step; None without mask.
    """

    def __init__(
        self,
        arrays: dict[str, Array],
        layer: str = "",
        call: int = 0,
        calls: int = 1,
        valid: Array | None = None,
    ) -> None:
        super().__init__(arrays)
        self.layer, self.call, self.calls, self.valid = layer, call, calls, valid


def gate_trace(
    layer: Any,
    x: Any,
    model: Any = None,
    *,
    call: int | None = None,
    cell: int | None = None,
    **arguments: Any,
) -> Trace:
    """Runs a layer and returns every gate, cell state and output of every step.

    The gates `"i"`, `"f"`, `"o"` that the layer has are of shape `(batch, timesteps, blocks)`, with
    blocks of one cell that is `units`; `"g"`, `"c"` and `"h"` of shape `(batch, timesteps, units)`.
    Steps are in the order of processing: from the end with `go_backwards`. A step that a mask skips
    computes nothing; its entries are NaN.

    The layer's own equations are run step by step, without dropout; no state of a `stateful` layer
    changes.

    Args:
        layer: A layer of this package, a `keras.layers.LSTM`, which is seen as the `ClassicLSTM`
            that it is, or a `keras.layers.RNN` around cells of either.
        x: What is called: sequences of shape `(batch, timesteps, features)`, or the input of
            `model`; or a data set, such as a `tf.data.Dataset` or a `keras.utils.PyDataset`, of
            which the first batch is taken.
        model: The model that the layer is part of, if `x` is the model's input.
        call: Which call of the layer, from 0 in the order of computation, where the model calls it
            more than once: in two branches, in a model that is itself called twice, or in
            `TimeDistributed`, once per part. Negative numbers count from the end.
        cell: Which cell, from the input up, of a `keras.layers.RNN` with a stack of them.
        **arguments: `mask` and `initial_state`, as the layer takes them.

    Returns:
        Arrays by the letters of the equations; the attributes `layer`, `call` and `calls` say of
        what.

    Raises:
        ValueError: If `layer` is none of these, `model` does not call it, or calls it more than
            once and `call` does not say which is meant, or `x` does not fit.

    Examples:
        >>> trace = gate_trace(PeepholeLSTM(4), np.ones((2, 7, 3), "float32"))
        >>> list(trace), trace["c"].shape
        (['i', 'f', 'g', 'o', 'c', 'h'], (2, 7, 4))

        Two sequences through one layer:

        >>> a, b = keras.Input((7, 3)), keras.Input((9, 3))
        >>> shared = ClassicLSTM(4)
        >>> model = keras.Model([a, b], shared(a) - shared(b))
        >>> x = [np.ones((2, 7, 3), "float32"), np.ones((2, 9, 3), "float32")]
        >>> gate_trace(shared, x, model, call=1)["h"].shape
        (2, 9, 4)
    """
    looked_at = subject(layer, cell)
    model = layer if model is None else model
    (calls,) = watch([looked_at], model, first_batch(x).x, **arguments)
    return to_trace(looked_at, calls, choose(calls, call, looked_at, model))


def to_trace(looked_at: Subject, calls: list[Seen], call: int) -> Trace:
    """Makes a `Trace` of what one of several calls computed."""
    seen = calls[call]
    arrays = {
        name: seen.hide(np.stack([_to_numpy(step[name]) for step in seen.steps], axis=1))
        for name in NAMES
        if name in seen.steps[0]
    }
    return Trace(arrays, looked_at.name, call, len(calls), seen.valid)


def _to_numpy(tensor: Any) -> Array:
    return ops.convert_to_numpy(
        ops.cast(tensor, "float32") if tensor.dtype == "bfloat16" else tensor
    )


@dataclass(frozen=True)
class Saturation:
    """How often each gate is nearly closed or nearly open, and which units say nothing.

    Args:
        near_0: By gate, the share of steps below `near`, of shape `(blocks,)`.
        near_1: By gate, the share of steps above `1 - near`, of shape `(blocks,)`.
        dead: Indices of the units whose output stays within `still` of 0 at every step.
        stuck: Indices of the other units whose output keeps within a range of `still`.
    """

    near_0: dict[str, Array]
    near_1: dict[str, Array]
    dead: Array
    stuck: Array


def saturation(
    layer: Any,
    x: Any,
    model: Any = None,
    *,
    near: float = 0.1,
    still: float = 0.01,
    call: int | None = None,
    cell: int | None = None,
    **arguments: Any,
) -> Saturation:
    """Counts how often gates are nearly closed or open, and finds dead and stuck units.

    A gate that is always near 1 (or 0) could be a constant; one that is so often but not always
    has learned to switch. Karpathy, Johnson and Li (2015) count gates below 0.1 and above 0.9.

    Args:
        layer: A layer: see `gate_trace`.
        x: Sequences, the input of `model`, or a data set: see `gate_trace`.
        model: The model that the layer is part of, if `x` is the model's input.
        near: How near to 0 or 1 a gate has to be.
        still: How little an output may move to count as not moving.
        call: Which call of the layer is counted. Default: all calls together, so that a unit is
            dead or stuck only if it is in all of them.
        cell: Which cell of a stack: see `gate_trace`.
        **arguments: `mask` and `initial_state`, as the layer takes them.

    Returns:
        Shares and indices, over all rows and all steps that no mask skips. A value that is NaN is
        near neither end, and its unit neither dead nor stuck.

    Raises:
        ValueError: If `near` is not between 0 and 0.5, a mask skips every step, or for the reasons
            of `gate_trace`.

    Examples:
        >>> found = saturation(ClassicLSTM(3, gate_bias={"f": 9.0}), np.ones((2, 5, 4), "float32"))
        >>> found.near_1["f"].tolist()
        [1.0, 1.0, 1.0]
    """
    if not 0.0 < near < 0.5:
        raise ValueError(f"`near` must be between 0 and 0.5. Received: near={near!r}")
    looked_at = subject(layer, cell)
    model = layer if model is None else model
    (calls,) = watch([looked_at], model, first_batch(x).x, **arguments)
    if call is None and calls:
        numbers = list(range(len(calls)))
    else:
        numbers = [choose(calls, call, looked_at, model)]
    return summarize([to_trace(looked_at, calls, number) for number in numbers], near, still)


def summarize(traces: Sequence[Trace], near: float = 0.1, still: float = 0.01) -> Saturation:
    """Makes a `Saturation` of traces, each of another call of one layer.

    Args:
        traces: What `gate_trace` returned.
        near: As in `saturation`.
        still: As in `saturation`.

    Returns:
        Shares and indices.

    Raises:
        ValueError: If a mask skips every step.
    """
    steps = {name: computed(traces, name) for name in traces[0]}
    gates, h = {k: steps[k] for k in GATES if k in steps}, steps["h"]
    if not len(h):
        raise ValueError(
            "`x` must have a step that no mask skips. Received: sequences in which every step of "
            f"{traces[0].layer!r} is skipped"
        )
    dead = np.abs(h).max(axis=0) <= still
    with np.errstate(invalid="ignore"):  # inf - inf
        stuck = (np.ptp(h, axis=0) <= still) & ~dead
    return Saturation(
        near_0={k: (gate < near).mean(axis=0) for k, gate in gates.items()},
        near_1={k: (gate > 1.0 - near).mean(axis=0) for k, gate in gates.items()},
        dead=np.flatnonzero(dead),
        stuck=np.flatnonzero(stuck),
    )


def computed(traces: Sequence[Trace], name: str) -> Array:
    """All rows and steps that no mask skips, of shape `(steps, units)`."""
    parts = [
        trace[name].reshape(-1, trace[name].shape[-1])
        if trace.valid is None
        # A NaN that was computed stays.
        else trace[name][trace.valid]
        for trace in traces
    ]
    return np.concatenate(parts)
