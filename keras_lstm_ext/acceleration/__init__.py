"""Models with `keras.layers.LSTM` made faster, and plain again."""

from keras_lstm_ext.acceleration.accelerate import accelerate

__all__ = ["accelerate"]
