"""When the engine is taken, what it says when it is not, and what it must not do."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import (
    CECLSTM,
    ClassicLSTM,
    LayerNormLSTM,
    OriginalLSTM,
    PeepholeLSTM,
    ProjectedLSTM,
    VariantLSTM,
)
from keras_lstm_ext.engines import cudnn, native
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.variants import ODYSSEY
from tests import backends, processes

ON_TENSORFLOW = pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="of TensorFlow")
BUILT = pytest.mark.skipif(
    backends.BACKEND != "tensorflow" or packing.library() is None, reason="of the native engine"
)
SOMEWHERE = pytest.mark.skipif(
    backends.BACKEND not in native.BACKENDS or packing.library() is None,
    reason="of the native engine",
)

X = np.random.default_rng(0).normal(size=(3, 7, 5)).astype("float32")


@SOMEWHERE
@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (ClassicLSTM(4, activation="relu"), "activation="),
        (ClassicLSTM(4, recurrent_activation="hard_sigmoid"), "recurrent_activation="),
        (ClassicLSTM(4, output_activation="softsign"), "output_activation="),
        (PeepholeLSTM(10, block_size=5), "blocks of up to 4 cells"),
        (ProjectedLSTM(4, projection=3), "projection=3"),
        (LayerNormLSTM(4, zoneout_h=0.1), "compute zoneout_h=0.1"),
        (ClassicLSTM(4, unroll=True), "unroll=True"),
        (ClassicLSTM(4, recompute=True), "recompute=True"),
        pytest.param(
            CECLSTM(4, recurrent=False),
            "without a loop",
            marks=pytest.mark.skipif(backends.BACKEND == "torch", reason="PyTorch has no bptt"),
        ),
        (ClassicLSTM(4, dtype="float64"), "float64"),
        (ClassicLSTM(4, dtype="mixed_bfloat16"), "bfloat16"),
    ],
)
def test_declines_with_a_reason(layer: Any, words: str) -> None:
    choice = layer.explain((2, 5, 3))
    assert choice.engine != "native"
    assert words in choice.declined["native"]


@SOMEWHERE
@pytest.mark.parametrize(
    "layer",
    [
        CECLSTM(4),
        OriginalLSTM(6, block_size=2),
        ClassicLSTM(4),
        ClassicLSTM(6, block_size=3),
        PeepholeLSTM(4),
        LayerNormLSTM(4),
        LayerNormLSTM(6, normalize_nets=False, block_size=2),
        *(VariantLSTM(4, variant=variant) for variant in ODYSSEY.values()),
    ],
)
def test_is_taken(layer: Any) -> None:
    assert layer.explain((2, 5, 3), mask=True, training=True).engine == "native"


@BUILT
def test_declines_beside_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cudnn, "gpu_visible", lambda: True)
    assert "sees a GPU" in PeepholeLSTM(4).explain().declined["native"]


@ON_TENSORFLOW
@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("no C++ compiler found when installing", "no C++ compiler found when installing"),
        (None, "pip install compiles it"),
    ],
)
def test_says_why_it_is_not_built(
    record: str | None, words: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if record:
        (tmp_path / "not_built.txt").write_text(record)
    monkeypatch.setattr(packing, "LOADED", packing.load(tmp_path))
    choice = ClassicLSTM(4).explain((2, 5, 3))
    assert choice.engine == "bptt"
    assert f"native: not built ({words})" in str(choice)


@pytest.mark.slow
@BUILT
def test_under_xla_the_library_runs_too() -> None:
    """Fails where TensorFlow no longer tells of XLA the way that the engine asks it."""
    import tensorflow as tf

    layer, engines = ClassicLSTM(4), []

    def call(x: Any) -> Any:
        engines.append(layer.explain(x.shape).engine)
        return layer(x)

    @tf.function(jit_compile=True)
    def inside_a_loop(x: Any) -> Any:
        return tf.while_loop(lambda k, y: k < 2, lambda k, y: (k + 1, y + call(x)), (0, call(x)))[1]

    expected = call(tf.constant(X))
    np.testing.assert_allclose(tf.function(call)(X), expected, atol=1e-6)
    np.testing.assert_allclose(tf.function(call, jit_compile=True)(X), expected, atol=1e-6)
    np.testing.assert_allclose(inside_a_loop(X), 3 * expected, atol=1e-5)
    assert set(engines) == {"native"}


@BUILT
@pytest.mark.parametrize("jit_compile", [None, True])
def test_gradient_in_a_loop(jit_compile: bool | None) -> None:
    import tensorflow as tf

    layer = PeepholeLSTM(4, engine="native")
    layer.build(X.shape)

    def call(x: Any, steps: int = 2) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.zeros((3, 4))
            if tf.executing_eagerly():
                for _ in range(steps):
                    y += layer(x)
            else:
                _, y = tf.while_loop(
                    lambda k, _: k < steps,
                    lambda k, y: (k + 1, y + layer(x)),
                    (0, y),
                    maximum_iterations=steps,
                )
        return tape.gradient(y, x)

    x = tf.constant(X)
    np.testing.assert_allclose(tf.function(call, jit_compile=jit_compile)(x), call(x), atol=1e-5)


def trained(**arguments: Any) -> keras.Model:
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((None, 5)),
            keras.layers.Masking(),
            keras.layers.Bidirectional(ClassicLSTM(6, return_sequences=True, **arguments)),
            PeepholeLSTM(4, recurrent_dropout=0.3, seed=2, **arguments),
        ]
    )
    model.compile("adam", "mse", run_eagerly=False)
    model.fit(X, np.ones((3, 4), "float32"), epochs=3, batch_size=2, shuffle=False, verbose=0)
    return model


@SOMEWHERE
@pytest.mark.slow
def test_fit_gives_what_another_engine_gives() -> None:
    ours, theirs = trained(), trained(engine="portable" if backends.BACKEND == "torch" else "bptt")
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@BUILT
@pytest.mark.slow
def test_exports_load_without_this_package(tmp_path: Any) -> None:
    model = trained()
    expected = model.predict(X, verbose=0)
    model.export(tmp_path / "model", verbose=False)
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", expected)
    script = """
