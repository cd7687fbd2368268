"""What users have weights in: dictionaries, modules, variables, tensors of any library."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_lstm_ext.convert.blocks import Array, Place

Given = dict[str, Any]
SEPARATORS = ("", ".", "/", "_")
"""What a prefix ends with."""


def named(arrays: Any, names: Sequence[str]) -> Given:
    """The arrays of anything that has them, by their names.

    Args:
        arrays: A dictionary, in which dictionaries are read with `/` between the names; a PyTorch
            module; or a list of variables that have names.
        names: Those that the layout has, for the error.

    Returns:
        The arrays as they are.

    Raises:
        ValueError: If it is another thing.
    """
    if not isinstance(arrays, Mapping) and callable(getattr(arrays, "state_dict", None)):
        arrays = arrays.state_dict()
    if isinstance(arrays, (list, tuple)) and arrays and all(map(_name, arrays)):
        by_name = {_name(variable): variable for variable in arrays}
        if len(by_name) == len(arrays):
            arrays = by_name
    if not isinstance(arrays, Mapping):
        raise ValueError(
            "`arrays` must be a dictionary from names to arrays, a PyTorch module or a list of "
            "variables with different names, since an order of arrays says nothing about what they "
            f"are: if it is that of {list(names)}, dict(zip(names, arrays)). "
            f"Received: {type(arrays).__name__}"
        )
    return dict(_flat(arrays))


def _name(variable: Any) -> str:
    return str(getattr(variable, "path", None) or getattr(variable, "name", None) or "")


def _flat(arrays: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in arrays.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}/")
        else:
            yield f"{path}{name}".removesuffix(":0"), value


def to_numpy(value: Any) -> Array:
    """Any tensor, variable or list as an array: from a GPU, and where it needs a gradient too."""
    if isinstance(value, keras.Variable):
        return keras.ops.convert_to_numpy(value)
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if "bfloat16" in str(value.dtype):  # which NumPy does not know
            value = value.float()
    return np.asarray(value)


def shape_of(value: Any) -> tuple[int, ...] | None:
    """The shape of any tensor or list; None of what has none, as a ragged list."""
    try:
        return tuple(np.shape(value))
    except ValueError:
        return None


def select(given: Given, places: Sequence[Place], prefix: str) -> Given:
    """The arrays of the layers, by the names of the layout.

    Args:
        given: All arrays, by their full names.
        places: Where the weights of the layers stand.
        prefix: What comes before the names of the layout. If it is empty and no name is there
            without one, the one prefix is taken with which all names are there, in the right
            shapes.

    Returns:
        The arrays that have the prefix, without it.

    Raises:
        ValueError: If nothing has the prefix, or more than one could be meant.
    """
    names = [name for place in places for name in place.arrays]
    if not prefix and not any(name in given for name in names):
        prefix = _only_prefix(given, places, names)
    chosen = {name.removeprefix(prefix): v for name, v in given.items() if name.startswith(prefix)}
    if given and not chosen:
        raise ValueError(
            f"`prefix` must be what the names of `arrays` begin with. Received: prefix={prefix!r} "
            f"and names {sorted(given)}"
        )
    return chosen


def _only_prefix(given: Given, places: Sequence[Place], names: list[str]) -> str:
    some = dict.fromkeys(
        key.removesuffix(name)
        for name in names
        for key in given
        if key.endswith(name) and key.removesuffix(name).endswith(SEPARATORS[1:])
    )
    whole = [prefix for prefix in some if all(prefix + name in given for name in names)]
    fitting = [prefix for prefix in whole if _fits(given, places, prefix)]
    for found in (fitting, whole, list(some)):
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(
                f"`prefix` must say which arrays are meant: one of {found}. Received: prefix='' "
                f"and several with names like {names[0]!r}"
            )
    return ""


def _fits(given: Given, places: Sequence[Place], prefix: str) -> bool:
    return all(
        shape_of(given[prefix + name]) == place.shape(blocks)
        for place in places
        for name, blocks in place.arrays.items()
    )
