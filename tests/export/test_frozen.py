"""TensorFlow functions made into files: on the portable engine, or refused with what to do."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM
from keras_lstm_ext.engines.native import packing
from tests.backends import BACKEND
from tests.contract.family import assert_close, normal, randomize

pytestmark = [
    pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow's functions"),
    pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated"),
]
BUILT = pytest.mark.skipif(
    BACKEND != "tensorflow" or packing.library() is None, reason="the native engine is not built"
)
X = normal(3, 7, 5)
ADVICE = "engine='portable'"


def model_of(engine: str = "auto") -> keras.Model:
    stack = [ClassicLSTM(4, engine=engine), keras.layers.Dense(1)]
    return randomize(keras.Sequential([keras.Input((7, 5), batch_size=3), *stack]))


def function(model: keras.Model, traced: bool = True) -> Any:
    import tensorflow as tf

    # With a signature of its own a function is not traced again for another one.
    signature = [tf.TensorSpec(X.shape, name="x")]
    made = tf.function(lambda x: model(x, training=False), input_signature=signature)
    if traced:
        made(tf.constant(X))
    return made


def freeze(made: Any) -> Any:
    from tensorflow.python.framework import convert_to_constants

    concrete = made.get_concrete_function()
    return convert_to_constants.convert_variables_to_constants_v2(concrete)


def to_tflite(made: Any) -> bytes:
    import tensorflow as tf

    concrete = made.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], made)
    converter.allow_custom_ops = True
    return converter.convert()


def to_onnx(made: Any) -> Any:
    import tensorflow as tf

    tf2onnx = pytest.importorskip("tf2onnx")
    return tf2onnx.convert.from_function(made, [tf.TensorSpec(X.shape, name="x")], opset=18)[0]


ROUTES: dict[str, Callable[[Any], Any]] = {"freeze": freeze, "tflite": to_tflite, "onnx": to_onnx}


@BUILT
@pytest.mark.parametrize("route", ROUTES)
def test_what_was_traced_on_the_native_engine_is_refused(route: str) -> None:
    model = model_of()
    assert model.layers[0].explain(X.shape).engine == "native"
    with pytest.raises(ValueError, match=ADVICE):
        ROUTES[route](function(model))


def test_a_frozen_function_of_the_portable_engine_computes_the_same() -> None:
    model = model_of("portable")
    frozen = freeze(function(model))
    assert not any("KerasLstmExt" in node.op for node in frozen.graph.as_graph_def().node)
    assert_close([np.asarray(frozen(keras.ops.convert_to_tensor(X))[0])], [model(X)])


@pytest.mark.slow
@pytest.mark.parametrize("traced", [False, True])
def test_tf2onnx(traced: bool) -> None:
    """Not traced before, a function of any engine is written on the portable one."""
    onnxruntime = pytest.importorskip("onnxruntime")
    model = model_of("portable" if traced else "auto")
    model.predict(X, verbose=0)
    made = to_onnx(function(model, traced))
    session = onnxruntime.InferenceSession(made.SerializeToString())
    assert_close(session.run(None, {session.get_inputs()[0].name: X}), [model(X)])


@pytest.mark.slow
@pytest.mark.parametrize("make", ["from_keras_model", "from_saved_model"])
def test_tflite_of_a_model(make: str, tmp_path: Any) -> None:
    """The model is traced by the converter, whatever engine computed before."""
    import tensorflow as tf

    model = model_of()
    model.predict(X, verbose=0)
    source = model
    if make == "from_saved_model":
        source = str(tmp_path)
        model.export(source, verbose=False)
    converter = getattr(tf.lite.TFLiteConverter, make)(source)
    ops = tf.lite.OpsSet
    converter.target_spec.supported_ops = [ops.TFLITE_BUILTINS, ops.SELECT_TF_OPS]
    converter._experimental_lower_tensor_list_ops = False
    assert b"KerasLstmExt" not in converter.convert()


def test_in_a_tensorflow_1_graph_there_is_no_native_op() -> None:
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder("float32", X.shape)
        layer = ClassicLSTM(4)
        layer(x)
        assert not any("KerasLstmExt" in node.op for node in graph.as_graph_def().node)
        assert "file" in layer.explain(X.shape).declined["native"]