import sys, numpy as np, tensorflow as tf
folder = sys.argv[1]
model = tf.saved_model.load(folder + "/model")
y = model.serve(np.load(folder + "/x.npy"))
np.testing.assert_allclose(y, np.load(folder + "/y.npy"), atol=1e-5)
print("same")
"""
    assert processes.run(script, tmp_path, package=False).strip().endswith("same")


@BUILT
def test_what_was_traced_before_is_not_saved(tmp_path: Any) -> None:
    import tensorflow as tf

    from keras_lstm_ext.engines.native import tensorflow as native

    layer, module = ClassicLSTM(4), tf.Module()
    layer.build(X.shape)
    module.layer = layer
    module.run = tf.function(layer.__call__).get_concrete_function(tf.TensorSpec((None, 7, 5)))
    with pytest.raises(AssertionError, match=native.NO_EXPORT):
        tf.saved_model.save(module, str(tmp_path))


@pytest.mark.slow
@BUILT
def test_threads_follow_tensorflow() -> None:
    script = """
import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(3)
from keras_lstm_ext.engines.native import tensorflow as native
print("threads:", native.threads())
"""
    assert "threads: 3" in processes.run(script)


@SOMEWHERE
def test_no_rows() -> None:
    layer = ClassicLSTM(4, return_sequences=True, return_state=True)
    y, h, c = layer(np.zeros((0, 7, 5), "float32"), training=True)
    assert (tuple(y.shape), tuple(h.shape), tuple(c.shape)) == ((0, 7, 4), (0, 4), (0, 4))


@BUILT
@pytest.mark.parametrize("taped", [False, True])
def test_a_gradient_computes_the_forward_once(taped: bool) -> None:
    """Fails where TensorFlow no longer tells of its tapes the way that the engine asks it."""
    import tensorflow as tf

    layer = ClassicLSTM(4, engine="native")
    layer.build(X.shape)

    def call(x: Any) -> Any:
        if not taped:
            return layer(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return tape.gradient(y, x)

    graph = tf.function(call).get_concrete_function(tf.TensorSpec(X.shape)).graph
    ours = [op.type for op in graph.get_operations() if op.type.startswith("KerasLstmExt")]
    expected = ["Training", "Backward"] if taped else ["Last"]
    assert ours == [f"KerasLstmExt{name}" for name in expected]


@BUILT
def test_forward_mode_is_refused() -> None:
    import tensorflow as tf

    layer, x = ClassicLSTM(4, engine="native"), tf.constant(X)
    layer.build(X.shape)
    with (
        tf.autodiff.ForwardAccumulator(x, x),
        pytest.raises(NotImplementedError, match="engine='portable'"),
    ):
        layer(x)


@BUILT
def test_second_derivative_is_refused() -> None:
    import tensorflow as tf

    layer, x = ClassicLSTM(3, engine="native"), tf.constant(X)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_sum(layer(x))
        size = tf.reduce_sum(inner.gradient(y, x) ** 2)
    with pytest.raises(NotImplementedError, match="engine='portable'"):
        outer.gradient(size, x)
