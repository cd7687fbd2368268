"""Weights of other systems' LSTMs in, and out again.

`LAYOUTS` says how each system lays its weights out; `set_weights` and `get_weights` go by that
table, `read_onnx` finds the weights in an ONNX file, `read_h5` in one of Keras 1 or 2,
`read_checkpoint` in one of TensorFlow 1. `read_layers` makes layers of an old file at once.
"""

from keras_lstm_ext.convert.checkpoint import read_checkpoint as read_checkpoint
from keras_lstm_ext.convert.h5 import read_h5 as read_h5
from keras_lstm_ext.convert.layouts import LAYOUTS as LAYOUTS
from keras_lstm_ext.convert.layouts import Layout as Layout
from keras_lstm_ext.convert.old import read_layers as read_layers
from keras_lstm_ext.convert.onnx import read_onnx as read_onnx
from keras_lstm_ext.convert.weights import get_weights as get_weights
from keras_lstm_ext.convert.weights import set_weights as set_weights
