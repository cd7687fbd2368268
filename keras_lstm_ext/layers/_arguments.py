"""Constructors of layers and cells, made of the groups of arguments among their bases.

A group is a class that declares arguments: see `_groups`. `arguments` makes the constructor of a
layer or cell of them. Type checkers and editors see the same one, that of a dataclass (PEP 681).
"""

import inspect
import itertools
import textwrap
from collections.abc import Callable
from typing import Any, Literal, TypeVar, dataclass_transform

import keras

from keras_lstm_ext import activations
from keras_lstm_ext.scalars import plain

Config = dict[str, Any]
C = TypeVar("C", bound=type)
P = inspect.Parameter

DOCS = {"kwargs": "What else `keras.Layer` accepts, as in Keras."}
"""What each argument means, for every layer and cell that has it."""

OF_ALL = ("name", "dtype", "trainable", "kwargs")
"""What every Keras layer has."""
STEP = (
    "Call it with `inputs` of shape `(batch, features)` and `states`, the list `[h, c]` of shape\n"
    "`(batch, units)` each; it returns `(h, [h, c])`."
)
REQUIRED: Any = P.empty


def argument(text: str = "", *, default: Any = REQUIRED, kw_only: bool | None = None) -> Any:
    """An argument of a group: its default and what it means, or another default."""
    return default, text, kw_only


def absent(*, init: Literal[False] = False) -> Any:
    """In place of an argument that a group of another base has, and these classes lack."""
    return None


@dataclass_transform(field_specifiers=(argument, absent))
def arguments(cls: C) -> C:
    """Takes what a class declares; a layer or cell gets its constructor, and is registered."""
    _declare(cls, False)
    if issubclass(cls, keras.Layer):
        _construct(cls)
        keras.saving.register_keras_serializable(package="keras_lstm_ext")(cls)
    return cls


@dataclass_transform(field_specifiers=(argument, absent), kw_only_default=True)
def options(cls: C) -> C:
    """Takes the arguments that a class declares, which are given by their names only."""
    _declare(cls, True)
    return cls


def _declare(cls: Any, keyword: bool) -> None:
    cls._declared = {}
    for name, annotation in inspect.get_annotations(cls).items():
        declared = vars(cls)[name]
        delattr(cls, name)
        cls._declared[name] = None
        if declared is not None:
            default, text, kw_only = declared
            by_name = keyword if kw_only is None else kw_only
            kind = P.KEYWORD_ONLY if by_name else P.POSITIONAL_OR_KEYWORD
            cls._declared[name] = P(name, kind, default=default, annotation=annotation)
            DOCS.setdefault(name, text)


def _construct(cls: Any) -> None:
    """Makes `__init__`, and fills the `{arguments}` of the docstring."""
    given = [P("self", P.POSITIONAL_OR_KEYWORD), *declared(cls).values()]
    kwargs = P("kwargs", P.VAR_KEYWORD, annotation=Any)
    signature = inspect.Signature([*given, kwargs], return_annotation=None)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{cls.__name__}.__init__() {error}") from None
        bound.apply_defaults()
        _, *values, more = bound.arguments.values()
        super(cls, self).__init__(**dict(zip(declared(cls), values, strict=True)), **more)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    __init__.__qualname__ = f"{cls.__name__}.__init__"
    __init__.__module__ = cls.__module__
    cls.__init__ = __init__
    cls.__signature__ = _OfInit()
    if cls.__doc__:
        # Python 3.13 does this when it compiles, so that what is inserted must not be indented.
        doc = inspect.cleandoc(cls.__doc__)
        cls.__doc__ = doc.replace("{arguments}", _text(cls)).replace("{step}", STEP)


class _OfInit:
    """The signature of a class is that of its `__init__`: Keras gives layers a `__new__`."""

    def __get__(self, instance: Any, owner: Any) -> inspect.Signature:
        if instance is not None:
            raise AttributeError("__signature__")
        signature = inspect.signature(owner.__init__)
        return signature.replace(parameters=[*signature.parameters.values()][1:])


def _text(cls: type) -> str:
    lines = ["Args:"]
    for name in [*declared(cls), "kwargs"]:
        default = declared(cls)[name].default if name in declared(cls) else P.empty
        says = "" if default is P.empty else f" Defaults to `{default!r}`."
        entry = f"{name}: {DOCS[name]}{says}"
        lines += textwrap.wrap(entry, 96, initial_indent=" " * 4, subsequent_indent=" " * 8)
    return "\n".join(lines)


def declared(cls: type) -> dict[str, P]:
    """The arguments of the groups of a class, in the order of its constructor."""
    found: dict[str, P | None] = {}
    for base in reversed(cls.__mro__):
        found |= vars(base).get("_declared", {})
    present = {name: p for name, p in found.items() if p is not None}
    return dict(sorted(present.items(), key=lambda item: (item[1].kind, item[0] in OF_ALL)))


def names(cls: type) -> list[str]:
    """The arguments of a class but those of every Keras layer; a subclass has those of ours."""
    of_keras = list(inspect.signature(cls.__init__).parameters)[1:]  # type: ignore[misc]
    return [name for name in declared(cls) or of_keras if name not in OF_ALL]


def own_names(cls: type) -> list[str]:
    """The named constructor arguments that subclasses of ours add."""
    subclasses = (c for c in cls.__mro__ if "__init__" in vars(c))
    named = (P.POSITIONAL_OR_KEYWORD, P.KEYWORD_ONLY)
    added: list[str] = []
    for c in itertools.takewhile(lambda c: "_declared" not in vars(c), subclasses):
        _, *parameters = inspect.signature(c.__init__).parameters.items()  # type: ignore[misc]
        added += [name for name, p in parameters if p.kind in named]
    known = {*declared(cls), *inspect.signature(keras.Layer.__init__).parameters}
    return [name for name in dict.fromkeys(added) if name not in known]


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
