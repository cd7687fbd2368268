"""The engine with the hand-written gradient, on TensorFlow and JAX: see `algorithm`."""

import importlib
from typing import Any

import keras
from keras import ops

from keras_lstm_ext.engines import tracing
from keras_lstm_ext.engines.bptt import algorithm, prefix
from keras_lstm_ext.engines.step import differentiable

Tensor = Any

BACKENDS = ("tensorflow", "jax")


def why_not(layer: Any, call: Any) -> str | None:
    """Gives None if this engine can run the layer, or the reason why not."""
    backend = keras.backend.backend()
    if backend not in BACKENDS:
        return f"it needs the TensorFlow or the JAX backend, and this is {backend}"
    if layer.unroll:
        return "unroll=True asks for the unrolled loop"
    if tracing.exporting():
        return "an export must load without this package"
    return differentiable(layer.cell.equations)


def run(
    layer: Any,
    sequences: Tensor,
    initial_state: list[Tensor],
    mask: Tensor | None,
    training: bool,
    program: Any = None,
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Computes a whole sequence: see `keras_lstm_ext.engines.run`.

    `program` is the module that computes what is left when dropout and direction are seen to; by
    default, the backend's.
    """
    cell = layer.cell
    if layer.go_backwards:
        sequences = ops.flip(sequences, axis=1)
        mask = mask if mask is None else ops.flip(mask, axis=1)
    if training and cell.dropout:
        multiplier = cell.get_dropout_mask(sequences[:, 0])
        sequences = sequences * ops.cast(multiplier, sequences.dtype)[:, None]
    plan = algorithm.Plan(cell.equations, layer.return_sequences, layer.recompute)
    arrays = _arrays(cell, sequences, initial_state)
    fixed = algorithm.Fixed(
        None if mask is None else ops.transpose(mask)[:, :, None],
        _multiplier(cell, initial_state[0]) if training else None,
        *(_zones(layer, sequences, initial_state) if training else ()),
    )
    if prefix.is_prefix_sum(plan.equations, mask is not None):
        outputs, *states = prefix.prefix_sum(plan, arrays, fixed)
    else:
        program = program or importlib.import_module(f"{__name__}.{keras.backend.backend()}")
        outputs, *states = program.run(plan, arrays, fixed, training)
    states = [state for state in states if state is not None]
    outputs = None if outputs is None else ops.transpose(outputs, (1, 0, 2))
    return *shown(layer, mask, states[0], outputs), states


def _arrays(cell: Any, sequences: Tensor, states: list[Tensor]) -> algorithm.Arrays:
    def cast(weights: Any, dtype: str) -> Tensor | None:
        return None if weights is None else ops.cast(ops.convert_to_tensor(weights), dtype)

    h, c, *gates = states
    return algorithm.Arrays(
        x=ops.transpose(sequences, (1, 0, 2)),
        h=h,
        c=c,
        gates=gates[0] if gates else None,
        W=cast(cell.kernel, sequences.dtype),
        R=cast(cell.full_recurrent_kernel(), sequences.dtype),
        p=cast(cell.peephole_kernel, c.dtype),
        b=None if cell.bias is None else cast(cell.full_bias(), c.dtype),
        n=cast(cell.norm_kernel, c.dtype),
        s=cast(cell.state_norm_kernel, c.dtype),
        P=cast(cell.projection_kernel, sequences.dtype),
    )


def _multiplier(cell: Any, h: Tensor) -> Tensor | None:
    multiplier = cell.get_recurrent_dropout_mask(h)
    return None if multiplier is None else ops.cast(multiplier, h.dtype)


def _zones(layer: Any, sequences: Tensor, states: list[Tensor]) -> list[Tensor | None]:
    zones = layer.cell.zones(ops.shape(sequences)[:2])
    if layer.go_backwards:  # as with dropout, what is drawn belongs to a place of the sequence
        zones = [z if z is None else ops.flip(z, axis=1) for z in zones]
    return [
        z if z is None else ops.cast(ops.transpose(z, (1, 0, 2)), state.dtype)
        for z, state in zip(zones, states, strict=False)
    ]


def shown(
    layer: Any, mask: Tensor | None, last: Tensor, outputs: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """What of h is put out: 0 before a row's first valid step, where the state is not 0."""
    if mask is None:
        return last, outputs
    shown = mask if layer.zero_output_for_mask else prefix.started(mask, axis=1)
    last = ops.where(shown[:, -1:], last, ops.zeros_like(last))
    if outputs is not None:
        outputs = ops.where(shown[:, :, None], outputs, ops.zeros_like(outputs))
    return last, outputs
