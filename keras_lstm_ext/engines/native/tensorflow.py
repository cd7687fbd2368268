"""The native engine as TensorFlow ops, and what keeps them out of exported files."""

import ctypes
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import tensorflow as tf

from keras_lstm_ext.engines import cudnn, tracing
from keras_lstm_ext.engines.bptt import algorithm
from keras_lstm_ext.engines.native import packing, xla

Tensor = Any
Call = Callable[[packing.Plan, Sequence[Tensor]], list[Tensor]]

NO_EXPORT = "engine_native_cannot_be_exported.Make_the_layer_with_engine_portable"
"""Name of a variable that nothing owns: TensorFlow refuses to save what reads it, and says this."""


def why_not(layer: Any, call: Any) -> str | None:
    """Gives None if TensorFlow can run the library here, or the reason why not."""
    if isinstance(ops(), str):
        return f"TensorFlow cannot load it ({ops()})"
    if cudnn.gpu_visible():
        return "it computes on a CPU, and TensorFlow sees a GPU"
    if tracing.exporting():
        return "an export must load without this package"
    if tracing.in_old_graph():
        return "a TensorFlow 1 graph can be written to a file at any time"
    return xla.why_not(layer, call) if tracing.under_xla() else None


@functools.cache
def ops() -> Any:
    """The ops, or why there are none. Loading the file, which is of their own, registers them."""
    path = str(packing.FOLDER / "lstm_tensorflow.so")
    try:
        found = tf.load_op_library(path)
    except (tf.errors.OpError, OSError) as error:
        return str(error)
    return found if hasattr(found, "keras_lstm_ext_backward") else missing(path)


def missing(path: str) -> str:
    """What TensorFlow lacks for the ops of a file that loads without them."""
    say = ctypes.CDLL(path).lstm_missing
    say.restype = ctypes.c_char_p
    return say().decode() or "its C API refuses the ops"


def threads() -> int:
    """How many threads TensorFlow gives to one op."""
    return tf.config.threading.get_intra_op_parallelism_threads() or packing.processors()


def _refuse_export() -> None:
    """Makes the function that is being traced one that cannot be saved, nor frozen."""
    if not tf.executing_eagerly():
        _unowned().value()


@functools.cache
def _unowned() -> Any:
    """The variable of the name `NO_EXPORT`; asked for its value, as constants are, it refuses."""

    def refuse() -> None:
        raise ValueError(
            "the function has been traced with engine='native', whose operation a file cannot "
            "hold. Make the layer with engine='portable' to freeze or convert what has been traced"
        )

    def make() -> Any:
        with tf.init_scope():
            variable = tf.Variable(0.0, trainable=False, name=NO_EXPORT)
        variable.numpy = refuse
        return variable

    # In a thread of its own no distribution strategy is active, which would make it its own kind.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(make).result()


def _empty(k: int) -> Tensor:
    """Stands for an absent array: R or p, and multiplier or mask."""
    # A graph has its own: the gradient of a loop takes no constant from outside.
    return _empty_once(k == 8) if tf.executing_eagerly() else _made(k == 8)


def _made(is_mask: bool) -> Tensor:
    return tf.zeros((0, 0), tf.bool if is_mask else tf.float32)


_empty_once = functools.cache(_made)


def sequence(layer: Any, arrays: tuple[Tensor | None, ...], training: bool) -> list[Tensor]:
    """Runs the ops: y if the layer returns it or None, h and c."""
    _refuse_export()
    masked, multiplied = arrays[8] is not None, arrays[7] is not None
    watched = tracing.watched_by_tensorflow()
    plan = packing.plan_of(layer, masked, multiplied, training or watched, threads())
    inputs = [_empty(k) if a is None else tf.convert_to_tensor(a) for k, a in enumerate(arrays)]
    under_xla = tracing.under_xla()
    forward, backward = (xla.forward, xla.backward) if under_xla else (_forward, _backward)
    if watched or not tf.executing_eagerly():
        results = _differentiable(forward, backward, plan, inputs[:7], inputs[7:])
    else:
        results = forward(plan, inputs)[:3]
    return results if plan.shows else [None, *results[-2:]]


def _forward(plan: packing.Plan, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Runs an op: y if it is wanted, h, c and what is kept."""
    name = "training" if plan.keeps else "sequence" if plan.shows else "last"
    results = getattr(ops(), f"keras_lstm_ext_{name}")(*inputs, plan=plan.words())
    return [None, *results] if name == "last" else list(results)


def _backward(plan: packing.Plan, inputs: Sequence[Tensor]) -> list[Tensor]:
    return list(ops().keras_lstm_ext_backward(*inputs, plan=plan.words()))


def _differentiable(
    forward: Call, backward: Call, plan: packing.Plan, arrays: list[Tensor], fixed: list[Tensor]
) -> list[Tensor]:
    @tf.custom_gradient
    def sequence(*watched: Tensor) -> tuple[list[Tensor], Callable[..., Any]]:
        # Stopped, or an outer tape would look for a gradient of the ops themselves.
        inputs = [tf.stop_gradient(a) for a in watched] + fixed
        results = forward(plan, inputs)

        def gradient(*d_results: Tensor) -> list[Tensor]:
            @tf.custom_gradient
            def once(*watched: Tensor) -> Any:
                d = [tf.stop_gradient(a) for a in watched[len(arrays) :]]
                if not plan.shows:
                    d = [inputs[2][:, None][:, :0], *d]  # no error at any y
                keeping = plan._replace(keeps=True)
                y, _, _, *kept = results if plan.keeps else forward(keeping, inputs)
                return backward(
                    keeping, [*inputs, y, *kept, *d]
                ), algorithm.refuse_second_derivative

            return once(*watched, *d_results)

        return results[0 if plan.shows else 1 : 3], gradient

    return list(sequence(*arrays))
