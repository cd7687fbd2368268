"""Export in a process with the TensorFlow backend, for a model that lives on another one."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras


def export(model: Any, path: Path) -> None:
    """Saves the model, and has it loaded and exported by TensorFlow.

    Args:
        model: A built model.
        path: Where the file is to be.

    Raises:
        ImportError: If TensorFlow is not installed.
        ValueError: If the model cannot be loaded or written, with the reason.
    """
    backend = keras.backend.backend()
    if importlib.util.find_spec("tensorflow") is None:
        raise ImportError(
            f"export_onnx traces with TensorFlow, and this is the backend {backend!r} without it: "
            'pip install "keras-lstm-ext[cpu,onnx]"'
        )
    with TemporaryDirectory() as folder:
        saved = Path(folder) / "model.keras"
        model.save(saved)
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(saved), str(path.absolute())],
            env=os.environ | {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"},
            capture_output=True,
            text=True,
        )
    if done.returncode:
        *_, reason = done.stderr.strip().splitlines() or ["no reason given"]
        raise ValueError(
            f"`model` cannot be written in a process with KERAS_BACKEND=tensorflow: {reason}"
        )


def main() -> None:
    """Loads the model of the first argument and writes the file of the second."""
    from keras_lstm_ext.export import export_onnx

    saved, path = sys.argv[1:]
    try:
        export_onnx(keras.models.load_model(saved, compile=False), path)
    except Exception as error:  # whatever it is: the other process says it
        sys.exit(" ".join(str(error).split()))


if __name__ == "__main__":
    main()
