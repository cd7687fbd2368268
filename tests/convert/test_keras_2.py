"""Files that Keras 2 itself wrote (the package tf-keras), and layers that compute what it did."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_lstm_ext.convert import read_layers
from tests.backends import BACKEND
from tests.contract.family import assert_close, normal, run
from tests.convert import systems

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BACKEND != "tensorflow", reason="Keras 2 is TensorFlow's"),
]
X = normal(3, 7, 5)


@pytest.fixture(scope="module")
def old() -> Any:
    return pytest.importorskip("tf_keras", reason="pip install tf-keras")


def network(old: Any) -> Any:
    """Two directions, a GRU that is none of ours, and one in a model in the model."""
    both = old.layers.Bidirectional(old.layers.LSTM(4, return_sequences=True), name="both")
    inner = [old.layers.Input((None, 3)), old.layers.LSTM(2, activation="softsign", name="last")]
    model = old.Sequential(
        [
            old.layers.Input((None, 5)),
            both,
            old.layers.GRU(3, return_sequences=True, name="gru"),
            old.Sequential(inner, name="inner"),
            old.layers.Dense(2),
        ]
    )
    model.set_weights([normal(*w.shape, seed=k, scale=0.5) for k, w in enumerate(model.weights)])
    return model


def saved_model(model: Any, folder: Path) -> Path:
    model.save(folder / "saved", save_format="tf")
    return folder / "saved"


def weights_h5(model: Any, folder: Path) -> Path:
    model.save_weights(folder / "weights.h5")
    return folder / "weights.h5"


def checkpoint(model: Any, folder: Path) -> Path:
    model.save_weights(folder / "weights", save_format="tf")
    return folder / "weights"


def model_h5(model: Any, folder: Path) -> Path:
    model.save(folder / "model.h5")
    return folder / "model.h5"


WRITERS: dict[str, Callable[[Any, Path], Path]] = {
    "model.h5": model_h5,
    "weights.h5": weights_h5,
    "checkpoint": checkpoint,
    "SavedModel": saved_model,
}


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("writer", WRITERS)
def test_layers_compute_what_those_of_keras_2_do(old: Any, writer: str, tmp_path: Path) -> None:
    model = network(old)
    inside = [layer.get_output_at(-1) for layer in model.layers]
    steps, read, out, _ = (
        array.numpy() for array in old.Model(model.inputs, inside)(X, training=False)
    )
    path = WRITERS[writer](model, tmp_path)
    said = {} if writer == "model.h5" else {"return_sequences": True}
    found = read_layers(path, **said)
    (forward,) = (name for name in found if "forward" in name)
    (backward,) = (name for name in found if "backward" in name)
    (last,) = found.keys() - {forward, backward}
    assert [found[name].units for name in (forward, backward, last)] == [4, 4, 2]
    if writer == "model.h5":
        assert found[forward].return_sequences
        assert not found[last].return_sequences
    both = [*run(found[forward], X), run(found[backward], X[:, ::-1])[0][:, ::-1]]
    assert_close([np.concatenate(both, axis=-1)], [steps])
    if writer != "model.h5":  # the others do not say it
        found = read_layers(path, activation="softsign")
    assert_close(run(found[last], read), [out])


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("whole", [False, True])
def test_what_cudnn_was_trained_on(old: Any, whole: bool, tmp_path: Path) -> None:
    """Built without a GPU, on which alone it computes."""
    from tf_keras.api._v1.keras.layers import CuDNNLSTM

    model = old.Sequential([old.layers.Input((None, 5)), CuDNNLSTM(4, return_sequences=True)])
    arrays = systems.random_arrays("cudnn_lstm")
    model.set_weights([arrays[name] for name in ("kernel", "recurrent_kernel", "bias")])
    path = (model_h5 if whole else weights_h5)(model, tmp_path)
    said = {} if whole else {"return_sequences": True}
    (layer,) = read_layers(path, return_state=True, **said).values()
    zeros = np.zeros((3, 4), "float32")
    assert_close(run(layer, X), systems.RUNS["cudnn_lstm"](arrays, X, zeros, zeros))
