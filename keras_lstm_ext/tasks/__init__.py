"""The benchmark problems of the LSTM papers, as seeded generators of NumPy arrays.

A task is a frozen dataclass of its parameters. It draws sequences (`sample`), is a data set for
Keras (`dataset`), knows the paper's criterion of success (`solved`), and the paper's networks and
their training as data (`network`).

The same seed gives the same bytes: all randomness comes from NumPy's `Generator` on PCG64, in one
stream per call of `sample`. NumPy may change what its distributions make of the bits; the tests
keep a digest of every task.
"""

from keras_lstm_ext.tasks._arrays import Sequences
from keras_lstm_ext.tasks._dataset import Batches
from keras_lstm_ext.tasks._network import Network, Training
from keras_lstm_ext.tasks._task import Criterion, Task
from keras_lstm_ext.tasks.arithmetic import Adding, Multiplication
from keras_lstm_ext.tasks.lags import DistractorLag, LongLag
from keras_lstm_ext.tasks.order import ContinualOrder, TemporalOrder
from keras_lstm_ext.tasks.reber import ContinualReber, EmbeddedReber
from keras_lstm_ext.tasks.timing import PeriodicFunction, SpikeDelays, TimedSpikes
from keras_lstm_ext.tasks.two_sequence import TwoSequence

TASKS: dict[str, Task] = {
    "reber": EmbeddedReber(),
    "lag-2a": LongLag(),
    "lag-2b": LongLag(random=True),
    "lag-2c": DistractorLag(),
    "two-sequence-3a": TwoSequence(task="3a"),
    "two-sequence-3b": TwoSequence(task="3b"),
    "two-sequence-3c": TwoSequence(task="3c"),
    "adding": Adding(),
    "multiplication": Multiplication(),
    "order-6a": TemporalOrder(2),
    "order-6b": TemporalOrder(3),
    "continual-reber": ContinualReber(),
    "continual-order": ContinualOrder(),
    "spike-delays": SpikeDelays(),
    "timed-spikes": TimedSpikes(),
    "periodic-function": PeriodicFunction(),
}
"""The tasks with the parameters of the first row of their table, in the order of the papers."""

__all__ = [
    "TASKS",
    "Adding",
    "Batches",
    "ContinualOrder",
    "ContinualReber",
    "Criterion",
    "DistractorLag",
    "EmbeddedReber",
    "LongLag",
    "Multiplication",
    "Network",
    "PeriodicFunction",
    "Sequences",
    "SpikeDelays",
    "Task",
    "TemporalOrder",
    "TimedSpikes",
    "Training",
    "TwoSequence",
]
