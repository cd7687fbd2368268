"""Conversions that cost a call nothing where there is nothing to convert."""

from typing import Any

import keras
from keras import ops

Tensor = Any


def cast(x: Any, dtype: str) -> Tensor:
    """Casts as `keras.ops.cast` does, which takes longer than a small step to find nothing to do.

    Args:
        x: A tensor, a variable, or an array.
        dtype: The dtype that is wanted.

    Returns:
        A tensor of that dtype; the same where it had it.
    """
    if isinstance(x, keras.Variable):
        x = x.value
    if ops.is_tensor(x) and keras.backend.standardize_dtype(x.dtype) == dtype:
        return x
    return ops.cast(x, dtype)
