"""What can be chosen of a cell, one option of each field, and the `Variant` that they make."""

from dataclasses import replace
from itertools import product

from keras_lstm_ext.diagram import SQUASHERS
from keras_lstm_ext.variants import FEEDBACKS, GRADIENTS, ORIGINS, Variant

_AS_1997 = ORIGINS["original"].published
FIELDS: dict[str, tuple[object, ...]] = {
    "i": (False, True),
    "kept": ("all", "f", "coupled"),
    "o": (False, True),
    "peepholes": (False, True),
    "feedback": FEEDBACKS,
    "activation": (None, "tanh", _AS_1997.activation),
    "output_activation": (None, "tanh", _AS_1997.squashes_output),
    "gradient": GRADIENTS,
    "norm": (False, True),
    "projection": (False, True),
}
"""The options of each field; `kept` is what is kept of the old state."""


def _squashers(field: str) -> tuple[str, ...]:
    names: dict[object, str] = {**SQUASHERS}
    return tuple(names[option] for option in FIELDS[field])


LABELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "i": ("input gate", ("no", "yes")),
    "kept": ("kept of the old state", ("all of it", "forget gate", "1 \u2212 input gate")),
    "o": ("output gate", ("no", "yes")),
    "peepholes": ("peepholes", ("no", "yes")),
    "feedback": ("fed back", ("nothing", "h", "h and gates", "h; gates to gates")),
    "activation": ("squasher of the input", _squashers("activation")),
    "output_activation": ("squasher of the output", _squashers("output_activation")),
    "gradient": ("gradient", ("full", "truncated")),
    "norm": ("layer normalisation", ("no", "yes")),
    "projection": ("projection of h", ("no", "yes")),
}
"""Each field and its options in words."""

Choice = tuple[int, ...]
"""The number of the option of each field."""


def variant(choice: Choice) -> Variant | None:
    """The variant of a choice; None if there is none.

    There is none either where net inputs are normalised and gates are seen by gates only: such a
    cell can be had as a layer, but has no short form.
    """
    given = {name: options[n] for (name, options), n in zip(FIELDS.items(), choice, strict=True)}
    has = {"i": given.pop("i"), "f": given["kept"] == "f", "o": given.pop("o")}
    kept, norm = given.pop("kept"), given.pop("norm")
    if norm and given["feedback"] == "gates to gates":
        return None
    try:
        return Variant(
            gates=tuple(gate for gate, there in has.items() if there),
            coupled=kept == "coupled",
            normalize_nets=norm,
            normalize_output=norm,
            projection=1 if given.pop("projection") else None,
            **given,
        )
    except ValueError:
        return None


def all_variants() -> dict[Choice, Variant]:
    """Every variant that can be chosen."""
    made = {choice: variant(choice) for choice in product(*map(range, map(len, FIELDS.values())))}
    return {choice: v for choice, v in made.items() if v is not None}


def choice(v: Variant) -> Choice:
    """The choice that makes a variant; its sources do not matter."""
    values = {
        "i": "i" in v.gates,
        "kept": "f" if "f" in v.gates else "coupled" if v.coupled else "all",
        "o": "o" in v.gates,
        "output_activation": v.squashes_output,
        "norm": v.normalize_nets,
        "projection": v.projection is not None,
    }
    numbers = tuple(
        options.index(values[name] if name in values else getattr(v, name))
        for name, options in FIELDS.items()
    )
    made = variant(numbers)
    same = replace(v, sources=(), output_activation=v.squashes_output)
    if made is None or made != replace(same, projection=made.projection):
        raise ValueError(f"{v} cannot be chosen")
    return numbers
