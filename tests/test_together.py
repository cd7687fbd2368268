"""What users combine with layers, once each on the real package."""

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from keras_lstm_ext import ClassicLSTM, PeepholeLSTM
from tests.backends import BACKEND
from tests.contract.family import normal

X, Y = normal(8, 6, 3, seed=1), normal(8, 1, seed=2)
TENSORFLOW = pytest.mark.skipif(BACKEND != "tensorflow", reason="it is for TensorFlow")


def model_of(units: int = 4, **arguments: Any) -> Any:
    lstm = PeepholeLSTM(units, name="lstm", **arguments)
    made = keras.Sequential([keras.Input((None, 3)), lstm, layers.Dense(1, name="out")])
    made.compile("adam", "mse")
    return made


def outputs(model: Any, x: Any = X) -> Any:
    return keras.ops.convert_to_numpy(model(x))


@TENSORFLOW
@pytest.mark.slow
def test_keras_tuner(tmp_path: Path) -> None:
    tuner_package = pytest.importorskip("keras_tuner", reason="pip install keras-tuner")

    def build(choices: Any) -> Any:
        return model_of(
            choices.Int("units", 2, 4),
            dropout=choices.Float("dropout", 0.0, 0.5),
            gradient=choices.Choice("gradient", ["full", "truncated"]),
        )

    tuner = tuner_package.RandomSearch(
        build, "loss", max_trials=2, directory=tmp_path, project_name="p", seed=1
    )
    tuner.search(X, Y, epochs=1, verbose=0)
    (best,) = tuner.get_best_models(1)  # from its checkpoint
    chosen = tuner.get_best_hyperparameters(1)[0].values
    lstm = best.get_layer("lstm")
    assert (lstm.units, lstm.gradient) == (chosen["units"], chosen["gradient"])
    assert lstm.dropout == pytest.approx(chosen["dropout"])


@TENSORFLOW
@pytest.mark.slow
def test_shap_gradients_add_up() -> None:
    shap = pytest.importorskip("shap", reason="pip install shap")
    x = keras.Input(X.shape[1:])
    model = keras.Model(x, layers.Dense(1)(PeepholeLSTM(4, recurrent_initializer="zeros")(x)))
    before = np.zeros_like(X[:1])
    explainer = shap.GradientExplainer(model, before)
    values = np.asarray(explainer.shap_values(X[:2], nsamples=400)).reshape(2, -1)
    expected = outputs(model, X[:2]) - outputs(model, before)
    np.testing.assert_allclose(values.sum(axis=1), expected[:, 0], atol=0.1)
    assert np.abs(values).max() > 1e-4


@TENSORFLOW
@pytest.mark.slow
def test_tensorboard_shows_weights(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="pip install tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = keras.callbacks.TensorBoard(tmp_path, histogram_freq=1)
    model_of().fit(X, Y, epochs=1, verbose=0, callbacks=[board])
    events = EventAccumulator(str(tmp_path / "train"))
    events.Reload()
    tags = events.Tags()["tensors"]
    for weight in ("kernel", "recurrent_kernel", "peephole_kernel", "bias"):
        assert any(tag.split("/")[-2:-1] == [weight] or weight in tag for tag in tags), tags


@TENSORFLOW
@pytest.mark.slow
def test_buckets_of_tf_data() -> None:
    import tensorflow as tf

    lengths = [2, 3, 3, 7, 8, 2, 6, 3]
    rows = [normal(n, 3, seed=n) + 1.0 for n in lengths]
    data = tf.data.Dataset.from_generator(
        lambda: zip(rows, Y, strict=True),
        output_signature=(tf.TensorSpec((None, 3)), tf.TensorSpec((1,))),
    )
    data = data.bucket_by_sequence_length(lambda x, y: tf.shape(x)[0], [4], [2, 2])
    model = keras.Sequential(
        [keras.Input((None, 3)), layers.Masking(), PeepholeLSTM(4), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    batches = list(data)
    assert sorted(x.shape[1] for x, _ in batches) == [3, 3, 3, 6, 8]
    x, _ = next(b for b in batches if b[0].shape[1] > 6)
    alone = [outputs(model, row[None, : np.any(row, axis=1).sum()])[0] for row in x.numpy()]
    np.testing.assert_allclose(outputs(model, x), alone, atol=1e-6)
    history = model.fit(data.repeat(), epochs=2, steps_per_epoch=4, verbose=0).history
    assert np.all(np.isfinite(history["loss"]))


class Backbone(keras.Model):
    """A functional model with presets, as those of KerasHub are."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        inputs = keras.Input((None, 3))
        super().__init__(inputs, PeepholeLSTM(units, name="lstm")(inputs), **kwargs)
        self.units = units

    def get_config(self) -> Any:
        return {"name": self.name, "trainable": self.trainable, "units": self.units}


def test_a_preset_folder(tmp_path: Path) -> None:
    """The two files of a preset: the configuration as JSON, the weights beside it."""
    model = Backbone(4)
    folder = tmp_path / "preset"
    folder.mkdir()
    config = keras.saving.serialize_keras_object(model)
    (folder / "config.json").write_text(json.dumps(config))
    model.save_weights(folder / "model.weights.h5")
    config = json.loads((folder / "config.json").read_text())
    loaded = keras.saving.deserialize_keras_object(config, {"Backbone": Backbone})
    loaded.load_weights(folder / "model.weights.h5")
    np.testing.assert_array_equal(outputs(loaded), outputs(model))


def test_lora_of_a_dense_around() -> None:
    model = model_of()
    before = outputs(model)
    model.trainable = False
    dense = model.get_layer("out")
    dense.trainable = True
    dense.enable_lora(2)
    np.testing.assert_allclose(outputs(model), before, atol=1e-6)
    frozen = [keras.ops.convert_to_numpy(w) for w in model.get_layer("lstm").weights]
    model.compile("adam", "mse")
    model.train_on_batch(X, Y)
    for weight, value in zip(model.get_layer("lstm").weights, frozen, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), value)


def test_a_quantized_dense_around(tmp_path: Path) -> None:
    x = keras.Input((None, 3))
    model = keras.Model(x, layers.Dense(8)(ClassicLSTM(16)(x)))
    before = outputs(model)
    model.quantize("int8")  # the layers that can be: not the LSTM
    after = outputs(model)
    assert model.layers[-1].quantization_mode == "int8"
    assert np.abs(after - before).max() < 0.05
    assert np.any(after != before)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(outputs(loaded), after, atol=1e-6)


def test_plot_model(tmp_path: Path) -> None:
    pytest.importorskip("pydot", reason="pip install pydot")
    dot = keras.utils.model_to_dot(
        model_of(), show_shapes=True, show_dtype=True, show_layer_activations=True
    )
    text = dot.to_string()
    assert "PeepholeLSTM" in text
    assert "tanh" in text
    if shutil.which("dot"):
        keras.utils.plot_model(model_of(), tmp_path / "m.png", show_shapes=True)
        assert (tmp_path / "m.png").stat().st_size > 1000
