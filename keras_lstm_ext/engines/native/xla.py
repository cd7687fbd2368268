"""The native engine on TensorFlow under XLA: StableHLO modules of one custom call.

TensorFlow's library holds an XLA of its own, whose registry of handlers it shows by the C++ name of
one function. From a graph, `XlaCallModule` leads there: the op that `jax2tf` compiles to. It takes
the text of a module, in which a size that is not known while tracing is computed from those of the
arguments.
"""

import ctypes
import functools
import importlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from keras_lstm_ext.engines.native import packing

Tensor = Any

LIBRARIES = ("libtensorflow_cc.so.2", "libtensorflow_cc.2.dylib")
INTERFACE = "_ZN3xla3ffi12GetXlaFfiApiEv"
"""`xla::ffi::GetXlaFfiApi()`."""

MODULE_VERSION = 9
"""Of the arguments of `XlaCallModule`."""


@dataclass(frozen=True)
class Size:
    """One that is not known while tracing: a number times axes of inputs."""

    number: int
    axes: tuple[tuple[int, int], ...] = ()

    def __mul__(self, other: Any) -> "Size":
        other = _sized(other)
        return Size(self.number * other.number, self.axes + other.axes)

    __rmul__ = __mul__


def _sized(n: Any) -> Size:
    return n if isinstance(n, Size) else Size(n)


Shape = tuple[Any, ...]
"""Of numbers and, where they are not known, of `Size`."""


def why_not(layer: Any, call: Any) -> str | None:
    """Gives None if XLA can call the library here, or the reason why not."""
    return _why_not_registered() or packing.why_not_worth_packing(layer, call)


@functools.cache
def _why_not_registered() -> str | None:
    if _op() is None:
        return "this TensorFlow has no XlaCallModule, by which XLA would call it"
    for library in LIBRARIES:
        try:
            interface = ctypes.CDLL(library, mode=os.RTLD_NOLOAD | os.RTLD_NOW)[INTERFACE]
        except (OSError, AttributeError):
            continue
        interface.restype = ctypes.c_void_p
        register = packing.LOADED.lstm_xla_register
        register.argtypes = [ctypes.c_void_p]
        return f"{_its_xla()} has another interface" if register(interface()) else None
    return f"{_its_xla()} does not show its interface"


def _its_xla() -> str:
    return f"the XLA of TensorFlow {tf.__version__}"


def _op() -> Any:
    try:
        made = importlib.import_module("tensorflow.compiler.tf2xla.ops.gen_xla_ops")
    except ImportError:
        return None
    return getattr(made, "xla_call_module", None)


