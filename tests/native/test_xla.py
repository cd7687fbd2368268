"""XLA's interface as the library declares it, and the native engine on TensorFlow under XLA."""

import ctypes
import importlib.util
import shutil
import subprocess
from ctypes import byref, c_int, c_size_t, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, PeepholeLSTM
from keras_lstm_ext.engines.native import packing
from tests import backends, processes

pytestmark = [
    pytest.mark.skipif(packing.library() is None, reason="the library is not built"),
    pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="once is enough"),
]

SOURCES = Path(__file__).parents[2] / "keras_lstm_ext" / "native"

# Each struct of ours, the one of the header, and the fields that are used, each by both names.
DECLARED = {
    "Extension XLA_FFI_Extension_Base": "struct_size type next",
    "Version XLA_FFI_Api_Version": "major_version minor_version",
    "Metadata XLA_FFI_Metadata": "struct_size version:api_version traits",
    "MetadataExtension XLA_FFI_Metadata_Extension": "base:extension_base metadata",
    "Text XLA_FFI_ByteSpan": "at:ptr size:len",
    "ErrorArguments XLA_FFI_Error_Create_Args": "message code:errc",
    "RegisterArguments XLA_FFI_Handler_Register_Args": "name platform instantiate:bundle traits",
    "Api XLA_FFI_Api": "version:api_version create_error:XLA_FFI_Error_Create "
    "register_handler:XLA_FFI_Handler_Register get_stream:XLA_FFI_Stream_Get",
    "StreamArguments XLA_FFI_Stream_Get_Args": "context:ctx stream",
    "Buffer XLA_FFI_Buffer": "type:dtype data rank shape:dims",
    "Integers XLA_FFI_Array": "type:dtype size data",
    "Buffers XLA_FFI_Args": "size kinds:types at:args",
    "Buffers XLA_FFI_Rets": "size kinds:types at:rets",
    "Attributes XLA_FFI_Attrs": "size kinds:types names at:attrs",
    "CallFrame XLA_FFI_CallFrame": "api context:ctx stage inputs:args outputs:rets "
    "attributes:attrs",
}
CONSTANTS = {
    "EXECUTE": "ExecutionStage_EXECUTE",
    "PRED": "DataType_PRED",
    "S64": "DataType_S64",
    "F32": "DataType_F32",
    "BUFFER": "ArgType_BUFFER",
    "ARRAY": "AttrType_ARRAY",
    "METADATA": "Extension_Metadata",
}


def header() -> Path:
    """The folder with the header that jaxlib brings."""
    found = importlib.util.find_spec("jaxlib")
    if found is None or not shutil.which("g++"):
        pytest.skip("needs jaxlib's header and a C++ compiler")
    return Path(found.submodule_search_locations[0]) / "include"


