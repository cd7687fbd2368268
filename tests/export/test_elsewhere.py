"""On JAX and PyTorch, TensorFlow writes the file in a process of its own."""

import importlib.util
from pathlib import Path

import pytest

from tests import backends, processes

SCRIPT = """
import os, sys
os.environ["KERAS_BACKEND"] = sys.argv[1]
import keras, numpy as np, onnxruntime
from keras_lstm_ext import OriginalLSTM, PeepholeLSTM
from keras_lstm_ext.export import export_onnx

assert keras.backend.backend() == sys.argv[1]
rng = np.random.default_rng(4)
model = keras.Sequential(
    [
        keras.Input((None, 3)),
        keras.layers.Bidirectional(PeepholeLSTM(5, return_sequences=True)),
        keras.layers.LSTM(4),
        keras.layers.Dense(2),
    ]
)
for w in model.weights:
    w.assign(rng.normal(0, 0.5, w.shape))
export_onnx(model, sys.argv[2])
x = rng.normal(size=(3, 6, 3)).astype("float32")
session = onnxruntime.InferenceSession(sys.argv[2])
(given,) = session.run(None, {session.get_inputs()[0].name: x})
np.testing.assert_allclose(given, keras.ops.convert_to_numpy(model(x)), atol=1e-5)
try:
    export_onnx(keras.Sequential([keras.Input((None, 3)), OriginalLSTM(4, stateful=False)]), "no")
except ValueError as error:
    assert "OriginalLSTM" in str(error) and not os.path.exists("no"), error
    print("same")
"""


@pytest.mark.slow
@pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="once is enough")
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_process_exports(backend: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    assert processes.run(SCRIPT, backend, tmp_path / "model.onnx").strip().endswith("same")
