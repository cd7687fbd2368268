"""What the gates of a layer do: every value of every step, and how often they are at an end."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from keras_lstm_ext.diagnostics.watch import Array, require_layer, watching
from keras_lstm_ext.layers._layer import RecurrentLayer

NAMES = ("i", "f", "g", "o", "c", "h")
GATES = ("i", "f", "o")


def gate_trace(layer: RecurrentLayer, x: Any, model: Any = None, **call: Any) -> dict[str, Array]:
    """Runs a layer and returns every gate, cell state and output of every step.

    The gates `"i"`, `"f"`, `"o"` that the layer has are of shape `(batch, timesteps, blocks)`, with
    blocks of one cell that is `units`; `"g"`, `"c"` and `"h"` of shape `(batch, timesteps, units)`.
    Steps are in the order of processing: from the end with `go_backwards`. A step that a mask skips
    computes nothing; its entries are NaN.

    The layer's own equations are run step by step, without dropout; no state of a `stateful` layer
    changes.

    Args:
        layer: A layer of this package.
        x: What is called: sequences of shape `(batch, timesteps, features)`, or the input of
            `model`.
        model: The model that the layer is part of, if `x` is the model's input.
        **call: `mask` and `initial_state`, as the layer takes them.

    Returns:
        Arrays by the letters of the equations.

    Raises:
        ValueError: If `layer` is none of this package, or `model` does not call it.

    Examples:
        >>> trace = gate_trace(PeepholeLSTM(4), np.ones((2, 7, 3), "float32"))
        >>> list(trace), trace["c"].shape
        (['i', 'f', 'g', 'o', 'c', 'h'], (2, 7, 4))
    """
    require_layer(layer)
    if model is None and not layer.built:
        layer.build(np.shape(x))
    with watching(layer) as seen:
        (layer if model is None else model)(x, training=False, **call)
    arrays = {
        name: np.stack([_to_numpy(step[name]) for step in seen.steps], axis=1)
        for name in NAMES
        if name in seen.steps[0]
    }
    return {name: seen.hide(array) for name, array in arrays.items()}


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
    layer: RecurrentLayer,
    x: Any,
    model: Any = None,
    *,
    near: float = 0.1,
    still: float = 0.01,
    **call: Any,
) -> Saturation:
    """Counts how often gates are nearly closed or open, and finds dead and stuck units.

    A gate that is always near 1 (or 0) could be a constant; one that is so often but not always
    has learned to switch. Karpathy, Johnson and Li (2015) count gates below 0.1 and above 0.9.

    Args:
        layer: A layer of this package.
        x: Sequences, or the input of `model`: see `gate_trace`.
        model: The model that the layer is part of, if `x` is the model's input.
        near: How near to 0 or 1 a gate has to be.
        still: How little an output may move to count as not moving.
        **call: `mask` and `initial_state`, as the layer takes them.

    Returns:
        Shares and indices, over all rows and all steps that no mask skips.

    Raises:
        ValueError: If `near` is not between 0 and 0.5, or for the reasons of `gate_trace`.

    Examples:
        >>> found = saturation(ClassicLSTM(3, gate_bias={"f": 9.0}), np.ones((2, 5, 4), "float32"))
        >>> found.near_1["f"].tolist()
        [1.0, 1.0, 1.0]
    """
    if not 0.0 < near < 0.5:
        raise ValueError(f"`near` must be between 0 and 0.5. Received: near={near!r}")
    return summarize(gate_trace(layer, x, model, **call), near, still)


def summarize(trace: dict[str, Array], near: float = 0.1, still: float = 0.01) -> Saturation:
    """Makes a `Saturation` of a trace.

    Args:
        trace: What `gate_trace` returned.
        near: As in `saturation`.
        still: As in `saturation`.

    Returns:
        Shares and indices.
    """
    steps = {name: rows[~np.isnan(rows).any(axis=-1)] for name, rows in trace.items()}
    gates = {k: steps[k] for k in GATES if k in steps}
    h = steps["h"]
    dead = np.abs(h).max(axis=0, initial=0.0) <= still
    stuck = (np.ptp(h, axis=0) <= still if len(h) else dead) & ~dead
    return Saturation(
        near_0={k: (gate < near).mean(axis=0) for k, gate in gates.items()},
        near_1={k: (gate > 1.0 - near).mean(axis=0) for k, gate in gates.items()},
        dead=np.flatnonzero(dead),
        stuck=np.flatnonzero(stuck),
    )
