"""The C++ engine of `keras_lstm_ext/native`, on TensorFlow and a CPU."""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
from keras import ops

from keras_lstm_ext import activations
from keras_lstm_ext.engines import bptt, cudnn, tracing
from keras_lstm_ext.engines.bptt import algorithm, prefix

Tensor = Any

FOLDER = Path(__file__).parents[1] / "native"

SQUASHERS = {
    keras.activations.sigmoid: 0,
    keras.activations.tanh: 1,
    keras.activations.linear: 2,
    activations.centered_sigmoid_2: 3,
    activations.centered_sigmoid_1: 4,
}
"""What the library calls them."""

NO_EXPORT = "engine_native_cannot_be_exported.Make_the_layer_with_engine_portable"
"""Name of a variable that nothing owns: TensorFlow refuses to save what reads it, and says this."""


def library() -> Path | None:
    """The compiled library, if the installation could compile it."""
    return path if (path := FOLDER / "lstm.so").exists() else None


def why_not(layer: Any, call: Any) -> str | None:
    """Gives None if this engine can run the layer, or the reason why not."""
    if keras.backend.backend() != "tensorflow":
        return f"it needs the TensorFlow backend, and this is {keras.backend.backend()}"
    reason = _why_no_ops() or _why_not_cell(layer.cell)
    if reason:
        return reason
    if cudnn.gpu_visible():
        return "it computes on a CPU, and TensorFlow sees a GPU"
    if layer.compute_dtype != "float32":
        return f"it computes in float32, and this layer in {layer.compute_dtype}"
    if layer.unroll:
        return "unroll=True asks for the unrolled loop"
    if layer.recompute:
        return "it keeps the gates for the backward, and recompute=True asks to compute them again"
    if layer.engine == "auto" and prefix.is_prefix_sum(layer.cell.equations, call.masked):
        return "bptt adds up this carousel without a loop, and has its second derivative"
    if tracing.exporting():
        return "an export must load without this package"
    if tracing.in_old_graph():
        return "a TensorFlow 1 graph can be written to a file at any time"
    if tracing.under_xla():
        return "XLA, which compiles this call, has no kernel for it"
    return None


def _why_no_ops() -> str | None:
    if library() is None:
        record = FOLDER / "not_built.txt"
        reason = record.read_text() if record.exists() else "it is compiled by pip install"
        return f"not built ({reason})"
    return None if hasattr(_ops(), "keras_lstm_ext_backward") else "TensorFlow cannot load it"


def _why_not_cell(cell: Any) -> str | None:
    v, equations = cell.variant, cell.equations
    if v.feeds_gates:
        return "it does not feed gates back"
    if v.peepholes and v.block_size > 4:
        return "it knows peepholes in blocks of up to 4 cells"
    for name in ("sigma", "activation", "output_activation"):
        function = getattr(equations, name)
        if function not in SQUASHERS:
            argument = "recurrent_activation" if name == "sigma" else name
            return f"it does not know {argument}={function!r}"
    return None


@functools.cache
def _ops() -> Any:
    import tensorflow as tf

    try:
        return tf.load_op_library(str(library()))
    except (tf.errors.NotFoundError, OSError):
        return None


