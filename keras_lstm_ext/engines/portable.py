"""The engine that runs everywhere: Keras' own loop over the cell, and automatic gradients."""

from typing import Any

import keras
from keras import ops

Tensor = Any


def why_not(layer: Any, call: Any) -> str | None:
    """Gives None: this engine runs every layer."""
    return None


def run(
    layer: Any, sequences: Tensor, initial_state: list[Tensor], mask: Tensor | None, training: bool
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Computes a whole sequence: see `keras_lstm_ext.engines.run`."""
    if training and any(layer.cell.zoneout):
        # Beside the inputs of each step: drawn inside a compiled loop, all steps would have one.
        zones = layer.cell.zones(ops.shape(sequences)[:2])
        drawn = [ops.cast(z, sequences.dtype) for z in zones if z is not None]
        sequences = ops.concatenate([sequences, *drawn], axis=-1)
    if layer.unroll or keras.backend.backend() == "torch":
        # Keras' loop on PyTorch takes every step in Python too, and cannot be traced backwards.
        return _unrolled(layer, sequences, initial_state, mask, training)
    last, outputs, states = keras.layers.RNN.inner_loop(
        layer, sequences, initial_state, mask, training
    )
    if mask is not None and keras.backend.backend() == "jax":
        last, outputs = _zero_before_first_step(layer, last, outputs, mask)
    return last, outputs, list(states)


def _zero_before_first_step(
    layer: Any, last: Tensor, outputs: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    # Keras' JAX loop puts out the initial h before a row's first valid step, its other loops 0.
    if layer.go_backwards:
        mask = ops.flip(mask, axis=1)
    shown = mask if layer.zero_output_for_mask else ops.cumsum(ops.cast(mask, "int32"), axis=1) > 0
    last = ops.where(shown[:, -1:], last, ops.zeros_like(last))
    if layer.return_sequences:
        outputs = ops.where(shown[:, :, None], outputs, ops.zeros_like(outputs))
    return last, outputs


def _unrolled(
    layer: Any, sequences: Tensor, states: list[Tensor], mask: Tensor | None, training: bool
) -> tuple[Tensor, Tensor, list[Tensor]]:
    # Keras' own unrolled loops confuse the steps of a mask that is read backwards.
    # Unstacked: what PyTorch traces so refuses another number of steps, slices would be wrong.
    steps = list(enumerate(ops.unstack(sequences, axis=1)))
    h, outputs = ops.zeros_like(states[0]), []
    for t, x in reversed(steps) if layer.go_backwards else steps:
        new_h, new_states = layer.cell(x, states, training=training)
        if mask is None:
            h, states = new_h, new_states
        else:
            valid = mask[:, t, None]
            h = ops.where(valid, new_h, ops.zeros_like(h) if layer.zero_output_for_mask else h)
            states = [ops.where(valid, n, o) for n, o in zip(new_states, states, strict=True)]
        outputs.append(h)
    return h, ops.stack(outputs, axis=1), states
