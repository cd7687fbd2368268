"""Gate statistics in TensorBoard while a model is trained."""

import os
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import keras
import numpy as np

from keras_lstm_ext.diagnostics.data import first_batch
from keras_lstm_ext.diagnostics.subject import Subject, subjects
from keras_lstm_ext.diagnostics.trace import Trace, computed, summarize, to_trace
from keras_lstm_ext.diagnostics.watch import Array, choose, watch
from keras_lstm_ext.scalars import integer


class GateStatistics(keras.callbacks.Callback):
    """Writes what the gates do to TensorBoard, at the end of every epoch.

    For each layer of this package and each `keras.layers.LSTM` in the model: the mean of i, f, g,
    o, c and h, the share of each gate near 0 and near 1, the number of dead and stuck units (see
    `saturation`), and the distribution of every one of them. What is NaN or infinite is left out of
    the distribution, and how much that is, is written as `not finite`. It writes beside
    `keras.callbacks.TensorBoard`, with TensorFlow, whatever the backend.

    If the model calls a layer more than once, all calls are counted together.

    Args:
        log_dir: Folder of the log, as for `keras.callbacks.TensorBoard`.
        x: A few inputs of the model, the same for every epoch, in the structure that the model
            takes; or a data set, such as a `tf.data.Dataset` or a `keras.utils.PyDataset`, of which
            the first batch is taken, now.
        every: After how many epochs to write.

    Raises:
        ImportError: If TensorFlow is not installed.
        ValueError: If `every` is not a positive integer, `x` is none of these or, when training
            begins, the model has no such layer, does not call it, or cannot be called on `x`.

    Examples:
        >>> x, y = np.ones((8, 5, 3), "float32"), np.ones((8, 1), "float32")
        >>> model = keras.Sequential([PeepholeLSTM(2), keras.layers.Dense(1)])
        >>> model.compile(loss="mse")
        >>> history = model.fit(x, y, verbose=0, callbacks=[GateStatistics("logs", x[:4])])
    """

    def __init__(self, log_dir: str | os.PathLike[str], x: Any, every: int = 1) -> None:
        super().__init__()
        self.log_dir, self.every = os.fspath(log_dir), integer("every", every)
        self.x = first_batch(x).x
        self.tf = _tensorflow()

    def on_train_begin(self, logs: Any = None) -> None:
        """Opens the log, if the model can be looked into."""
        self.found = subjects(self.model)
        if not self.found:
            raise ValueError(
                "GateStatistics needs a model with a layer of keras_lstm_ext or a "
                f"keras.layers.LSTM. Received: {self.model.name!r} without one"
            )
        list(self._traces())  # what is wrong shows here and not after an epoch
        self.writer = self.tf.summary.create_file_writer(os.path.join(self.log_dir, "gates"))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes the statistics of an epoch."""
        if (epoch + 1) % self.every:
            return
        with self.writer.as_default(step=epoch):
            for subject, traces in self._traces():
                self._write(subject.name, traces)

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the log."""
        self.writer.close()

    def _traces(self) -> Iterator[tuple[Subject, list[Trace]]]:
        """By layer, the traces of all its calls."""
        seen = watch(self.found, self.model, self.x)
        for subject, calls in zip(self.found, seen, strict=True):
            if calls:
                yield subject, [to_trace(subject, calls, k) for k in range(len(calls))]
        if not any(seen):
            choose([], None, self.found[0], self.model)

    def _write(self, layer: str, traces: list[Trace]) -> None:
        found = summarize(traces)
        for name in traces[0]:
            values = computed(traces, name)
            finite = values[np.isfinite(values)]
            self._scalar(f"{layer}/{name}/mean", values.mean())
            self._scalar(f"{layer}/{name}/not finite", 1.0 - finite.size / values.size)
            self._histogram(f"{layer}/{name}", finite)
        for k in found.near_0:
            self._scalar(f"{layer}/{k}/near 0", found.near_0[k].mean())
            self._scalar(f"{layer}/{k}/near 1", found.near_1[k].mean())
        self._scalar(f"{layer}/dead", len(found.dead))
        self._scalar(f"{layer}/stuck", len(found.stuck))

    # `tf.summary.scalar` and `.histogram` would need the package tensorboard in this process.
    def _scalar(self, tag: str, value: float) -> None:
        self._record(tag, np.float32(value), "scalars", data_class=1)

    def _histogram(self, tag: str, values: Array) -> None:
        counts, edges = np.histogram(values, bins=30)
        bins = np.stack([edges[:-1], edges[1:], counts], axis=1)
        self._record(tag, bins, "histograms", data_class=2)

    def _record(self, tag: str, value: Any, plugin: str, data_class: int) -> None:
        metadata = self.tf.compat.v1.SummaryMetadata(data_class=data_class)
        metadata.plugin_data.plugin_name = plugin
        self.tf.summary.write(tag, self.tf.constant(value), metadata=metadata)


def _tensorflow() -> ModuleType:
    try:
        import tensorflow as tf
    except ImportError as error:
        raise ImportError(
            "GateStatistics writes with TensorFlow, which comes with the extra `cpu`: "
            'pip install "keras-lstm-ext[cpu]"'
        ) from error
    return tf
