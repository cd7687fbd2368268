"""Gate statistics in TensorBoard while a model is trained."""

import os
from types import ModuleType
from typing import Any

import keras
import numpy as np

from keras_lstm_ext.diagnostics.trace import gate_trace, summarize
from keras_lstm_ext.diagnostics.watch import Array, recurrent_layers
from keras_lstm_ext.layers._layer import RecurrentLayer


class GateStatistics(keras.callbacks.Callback):
    """Writes what the gates do to TensorBoard, at the end of every epoch.

    For each layer of this package in the model: the mean of i, f, g, o, c and h, the share of each
    gate near 0 and near 1, the number of dead and stuck units (see `saturation`), and the
    distribution of every one of them. It writes beside `keras.callbacks.TensorBoard`, with
    TensorFlow, whatever the backend.

    Args:
        log_dir: Folder of the log, as for `keras.callbacks.TensorBoard`.
        x: A few inputs of the model, the same for every epoch.
        every: After how many epochs to write.

    Raises:
        ImportError: If TensorFlow is not installed.
        ValueError: If `every` is not a positive integer, or the model has no layer of this package.

    Examples:
        >>> x, y = np.ones((8, 5, 3), "float32"), np.ones((8, 1), "float32")
        >>> model = keras.Sequential([PeepholeLSTM(2), keras.layers.Dense(1)])
        >>> model.compile(loss="mse")
        >>> history = model.fit(x, y, verbose=0, callbacks=[GateStatistics("logs", x[:4])])
    """

    def __init__(self, log_dir: str | os.PathLike[str], x: Any, every: int = 1) -> None:
        super().__init__()
        if type(every) is not int or every < 1:
            raise ValueError(f"`every` must be a positive integer. Received: every={every!r}")
        self.log_dir, self.x, self.every = os.fspath(log_dir), x, every
        self.tf = _tensorflow()

    def on_train_begin(self, logs: Any = None) -> None:
        """Opens the log."""
        self.layers = recurrent_layers(self.model)
        if not self.layers:
            raise ValueError("GateStatistics needs a model with a layer of keras_lstm_ext")
        self.writer = self.tf.summary.create_file_writer(os.path.join(self.log_dir, "gates"))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes the statistics of an epoch."""
        if (epoch + 1) % self.every:
            return
        with self.writer.as_default(step=epoch):
            for layer in self.layers:
                self._write(layer)

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the log."""
        self.writer.close()

    def _write(self, layer: RecurrentLayer) -> None:
        trace = gate_trace(layer, self.x, self.model)
        found = summarize(trace)
        for name, values in trace.items():
            valid = values[~np.isnan(values)]
            self._scalar(f"{layer.name}/{name}/mean", valid.mean())
            self._histogram(f"{layer.name}/{name}", valid)
        for k in found.near_0:
            self._scalar(f"{layer.name}/{k}/near 0", found.near_0[k].mean())
            self._scalar(f"{layer.name}/{k}/near 1", found.near_1[k].mean())
        self._scalar(f"{layer.name}/dead", len(found.dead))
        self._scalar(f"{layer.name}/stuck", len(found.stuck))

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