def forward(plan: packing.Plan, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Calls the library: y, h, c and what is kept."""
    x, h, c = (_shape(k, a) for k, a in enumerate(inputs[:3]))
    shapes = packing.result_shapes(plan.words(), x, h, c)
    return _call("keras_lstm_ext_forward", plan, inputs, shapes)


def backward(plan: packing.Plan, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Calls the library: the errors at the first seven inputs."""
    shapes = [_shape(k, a) for k, a in enumerate(inputs[:7])]
    return _call("keras_lstm_ext_backward", plan, inputs, shapes)


def _shape(k: int, array: Tensor) -> Shape:
    return tuple(Size(1, ((k, j),)) if n is None else n for j, n in enumerate(array.shape))


def _call(
    target: str, plan: packing.Plan, inputs: Sequence[Tensor], outputs: Sequence[Shape]
) -> list[Tensor]:
    known = [[n if isinstance(n, int) else None for n in shape] for shape in outputs]
    types = tuple(_type(a.shape, "i1" if a.dtype == tf.bool else "f32") for a in inputs)
    results = _op()(
        list(inputs),
        version=MODULE_VERSION,
        module=module(target, plan.words(), types, tuple(map(tuple, outputs))),
        Sout=known,
        Tout=[tf.float32] * len(outputs),
        platforms=["CPU"],
        dim_args_spec=[],
        function_list=[],
        has_token_input_output=False,
        disabled_checks=[],
    )
    return list(results)


@functools.cache
def module(
    target: str, words: packing.Words, types: tuple[str, ...], outputs: tuple[Shape, ...]
) -> str:
    """The text of a module that calls a handler.

    Args:
        target: What XLA knows the handler by.
        words: What is fixed.
        types: Of the inputs, as StableHLO writes them.
        outputs: Shapes of the outputs.

    Returns:
        The text.
    """
    operands = [(f"%a{k}", kind) for k, kind in enumerate(types)]
    results = [_type(None if isinstance(n, Size) else n for n in shape) for shape in outputs]
    lines: list[str] = []
    more, dynamic = "", any("?" in kind for kind in results)
    if dynamic:
        # Each output has its shape as one more operand.
        places = range(len(types), len(types) + len(outputs))
        more = f", indices_of_shape_operands = dense<{list(places)}> : tensor<{len(places)}xi64>"
        lines, shapes = _shape_operands(types, outputs)
        operands += shapes
    names, kinds = zip(*operands, strict=True)
    layouts = f"operand_layouts = [{_layouts(kinds)}], result_layouts = [{_layouts(results)}]"
    lines.append(
        f"%r:{len(outputs)} = stablehlo.custom_call @{target}({', '.join(names)}) "
        f"{{api_version = 4 : i32, backend_config = {{plan = array<i64: {_joined(words)}>}}, "
        f"{layouts}{more}}} : ({', '.join(kinds)}) -> ({', '.join(results)})"
    )
    returned = _joined(f"%r#{k}" for k in range(len(outputs)))
    arguments = _joined(f"{name}: {kind}" for name, kind in operands[: len(types)])
    attributes = "attributes {jax.uses_shape_polymorphism = true} " if dynamic else ""
    return "\n".join(
        [
            f"module @lstm {attributes}{{",
            f"func.func public @main({arguments}) -> ({', '.join(results)}) {{",
            *lines,
            f"return {returned} : {', '.join(results)}",
            "}}",
        ]
    )


def _shape_operands(
    types: Sequence[str], outputs: Sequence[Shape]
) -> tuple[list[str], list[tuple[str, str]]]:
    """Lines that compute the shapes of the outputs, and the names and types of these."""
    lines: list[str] = []

    def line(text: str) -> str:
        lines.append(f"%s{len(lines)} = stablehlo.{text}")
        return f"%s{len(lines) - 1}"

    def axis(k: int, j: int) -> str:
        size = line(f"get_dimension_size %a{k}, dim = {j} : ({types[k]}) -> tensor<i32>")
        return line(f"reshape {size} : (tensor<i32>) -> tensor<1xi32>")

    def computed(n: int | Size) -> str:
        size = line(f"constant dense<{_sized(n).number}> : tensor<1xi32>")
        for place in _sized(n).axes:
            size = line(f"multiply {size}, {axis(*place)} : tensor<1xi32>")
        return size

    def operand(shape: Shape) -> tuple[str, str]:
        kind = f"tensor<{len(shape)}xi32>"
        sizes = [computed(n) for n in shape]
        each = _joined(["tensor<1xi32>"] * len(sizes))
        return line(f"concatenate {_joined(sizes)}, dim = 0 : ({each}) -> {kind}"), kind

    shapes = [operand(shape) for shape in outputs]
    return lines, shapes


def _type(shape: Iterable[int | None], dtype: str = "f32") -> str:
    return f"tensor<{'x'.join([*('?' if n is None else str(n) for n in shape), dtype])}>"


def _layouts(kinds: Iterable[str]) -> str:
    """Of dense arrays, the last axis fastest."""
    ranks = [kind.count("x") for kind in kinds]
    return _joined(f"dense<{list(range(n))[::-1]}> : tensor<{n}xindex>" for n in ranks)


def _joined(parts: Iterable[Any]) -> str:
    return ", ".join(map(str, parts))
