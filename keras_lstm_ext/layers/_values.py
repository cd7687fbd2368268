"""What the arguments of layers and cells may be: one rule each, at construction and after it.

A layer or cell applies the rule of a name wherever its attribute is set, so that the constructor
and `layer.dropout = 0.2` accept the same.
"""

from collections.abc import Callable
from typing import Any

import keras

from keras_lstm_ext import activations, engines
from keras_lstm_ext.layers._checks import check_gate_bias, to_variant
from keras_lstm_ext.scalars import boolean, integer, is_integer, plain

VARIED = (
    "block_size",
    "gradient",
    "normalize_nets",
    "normalize_output",
    "epsilon",
    "projection",
    "nonrecurrent_projection",
    "recurrent",
)
"""The arguments that make a variant of the member that a class is."""
FIXED = ("units", "variant", "use_bias", "seed", *VARIED)
"""What weights and equations are made from: given once."""

WEIGHTS = {
    "kernel": "kernel",
    "recurrent_kernel": "recurrent",
    "gate_kernel": "recurrent",
    "peephole_kernel": "peephole",
    "norm_kernel": "gain",
    "state_norm_kernel": "gain",
    "projection_kernel": "projection",
    "bias": "bias",
}
"""The weights, and what the names of their regularizers and constraints begin with."""


def rate(name: str, value: Any) -> float:
    """A dropout rate in [0, 1)."""
    given = plain(value)
    if not isinstance(given, int | float) or not 0.0 <= given < 1.0:
        raise ValueError(
            f"`{name}` must be a number with 0 <= {name} < 1. Received: {name}={value!r}"
        )
    return float(given)


def seed(name: str, value: Any) -> int | None:
    """An integer, or None."""
    given = plain(value)
    if given is not None and not is_integer(given):
        raise ValueError(f"`{name}` must be an integer or None. Received: {name}={value!r}")
    return given if given is None else int(given)


def squasher(name: str, value: Any) -> Any:
    """An activation; `output_activation` may be "same"."""
    if name == "output_activation" and isinstance(value, str) and value == "same":
        return "same"
    return activations.get(name, value)


def engine(name: str, value: Any) -> str:
    """The name of an engine."""
    engines.check_name(value)
    return str(value)


def _of_keras(kind: str, example: str, none: str = "None, ") -> Callable[[str, Any], Any]:
    find = getattr(keras, f"{kind}s").get

    def rule(name: str, value: Any) -> Any:
        if value is None and name == "bias_initializer":
            value = "None"  # no name: the gates' share of a bias cannot be left to Keras
        try:
            return find(value)
        except (ValueError, TypeError):
            if isinstance(value, dict):
                raise  # from a file: what is wrong inside of it is worth more
            raise ValueError(
                f"`{name}` must be {none}the name of a Keras {kind}, or one such as {example}. "
                f"Received: {name}={value!r}"
            ) from None

    return rule


initializer = _of_keras("initializer", "keras.initializers.GlorotUniform()", none="")
regularizer = _of_keras("regularizer", "keras.regularizers.L2(0.01)")
constraint = _of_keras("constraint", "keras.constraints.MaxNorm(3.0)")

RULES: dict[str, Callable[[str, Any], Any]] = {
    "variant": lambda name, value: to_variant(value),
    "units": integer,
    "dropout": rate,
    "recurrent_dropout": rate,
    "zoneout_h": rate,
    "zoneout_c": rate,
    "seed": seed,
    "epsilon": lambda name, value: plain(value),
    **dict.fromkeys(("normalize_nets", "normalize_output", "recurrent"), boolean),
    "engine": engine,
    "use_bias": lambda name, value: plain(value),  # the gates say whether it may be "gates"
    **dict.fromkeys(("activation", "recurrent_activation", "output_activation"), squasher),
    **{f"{kind}_initializer": initializer for kind in WEIGHTS.values()},
    **{f"{kind}_regularizer": regularizer for kind in (*WEIGHTS.values(), "activity")},
    **{f"{kind}_constraint": constraint for kind in WEIGHTS.values()},
    **dict.fromkeys(
        (
            "unit_forget_bias",
            "return_sequences",
            "return_state",
            "go_backwards",
            "stateful",
            "unroll",
            "zero_output_for_mask",
            "recompute",
            "trainable",
        ),
        boolean,
    ),
}


def checked(name: str, value: Any) -> Any:
    """The value of an argument as it is kept: plain Python, or the object that it stands for."""
    return RULES[name](name, value) if name in RULES else value


def assign(owner: Any, name: str, value: Any, store: Callable[[str, Any], None]) -> None:
    """Sets an attribute of a layer or cell by the rule of its name.

    Args:
        owner: The layer or cell.
        name: Name of the attribute.
        value: What is to be stored.
        store: Keras' own way to set the attribute.

    Raises:
        ValueError: If the argument of that name does not accept the value.
        AttributeError: If it can no longer be changed.
    """
    if name.startswith("_"):  # Keras' own, of which it sets some at every call
        return store(name, value)
    value = checked(name, value)
    if name == "gate_bias":
        value = check_gate_bias(value, owner.variant, owner.units, owner.use_bias)
    if name in FIXED and _refuse_another(owner, name, value):
        return
    if getattr(owner, "built", False):
        _refuse_when_built(owner, name, value)
    store(name, value)
    weight, _, role = name.rpartition("_")
    if role in ("regularizer", "constraint") and weight in WEIGHTS.values():
        _hand_on(owner, weight, role, value)


def _refuse_another(owner: Any, name: str, value: Any) -> bool:
    """Whether the attribute has this value already; an error if it has another."""
    missing = object()
    before = getattr(owner, name, missing)
    if before is not missing and before != value:
        cls = type(owner).__name__
        raise AttributeError(
            f"`{name}` of {cls} is given once: make another one from its `get_config()`. "
            f"Received: {name}={value!r} where it is {before!r}"
        )
    return before is not missing


def _refuse_when_built(owner: Any, name: str, value: Any) -> None:
    if name in WEIGHTS:
        raise AttributeError(
            f"`{name}` of {type(owner).__name__} is a variable, whose values are set with "
            f"`{name}.assign(array)`. Received: {type(value).__name__}"
        )
    if name == "stateful" and value and owner.states is None:
        raise AttributeError(
            "`stateful` must be True before the layer is built, since its states need a batch "
            "size. Make another layer from `{**layer.get_config(), 'stateful': True}` behind "
            "keras.Input(batch_shape=...), and give it the weights with `set_weights`. "
            "Received: stateful=True"
        )


def _hand_on(owner: Any, weight: str, role: str, value: Any) -> None:
    """Lets a regularizer or constraint act on the weight that is there already."""
    for attribute, kind in WEIGHTS.items():
        variable = getattr(owner, attribute, None)
        if kind == weight and isinstance(variable, keras.Variable):
            setattr(variable, role, value)
