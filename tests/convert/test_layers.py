"""From the files of old networks to layers that compute what they did, whatever wrote the file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import (
    ClassicLSTM,
    CoupledLSTM,
    PeepholeLSTM,
    ProjectedLSTM,
    VariantLSTM,
    activations,
)
from keras_lstm_ext.convert import read_checkpoint, read_h5, read_layers, set_weights
from tests.contract.family import UNITS, assert_close, normal, run
from tests.convert import old_files, systems
from tests.convert.test_systems import STATES, X, layer_for, states_for

ARGUMENTS = {"return_sequences": True, "return_state": True, "engine": "portable"}


def h5(system: str, scope: str = "rnn/peephole_lstm_cell") -> Callable[[Path, Any], Path]:
    def write(folder: Path, arrays: Any) -> Path:
        weights = {f"{scope}/{k}:0": a for k, a in arrays.items()}
        return old_files.write(folder / "old.h5", {scope.split("/")[0]: weights})

    return write


def tf1(folder: Path, arrays: Any) -> Path:
    systems.tf1(arrays, X, *STATES, checkpoint=folder / "model.ckpt")
    return folder / "model.ckpt"


def keras_2_checkpoint(folder: Path, arrays: Any) -> Path:
    """Objects with the names that Keras 2 gave them in this format."""
    tf = pytest.importorskip("tensorflow")
    layer, cell = tf.Module(), tf.Module()
    layer.cell = cell
    for name, array in arrays.items():
        setattr(cell, name, tf.Variable(array))
    dense = tf.Module()
    dense.kernel, dense.bias = tf.Variable(normal(UNITS, 2)), tf.Variable(normal(2))
    parts = {"layer_with_weights-0": layer, "layer_with_weights-1": dense}
    return Path(tf.train.Checkpoint(**parts).write(str(folder / "weights")))


FILES: dict[str, tuple[str, Callable[[Path, Any], Path]]] = {
    "h5 of Keras 2": ("keras", h5("keras", "lstm_1")),
    "h5 with CuDNNLSTM": ("cudnn_lstm", h5("cudnn_lstm", "cu_dnnlstm_1")),
    "h5 with TensorFlow Addons": ("tfa", h5("tfa")),
    "TensorFlow 1": ("tf1", tf1),
    "TensorFlow 1 without peepholes": ("tf1 without peepholes", tf1),
    "checkpoint of Keras 2": ("keras", keras_2_checkpoint),
    "checkpoint with TensorFlow Addons": ("tfa", keras_2_checkpoint),
}


@pytest.mark.parametrize("kind", FILES)
def test_layers_compute_what_the_old_network_did(kind: str, tmp_path: Path) -> None:
    system, write = FILES[kind]
    arrays = systems.random_arrays(system)
    ((_, layer),) = read_layers(write(tmp_path, arrays), **ARGUMENTS).items()
    assert type(layer) is (PeepholeLSTM if "p" in kinds(arrays) else ClassicLSTM)
    assert_close(run(layer, X, initial_state=STATES), systems.RUNS[system](arrays, X, *STATES))


def kinds(arrays: Any) -> str:
    return "p" if any("peephole" in name or "diag" in name for name in arrays) else ""


@pytest.mark.parametrize("forget_bias", [None, 0.0, 0.5])
def test_the_forget_bias_of_a_checkpoint(forget_bias: float | None, tmp_path: Path) -> None:
    arrays = systems.random_arrays("tf1")
    added = 1.0 if forget_bias is None else forget_bias
    expected = systems.tf1(arrays, X, *STATES, added, checkpoint=tmp_path / "model.ckpt")
    (layer,) = read_layers(tmp_path, forget_bias=forget_bias, **ARGUMENTS).values()
    assert_close(run(layer, X, initial_state=STATES), expected)


@pytest.mark.parametrize("ending", ["model.ckpt", "model.ckpt.index", ""])
def test_a_checkpoint_by_its_arrays(ending: str, tmp_path: Path) -> None:
    arrays, layer = systems.random_arrays("tf1"), layer_for("tf1")
    tf1(tmp_path, arrays)
    ((scope, found),) = read_checkpoint(tmp_path / ending).items()
    assert scope == "rnn/lstm_cell"
    set_weights(layer, found, "tf1")
    assert_close(run(layer, X, initial_state=STATES), systems.tf1(arrays, X, *STATES))


def write_checkpoint(path: Path, variables: Any) -> Path:
    tf = pytest.importorskip("tensorflow").compat.v1
    with tf.Graph().as_default(), tf.Session() as session:
        for name, array in variables.items():
            tf.get_variable(name, initializer=array)
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(path))
    return path


def test_what_else_is_in_a_checkpoint(tmp_path: Path) -> None:
    one, other = (systems.random_arrays("tf1 without peepholes", seed) for seed in (1, 2))
    dense = {"dense/kernel": normal(8, 4), "dense/bias": normal(4)}  # would pass for an LSTM
    slots = {"rnn/basic_lstm_cell/kernel/Adam": one["kernel"], "beta1_power": np.float32(0.9)}
    new = {f"rnn/basic_lstm_cell/{k}": a for k, a in one.items()}
    before_1_2 = {"kernel": "weights", "bias": "biases"}
    old = {f"old/multi_rnn_cell/cell_0/lstm_cell/{before_1_2[k]}": a for k, a in other.items()}
    path = write_checkpoint(tmp_path / "m", {**dense, **slots, **new, **old})
    found = read_checkpoint(path)
    assert list(found) == ["old/multi_rnn_cell/cell_0/lstm_cell", "rnn/basic_lstm_cell"]
    for arrays, expected in zip(found.values(), (other, one), strict=True):
        for name, array in expected.items():
            np.testing.assert_array_equal(arrays[name], array)


def test_what_cudnn_saved_adds_nothing(tmp_path: Path) -> None:
    arrays = systems.random_arrays("tf1 without peepholes")
    scope = "cudnn_lstm/rnn/multi_rnn_cell/cell_0/cudnn_compatible_lstm_cell"
    path = write_checkpoint(tmp_path / "m", {f"{scope}/{k}": a for k, a in arrays.items()})
    ((name, layer),) = read_layers(path, **ARGUMENTS).items()
    assert name == scope
    assert_close(run(layer, X, initial_state=STATES), systems.tf1(arrays, X, *STATES, 0.0))


@pytest.mark.parametrize(
    ("system", "left_out", "cls"),
    [
        ("tf1 projected", "w_", ProjectedLSTM),
        ("tf1 projected", "", VariantLSTM),
        ("tf1_coupled", "W_F W_O", CoupledLSTM),
        ("tf1_coupled", "", VariantLSTM),
        ("tf1_coupled projected", "W_F W_O", VariantLSTM),
    ],
)
def test_other_cells_of_tensorflow_1(system: str, left_out: str, cls: Any, tmp_path: Path) -> None:
    arrays = systems.random_arrays(system)
    if not left_out:
        arrays = {k: a for k, a in arrays.items() if "diag" not in k}
    scope = "rnn/coupled_input_forget_gate_lstm_cell" if "coupled" in system else "rnn/lstm_cell"
    path = write_checkpoint(tmp_path / "m", {f"{scope}/{k}": a for k, a in arrays.items()})
    ((name, layer),) = read_layers(path, **ARGUMENTS).items()
    assert name == scope
    assert type(layer) is cls
    states = states_for(system)
    assert_close(run(layer, X, initial_state=states), systems.RUNS[system](arrays, X, *states))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["kernel", "bias", "gamma", "gamma_h", "beta_h"], "haste_tf_layer_norm"),
        (["kernel", "bias", "input/gamma", "input/beta"], "without layer normalisation"),
        (["W_0", "B", "state/gamma"], "without layer normalisation"),
        (["W_0", "B", "W_1"], "in one piece"),
    ],
)
@pytest.mark.parametrize("read", [read_checkpoint, read_layers])
def test_cells_that_would_be_read_in_part(
    read: Any, names: list[str], words: str, tmp_path: Path
) -> None:
    system = "tf1_coupled" if "W_0" in names else "tf1 without peepholes"
    arrays = systems.random_arrays(system)
    variables = {f"rnn/lstm_cell/{k}": arrays.get(k, normal(UNITS)) for k in names}
    path = write_checkpoint(tmp_path / "m", variables)
    with pytest.raises(ValueError, match=rf"(?s){words}.*Received: 'rnn/lstm_cell'"):
        read(path)


@pytest.mark.parametrize("clipping", [{"cell_clip": 0.5}, {"proj_clip": 0.5}])
@pytest.mark.parametrize("read", [read_checkpoint, read_layers])
def test_cells_that_clip(read: Any, clipping: dict[str, float], tmp_path: Path) -> None:
    arrays, states = systems.random_arrays("tf1 projected"), states_for("tf1 projected")
    path = tmp_path / "m.ckpt"
    clipped = systems.tf1(arrays, X, *states, checkpoint=path, **clipping)
    plain = systems.tf1(arrays, X, *states)
    assert np.abs(clipped[0] - plain[0]).max() > 1e-3
    with pytest.raises(ValueError, match=r"without cell_clip and proj_clip.*clip_by_value"):
        read(path)


FUSED = {
    "LSTMBlockCell": {"cell_clip": 0.5},
    "BlockLSTM": {"cell_clip": 0.5},
    "BlockLSTMV2": {"cell_clip": 0.5},
    "LSTMBlockCell in a function": {"cell_clip": 0.5, "in_function": True},
    # 3 is what these clip at unless told otherwise, and then not in the graph.
    "LSTMBlockCell as it comes": {"cell_clip": 3.0, "strip": True},
    "BlockLSTM as it comes": {"cell_clip": 3.0, "strip": True},
}
NOT_CLIPPING = {"LSTMBlockCell": -1.0, "BlockLSTM": -1.0, "BlockLSTMV2": 0.0}


def with_large_states() -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """The arrays of a cell that keeps nearly all of its state, and a state that is large."""
    arrays = systems.random_arrays("tf1")
    arrays["bias"][2 * UNITS : 3 * UNITS] += 6.0
    return arrays, [STATES[0], 20.0 * STATES[1]]


@pytest.mark.parametrize("case", FUSED)
def test_fused_cells_that_clip(case: str, tmp_path: Path) -> None:
    (arrays, states), op, how = with_large_states(), case.split()[0], FUSED[case]
    plain, clipped = (
        np.abs(systems.tf1_fused(arrays, X, *states, op, tmp_path / "m", **how | clip)[2]).max()
        for clip in ({"cell_clip": NOT_CLIPPING[op]}, {})
    )
    assert clipped <= how["cell_clip"] < plain
    with pytest.raises(ValueError, match=rf"without cell_clip.*Received: 'rnn/lstm_cell'.*{op}"):
        read_checkpoint(tmp_path / "m")


@pytest.mark.parametrize("op", ["LSTMBlockCell", "BlockLSTM"])
@pytest.mark.parametrize("in_function", [False, True])
def test_fused_cells_that_do_not_clip(op: str, in_function: bool, tmp_path: Path) -> None:
    arrays, states = with_large_states()
    how = {"cell_clip": -1.0, "in_function": in_function, "strip": True}
    expected = systems.tf1_fused(arrays, X, *states, op, tmp_path / "m", **how)
    ((name, layer),) = read_layers(tmp_path, **ARGUMENTS).items()
    assert name == "rnn/lstm_cell"
    assert_close(run(layer, X, initial_state=states), expected)


def test_a_cell_that_normalises_its_state(tmp_path: Path) -> None:
    arrays = systems.random_arrays("keras") | {
        f"{norm}/{name}": normal(16)
        for norm in ("kernel_norm", "recurrent_norm", "state_norm")
        for name in ("gamma", "beta")
    }
    path = h5("keras", "rnn/layer_norm_lstm_cell")(tmp_path, arrays)
    for read in (read_h5, read_layers):
        with pytest.raises(ValueError, match=r"the state itself.*'rnn/layer_norm_lstm_cell' with"):
            read(path)


@pytest.mark.parametrize("read", [read_checkpoint, read_layers])
def test_no_checkpoint(read: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be a checkpoint.*Received: '.*nothing'"):
        read(tmp_path / "nothing")
    path = write_checkpoint(tmp_path / "m", {"dense/kernel": normal(8, 4)})
    with pytest.raises(ValueError, match=r"LSTM|`lstm`.*Received: none in"):
        read(path)


def architecture(**of_layer: Any) -> bytes:
    inner = {"class_name": "LSTM", "config": {"name": "lstm_1", "units": UNITS, **of_layer}}
    both = {"class_name": "Bidirectional", "config": {"name": "both", "layer": inner}}
    return json.dumps({"class_name": "Sequential", "config": {"layers": [both]}}).encode()


def old_model(folder: Path, text: bytes) -> Path:
    arrays = systems.random_arrays("keras")
    paths = ("both/forward_lstm_1", "both/backward_lstm_1")
    weights = {f"{path}/{k}:0": a for path in paths for k, a in arrays.items()}
    return old_files.write(folder / "old.h5", {"both": weights}, True, architecture=text)


def test_the_architecture_is_read(tmp_path: Path) -> None:
    said = {"activation": "relu", "recurrent_activation": "sigmoid", "return_sequences": True}
    layers = read_layers(old_model(tmp_path, architecture(**said)), activation="softsign")
    assert list(layers) == ["both/forward_lstm_1", "both/backward_lstm_1"]
    for layer in layers.values():
        assert layer.return_sequences
        assert layer.activation is keras.activations.softsign
    (first, _) = read_layers(old_model(tmp_path, architecture(**said))).values()
    assert first.activation is keras.activations.relu


def hard(z: np.ndarray) -> np.ndarray:
    """As Keras 1 and 2 had it; that of Keras 3 is another."""
    return np.clip(0.2 * z + 0.5, 0.0, 1.0)


@pytest.mark.parametrize("key", ["recurrent_activation", "inner_activation"])
def test_the_old_hard_sigmoid(key: str, tmp_path: Path, monkeypatch: Any) -> None:
    path = old_model(tmp_path, architecture(**{key: "hard_sigmoid"}, return_sequences=True))
    layer, _ = read_layers(path, return_state=True).values()
    given = run(layer, X, initial_state=STATES)
    arrays = systems.random_arrays("keras")
    monkeypatch.setattr(systems, "sigmoid", hard)
    expected = systems.RUNS["haste"](in_order_of_haste(arrays), X, *STATES)
    assert_close(given, expected)
    with pytest.raises(ValueError, match=r"`recurrent_activation` must say which of two"):
        read_layers(path, recurrent_activation="hard_sigmoid")
    layer, _ = read_layers(path, recurrent_activation=keras.activations.sigmoid).values()
    assert layer.recurrent_activation is keras.activations.sigmoid


def test_its_slope() -> None:
    z = np.linspace(-4.0, 4.0, 32, dtype="float32")
    slope = activations.SLOPES[activations.hard_sigmoid_of_keras_2]
    given = slope(activations.hard_sigmoid_of_keras_2(z))
    assert_close([keras.ops.convert_to_numpy(given)], [np.where(np.abs(z) < 2.5, 0.2, 0.0)])


def in_order_of_haste(arrays: Any) -> dict[str, np.ndarray]:
    """The columns i, f, g, o of Keras as i, g, f, o."""
    split = {k: np.split(array, 4, axis=-1) for k, array in arrays.items()}
    return {k: np.concatenate([i, g, f, o], axis=-1) for k, (i, f, g, o) in split.items()}


def test_the_hard_sigmoid_of_a_file_of_keras_3(tmp_path: Path) -> None:
    old = keras.layers.LSTM(UNITS, recurrent_activation="hard_sigmoid", return_sequences=True)
    model = keras.Sequential([keras.Input((None, 5)), old])
    model.save(tmp_path / "m.h5")
    (layer,) = read_layers(tmp_path / "m.h5").values()
    assert layer.recurrent_activation is keras.activations.hard_sigmoid
    assert_close(run(layer, X), run(old, X))


def test_the_default_gates_of_keras_1(tmp_path: Path, monkeypatch: Any) -> None:
    arrays = systems.random_arrays("keras_1")
    path = old_files.write(
        tmp_path / "old.h5", {"lstm_1": {f"lstm_1_{k}": a for k, a in arrays.items()}}
    )
    (layer,) = read_layers(path, recurrent_activation="sigmoid", **ARGUMENTS).values()
    expected = systems.RUNS["keras_1"](arrays, X, *STATES)
    assert_close(run(layer, X, initial_state=STATES), expected)
    (layer,) = read_layers(path, **ARGUMENTS).values()
    monkeypatch.setattr(systems, "sigmoid", hard)
    expected = systems.RUNS["keras_1"](arrays, X, *STATES)
    assert_close(run(layer, X, initial_state=STATES), expected)


def test_peepholes_by_their_arrays(tmp_path: Path) -> None:
    arrays = systems.random_arrays("tfa")
    ((name, found),) = read_h5(h5("tfa")(tmp_path, arrays)).items()
    assert name == "rnn/peephole_lstm_cell"
    for key, array in arrays.items():
        np.testing.assert_array_equal(found[key], array)
