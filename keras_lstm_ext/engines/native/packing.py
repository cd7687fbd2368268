"""What a layer and a call are for the library: words and arrays, and the way there for addresses.

`native/arrays.h` is the other side of it. Bindings differ in where arrays live and who makes the
results; what is fixed of a call they all hand over as the same words.
"""

import ctypes
import functools
import math
import os
import struct
from collections.abc import Iterable, Sequence
from ctypes import POINTER, c_char_p, c_int32, c_int64, c_void_p
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import keras

from keras_lstm_ext import activations

FOLDER = Path(__file__).parents[2] / "native"

SQUASHERS = {
    keras.activations.sigmoid: 0,
    keras.activations.tanh: 1,
    keras.activations.linear: 2,
    activations.centered_sigmoid_2: 3,
    activations.centered_sigmoid_1: 4,
}
"""What the library calls them."""


def why_not_squashers(equations: Any) -> str | None:
    """Gives None if all squashers are known, or says which one is not."""
    for name in ("sigma", "activation", "output_activation"):
        function = getattr(equations, name)
        if function not in SQUASHERS:
            argument = "recurrent_activation" if name == "sigma" else name
            return f"it does not know {argument}={function!r}"
    return None


ARRAYS = ("x", "h", "c", "W", "R", "p", "b", "multiplier", "mask")
"""What a call is made on, in the order of the library.

In h, gates that are fed back follow h. In b, what is normalised follows b: gains of W x and of R r,
gain and shift of the state.
"""

TYPES = {"float32": 1, "bool": 2}
"""What the library calls the types of arrays; any other is 0."""

GATES = {"i": 1, "f": 2, "o": 4}

Words = tuple[int, ...]
Shape = tuple[int, ...]


class Plan(NamedTuple):
    """What is fixed of a call, in the order of the words.

    Args:
        gates: A sum of `GATES`.
        block_size: Cells that share their gates.
        feedback: What is fed back: 0 for nothing, 1 for h, 2 for h and the gates.
        coupled: Whether 1 - i stands for the forget gate.
        peepholes: Whether gates see the state.
        truncated: Whether the gradient is.
        reverse: Whether the sequence is read from its end.
        normalize_nets: Whether W x and R r are normalised.
        normalize_output: Whether the state is on its way out.
        masked: Whether there is a mask.
        multiplied: Whether there is recurrent dropout.
        shows: Whether the outputs of all steps are wanted, or there is an error at them.
        keeps: Whether a backward may follow.
        sigma: Squasher of the gates.
        activation: Squasher of the cell input.
        output_activation: Squasher of the cell output.
        threads: At most so many work.
        decay: Of the old state, where there is no forget gate.
        epsilon: What is added to a variance.
    """

    gates: int
    block_size: int
    feedback: int
    coupled: bool
    peepholes: bool
    truncated: bool
    reverse: bool
    normalize_nets: bool
    normalize_output: bool
    masked: bool
    multiplied: bool
    shows: bool
    keeps: bool
    sigma: int
    activation: int
    output_activation: int
    threads: int
    decay: float
    epsilon: float

    def words(self) -> Words:
        """The integers that `Sequence::read` of the library takes."""
        bits = struct.unpack("<2i", struct.pack("<2f", self.decay, self.epsilon))
        return (*(int(word) for word in self[:-2]), *bits)


WORDS = {name: k for k, name in enumerate(Plan._fields)}
"""The place of each word."""


def plan_of(layer: Any, masked: bool, multiplied: bool, keeps: bool, threads: int) -> Plan:
    """The plan of a layer's call.

    Args:
        layer: A layer that `native` runs.
        masked: Whether there is a mask.
        multiplied: Whether there is recurrent dropout.
        keeps: Whether a backward may follow.
        threads: At most so many work.

    Returns:
        The plan.
    """
    v, equations = layer.cell.variant, layer.cell.equations
    return Plan(
        sum(GATES[gate] for gate in v.gates),
        v.block_size,
        2 if v.feeds_gates else int(v.feedback != "none"),
        v.coupled,
        layer.cell.peephole_kernel is not None,
        v.truncated,
        bool(layer.go_backwards),
        v.normalize_nets,
        v.normalize_output,
        masked,
        multiplied,
        bool(layer.return_sequences),
        keeps,
        SQUASHERS[equations.sigma],
        SQUASHERS[equations.activation],
        SQUASHERS[equations.output_activation],
        threads,
        v.decay,
        v.epsilon,
    )


