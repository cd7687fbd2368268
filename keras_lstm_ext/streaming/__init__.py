"""A trained model one time step at a time, without a framework in the loop."""

from keras_lstm_ext.streaming.stream import Stream, stream

__all__ = ["Stream", "stream"]
