"""LiteRT: an unrolled model needs nothing but the interpreter's own operations."""

from pathlib import Path

import keras
import pytest

from tests.backends import BACKEND
from tests.contract.family import FAMILY, assert_close, normal, randomize


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
@pytest.mark.skipif(BACKEND != "tensorflow", reason="converted by TensorFlow")
def test_every_layer_unrolled(tmp_path: Path) -> None:
    import tensorflow as tf

    stack = [make(4, return_sequences=True, unroll=True) for make in FAMILY.values()]
    model = randomize(keras.Sequential([keras.Input((5, 3)), *stack]), features=3)
    x = normal(1, 5, 3)
    model.export(tmp_path / "model.tflite", format="litert", verbose=False)
    interpreter = tf.lite.Interpreter(str(tmp_path / "model.tflite"))
    interpreter.allocate_tensors()  # fails where an operation is not its own
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    given = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert_close([given], [model.predict(x, verbose=0)])
