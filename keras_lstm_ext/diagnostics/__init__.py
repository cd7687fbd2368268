"""Looking inside a layer: what its gates do, how its error flows, and pictures of both."""

from keras_lstm_ext.diagnostics.callback import GateStatistics as GateStatistics
from keras_lstm_ext.diagnostics.gradient import GradientFlow as GradientFlow
from keras_lstm_ext.diagnostics.gradient import gradient_flow as gradient_flow
from keras_lstm_ext.diagnostics.plots import plot_gate_trace as plot_gate_trace
from keras_lstm_ext.diagnostics.plots import plot_gradient_flow as plot_gradient_flow
from keras_lstm_ext.diagnostics.plots import plot_saturation as plot_saturation
from keras_lstm_ext.diagnostics.trace import Saturation as Saturation
from keras_lstm_ext.diagnostics.trace import Trace as Trace
from keras_lstm_ext.diagnostics.trace import gate_trace as gate_trace
from keras_lstm_ext.diagnostics.trace import saturation as saturation
