"""Layers run with a look inside: their own cells and equations, step by step."""

import inspect
import operator
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_lstm_ext.diagnostics.subject import Subject, names, subjects
from keras_lstm_ext.engines import portable
from keras_lstm_ext.engines.step import Equations, Nets

Tensor = Any
Array = np.ndarray[Any, np.dtype[Any]]
Probes = dict[str, Tensor]


@dataclass
class Seen:
    """What the steps of one call computed.

    Args:
        shape: Of the sequences.
        steps: For each step, in the order of processing, its nets, c and h.
        valid: Shape `(batch, timesteps)`, in the same order: False where a mask skips the step.
    """

    shape: tuple[int, ...]
    steps: list[Nets] = field(default_factory=list)
    valid: Array | None = None

    def hide(self, values: Array) -> Array:
        """NaN in place of what skipped steps did not compute; axes 0 and 1 are batch and time."""
        if self.valid is None:
            return values
        return np.where(
            self.valid.reshape(*self.valid.shape, *[1] * (values.ndim - 2)), values, np.nan
        )


@dataclass(frozen=True, kw_only=True)
class Watched(Equations):
    """The equations of a cell, noting what they compute.

    Args:
        seen: Where they note it.
        probes: What is added to c and to h of every step, `(timesteps, batch, units)` each: the
            derivative by a probe is the derivative by the value.
    """

    seen: Seen
    probes: Probes

    def step(
        self, z: Tensor | Nets, c: Tensor, p: Tensor | None, s: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Nets]:
        """As in `Equations`."""
        h, c, nets = super().step(z, c, p, s)
        self.seen.steps.append(nets | {"g": nets["c"], "c": c, "h": h})
        return h, c, nets

    def intake(self, nets: Nets) -> Tensor:
        """As in `Equations`, plus the probe of c."""
        return self._probed("c", super().intake(nets))

    def read(
        self, z: Tensor | Nets, c: Tensor, p: Tensor | None, nets: Nets, s: Tensor | None = None
    ) -> tuple[Tensor, Nets]:
        """As in `Equations`, plus the probe of h."""
        h, nets = super().read(z, c, p, nets, s)
        return self._probed("h", h), nets

    def _probed(self, name: str, value: Tensor) -> Tensor:
        return value + self.probes[name][len(self.seen.steps)] if self.probes else value


def _watched(cell: Any, seen: Seen, probes: Probes) -> Any:
    """A twin of a cell, with the same weights, whose equations are watched."""
    equations = Watched(**vars(cell.equations), seen=seen, probes=probes)
    # A class of its own and not an object that passes everything on: a subclass' `call` may use
    # `super()`.
    cls = type(type(cell).__name__, (type(cell),), {"equations": equations})
    twin: Any = object.__new__(cls)
    twin.__dict__.update(vars(cell))
    return twin.call


class _Run:
    """A layer as `portable.run` needs it, unrolled, with cells of its own."""

    unroll = True

    def __init__(self, subject: Subject, seen: Seen, probes: Probes) -> None:
        self.cells = list(subject.cells)
        self.sizes = [len(keras.tree.flatten(cell.state_size)) for cell in self.cells]
        self.cells[subject.number or 0] = _watched(subject.member, seen, probes)
        self.go_backwards = subject.layer.go_backwards
        self.zero_output_for_mask = subject.layer.zero_output_for_mask

    def cell(self, x: Tensor, states: list[Tensor], training: bool) -> tuple[Tensor, list[Tensor]]:
        """One step of all cells, from the input up; the states are in one flat list."""
        states, new = list(states), []
        for cell, size in zip(self.cells, self.sizes, strict=True):
            own, states = states[:size], states[size:]
            takes = "training" in inspect.signature(getattr(cell, "call", cell)).parameters
            x, own = cell(x, own, **({"training": training} if takes else {}))
            new += keras.tree.flatten(own)
        return x, new


@contextmanager
def watching(subject: Subject, probes: Probes | None = None, call: int = 0) -> Iterator[list[Seen]]:
    """Within it, calls of a layer are watched, and change no state of any layer.

    Args:
        subject: The cell and its layer, which is built.
        probes: See `Watched`.
        call: The call that has the probes.

    Yields:
        What each call computed, in the order of the calls.
    """
    calls: list[Seen] = []

    def inner_loop(
        sequences: Tensor, initial_state: Any, mask: Tensor | None, training: bool = False
    ) -> tuple[Tensor, Tensor, Any]:
        seen = Seen(tuple(sequences.shape))
        if probes is None:
            seen.valid = _valid(subject, sequences, mask)
        run = _Run(subject, seen, probes if probes and len(calls) == call else {})
        calls.append(seen)
        states = keras.tree.flatten(initial_state)
        last, outputs, states = portable.run(run, sequences, states, mask, training)
        return last, outputs, keras.tree.pack_sequence_as(initial_state, states)

    # Keras computes both directions of its own LSTM in one operation where cuDNN may be used.
    instead = {"inner_loop": inner_loop} | (
        {"use_cudnn": False} if "use_cudnn" in vars(subject.layer) else {}
    )
    before = {k: v for k, v in vars(subject.layer).items() if k in instead}
    subject.layer.__dict__.update(instead)
    try:
        with keras.StatelessScope(), _eagerly():
            yield calls
    finally:
        for name in instead:
            del subject.layer.__dict__[name]
        subject.layer.__dict__.update(before)


