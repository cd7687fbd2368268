"""Models as files for other programs: ONNX with real LSTM nodes."""

from keras_lstm_ext.export.onnx import export_onnx as export_onnx
