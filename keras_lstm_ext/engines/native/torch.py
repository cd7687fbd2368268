"""The native engine as PyTorch operators, which torch.compile and torch.export see as its own.

Two operators with a fake version each, and two autograd functions around them, which torch.func
knows how to differentiate and to map. An array that a call does not have is an empty tensor.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.autograd import forward_ad

from keras_lstm_ext.engines import tracing
from keras_lstm_ext.engines.bptt.algorithm import refuse_second_derivative
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.engines.native.packing import WORDS

Tensor = Any

OPERATORS = torch.library.Library("keras_lstm_ext", "DEF")
ARRAYS = ", ".join(f"Tensor {name}" for name in packing.ARRAYS)
ERRORS = "Tensor y, Tensor gates, Tensor cells, Tensor d_y, Tensor d_h, Tensor d_c"
OPERATORS.define(f"forward({ARRAYS}, int[] plan) -> ({', '.join(['Tensor'] * 5)})")
OPERATORS.define(f"backward({ARRAYS}, {ERRORS}, int[] plan) -> ({', '.join(['Tensor'] * 7)})")
_forward = torch.ops.keras_lstm_ext.forward.default
_backward = torch.ops.keras_lstm_ext.backward.default

TYPES = {getattr(torch, name): code for name, code in packing.TYPES.items()}


def why_not(layer: Any, call: Any) -> str | None:
    """Gives None if PyTorch can run the library here, or the reason why not."""
    if tracing.recorded_by_torch():
        return "what PyTorch records here must run without this package"
    kernel = layer.cell.kernel if layer.cell.built else None
    device = torch.get_default_device() if kernel is None else kernel.value.device
    if device.type not in ("cpu", "meta"):
        return f"it computes on a CPU, and the weights are on {device}"
    return None


def sequence(layer: Any, arrays: tuple[Tensor | None, ...], training: bool) -> list[Tensor]:
    """Runs the operators: y if the layer returns it or None, h and c."""
    x: Tensor = arrays[0]
    keeps = torch.is_grad_enabled() and any(a is not None and a.requires_grad for a in arrays)
    # The operator itself asks how many threads there are, when it runs.
    plan = packing.plan_of(layer, arrays[8] is not None, arrays[7] is not None, keeps, 1)
    present = [
        x.new_empty((0, 0), dtype=torch.bool if k == 8 else None) if a is None else a
        for k, a in enumerate(arrays)
    ]
    words = plan.words()
    compiling = torch.compiler.is_compiling()
    if not keeps and (compiling or not _has_tangent(present[:7])):
        # The operator alone costs half, and Dynamo takes no function without gradients.
        y, h, c, *_ = _forward(*present, words)
    else:
        y, h, c, *_ = (Forward if compiling else ReverseOnly).apply(words, *present)
    return [y if plan.shows else None, h, c]


def _has_tangent(arrays: Sequence[Tensor]) -> bool:
    """Whether forward mode looks: the operator alone would give no tangent, and say nothing."""
    return any(forward_ad.unpack_dual(a).tangent is not None for a in arrays)


def signed(function: Callable[..., Any]) -> Any:
    """Keeps the signature of a function, which PyTorch works out anew at every call."""
    made: Any = function
    made.__signature__ = inspect.signature(function)
    return made


class Forward(torch.autograd.Function):
    """The whole sequence, with the hand-written gradient."""

    generate_vmap_rule = True

    @staticmethod
    @signed
    def forward(words: packing.Words, *arrays: Tensor) -> tuple[Tensor, ...]:
        """Gives y, h, c and what is kept."""
        return _forward(*arrays, words)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Keeps what the backward reads."""
        ctx.words, (y, _, _, gates, cells) = inputs[0], output
        ctx.save_for_backward(*inputs[1:], y, gates, cells)
        shown = ctx.words[WORDS["shows"]]
        ctx.mark_non_differentiable(gates, cells, *([] if shown else [y]))
        # Or PyTorch makes zeros of the size of all gates of all steps, which nobody reads.
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *d: Tensor) -> tuple[Tensor | None, ...]:
        """The errors at the arrays."""
        saved = ctx.saved_tensors
        y, h, c = saved[9], saved[1], saved[2]
        if not ctx.words[WORDS["shows"]]:
            y = c.new_empty((*c.shape[:-1], 0, c.shape[-1]))  # no error at any y
        at = zip((y, h, c), d[:3], strict=True)
        arrays = (*saved, *(torch.zeros_like(a) if given is None else given for a, given in at))
        # Dynamo traces no function within one, and lets nobody differentiate twice.
        if torch.compiler.is_compiling() or not (torch.is_grad_enabled() or _has_tangent(arrays)):
            return None, *_backward(*arrays, ctx.words), None, None
        return None, *Backward.apply(ctx.words, *arrays), None, None


class ReverseOnly(Forward):
    """What runs outside of a compiler, which takes no function that speaks of forward mode."""

    @staticmethod
    def jvp(ctx: Any, *_: Any) -> Any:
        """Refuses."""
        refuse_second_derivative()


class Backward(torch.autograd.Function):
    """The gradient, which has none itself."""

    generate_vmap_rule = True

    @staticmethod
    def forward(words: packing.Words, *arrays: Tensor) -> tuple[Tensor, ...]:
        """Gives the gradients of x, h, c, W, R, p and b."""
        return _backward(*arrays, words)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Keeps nothing."""

    @staticmethod
    def backward(ctx: Any, *_: Any) -> Any:
        """Refuses."""
        refuse_second_derivative()

    @staticmethod
    def jvp(ctx: Any, *_: Any) -> Any:
        """Refuses."""
        refuse_second_derivative()


def _run(backward: bool, arrays: Sequence[Tensor], results: list[Tensor], words: Any) -> None:
    words = list(words)
    words[WORDS["threads"]] = min(torch.get_num_threads(), 1024)
    dense = [*(a.contiguous() for a in arrays), *results]
    described = [(a.data_ptr(), TYPES.get(a.dtype, 0), a.dim(), *a.shape) for a in dense]
    packing.call(backward, words, described)


def _results(*arguments: Any) -> list[Tensor]:
    x, h, c, *_, words = arguments
    shapes = packing.result_shapes(tuple(words), x.shape, h.shape, c.shape)
    return [x.new_empty(shape) for shape in shapes]


def _gradients(*arguments: Any) -> list[Tensor]:
    return [torch.empty_like(a, memory_format=torch.contiguous_format) for a in arguments[:7]]


def _run_forward(*arguments: Any) -> tuple[Tensor, ...]:
    results = _results(*arguments)
    _run(False, arguments[:-1], results, arguments[-1])
    return tuple(results)


def _run_backward(*arguments: Any) -> tuple[Tensor, ...]:
    gradients = _gradients(*arguments)
    _run(True, arguments[:-1], gradients, arguments[-1])
    return tuple(gradients)


OPERATORS.impl("forward", _run_forward, "CPU")
OPERATORS.impl("backward", _run_backward, "CPU")
torch.library.register_fake(
    "keras_lstm_ext::forward", lambda *a: tuple(_results(*a)), lib=OPERATORS
)
torch.library.register_fake(
    "keras_lstm_ext::backward", lambda *a: tuple(_gradients(*a)), lib=OPERATORS
)
