"""The constructor arguments of cells and layers: documented once, serialised by one rule."""

import inspect
import itertools
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import keras

from keras_lstm_ext import activations
from keras_lstm_ext.scalars import plain

Config = dict[str, Any]
C = TypeVar("C", bound=type)

DOCS = {
    "units": "Positive integer, the number of memory cells.",
    "activation": 'Squasher of the cell input (g): a Keras activation, `"centered_sigmoid_2"`, '
    '`"centered_sigmoid_1"`, any function, or None for the identity.',
    "recurrent_activation": "Activation of the gates.",
    "output_activation": 'Squasher of the cell state on its way out. `"same"` follows '
    "`activation`, as in Keras; None is the identity.",
    "use_bias": "True for a bias on every net input, False for none or, in a cell with gates, "
    '`"gates"` for the gates only.',
    "kernel_initializer": "Initializer of `kernel`, the input weights W.",
    "recurrent_initializer": "Initializer of `recurrent_kernel`, the recurrent weights R.",
    "bias_initializer": "Initializer of `bias`, where no other argument says otherwise.",
    "unit_forget_bias": "Whether the bias of the forget gate starts at 1.",
    "kernel_regularizer": "Regularizer of `kernel`.",
    "recurrent_regularizer": "Regularizer of `recurrent_kernel`.",
    "bias_regularizer": "Regularizer of `bias`.",
    "activity_regularizer": "Regularizer of the layer's output.",
    "kernel_constraint": "Constraint on `kernel`.",
    "recurrent_constraint": "Constraint on `recurrent_kernel`.",
    "bias_constraint": "Constraint on `bias`.",
    "dropout": "Fraction of the inputs that is dropped in training, in [0, 1).",
    "recurrent_dropout": "Fraction of what is fed back (h, and the gates where they are fed back) "
    "that is dropped in training, in [0, 1). The same entries at every time step.",
    "seed": "Integer seed of the dropout masks.",
    "return_sequences": "Whether to return the output of every time step, or only the last.",
    "return_state": "Whether to return the final states after the output.",
    "go_backwards": "Whether to read sequences from their end; outputs stay in reading order.",
    "stateful": "Whether the final states of a batch are the initial states of the next one.",
    "unroll": "Whether to unroll the loop over time, which must then have a fixed length.",
    "variant": "The `Variant` that the equations follow.",
    "recurrent": "Whether a step reads the outputs of the step before, or nothing is fed back.",
    "peephole_initializer": "Initializer of `peephole_kernel`, the peephole weights p.",
    "peephole_regularizer": "Regularizer of `peephole_kernel`.",
    "peephole_constraint": "Constraint on `peephole_kernel`.",
    "block_size": "Number of cells that share their gates; it divides `units`.",
    "gate_bias": "Initial bias per gate, as a number or a list of one number per block, for "
    'example `{"i": -1.0, "o": [-1.0, -2.0]}`.',
    "gradient": '`"full"`, or `"truncated"`: no error flows through what is fed back, nor '
    "through the states that peepholes read.",
    "engine": '`"auto"` for the fastest engine that applies, or the name of one: see `explain`.',
    "recompute": "Whether training keeps only h and c of every step and computes the gates again, "
    "for less memory (engine `bptt`).",
    "kwargs": "`name`, `dtype`, `trainable` and, for layers, `zero_output_for_mask`, as in Keras.",
}
"""What each argument means, for every cell and layer that has it."""


def documented(cls: C) -> C:
    """Fills the `{arguments}` of a class docstring from `DOCS`, with the signature's defaults."""
    lines = ["Args:"]
    for name, parameter in _parameters(cls).items():
        default = parameter.default
        says = "" if default is inspect.Parameter.empty else f" Defaults to `{default!r}`."
        entry = f"{name}: {DOCS[name]}{says}"
        lines += textwrap.wrap(entry, 96, initial_indent=" " * 4, subsequent_indent=" " * 8)
    if cls.__doc__:
        cls.__doc__ = cls.__doc__.replace("{arguments}", "\n    ".join(lines))
    _OURS.add(cls)
    return cls


def collect(given: Config, used: Sequence[str] = ()) -> Config:
    """The arguments of an `__init__`, from its `locals()`, but for those it has `used` itself."""
    left_out = {"self", "__class__", "kwargs", *used}
    return {k: v for k, v in given.items() if k not in left_out} | given["kwargs"]


_OURS: set[type] = set()


def names(cls: type) -> list[str]:
    """The named constructor arguments of a class, in order; a subclass has those of ours."""
    ours = next((c for c in cls.__mro__ if c in _OURS), cls)
    return [name for name in _parameters(ours) if name != "kwargs"]


def own_names(cls: type) -> list[str]:
    """The named constructor arguments that subclasses of ours add."""
    subclasses = (c for c in cls.__mro__ if "__init__" in vars(c))
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    added: list[str] = []
    for c in itertools.takewhile(lambda c: c not in _OURS, subclasses):
        added += [name for name, p in _parameters(c).items() if p.kind in named]
    known = {*names(cls), *_parameters(keras.Layer)}
    return [name for name in dict.fromkeys(added) if name not in known]


def _parameters(cls: type) -> dict[str, inspect.Parameter]:
    # Not inspect.signature(cls): Keras gives every layer a `__new__(*args, **kwargs)`.
    parameters = dict(inspect.signature(cls.__init__).parameters)  # type: ignore[misc]
    del parameters["self"]
    return parameters


def get_config(owner: Any) -> Config:
    """Every named constructor argument of `owner`, serialised, read from its attributes.

    Of those that a subclass adds, the ones that are plain attributes; for others it has a
    `get_config` of its own, as everywhere in Keras.
    """
    config = {name: _serialize(name, getattr(owner, name)) for name in names(type(owner))}
    added = {name: plain(getattr(owner, name, None)) for name in own_names(type(owner))}
    return config | {k: v for k, v in added.items() if isinstance(v, bool | int | float | str)}


def _serialize(name: str, value: Any) -> Any:
    for ending, function in _SERIALIZERS.items():
        if name.endswith(ending) and value != "same":
            return function(value)
    return value.get_config() if name == "variant" else value


_SERIALIZERS: dict[str, Callable[[Any], Any]] = {
    "activation": activations.serialize,
    "_initializer": keras.initializers.serialize,
    "_regularizer": keras.regularizers.serialize,
    "_constraint": keras.constraints.serialize,
}
