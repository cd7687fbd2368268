"""What users have data in: arrays, structures of them, and data sets."""

from typing import Any, NamedTuple

import keras
import numpy as np


class Batch(NamedTuple):
    """What a model is trained on: inputs, and where there are any, targets and weights of rows."""

    x: Any
    y: Any = None
    sample_weight: Any = None


def first_batch(x: Any, y: Any = None, sample_weight: Any = None) -> Batch:
    """Arrays as they are, or the first batch of a data set.

    Args:
        x: Arrays, in any structure that a model takes; or a `tf.data.Dataset`, a
            `keras.utils.PyDataset`, a PyTorch `DataLoader` or anything else that gives batches
            each time it is iterated.
        y: The targets, where `x` is no data set.
        sample_weight: Likewise.

    Returns:
        One batch.

    Raises:
        ValueError: If `x` is a generator or a text, or a data set that is empty or comes with
            targets beside it.
    """
    if not _is_data_set(x):
        return Batch(*(_arrays(part) for part in (x, y, sample_weight)))
    if y is not None or sample_weight is not None:
        raise ValueError(
            "`y` and `sample_weight` must be left out where `x` is a data set, which gives them. "
            f"Received: x of type {type(x).__name__} and y of type {type(y).__name__}"
        )
    if isinstance(x, keras.utils.PyDataset):
        batch = x[0] if x.num_batches != 0 else None
    else:
        batch = next(iter(x), None)
    if batch is None:
        raise ValueError(f"`x` must have a batch. Received: an empty {type(x).__name__}")
    return Batch(*map(_arrays, keras.utils.unpack_x_y_sample_weight(batch)))


def _is_data_set(x: Any) -> bool:
    if x is None or isinstance(x, (str, bytes)) or hasattr(x, "__next__"):
        raise ValueError(
            "`x` must be arrays, or a data set that can be read again, such as a tf.data.Dataset "
            "or a keras.utils.PyDataset; of a generator, give one batch: next(generator)[0]. "
            f"Received: x of type {type(x).__name__}"
        )
    array = hasattr(x, "shape") or hasattr(x, "__array__") or np.isscalar(x)
    return not array and not isinstance(x, (list, tuple, dict))


def _arrays(part: Any) -> Any:
    """A structure of arrays that every backend takes; lists of numbers become an array."""
    if part is None:
        return None
    if all(np.isscalar(leaf) for leaf in keras.tree.flatten(part)):
        return np.asarray(part)
    return keras.tree.map_structure(_array, part)


def _array(leaf: Any) -> Any:
    if hasattr(leaf, "detach") and keras.backend.backend() != "torch":
        return leaf.detach().cpu().numpy()
    return leaf if hasattr(leaf, "dtype") else np.asarray(leaf)