@pytest.mark.slow
def test_declarations_are_those_of_jaxlib(tmp_path: Path) -> None:
    """Fails where XLA moves a field: then `native/xla.h` must learn another version."""
    lines = ['#include "xla/ffi/api/c_api.h"', '#include "xla.h"']
    for structs, fields in DECLARED.items():
        ours, theirs = structs.split()
        for field in fields.split():
            a, b = field.split(":") if ":" in field else (field, field)
            same = f"offsetof(xla::{ours}, {a}) == offsetof({theirs}, {b})"
            lines.append(f'static_assert({same}, "{ours}.{a}");')
    for ours, theirs in CONSTANTS.items():
        lines.append(f'static_assert(int(xla::{ours}) == int(XLA_FFI_{theirs}), "{ours}");')
    lines.append("static_assert(xla::MAJOR == XLA_FFI_API_MAJOR);")
    source = tmp_path / "same.cpp"
    source.write_text("\n".join(lines))
    compiler = ["g++", "-std=c++17", "-fsyntax-only", f"-I{SOURCES}", f"-I{header()}"]
    done = subprocess.run([*compiler, str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Head(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("extension", c_void_p)]


class Metadata(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("head", Head), ("major", c_int), ("minor", c_int)]
    _fields_ += [("traits", ctypes.c_uint32)]


class Extension(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("type", c_int), ("next", c_void_p), ("metadata", c_void_p)]


class Api(ctypes.Structure):
    _fields_ = [("head", Head), ("version", Head), ("major", c_int), ("minor", c_int)]
    _fields_ += [("functions", c_void_p * 5)]


@pytest.mark.parametrize("handler", ["lstm_xla_forward", "lstm_xla_backward"])
@pytest.mark.parametrize(("size", "version"), [(36, (0, 1)), (48, (0, 1)), (32, (-1, -1))])
def test_a_handler_says_its_version(handler: str, size: int, version: tuple[int, int]) -> None:
    metadata = Metadata(size, major=7, minor=7)
    extension = Extension(24, 1, None, ctypes.addressof(metadata))
    frame = Head(16, ctypes.addressof(extension))
    function = getattr(ctypes.CDLL(str(packing.library())), handler)
    function.restype = c_void_p
    assert function(byref(frame)) is None
    assert (metadata.major, metadata.minor) == version


@pytest.mark.parametrize(
    ("size", "version_size", "major"), [(40, 24, 0), (80, 16, 0), (80, 24, 1), (80, 24, -1)]
)
def test_another_interface_is_refused(size: int, version_size: int, major: int) -> None:
    api = Api(Head(size), Head(version_size), major, 3)  # its functions are null
    assert packing.LOADED.lstm_xla_register(byref(api)) == 1
    assert packing.LOADED.lstm_xla_register(None) == 1


X = np.random.default_rng(0).normal(size=(3, 7, 5)).astype("float32")


@pytest.fixture
def xla() -> Any:
    from keras_lstm_ext.engines.native import xla

    xla._why_not_registered.cache_clear()
    yield xla
    xla._why_not_registered.cache_clear()


def explained(layer: Any, shape: Any = X.shape) -> Any:
    """What `explain` says under XLA."""
    import tensorflow as tf

    choices: list[Any] = []

    def call(x: Any) -> Any:
        choices.append(layer.explain(x.shape))
        return x

    spec = tf.TensorSpec(shape)
    tf.function(call, jit_compile=True, input_signature=[spec]).get_concrete_function()
    return choices[0]


def test_is_taken_under_xla() -> None:
    """Fails where TensorFlow no longer shows its XLA the way that the engine looks for it."""
    assert explained(ClassicLSTM(4)).engine == "native"
    assert explained(ClassicLSTM(4), (None, None, 5)).engine == "native"
    assert "below 8 rows times steps" in explained(ClassicLSTM(4), (1, 7, 5)).declined["native"]


def test_says_why_not_where_it_is_hidden(xla: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value, words in (
        ("INTERFACE", "no_such_function", "does not show its interface"),
        ("LIBRARIES", (), "does not show its interface"),
        ("_op", lambda: None, "no XlaCallModule"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(xla, name, value)
            xla._why_not_registered.cache_clear()
            choice = explained(ClassicLSTM(4))
            assert (choice.engine, words in choice.declined["native"]) == ("bptt", True)


def test_says_why_not_where_the_interface_is_another(
    xla: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        @staticmethod
        def lstm_xla_register(interface: int) -> int:
            return 1

    monkeypatch.setattr(packing, "LOADED", Refusing)
    assert "has another interface" in explained(ClassicLSTM(4)).declined["native"]


@pytest.mark.slow
@pytest.mark.parametrize("unknown", [(0,), (1,), (0, 1)])
def test_sizes_that_are_not_known(unknown: tuple[int, ...]) -> None:
    """Outputs and gradients, also of a batch that is smaller than the last."""
    import tensorflow as tf

    layer = PeepholeLSTM(6, engine="native")
    layer.build(X.shape)

    def call(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.sin(layer(x)))
        return y, tape.gradient(y, [x, layer.kernel.value])

    shape = [None if k in unknown else n for k, n in enumerate(X.shape)]
    compiled = tf.function(call, jit_compile=True, input_signature=[tf.TensorSpec(shape)])
    for x in (X, X[:2] if 0 in unknown else X, X[:, :4] if 1 in unknown else X):
        given, expected = (tf.nest.flatten(f(tf.constant(x))) for f in (compiled, call))
        for g, e in zip(given, expected, strict=True):
            np.testing.assert_allclose(g, e, rtol=1e-5, atol=1e-5)


def test_only_the_last_output_and_second_derivatives() -> None:
    import tensorflow as tf

    layer = ClassicLSTM(4, engine="native")
    layer.build(X.shape)

    with pytest.raises(NotImplementedError, match="engine='portable'"):
        tf.function(backends.second_derivative, jit_compile=True)(layer, tf.constant(X))
    given = tf.function(layer, jit_compile=True)(X[:0])
    assert given.shape == (0, 4)


def test_what_was_traced_under_xla_is_not_saved(tmp_path: Path) -> None:
    import tensorflow as tf

    from keras_lstm_ext.engines.native import tensorflow as native

    layer, module = ClassicLSTM(4, engine="native"), tf.Module()
    layer.build(X.shape)
    module.layer = layer
    run = tf.function(layer.__call__, jit_compile=True)
    module.run = run.get_concrete_function(tf.TensorSpec((3, 7, 5)))
    with pytest.raises(AssertionError, match=native.NO_EXPORT):
        tf.saved_model.save(module, str(tmp_path))


def test_a_wrong_shape_is_refused() -> None:
    import tensorflow as tf

    from keras_lstm_ext.engines.native import xla
    from tests.native.test_op import PLAN, arrays

    assert xla._why_not_registered() is None
    wrong = arrays() | {"W": np.zeros((5, 25), "float32")}
    given = [tf.constant(a) for a in wrong.values()]
    with pytest.raises(tf.errors.InvalidArgumentError, match="`W` must be"):
        tf.function(lambda *a: xla.forward(PLAN, a), jit_compile=True)(*given)


FIT = """
import keras, numpy as np
from keras_lstm_ext import ClassicLSTM, PeepholeLSTM
X = np.random.default_rng(0).normal(size=(7, 6, 5)).astype("float32")

def losses(engine):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([
        keras.Input((None, 5)), keras.layers.Masking(),
        keras.layers.Bidirectional(ClassicLSTM(6, return_sequences=True, engine=engine)),
        PeepholeLSTM(4, recurrent_dropout=0.3, seed=2, engine=engine),
    ])
    model.compile("adam", "mse", jit_compile=True)
    return model.fit(X, np.ones((7, 4), "float32"), batch_size=4, epochs=2, shuffle=False,
                     verbose=0).history["loss"]

np.testing.assert_allclose(losses("native"), losses("bptt"), rtol=1e-5)
print("same")
"""


@pytest.mark.slow
def test_fit() -> None:
    """Its last batch is smaller than the others."""
    assert processes.run(FIT).strip().endswith("same")


CONCURRENT = """
import concurrent.futures
import numpy as np, tensorflow as tf
from keras_lstm_ext import ClassicLSTM, PeepholeLSTM
layers = [ClassicLSTM(48, engine="native"), PeepholeLSTM(33, engine="native")]
x = tf.constant(np.random.default_rng(0).normal(size=(8, 40, 16)).astype("float32"))

def program(layer):
    layer.build(x.shape)

    @tf.function(jit_compile=True)
    def call(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return y, tape.gradient(y, x)

    return call

programs = [program(layer) for layer in layers]
expected = [[a.numpy() for a in each(x)] for each in programs]
with concurrent.futures.ThreadPoolExecutor(6) as pool:
    for k, given in enumerate(pool.map(lambda k: programs[k % 2](x), range(18))):
        for g, e in zip(given, expected[k % 2], strict=True):
            np.testing.assert_array_equal(g, e)
print("same")
"""


@pytest.mark.slow
def test_six_threads_and_two_models_at_once() -> None:
    assert processes.run(CONCURRENT).strip().endswith("same")


def test_nan_goes_through() -> None:
    import tensorflow as tf

    layer = PeepholeLSTM(6, return_sequences=True, engine="native")
    layer.build(X.shape)
    bad = X.copy()
    bad[1, 2, 0] = np.nan
    given, plain = (tf.function(layer, jit_compile=True)(x).numpy() for x in (bad, X))
    assert np.isnan(given[1, 2:]).all()
    np.testing.assert_array_equal(np.delete(given, 1, 0), np.delete(plain, 1, 0))


def test_sizes_beyond_64_bits() -> None:
    import tensorflow as tf

    from keras_lstm_ext.engines.native import xla
    from tests.native.test_op import BATCH, PLAN, arrays

    assert xla._why_not_registered() is None
    huge = arrays() | {"x": tf.zeros((BATCH, 2**60, 0)), "W": np.zeros((0, 24), "float32")}
    given = [tf.constant(a) for a in huge.values()]
    with pytest.raises(ValueError, match="`x` is too large"):
        tf.function(lambda *a: xla.forward(PLAN, a), jit_compile=True)(*given)
