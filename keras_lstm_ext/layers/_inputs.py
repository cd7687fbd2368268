"""What a call refuses before Keras makes something else of it, with the way that leads on."""

from typing import Any

import numpy as np

EXPECTED = "`sequences` must be one dense tensor of shape (batch, timesteps, features)"
PAD = (
    'keras.utils.pad_sequences(x, dtype="float32", padding="post") makes rows of unequal length '
    "equal, and `mask`, boolean of shape (batch, timesteps), says which steps are real"
)
TEXT = "Text is made into numbers by keras.layers.TextVectorization and keras.layers.Embedding"


def check_tensor(x: Any) -> None:
    """Refuses lists, tables, ragged and sparse tensors, and arrays of anything but numbers.

    Args:
        x: What was given for `sequences`.

    Raises:
        ValueError: If it is not a dense tensor of numbers.
    """
    received = _why_not(x)
    if received:
        raise ValueError(f"{EXPECTED}. {received}")


def _why_not(x: Any) -> str | None:
    """What to do instead, and what was received; None if `x` is a dense tensor of numbers."""
    kind = type(x).__name__
    if isinstance(x, list | tuple):
        return _of_list(x)
    if hasattr(x, "row_splits") or getattr(x, "ragged", False):
        return (
            "Of a ragged tensor it is x.to_tensor(), with "
            f"mask=tf.sequence_mask(x.row_lengths()). Received: {kind}"
        )
    if getattr(x, "is_nested", False):
        return (
            "Of a nested tensor it is torch.nested.to_padded_tensor(x, 0.0), with `mask`, boolean "
            f"of shape (batch, timesteps), for the real steps. Received: nested {kind}"
        )
    if _is_sparse(x):
        return f"Of a sparse tensor it is tf.sparse.to_dense(x), or x.to_dense(). Received: {kind}"
    if hasattr(x, "to_numpy"):
        return (
            "Of a table with a row per time step it is x.to_numpy()[None], one sequence; "
            "keras.utils.timeseries_dataset_from_array(x.to_numpy(), ...) makes many. "
            f"Received: {kind} of shape {tuple(x.shape)}"
        )
    if not hasattr(x, "shape") or not hasattr(x, "dtype"):
        return f"Received: {kind}"
    return _of_array(x) if isinstance(x, np.ndarray) else None


def _is_sparse(x: Any) -> bool:
    named = hasattr(x, "dense_shape") or hasattr(x, "todense")
    return named or any(getattr(x, name, False) is True for name in ("is_sparse", "sparse"))


def _of_array(x: np.ndarray[Any, Any]) -> str | None:
    if x.dtype.kind in "US":
        return f"{TEXT}. Received: dtype {x.dtype}"
    if x.dtype.kind == "O":
        return f"{PAD}. Received: shape {x.shape}, dtype object"
    if x.dtype.kind in "MmV":
        return f"Times are made into numbers first. Received: dtype {x.dtype}"
    return None


def _of_list(x: Any) -> str:
    if len(x) == 1 and hasattr(x[0], "shape"):
        return "Of a list of one tensor it is x[0]. Received: a list of 1 tensor"
    if any(len(getattr(part, "shape", ())) == 3 for part in x):
        return (
            "States are given beside it: layer(x, initial_state=[h, c]). "
            f"Received: a list of {len(x)} tensors"
        )
    if any(isinstance(part, str) for part in x):
        return f"{TEXT}. Received: a list of {len(x)} with strings"
    lengths = {len(part) for part in x if hasattr(part, "__len__")}
    if len(lengths) > 1:
        return f"{PAD}. Received: a list of {len(x)} rows of {min(lengths)} to {max(lengths)} steps"
    return f'Of a list it is np.asarray(x, "float32"). Received: {type(x).__name__} of {len(x)}'
