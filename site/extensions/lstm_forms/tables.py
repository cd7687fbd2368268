"""The pieces of a form for every choice, small enough for a browser.

A piece depends on some of the fields only. A slot says on which, and has the number of its text for
each combination of their options; -1 where the slot is empty.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from typing import Any, TypedDict

import numpy as np

from keras_lstm_ext.variants import Variant

from .choices import FIELDS, Choice

SIZES = [len(options) for options in FIELDS.values()]
EMPTY, NONE = -1, -2
"""A slot without a text, and a choice that no variant has."""


class Slot(TypedDict):
    """One piece of a form."""

    name: str
    on: list[int]
    of: list[int]
    texts: list[str]


def table(form: Callable[[Variant], Mapping[str, str]], of: Mapping[Choice, Variant]) -> list[Slot]:
    """The slots of a form, in the order in which they stand."""
    order: list[str] = []
    texts: dict[str, dict[str, int]] = {}
    numbers: dict[str, Any] = {}
    there = np.full(SIZES, NONE)
    for choice in of:
        there[choice] = EMPTY
    made = {choice: form(variant) for choice, variant in of.items()}
    # Those with the most pieces first: the others' are then in order already.
    for choice, pieces in sorted(made.items(), key=lambda item: -len(item[1])):
        before = -1
        for name, text in pieces.items():
            if name not in numbers:
                order.insert(before + 1, name)
                numbers[name], texts[name] = there.copy(), {}
            before = order.index(name)
            numbers[name][choice] = texts[name].setdefault(text, len(texts[name]))
    return [_slot(name, numbers[name], list(texts[name])) for name in order]


def valid(of: Iterable[Choice]) -> Slot:
    """A slot that is empty where there is no variant."""
    there = np.full(SIZES, EMPTY)
    for choice in of:
        there[choice] = 0
    return _slot("valid", there, [""])


def look_up(slot: Slot, choice: Choice) -> str | None:
    """The text of a slot for a choice, as the script does it."""
    n = 0
    for field in slot["on"]:
        n = n * SIZES[field] + choice[field]
    number = slot["of"][n]
    return None if number == EMPTY else slot["texts"][number]


def _slot(name: str, numbers: Any, texts: list[str]) -> Slot:
    on = [axis for axis in range(numbers.ndim) if _matters(numbers, axis)]
    others = tuple(axis for axis in range(numbers.ndim) if axis not in on)
    highest = numbers.max(axis=others)
    lowest = np.where(numbers == NONE, len(texts), numbers).min(axis=others)
    if ((lowest != highest) & (highest != NONE)).any():
        raise ValueError(f"{name!r} depends on more than {on}")
    of = np.where(highest == NONE, EMPTY, highest).ravel().tolist()
    return {"name": name, "on": on, "of": of, "texts": texts}


def _matters(numbers: Any, axis: int) -> bool:
    """Whether two variants that differ in a field only differ in the slot."""
    options = np.moveaxis(numbers, axis, 0)
    return any(((a != b) & (a != NONE) & (b != NONE)).any() for a, b in combinations(options, 2))
