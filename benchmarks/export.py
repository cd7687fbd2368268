"""The contenders that run an exported model in ONNX Runtime: our `LSTM` node, or Keras' loop."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import onnxruntime

from benchmarks.onnx_lstm import options
from keras_lstm_ext.bench import programs
from keras_lstm_ext.bench.problem import Problem
from keras_lstm_ext.bench.programs import Program
from keras_lstm_ext.export import export_onnx


def node(problem: Problem, task: str, layer: str) -> Program:
    """Runs what `export_onnx` writes."""
    return exported(problem, layer, export_onnx)


def loop(problem: Problem, task: str, layer: str) -> Program:
    """Runs what Keras writes, with tf2onnx."""

    def export(model: keras.Model, path: Path) -> None:
        import tf2onnx  # noqa: F401  (what is missing is then left out, with its name)

        model(problem.x)  # Keras exports only what was called
        model.export(path, format="onnx", verbose=False)

    return exported(problem, layer, export)


def exported(problem: Problem, layer: str, export: Callable[..., None]) -> Program:
    made = programs.with_weights(layer, problem, return_sequences=True)
    model = keras.Sequential([keras.Input(batch_shape=problem.shape[:3]), made])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export(model, path)
        session = onnxruntime.InferenceSession(path, options())
    inputs = {session.get_inputs()[0].name: problem.x}
    return Program(lambda: session.run(None, inputs), lambda results: {"h": results[0]})
