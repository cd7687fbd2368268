"""Numbers and booleans as people have them, NumPy's too, made into Python's own.

Grids, tuners and tables give `np.int64(8)` where 8 is meant. What the package keeps is plain, so
that a configuration is JSON.
"""

from numbers import Integral, Real
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """A NumPy scalar, or an array without dimensions, as Python's own; all else as it is.

    Args:
        value: Anything.

    Returns:
        The same value.

    Examples:
        >>> plain(np.int64(8)), plain(np.array(0.5)), plain("8")
        (8, 0.5, '8')
    """
    scalar = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return value.item() if scalar else value


def is_integer(value: Any) -> bool:
    """Whether a value is an integer, which a boolean is not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether a value is a real number, which a boolean is not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def integer(name: str, value: Any, least: int = 1) -> int:
    """An integer argument.

    Args:
        name: The argument, named in the error.
        value: What was given for it.
        least: The least that is accepted.

    Returns:
        The integer, Python's own.

    Raises:
        ValueError: If it is not an integer from `least` on.

    Examples:
        >>> integer("units", np.int64(8))
        8
    """
    given = plain(value)
    if not is_integer(given) or given < least:
        accepted = "a positive integer" if least == 1 else f"an integer from {least} on"
        raise ValueError(f"`{name}` must be {accepted}. Received: {name}={value!r}")
    return int(given)


def boolean(name: str, value: Any) -> bool:
    """A boolean argument; 0 and 1 are taken for False and True.

    Args:
        name: The argument, named in the error.
        value: What was given for it.

    Returns:
        The boolean, Python's own.

    Raises:
        ValueError: If it is neither True nor False.

    Examples:
        >>> boolean("stateful", np.True_)
        True
    """
    given = plain(value)
    if not isinstance(given, Integral) or given not in (0, 1):
        raise ValueError(f"`{name}` must be True or False. Received: {name}={value!r}")
    return bool(given)
