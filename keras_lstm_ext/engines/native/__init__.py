"""The C++ engine of `keras_lstm_ext/native`, on a CPU: what is the same on every backend.

A binding, one file for each framework, has `why_not(layer, call)` and
`sequence(layer, arrays, training)`, which gives y (None where the layer does not return it), h and
c. Its arrays are `packing.ARRAYS`, None for what a variant or a call does not have.
"""

import importlib
from typing import Any

import keras
from keras import ops

from keras_lstm_ext.engines import bptt
from keras_lstm_ext.engines.bptt import prefix
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.engines.tensors import cast

Tensor = Any

BACKENDS = ("tensorflow", "torch", "jax")

BINDING: Any = None
"""The module that brings the backend's arrays to the library."""
if keras.backend.backend() in BACKENDS:
    BINDING = importlib.import_module(f"{__name__}.{keras.backend.backend()}")


def why_not(layer: Any, call: Any) -> str | None:
    """Gives None if this engine can run the layer, or the reason why not."""
    backend = keras.backend.backend()
    if backend not in BACKENDS:
        return f"it knows the backends {', '.join(BACKENDS)}, and this is {backend}"
    reason = packing.why_not_built() or why_not_cell(layer.cell)
    if reason:
        return reason
    if layer.compute_dtype != "float32":
        return f"it computes in float32, and this layer in {layer.compute_dtype}"
    if layer.unroll:
        return "unroll=True asks for the unrolled loop"
    if layer.recompute:
        return "it keeps the gates for the backward, and recompute=True asks to compute them again"
    if (
        layer.engine == "auto"
        and backend in bptt.BACKENDS
        and prefix.is_prefix_sum(layer.cell.equations, call.masked)
    ):
        return "bptt adds up this carousel without a loop, and has its second derivative"
    return BINDING.why_not(layer, call)


def why_not_cell(cell: Any) -> str | None:
    """Gives None if the library knows the cell, or the reason why not."""
    if cell.variant.peepholes and cell.variant.block_size > 4:
        return "it knows peepholes in blocks of up to 4 cells"
    return packing.why_not_squashers(cell.equations)


def run(
    layer: Any, sequences: Tensor, initial_state: list[Tensor], mask: Tensor | None, training: bool
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Computes a whole sequence: see `keras_lstm_ext.engines.run`."""
    cell, (h, c, *gates) = layer.cell, initial_state
    if training and cell.dropout:
        multiplier = cell.get_dropout_mask(sequences[:, 0])
        sequences = sequences * ops.cast(multiplier, sequences.dtype)[:, None]
    multiplier = cell.get_recurrent_dropout_mask(h) if training else None
    fed = ops.concatenate([h, *gates], axis=-1) if gates else h
    arrays = (sequences, fed, c, *weights(cell), multiplier, mask)
    y, fed, c = BINDING.sequence(layer, arrays, training)
    h, *gates = (fed[:, : cell.units], fed[:, cell.units :]) if gates else (fed,)
    if mask is not None and layer.go_backwards:
        mask = ops.flip(mask, axis=1)
    return *bptt.shown(layer, mask, h, y), [h, c, *gates]


def weights(cell: Any) -> tuple[Tensor | None, ...]:
    """W, R, p and b of a cell as the library takes them, None for what it does not have."""
    b = ops.zeros((cell.kernel.shape[1],)) if cell.bias is None else cell.full_bias()
    norms = [n for n in (cell.norm_kernel, cell.state_norm_kernel) if n is not None]
    if norms:
        b = ops.concatenate([b, *(ops.reshape(n, (-1,)) for n in norms)])
    found = (cell.kernel, cell.full_recurrent_kernel(), cell.peephole_kernel, b)
    return tuple(None if w is None else cast(w, "float32") for w in found)
