"""What a task gives: inputs, targets and which targets count, all from one seed."""

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keras_lstm_ext.scalars import is_integer, is_number, plain

Array: TypeAlias = NDArray[Any]
Seed: TypeAlias = int | Sequence[int] | np.random.Generator


class Sequences(NamedTuple):
    """Sequences of a task, the shorter ones padded on the right.

    Every task ends with a target that counts, so that padding never reaches an error: a network
    that reads from left to right needs no other mask.

    Attributes:
        inputs: `(n, timesteps, features)`, float32; zeros for padding. From
            `sample(..., symbols=True)` the symbols of a symbolic task, `(n, timesteps)`, int64,
            with -1 for padding.
        targets: `(n, timesteps, outputs)`, float32; zeros where no target counts.
        mask: `(n, timesteps)`, boolean: the steps with an error signal.

    Examples:
        >>> mask = np.array([[False, True, False], [False, False, True]])
        >>> Sequences(np.zeros((2, 3, 1)), np.zeros((2, 3, 1)), mask).lengths
        array([2, 3])
    """

    inputs: Array
    targets: Array
    mask: Array

    @property
    def lengths(self) -> Array:
        """Number of steps up to the last target that counts, `(n,)`, int64."""
        return self.mask.shape[1] - np.argmax(self.mask[:, ::-1], axis=1)

    @property
    def valid(self) -> Array:
        """Which steps are no padding, `(n, timesteps)`, boolean: the `mask` of a Keras layer."""
        return before(self.lengths, self.mask.shape[1])


def generator(seed: Seed) -> np.random.Generator:
    """The random numbers of a seed: NumPy's `Generator` on PCG64, or the generator given."""
    if isinstance(seed, np.random.Generator):
        return seed
    if seed is None:
        raise ValueError("`seed` must be an integer, integers or a generator. Received: seed=None")
    return np.random.Generator(np.random.PCG64(seed))


def before(lengths: Array, steps: int) -> Array:
    """Which of `steps` steps come before the end of each sequence, `(n, steps)`."""
    return np.arange(steps) < lengths[:, None]


def one_hot(symbols: Array, size: int) -> Array:
    """Local representation: one component per symbol, none for the padding -1."""
    return (symbols[..., None] == np.arange(size)).astype("float32")


def next_symbols(symbols: Array, size: int) -> Sequences:
    """All but the last symbol as inputs; at each of them the one after it as target."""
    mask = symbols[:, 1:] >= 0
    return Sequences(np.where(mask, symbols[:, :-1], -1), one_hot(symbols[:, 1:], size), mask)


def target_at_end(inputs: Array, target: Array, lengths: Array) -> Sequences:
    """One target `(n, outputs)` at the last step of each sequence; what follows is padding."""
    steps = inputs.shape[1]
    inputs[~before(lengths, steps)] = -1 if inputs.ndim == 2 else 0
    mask = np.arange(steps) == lengths[:, None] - 1
    return Sequences(inputs, mask[..., None] * target[:, None], mask)


def plain_fields(record: Any) -> None:
    """Makes NumPy's numbers and booleans in a frozen dataclass Python's own."""
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, tuple | list | np.ndarray) and np.ndim(value):
            value = tuple(plain(v) for v in value)
        object.__setattr__(record, field.name, plain(value))


def check_at_least(least: int, **arguments: object) -> None:
    """Refuses anything but integers from `least` on."""
    for name, value in arguments.items():
        given = plain(value)
        if not is_integer(given) or given < least:
            raise ValueError(
                f"`{name}` must be an integer from {least} on. Received: {name}={value!r}"
            )


def check_choice(accepted: tuple[object, ...], **arguments: object) -> None:
    """Refuses anything but the accepted values."""
    for name, value in arguments.items():
        if value not in accepted:
            raise ValueError(f"`{name}` must be one of {accepted}. Received: {name}={value!r}")


def check_number(**arguments: object) -> None:
    """Refuses anything but finite numbers."""
    for name, value in arguments.items():
        given = plain(value)
        if not is_number(given) or not math.isfinite(given):
            raise ValueError(f"`{name}` must be a finite number. Received: {name}={value!r}")
