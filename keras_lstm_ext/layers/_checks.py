"""What the constructors and calls refuse, with messages that say what is accepted."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_lstm_ext.variants import Variant

Shape = Sequence[int | None]


def to_variant(variant: Any) -> Variant:
    """Accepts a `Variant` or its configuration, and refuses all else."""
    if isinstance(variant, dict):
        return Variant(**variant)
    if not isinstance(variant, Variant):
        raise ValueError(
            "`variant` must be a `Variant` or the dictionary of its fields. "
            f"Received: variant={variant!r}"
        )
    return variant


def check_units(units: Any) -> None:
    """Refuses anything but a positive integer."""
    if isinstance(units, bool) or not isinstance(units, int) or units < 1:
        raise ValueError(f"`units` must be a positive integer. Received: units={units!r}")


def check_block_size(units: int, block_size: int) -> None:
    """Refuses a block size that does not divide the number of cells."""
    if units % block_size:
        raise ValueError(
            f"`block_size` must divide `units`. Received: block_size={block_size}, units={units}"
        )


def check_rate(name: str, rate: Any) -> None:
    """Refuses a dropout rate outside [0, 1)."""
    if not isinstance(rate, (int, float)) or not 0.0 <= rate < 1.0:
        raise ValueError(
            f"`{name}` must be a number with 0 <= {name} < 1. Received: {name}={rate!r}"
        )


def check_use_bias(use_bias: Any, gates: Sequence[str]) -> None:
    """Refuses anything but True, False and, where there are gates, "gates"."""
    accepted = (True, False, "gates") if gates else (True, False)
    # By type, since 1 == True and the layers tell them apart.
    if not isinstance(use_bias, (bool, str)) or use_bias not in accepted:
        raise ValueError(f"`use_bias` must be one of {accepted}. Received: use_bias={use_bias!r}")


def check_gate_bias(gate_bias: Any, gates: Sequence[str], blocks: int, use_bias: Any) -> None:
    """Refuses initial biases for absent gates, or not one number per block."""
    if gate_bias is None:
        return
    expected = (
        f"`gate_bias` must be None or a dictionary from some of {tuple(gates)} to a number or to "
        f"a list of {blocks} numbers, one per block"
    )
    if not isinstance(gate_bias, dict) or not set(gate_bias) <= set(gates):
        raise ValueError(f"{expected}. Received: gate_bias={gate_bias!r}")
    for value in gate_bias.values():
        entries = list(value) if isinstance(value, (list, tuple)) else [value] * blocks
        if len(entries) != blocks or not all(isinstance(e, (int, float)) for e in entries):
            raise ValueError(f"{expected}. Received: gate_bias={gate_bias!r}")
    if not use_bias:
        raise ValueError(
            f"`gate_bias` needs `use_bias=True` or 'gates'. Received: use_bias={use_bias!r}, "
            f"gate_bias={gate_bias!r}"
        )


def check_sequences_shape(name: str, shape: Shape, features: int | None = None) -> None:
    """Refuses sequences that are not `(batch, timesteps, features)`."""
    expected = f"`{name}` must have the shape (batch, timesteps, features)"
    if len(shape) != 3:
        raise ValueError(f"{expected}. Received: {name} of shape {tuple(shape)}")
    if shape[1] == 0:
        raise ValueError(
            f"{expected} with at least one time step. Received: {name} of shape {tuple(shape)}"
        )
    if shape[2] is None or (features is not None and shape[2] != features):
        wanted = "a fixed number of features" if features is None else f"features = {features}"
        raise ValueError(f"{expected} with {wanted}. Received: {name} of shape {tuple(shape)}")


def check_float(name: str, x: Any) -> None:
    """Refuses integer and boolean tensors, which would be read as numbers by accident."""
    dtype = keras.backend.standardize_dtype(x.dtype)
    if "float" not in dtype:
        raise ValueError(
            f"`{name}` must have a float dtype: embed or cast it first, for example with "
            f"keras.ops.cast({name}, 'float32'). Received: {name} of dtype {dtype}"
        )


def check_mask(mask: Any, sequences_shape: Shape) -> None:
    """Refuses a mask that is not `(batch, timesteps)`."""
    shape = tuple(mask.shape)
    if len(shape) != 2 or not all(map(_agree, shape, sequences_shape)):
        raise ValueError(
            "`mask` must have the shape (batch, timesteps) = "
            f"{tuple(sequences_shape[:2])}. Received: mask of shape {shape}"
        )


def check_state(state: Any, sizes: Sequence[int], names: Sequence[str], batch: int | None) -> None:
    """Refuses a wrong number of initial states, or one of a wrong shape."""
    expected = ", ".join(f"{n}: (batch, {s})" for n, s in zip(names, sizes, strict=True))
    if not isinstance(state, (list, tuple)) or len(state) != len(sizes):
        count = len(state) if isinstance(state, (list, tuple)) else "one tensor"
        raise ValueError(
            f"`initial_state` must be a list of {len(sizes)} tensors, {expected}. Received: {count}"
        )
    shapes = [tuple(s.shape) for s in state]
    for shape, size in zip(shapes, sizes, strict=True):
        if len(shape) != 2 or not all(map(_agree, shape, (batch, size))):
            raise ValueError(
                f"`initial_state` must be a list of {len(sizes)} tensors, {expected}, with batch "
                f"= {batch}. Received: shapes {shapes}"
            )


def check_weights(weights: Sequence[Any], variables: Sequence[Any], layout: str) -> None:
    """Refuses arrays that do not fit the variables, before any of them is assigned."""
    given = [tuple(ops.shape(w)) for w in weights]
    expected = [tuple(v.shape) for v in variables]
    if given != expected:
        names = ", ".join(f"{v.name} {tuple(v.shape)}" for v in variables)
        raise ValueError(
            f"`weights` must be a list of {len(expected)} arrays: {names}, with the columns "
            f"{layout}. Received: {len(given)} arrays of shapes {given}"
        )


def _agree(a: int | None, b: int | None) -> bool:
    return a is None or b is None or a == b
