"""What the constructors and calls refuse, with messages that say what is accepted."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_lstm_ext.scalars import plain
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


def check_block_size(units: int, block_size: int) -> None:
    """Refuses a block size that does not divide the number of cells."""
    if units % block_size:
        raise ValueError(
            f"`block_size` must divide `units`. Received: block_size={block_size}, units={units}"
        )


def check_use_bias(use_bias: Any, gates: Sequence[str]) -> None:
    """Refuses anything but True, False and, where there are gates, "gates"."""
    accepted = (True, False, "gates") if gates else (True, False)
    # By type, since 1 == True and the layers tell them apart.
    if not isinstance(use_bias, (bool, str)) or use_bias not in accepted:
        raise ValueError(f"`use_bias` must be one of {accepted}. Received: use_bias={use_bias!r}")


def check_gate_bias(gate_bias: Any, variant: Variant, units: int, use_bias: Any) -> Any:
    """Initial biases as plain numbers; refuses absent gates, and not one number per block."""
    if gate_bias is None:
        return None
    blocks = variant.blocks(units)
    expected = (
        f"`gate_bias` must be None or a dictionary from some of {variant.gates} to a number or to "
        f"a list of {blocks} numbers, one per block. Received: gate_bias={gate_bias!r}"
    )
    if not isinstance(gate_bias, dict) or not set(gate_bias) <= set(variant.gates):
        raise ValueError(expected)
    biases = {str(gate): _to_numbers(value) for gate, value in gate_bias.items()}
    for value in biases.values():
        entries = value if isinstance(value, list) else [value] * blocks
        if len(entries) != blocks or not all(isinstance(e, int | float) for e in entries):
            raise ValueError(expected)
    if not use_bias:
        raise ValueError(
            f"`gate_bias` needs `use_bias=True` or 'gates'. Received: use_bias={use_bias!r}, "
            f"gate_bias={gate_bias!r}"
        )
    return biases


def _to_numbers(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.ndim:
        return value.tolist()
    return [plain(v) for v in value] if isinstance(value, list | tuple) else plain(value)


def check_sequences_shape(name: str, shape: Shape, features: int | None = None) -> None:
    """Refuses sequences that are not `(batch, timesteps, features)`."""
    expected = f"`{name}` must have the shape (batch, timesteps, features)"
    if any(isinstance(part, tuple | list) for part in shape):
        raise ValueError(
            f"{expected}, one tensor. States are given beside it, as `initial_state=[h, c]`. "
            f"Received: {len(shape)} tensors of shapes {list(shape)}"
        )
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
    shape = tuple(mask.shape) if hasattr(mask, "shape") else type(mask).__name__
    if isinstance(shape, str) or len(shape) != 2 or not all(map(_agree, shape, sequences_shape)):
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
    if not all(hasattr(s, "shape") and _is_real(s) for s in state):
        kinds = [str(getattr(s, "dtype", type(s).__name__)) for s in state]
        raise ValueError(
            f"`initial_state` must be a list of {len(sizes)} tensors of numbers, {expected}. "
            f"Received: {kinds}"
        )
    shapes = [tuple(s.shape) for s in state]
    for shape, size in zip(shapes, sizes, strict=True):
        one_for_all = len(shape) == 2 and shape[0] == 1 and _agree(shape[1], size)
        if not one_for_all and (len(shape) != 2 or not all(map(_agree, shape, (batch, size)))):
            raise ValueError(
                f"`initial_state` must be a list of {len(sizes)} tensors, {expected}, with batch "
                f"= {batch}, or 1 for the same state in every row. Received: shapes {shapes}"
            )


def stateful_batch(first: int | None) -> str:
    """What a stateful layer asks of every batch after its first."""
    return (
        f"`stateful=True` needs every batch to have the size of the first, {first}: each row goes "
        "on where the same row of the batch before ended. Leave out rows that are too few for a "
        "batch, or make a layer for batches of the other size and give it the same weights"
    )


def _is_real(x: Any) -> bool:
    return any(kind in str(x.dtype) for kind in ("float", "int", "bool"))


def check_weights(weights: Any, owner: Any) -> None:
    """Refuses arrays that do not fit the variables of a layer, before any of them is assigned."""
    cls, variables = type(owner).__name__, owner.weights
    if isinstance(weights, list | tuple) and not weights and not variables:
        return
    if not owner.built:
        raise ValueError(
            f"`set_weights` needs a built layer: call it on data, or call `build`, for example "
            f"layer.build((None, None, features)). Received: {cls}, built=False"
        )
    names = ", ".join(f"{v.name} {tuple(v.shape)}" for v in variables)
    expected = (
        f"`weights` must be a list of {len(variables)} arrays: {names}, with the columns in the "
        f"order {owner.variant.nets}. keras_lstm_ext.convert.set_weights reads those of other "
        "layers and systems, by their names"
    )
    if not isinstance(weights, list | tuple):
        raise ValueError(f"{expected}. Received: {type(weights).__name__}")
    arrays = [w if hasattr(w, "shape") else np.asarray(w) for w in weights]
    given = [tuple(w.shape) for w in arrays]
    if given != [tuple(v.shape) for v in variables]:
        raise ValueError(f"{expected}. Received: {len(given)} arrays of shapes {given}")
    if not all(map(_is_real, arrays)):
        raise ValueError(f"{expected}. Received: dtypes {[str(w.dtype) for w in arrays]}")


def check_store(store: Any, owner: Any) -> None:
    """Refuses a file that has nothing at the place of a cell: Keras finds places by classes."""
    if owner.built and not store.keys():
        raise ValueError(
            f"The file must have {[v.name for v in owner.weights]} at the place of {owner.name}. "
            "Keras finds weights in a file by the names of classes: those of a model with "
            "keras.layers.LSTM load into a model with `class LSTM(ClassicLSTM)` in its place, or "
            "into the old model, from where `new.set_weights(old.get_weights())` takes them. "
            "Received: nothing"
        )


def _agree(a: int | None, b: int | None) -> bool:
    return a is None or b is None or a == b
