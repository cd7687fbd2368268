"""Old files in, and layers that compute what the old ones did."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, PeepholeLSTM
from keras_lstm_ext.convert import read_h5, set_weights
from tests.contract.family import UNITS, assert_close, normal, run
from tests.convert import old_files, systems
from tests.convert.test_systems import STATES, X, layer_for

Names = Callable[[str], str]
KINDS: dict[str, tuple[str, Names, str]] = {
    "LSTM of Keras 2": ("keras", lambda k: f"lstm_1/{k}:0", "lstm_1"),
    "LSTM of tf.keras": ("keras", lambda k: f"lstm_1/lstm_cell_3/{k}:0", "lstm_1/lstm_cell_3"),
    "CuDNNLSTM": ("cudnn_lstm", lambda k: f"lstm_1/{k}:0", "lstm_1"),
    "LSTM of Keras 1": ("keras_1", lambda k: f"lstm_1_{k}", "lstm_1"),
    "Keras 1 on TensorFlow": ("keras_1", lambda k: f"lstm_1_{k}:0", "lstm_1"),
}
DENSE = {"dense_1": {"dense_1/kernel:0": normal(UNITS, 2), "dense_1/bias:0": normal(2)}}
GRU = {
    "gru_1": {
        "gru_1/kernel:0": normal(5, 3 * UNITS),
        "gru_1/recurrent_kernel:0": normal(UNITS, 3 * UNITS),
        "gru_1/bias:0": normal(3 * UNITS),
    }
}


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_an_old_layer_computes_the_same(kind: str, whole: bool, tmp_path: Path) -> None:
    system, name, key = KINDS[kind]
    arrays, layer = systems.random_arrays(system), layer_for(system)
    layers = {"input_1": {}, "lstm_1": {name(k): a for k, a in arrays.items()}} | DENSE | GRU
    found = read_h5(old_files.write(tmp_path / "old.h5", layers, whole, cut=whole))
    assert list(found) == [key]
    set_weights(layer, found[key], "keras")
    expected = systems.RUNS[system](arrays, X, *STATES)
    assert_close(run(layer, X, initial_state=STATES), expected)
    peephole = PeepholeLSTM(UNITS)
    peephole.build((None, None, 5))
    set_weights(peephole, found[key], "keras")


def test_both_directions_and_a_model_in_the_model(tmp_path: Path) -> None:
    one, other, third = (systems.random_arrays("keras", seed) for seed in (1, 2, 3))
    third["bias"] = systems.random_arrays("cudnn_lstm")["bias"]
    inner = {"bidirectional_1/forward_lstm_1": one, "bidirectional_1/backward_lstm_1": other}
    weights = {f"{path}/{k}:0": a for path, arrays in inner.items() for k, a in arrays.items()}
    layers = {"model_1": weights, "cu_dnnlstm_1": {f"cu_dnnlstm_1/{k}:0": third[k] for k in third}}
    found = read_h5(old_files.write(tmp_path / "old.h5", layers))
    assert list(found) == [*inner, "cu_dnnlstm_1"]
    for path, arrays in inner.items():
        for k in arrays:
            np.testing.assert_array_equal(found[path][k], arrays[k])
    assert found["cu_dnnlstm_1"]["bias"].shape == (4 * UNITS,)


def test_without_bias(tmp_path: Path) -> None:
    arrays = systems.random_arrays("keras")
    del arrays["bias"]
    layers = {"lstm": {f"lstm/{k}:0": a for k, a in arrays.items()}}
    found = read_h5(old_files.write(tmp_path / "old.h5", layers))
    layer = ClassicLSTM(UNITS, use_bias=False)
    layer.build((None, None, 5))
    set_weights(layer, found["lstm"], "keras")
    np.testing.assert_array_equal(layer.get_weights()[1], arrays["recurrent_kernel"])


def test_a_file_that_keras_3_writes_in_the_old_format(tmp_path: Path) -> None:
    layer = keras.layers.LSTM(UNITS, return_sequences=True, return_state=True)
    model = keras.Sequential([keras.Input((None, 5)), layer])
    model.save(tmp_path / "m.h5")
    ((_, arrays),) = read_h5(tmp_path / "m.h5").items()
    ours = layer_for("keras")
    set_weights(ours, arrays, "keras")
    assert_close(run(ours, X), run(layer, X))


def test_what_is_no_such_file(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("kernel")
    model = keras.Sequential([keras.Input((None, 5)), keras.layers.LSTM(2)])
    model.save_weights(tmp_path / "new.weights.h5")
    cases: dict[Any, str] = {
        tmp_path / "text.h5": "must be an HDF5 file",
        tmp_path / "new.weights.h5": "`path` must be a file of Keras 1 or 2.*model.load_weights",
        old_files.write(tmp_path / "none.h5", DENSE | GRU): "with an LSTM. Received: none in",
    }
    for path, words in cases.items():
        with pytest.raises(ValueError, match=words):
            read_h5(path)
    with pytest.raises(OSError, match="`path` must be a file"):
        read_h5(tmp_path / "absent.h5")
