"""Saved models: `.keras` loads where the package is imported, an export where it is not there."""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import PeepholeLSTM
from tests import processes
from tests.backends import BACKEND
from tests.contract.family import BATCH, FAMILY, FEATURES, assert_close, normal, randomize

UNITS = 6

LOAD_KERAS = """
import sys, numpy as np, keras, keras_lstm_ext
folder, names = sys.argv[1], sys.argv[2:]
x = np.load(f"{folder}/x.npy")
models = {name: keras.models.load_model(f"{folder}/{name}.keras") for name in names}
np.savez(f"{folder}/y.npz", **{name: m.predict(x, verbose=0) for name, m in models.items()})
"""

LOAD_EXPORT = """
import sys, numpy as np, tensorflow as tf
folder, names = sys.argv[1], sys.argv[2:]
x = np.load(f"{folder}/x.npy")
def call(m): return getattr(m, "serve", None) or m.signatures["serving_default"]
def first(y): return next(iter(y.values())) if isinstance(y, dict) else y
models = {name: tf.saved_model.load(f"{folder}/{name}") for name in names}
np.savez(f"{folder}/y.npz", **{name: first(call(m)(tf.constant(x))) for name, m in models.items()})
"""

X = normal(2, 9, FEATURES, seed=4)
X[0, 5:] = 0.0
X[1, :3] = 0.0


def model_of(make: Any) -> keras.Model:
    """Two layers with a mask, one of them in a wrapper, all with random weights."""
    layers = [
        make(UNITS, return_sequences=True, recurrent_dropout=0.25, kernel_regularizer="l2"),
        keras.layers.Bidirectional(make(UNITS, output_activation="softsign")),
        keras.layers.Dense(2),
    ]
    masking = keras.layers.Masking()
    return randomize(keras.Sequential([keras.Input((None, FEATURES)), masking, *layers]))


def assert_loads(
    script: str, folder: Path, expected: dict[str, np.ndarray], **options: Any
) -> None:
    np.save(folder / "x.npy", X)
    processes.run(script, folder, *expected, **options)
    with np.load(folder / "y.npz") as given:
        assert_close([given[name] for name in expected], list(expected.values()))


@pytest.mark.slow
def test_keras_files_load_in_a_process_that_only_imports_the_package(tmp_path: Path) -> None:
    expected = {}
    for name, make in FAMILY.items():
        model = model_of(make)
        expected[name] = model.predict(X, verbose=0)
        model.save(tmp_path / f"{name}.keras")
    assert_loads(LOAD_KERAS, tmp_path, expected)


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "tensorflow", reason="SavedModel is TensorFlow's format")
def test_exports_load_in_a_process_without_the_package(tmp_path: Path) -> None:
    import tensorflow as tf

    expected = {}
    for name, make in FAMILY.items():
        model = model_of(make)
        expected[name] = model.predict(X, verbose=0)  # traces the fastest engine first
        model.export(tmp_path / name, verbose=False)
        if name == "peephole":
            expected["low_level"] = expected[name]
            tf.saved_model.save(model, tmp_path / "low_level")
    assert_loads(LOAD_EXPORT, tmp_path, expected, package=False)


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "tensorflow", reason="SavedModel is TensorFlow's format")
def test_the_export_of_a_stateful_model_keeps_its_states(tmp_path: Path) -> None:
    import tensorflow as tf

    layer = randomize(FAMILY["original"](UNITS, stateful=True, return_sequences=True))
    model = keras.Sequential([keras.Input(batch_shape=(BATCH, 4, FEATURES)), layer])
    x = normal(BATCH, 8, FEATURES)
    expected = [model.predict(part, verbose=0) for part in (x[:, :4], x[:, 4:])]
    layer.reset_state()
    model.export(tmp_path / "export", verbose=False)
    tf.saved_model.save(model, tmp_path / "low_level")
    for route in ("export", "low_level"):
        call = tf.saved_model.load(tmp_path / route).signatures["serving_default"]
        given = [call(tf.constant(part)) for part in (x[:, :4], x[:, 4:])]
        assert_close([next(iter(y.values())).numpy() for y in given], expected)


def test_weights_files(tmp_path: Path) -> None:
    for make in FAMILY.values():
        model, other = model_of(make), model_of(make)
        other.set_weights([0 * w for w in other.get_weights()])
        model.save_weights(tmp_path / "m.weights.h5")
        other.load_weights(tmp_path / "m.weights.h5")
        assert_close(other.get_weights(), model.get_weights(), tolerance=0.0)


@pytest.mark.parametrize("argument", ["activation", "recurrent_activation", "output_activation"])
def test_an_untrusted_file_runs_no_code(argument: str, tmp_path: Path) -> None:
    """A lambda in a file is code of whoever wrote it, which runs only where safe_mode=False."""
    keras.Sequential([keras.Input(X.shape[1:]), PeepholeLSTM(UNITS)]).save(tmp_path / "good.keras")
    code = keras.saving.serialize_keras_object(lambda z: z / (1.0 + abs(z)))
    with (
        zipfile.ZipFile(tmp_path / "good.keras") as good,
        zipfile.ZipFile(tmp_path / "bad.keras", "w") as bad,
    ):
        for name in good.namelist():
            content = good.read(name)
            if name == "config.json":
                config = json.loads(content)
                config["config"]["layers"][1]["config"][argument] = code
                content = json.dumps(config).encode()
            bad.writestr(name, content)
    with pytest.raises(ValueError, match=argument):
        keras.models.load_model(tmp_path / "bad.keras")
    keras.models.load_model(tmp_path / "bad.keras", safe_mode=False)