@contextmanager
def _eagerly() -> Iterator[None]:
    """Within it, a `tf.function` runs step by step, or nothing in it could be seen."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _valid(subject: Subject, sequences: Tensor, mask: Tensor | None) -> Array | None:
    try:
        ops.convert_to_numpy(sequences[:0])
        valid = None if mask is None else np.asarray(ops.convert_to_numpy(mask), bool)
    except Exception as error:
        raise Unseen(
            f"`model` must run {subject.name!r} step by step, for its values to be seen. Received: "
            "a model that calls it inside a mapped or compiled function, such as "
            "keras.ops.vectorized_map or jax.jit, which `with jax.disable_jit()` would undo"
        ) from error
    return valid[:, ::-1] if valid is not None and subject.layer.go_backwards else valid


class Unseen(Exception):
    """A layer runs where its values cannot be seen."""


def first_line(error: Exception) -> str:
    """What another library says, in one line and without colours."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and lines[0].startswith("Exception encountered when calling"):
        lines = lines[1:]  # of Keras, about a stack of calls
    return lines[0].rstrip(".") if lines else type(error).__name__


def run(model: Any, x: Any, **arguments: Any) -> Any:
    """Calls a model for inference; what it cannot be called on is refused with our words."""
    try:
        return model(x, training=False, **arguments)
    except Unseen as error:
        raise ValueError(str(error)) from error.__cause__
    except Exception as error:  # of a layer or of the backend, each with its own
        shapes = keras.tree.map_structure(lambda a: tuple(np.shape(a)), x)
        more = f" and {sorted(arguments)}" if arguments else ""
        wanted = {each.name: tuple(each.shape) for each in getattr(model, "inputs", None) or []}
        raise ValueError(
            f"`x` must be what {model.name!r} can be called on{f', {wanted}' if wanted else ''} "
            f"({first_line(error)}). Received: x of shape {shapes}{more}"
        ) from error


def watch(found: list[Subject], model: Any, x: Any, **arguments: Any) -> list[list[Seen]]:
    """Calls a model once and says what each call of some cells computed.

    Args:
        found: The cells.
        model: A model that calls their layers, or the one layer.
        x: What it is called on.
        **arguments: Further arguments of the call.

    Returns:
        For each cell what each call computed, in the order of the calls.

    Raises:
        ValueError: If the model cannot be called on `x`.
    """
    build(model, x)
    by_layer: dict[Any, list[int]] = {}
    for k, subject in enumerate(found):
        by_layer.setdefault(subject.layer, []).append(k)
    seen: list[list[Seen]] = [[] for _ in found]
    while by_layer:  # once, unless a layer has several cells
        with ExitStack() as stack:
            for numbers in by_layer.values():
                k = numbers.pop()
                seen[k] = stack.enter_context(watching(found[k]))
            run(model, x, **arguments)
        by_layer = {layer: numbers for layer, numbers in by_layer.items() if numbers}
    return seen


def build(model: Any, x: Any) -> None:
    """Creates the weights of a model or layer that has none yet, and changes no state."""
    if model.built:
        return
    if isinstance(model, keras.layers.RNN):
        model.build(np.shape(x))
        return
    run(model, keras.tree.map_structure(_symbolic, x))


def _symbolic(array: Any) -> Any:
    array = array if hasattr(array, "dtype") else np.asarray(array)
    return keras.Input(
        batch_shape=tuple(array.shape), dtype=keras.backend.standardize_dtype(array.dtype)
    )


def choose(calls: list[Seen], call: int | None, subject: Subject, model: Any) -> int:
    """The number of the call that is meant, or an error that tells the calls.

    Args:
        calls: What was seen.
        call: What the user asked for; negative numbers count from the end.
        subject: What was watched.
        model: What was called.

    Returns:
        The number of the call, from 0.

    Raises:
        ValueError: If there was no call, no such call, or more than one and none was asked for.
    """
    count = len(calls)
    if not count:
        raise ValueError(
            f"`model` must call `layer`. Received: a model {model.name!r} that does not call "
            f"{subject.layer.name!r}; it has {names(subjects(model))}"
        )
    if call is None and count == 1:
        return 0
    try:
        return range(count)[operator.index(call)]  # type: ignore[arg-type]
    except (TypeError, IndexError):
        shapes = ", ".join(f"{k}: {seen.shape}" for k, seen in enumerate(calls[:8]))
        more = ", ..." if count > 8 else ""
        raise ValueError(
            f"`call` must say which call of {subject.layer.name!r} is meant, by a number from 0 to "
            f"{count - 1}: {model.name!r} calls it {count} times, on sequences of the shapes "
            f"{{{shapes}{more}}}. Received: call={call!r}"
        ) from None