def run(
    layer: Any, sequences: Tensor, initial_state: list[Tensor], mask: Tensor | None, training: bool
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Computes a whole sequence: see `keras_lstm_ext.engines.run`."""
    cell, (h, c) = layer.cell, initial_state
    if training and cell.dropout:
        multiplier = cell.get_dropout_mask(sequences[:, 0])
        sequences = sequences * ops.cast(multiplier, sequences.dtype)[:, None]
    multiplier = cell.get_recurrent_dropout_mask(h) if training else None
    arrays = (sequences, h, c, *_weights(cell))
    fixed = (_or_empty(multiplier), _or_empty(mask, "bool"))
    attributes = _attributes(layer, mask is not None, multiplier is not None)
    _refuse_export()
    *outputs, h, c = _sequence(arrays, fixed, attributes, layer.return_sequences, training)
    if mask is not None and layer.go_backwards:
        mask = ops.flip(mask, axis=1)
    return *bptt.shown(layer, mask, h, outputs[0] if outputs else None), [h, c]


def _weights(cell: Any) -> tuple[Tensor, ...]:
    W = ops.convert_to_tensor(cell.kernel)
    b = ops.zeros((W.shape[1],)) if cell.bias is None else cell.full_bias()
    weights = (W, _or_empty(cell.recurrent_kernel), _or_empty(cell.peephole_kernel), b)
    return tuple(ops.cast(w, "float32") for w in weights)


def _or_empty(array: Any, dtype: str = "float32") -> Tensor:
    return ops.zeros((0, 0), dtype) if array is None else ops.convert_to_tensor(array)


def _attributes(layer: Any, masked: bool, multiplied: bool) -> dict[str, Any]:
    v, equations = layer.cell.variant, layer.cell.equations
    return {
        "gates": sum(bit for gate, bit in (("i", 1), ("f", 2), ("o", 4)) if gate in v.gates),
        "block_size": v.block_size,
        "feedback": v.feedback != "none",
        "peepholes": layer.cell.peephole_kernel is not None,
        "truncated": v.truncated,
        "reverse": layer.go_backwards,
        "masked": masked,
        "multiplied": multiplied,
        "sigma": SQUASHERS[equations.sigma],
        "activation": SQUASHERS[equations.activation],
        "output_activation": SQUASHERS[equations.output_activation],
        "threads": _threads(),
        "decay": v.decay,
    }


def _threads() -> int:
    import tensorflow as tf

    asked = tf.config.threading.get_intra_op_parallelism_threads()
    if asked or not hasattr(os, "sched_getaffinity"):
        return asked or os.cpu_count() or 1
    return len(os.sched_getaffinity(0))


def _refuse_export() -> None:
    """Makes the function that is being traced one that cannot be saved, nor frozen."""
    import tensorflow as tf

    if not tf.executing_eagerly():
        _unowned().value()


@functools.cache
def _unowned() -> Any:
    """The variable of the name `NO_EXPORT`; asked for its value, as constants are, it refuses."""
    import tensorflow as tf

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


def _sequence(
    arrays: tuple[Tensor, ...],
    fixed: tuple[Tensor, Tensor],
    attributes: dict[str, Any],
    return_sequences: bool,
    training: bool,
) -> list[Tensor]:
    """Runs the ops: y if it is wanted, h, c."""
    import tensorflow as tf

    native = _ops()

    @tf.custom_gradient
    def sequence(*watched: Tensor) -> tuple[list[Tensor], Callable[..., Any]]:
        # Stopped, or an outer tape would look for a gradient of the ops themselves.
        inputs = [tf.stop_gradient(a) for a in watched] + list(fixed)

        def keeping() -> list[Tensor]:
            return list(native.keras_lstm_ext_training(*inputs, **attributes))

        kept = keeping() if training else None
        if kept is not None:
            results = kept[0 if return_sequences else 1 : 3]
        elif return_sequences:
            results = list(native.keras_lstm_ext_sequence(*inputs, **attributes))
        else:
            results = list(native.keras_lstm_ext_last(*inputs, **attributes))

        def gradient(*d_results: Tensor) -> list[Tensor]:
            @tf.custom_gradient
            def once(*watched: Tensor) -> Any:
                d = [tf.stop_gradient(a) for a in watched[len(arrays) :]]
                if not return_sequences:
                    d = [inputs[1][:, None][:, :0], *d]  # no error at any y
                y, _, _, gates, cells = keeping() if kept is None else kept
                errors = native.keras_lstm_ext_backward(*inputs, y, gates, cells, *d, **attributes)
                return list(errors), algorithm.refuse_second_derivative

            return once(*watched, *d_results)

        return results, gradient

    return list(sequence(*arrays))
