"""NVIDIA's kernel for the classic LSTM, through TensorFlow's public op."""

from typing import Any

import keras
from keras import ops

from keras_lstm_ext.engines import bptt, tracing
from keras_lstm_ext.variants import CLASSIC, same_cell

Tensor = Any

RECORDED_RUN: str | None = "tests-tensorflow-gpu-nvidia-h100-80gb-hbm3.json"
"""File of a recorded run of this engine's tests on a GPU, in `benchmarks/results`; without one,
`auto` does not take it."""


def why_not(layer: Any, call: Any) -> str | None:
    """Gives None if this engine can run the layer, or the reason why not."""
    cell = layer.cell
    if keras.backend.backend() != "tensorflow":
        return f"it needs the TensorFlow backend, and this is {keras.backend.backend()}"
    if not gpu_visible():
        return "TensorFlow sees no GPU"
    if not same_cell(cell.variant, CLASSIC):
        return "it knows the classic LSTM only, without blocks and with the full gradient"
    squashers = (cell.recurrent_activation, cell.activation, cell.equations.output_activation)
    if squashers != (keras.activations.sigmoid, keras.activations.tanh, keras.activations.tanh):
        return "it knows sigmoid gates and tanh squashers only"
    if layer.unroll:
        return "unroll=True asks for the unrolled loop"
    if cell.recurrent_dropout:
        return "it has no recurrent dropout"
    if layer.compute_dtype == "bfloat16":
        return "it does not know bfloat16"
    if tracing.exporting():
        return "an export must load without a GPU"
    if tracing.under_xla():
        return "XLA cannot compile it"
    if layer.engine == "auto" and RECORDED_RUN is None:
        return "no run of its tests on a GPU is recorded; engine='cudnn' takes it nevertheless"
    return None


def gpu_visible() -> bool:
    """Whether TensorFlow sees a GPU."""
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def run(
    layer: Any, sequences: Tensor, initial_state: list[Tensor], mask: Tensor | None, training: bool
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Computes a whole sequence: see `keras_lstm_ext.engines.run`.

    cuDNN knows lengths, not masks. A mask that is no length, or an empty row, is found out when the
    graph runs, and then `bptt` runs instead.
    """
    if mask is None:
        return _whole(layer, sequences, initial_state, None, training)
    import tensorflow as tf

    reads = ops.flip(mask, axis=1) if layer.go_backwards else mask
    falls = tf.cast(reads[:, 1:], tf.int32) <= tf.cast(reads[:, :-1], tf.int32)
    is_length = tf.reduce_all(falls) & tf.reduce_all(reads[:, 0])
    outputs = layer.return_sequences
    flat = tf.cond(
        is_length,
        lambda: _flat(*_whole(layer, sequences, initial_state, reads, training)),
        lambda: _flat(*bptt.run(layer, sequences, initial_state, mask, training)),
    )
    return flat[0], flat[1] if outputs else None, list(flat[-2:])


def _flat(last: Tensor, outputs: Tensor | None, states: list[Tensor]) -> list[Tensor]:
    return [last, *([] if outputs is None else [outputs]), *states]


def _whole(
    layer: Any, x: Tensor, initial_state: list[Tensor], mask: Tensor | None, training: bool
) -> tuple[Tensor, Tensor | None, list[Tensor]]:
    import tensorflow as tf

    cell, (h, c) = layer.cell, initial_state
    if layer.go_backwards:
        x = tf.reverse(x, [1])
    if training and cell.dropout:
        x = x * tf.cast(cell.get_dropout_mask(x[:, 0]), x.dtype)[:, None]
    steps = tf.fill([tf.shape(x)[0]], tf.shape(x)[1])
    lengths = steps if mask is None else tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)
    outputs, last, c_last, _, _ = tf.raw_ops.CudnnRNNV3(
        input=x,
        input_h=h[:, None],
        input_c=tf.cast(c, x.dtype)[:, None],
        params=packed(cell, x.dtype),
        sequence_lengths=lengths,
        rnn_mode="lstm",
        is_training=True,
        time_major=False,
    )
    last, c_last = last[:, 0], tf.cast(c_last[:, 0], c.dtype)
    states = [last, c_last]
    if mask is not None and layer.zero_output_for_mask:
        last = tf.where(mask[:, -1:], last, tf.zeros_like(last))
    elif mask is not None:
        outputs = tf.where(mask[:, :, None], outputs, states[0][:, None])
    return last, outputs if layer.return_sequences else None, states


def packed(cell: Any, dtype: Any) -> Tensor:
    """The weights as cuDNN stores them: W, then R, each net transposed; then two biases per net."""
    import tensorflow as tf

    weights = [
        tf.reshape(tf.transpose(net), [-1])
        for kernel in (cell.kernel, cell.recurrent_kernel)
        for net in tf.split(tf.convert_to_tensor(kernel), 4, axis=1)
    ]
    zeros = tf.zeros((4 * cell.units,), weights[0].dtype)
    bias = zeros if cell.bias is None else cell.full_bias()
    return tf.cast(tf.concat([*weights, bias, zeros], axis=0), dtype)