def processors() -> int:
    """How many of them this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def library(folder: Path = FOLDER) -> Path | None:
    """The compiled library, if the installation could compile it."""
    return path if (path := folder / "lstm.so").exists() else None


def load(folder: Path = FOLDER) -> ctypes.CDLL | str:
    """The library for callers that have addresses, or the reason why there is none.

    While it computes, Python's lock is free.
    """
    if library(folder) is None:
        record = folder / "not_built.txt"
        return f"not built ({record.read_text() if record.exists() else 'pip install compiles it'})"
    read, written = (c_void_p, c_int64), POINTER(c_int64)
    try:
        found = ctypes.CDLL(str(library(folder)))
        found.lstm_call.argtypes = [c_int32, *read, *read, c_char_p, c_int64]
        found.lstm_cache.restype = c_int64
        found.lstm_kept_of_step.argtypes = [*read, c_int64, written, written]
        found.lstm_open_stream.argtypes = [*read, *read, POINTER(c_void_p), c_char_p, c_int64]
    except (OSError, AttributeError) as error:
        return f"the library cannot be loaded ({error})"
    return found


LOADED: Any = load()
"""Looked for once, so that a call that is being compiled does not look at files."""


def why_not_built() -> str | None:
    """Gives None where there is the library, or the reason why not."""
    return LOADED if isinstance(LOADED, str) else None


ISAS = {"AVX-512": 3, "AVX2": 2, "baseline": 1}
"""What the library calls the instruction sets, best first."""


def processor() -> tuple[list[str], int]:
    """The instruction sets that the library can use here, best first, and bytes of the cache."""
    return [name for name, isa in ISAS.items() if LOADED.lstm_supports(isa)], LOADED.lstm_cache()


WORTH_PACKING = 8
"""Rows times steps below which XLA computes its own loop before the weights are packed."""


def why_not_worth_packing(layer: Any, call: Any) -> str | None:
    """Gives None where `auto` takes the library under XLA, or why a call is too small."""
    sizes = (call.input_shape or (None,))[:2]
    known = all(isinstance(size, int) for size in sizes)  # JAX has symbols for open sizes
    if layer.engine != "auto" or not known or math.prod(sizes) >= WORTH_PACKING:
        return None
    return f"XLA's own loop is faster below {WORTH_PACKING} rows times steps"


@functools.cache
def kept(words: Words, units: int) -> tuple[int, int]:
    """How many floats the forward keeps of each step and row: of gates, and of cells."""
    gates, cells = c_int64(), c_int64()
    status = LOADED.lstm_kept_of_step(
        *_counted(words), units, ctypes.byref(gates), ctypes.byref(cells)
    )
    if status:
        raise ValueError(f"`plan` has words that the library does not know. Received: {words}")
    return gates.value, cells.value


LARGEST = 2**60
"""Floats in an array, beyond which XLA does not refuse but ends the process."""


def result_shapes(words: Words, x: Shape, h: Shape, c: Shape) -> list[tuple[Any, ...]]:
    """Shapes of y, h, c and what is kept, of which only the units need to be a number."""
    (batch, time, _), units = x, c[1]
    shows, keeps = words[WORDS["shows"]], words[WORDS["keeps"]]
    y = (batch, time if shows or keeps else 0, units)
    floats = kept(words, int(units)) if keeps else (0, 0)
    shapes = [y, h, c, *((batch * time * n if keeps else 0,) for n in floats)]
    # An open size is a symbol, of which nothing is computed.
    if any(math.prod(n for n in shape if isinstance(n, int)) > LARGEST for shape in shapes):
        raise ValueError(f"`x` is too large. Received: x of shape {tuple(x)}")
    return shapes


def call(backward: bool, words: Words, arrays: Iterable[Sequence[int]]) -> None:
    """Computes, on arrays that are in place.

    Args:
        backward: Which of both.
        words: What is fixed.
        arrays: Address, type (1: float32, 2: bool), rank and sizes of every input, then of every
            output, which is written.

    Raises:
        ValueError: If an array has another shape or type than it must have.
        MemoryError: If there is no memory to work in.
    """
    message = ctypes.create_string_buffer(400)
    status = LOADED.lstm_call(backward, *_counted(words), *_flat(arrays), message, 400)
    _check(status, message)


def open_stream(words: Words, arrays: Iterable[Sequence[int]]) -> c_void_p:
    """Opens a layer that will be computed one step at a time.

    Args:
        words: What is fixed.
        arrays: As for `call`, of the inputs of one step. The h and c are moved on at each step;
            they and x must live as long as the stream.

    Returns:
        The handle, for `lstm_step` and `lstm_close`.

    Raises:
        ValueError: If an array has another shape or type than it must have.
        MemoryError: If there is no memory.
    """
    message, handle = ctypes.create_string_buffer(400), c_void_p()
    status = LOADED.lstm_open_stream(
        *_counted(words), *_flat(arrays), ctypes.byref(handle), message, 400
    )
    _check(status, message)
    return handle


def _check(status: int, message: Any) -> None:
    if status:
        raise (MemoryError if status == NO_MEMORY else ValueError)(message.value.decode())


NO_MEMORY = 8
"""`Outcome::NO_MEMORY`; any other code means that the arguments do not fit."""


def _counted(numbers: Sequence[int]) -> tuple[bytes, int]:
    # A quarter of the time that an array of ctypes takes, and every call makes two.
    return struct.pack(f"{len(numbers)}q", *numbers), len(numbers)


def _flat(arrays: Iterable[Sequence[int]]) -> tuple[bytes, int]:
    return _counted([*chain.from_iterable(arrays)])
