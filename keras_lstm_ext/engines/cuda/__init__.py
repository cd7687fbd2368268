"""One kernel for a whole sequence, on an NVIDIA GPU: see `cuda/lstm.cu`.

The weights that are fed back through stay in the shared memory of the processors, so that a step
costs neither a launch nor their way from memory. Weights and errors of the input are products of
all steps outside of it, as in `bptt`.
"""

from typing import Any

import keras

from keras_lstm_ext.engines import bptt
from keras_lstm_ext.engines.cuda import driver
from keras_lstm_ext.engines.cuda.layout import MOST_ROWS, layouts
from keras_lstm_ext.engines.native import packing

Tensor = Any

RECORDED_RUN: str | None = None
"""File of a recorded run of this engine's tests on a GPU; without one, `auto` does not take it."""

MULTIPLE = 4
"""Of which the units must be one: a kernel reads four floats at a time."""


def why_not(layer: Any, call: Any) -> str | None:
    """Gives None if this engine can run the layer, or the reason why not."""
    backend = keras.backend.backend()
    if backend != "jax":
        return f"it needs the JAX backend, and this is {backend}"
    from keras_lstm_ext.engines.cuda import jax

    reason = jax.why_not(layer) or _why_not_layer(layer) or driver.why_not()
    return reason or _why_not_size(layer, call) or _why_not_yet(layer)


def _why_not_layer(layer: Any) -> str | None:
    cell, v = layer.cell, layer.cell.variant
    if v.feedback != "cells" or v.block_size > 1:
        return "it knows cells whose outputs alone are fed back, without blocks"
    if layer.compute_dtype == "float64":
        return "it computes in float32, and this layer in float64"
    if cell.recurrent_dropout:
        return "it has no recurrent dropout"
    if layer.unroll:
        return "unroll=True asks for the unrolled loop"
    if layer.recompute:
        return "it keeps the gates for the backward, and recompute=True asks to compute them again"
    return packing.why_not_squashers(cell.equations)


def _why_not_size(layer: Any, call: Any) -> str | None:
    units, nets = layer.cell.units, len(layer.cell.variant.nets)
    if call.input_shape and call.input_shape[0] == 0:
        return "it knows batches of at least one row"
    if units % MULTIPLE:
        return f"it knows multiples of {MULTIPLE} units"
    for backward in (False, True):
        if not layouts(driver.card(), MOST_ROWS, units, nets, backward):
            return f"the weights of {units} units do not fit into the card's shared memory"
    return None


def _why_not_yet(layer: Any) -> str | None:
    if layer.engine == "auto" and RECORDED_RUN is None:
        return "no whole run of its tests on a GPU is recorded; engine='cuda' takes it nevertheless"
    return None


def run(
    layer: Any, sequences: Tensor, initial_state: list[Tensor], mask: Tensor | None, training: bool
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Computes a whole sequence: see `keras_lstm_ext.engines.run`."""
    from keras_lstm_ext.engines.cuda import jax

    return bptt.run(layer, sequences, initial_state, mask, training, jax)
