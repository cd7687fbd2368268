"""Other systems and converted layers compute the same, whichever way the weights went."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, CoupledLSTM, LayerNormLSTM, PeepholeLSTM, VariantLSTM
from keras_lstm_ext.convert import LAYOUTS, get_weights, set_weights
from keras_lstm_ext.variants import COUPLED, PEEPHOLE
from tests import processes
from tests.backends import BACKEND
from tests.contract.family import BATCH, FEATURES, TIME, UNITS, assert_close, normal, run
from tests.convert import onnx_files, systems
from tests.convert.in_jax import nested

X = normal(BATCH, TIME, FEATURES, seed=1)
STATES = [normal(BATCH, UNITS, seed=2), normal(BATCH, UNITS, seed=3)]
ELSEWHERE = {
    "pytorch": ("torch", "in_torch"),
    "flax": ("flax", "in_jax"),
    "flax_nnx": ("flax", "in_jax"),
    "haiku": ("haiku", "in_jax"),
}
"""What they need, and where they run: in a process without TensorFlow."""


def layer_for(system: str, features: int = FEATURES, both: bool = False) -> Any:
    cls: Any = PeepholeLSTM if system in systems.WITH_PEEPHOLES else ClassicLSTM
    more: dict[str, Any] = {}
    if layout_of(system) in ("tf1_coupled", "onnx_input_forget"):
        cls = CoupledLSTM
    if "layer_norm" in system:
        cls = LayerNormLSTM
    if "zoneout" in system:
        more["zoneout_h"] = systems.ZONEOUT
    if "projected" in system:
        member = COUPLED if "coupled" in system else PEEPHOLE
        cls, more["variant"] = VariantLSTM, replace(member, projection=systems.P)
    layer = cls(UNITS, return_sequences=True, return_state=True, engine="portable", **more)
    if both:
        layer = keras.layers.Bidirectional(layer)
    layer.build((None, None, features))
    return layer


def states_for(system: str) -> list[np.ndarray]:
    return [STATES[0][:, : systems.P] if "projected" in system else STATES[0], STATES[1]]


def layout_of(system: str) -> str:
    return system.split()[0]


def elsewhere(system: str, folder: Path, *cases: dict[str, np.ndarray]) -> list[list[np.ndarray]]:
    """Runs a system in a process of its own, once per case."""
    needs, module = ELSEWHERE[system]
    if importlib.util.find_spec(needs) is None:
        pytest.skip(f"{needs} is not installed")
    paths = [folder / f"{k}.npz" for k in range(len(cases))]
    for path, case in zip(paths, cases, strict=True):
        np.savez(path, **case)
    script = f"import sys; from tests.convert import {module} as m; m.main(*sys.argv[1:])"
    processes.run(script, *([system] if module == "in_jax" else []), *paths)
    return [[np.load(path)[name] for name in "yhc"] for path in paths]


def test_every_layout_is_tested() -> None:
    assert {layout_of(system) for system in systems.RUNS} == set(LAYOUTS) - {"keras_lstm_ext"}


@pytest.mark.parametrize("system", systems.RUNS)
def test_same_outputs(system: str) -> None:
    if layout_of(system) in ("tf1", "block_lstm_v1", "block_lstm_v2") and BACKEND != "tensorflow":
        pytest.skip("of TensorFlow")
    arrays, layer = systems.random_arrays(system), layer_for(system)
    states = states_for(system)
    expected = systems.RUNS[system](arrays, X, *states)
    set_weights(layer, arrays, layout_of(system))
    assert_close(run(layer, X, initial_state=states), expected)
    back = get_weights(layer, layout_of(system))
    assert {k: a.shape for k, a in back.items()} == systems.SHAPES[system]
    assert_close(systems.RUNS[system](back, X, *states), expected)


@pytest.mark.slow
@pytest.mark.parametrize("system", ["flax", "flax_nnx", "haiku"])
def test_same_outputs_as_in_jax(system: str, tmp_path: Path) -> None:
    arrays, layer = systems.random_arrays(system), layer_for(system)
    set_weights(layer, nested(arrays), system)
    call = {"x": X, "h": STATES[0], "c": STATES[1]}
    expected, again = elsewhere(system, tmp_path, arrays | call, get_weights(layer, system) | call)
    assert_close(run(layer, X, initial_state=STATES), expected)
    assert_close(again, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("system", "levels", "both"),
    [("pytorch", 1, False), ("pytorch", 2, True), ("pytorch projected", 2, True)],
)
def test_same_outputs_as_in_pytorch(system: str, levels: int, both: bool, tmp_path: Path) -> None:
    directions, width = 2 if both else 1, systems.P if "projected" in system else UNITS
    features = [FEATURES, width * directions]
    layers = [layer_for(system, features[level], both) for level in range(levels)]
    arrays = {
        name: normal(*array.shape, seed=k, scale=0.5)
        for k, (name, array) in enumerate(get_weights(layers, "pytorch").items())
    }
    assert len(arrays) == (5 if "projected" in system else 4) * levels * directions
    sizes = ((4, width), (5, UNITS))
    h, c = (normal(levels * directions, BATCH, n, seed=seed) for seed, n in sizes)
    set_weights(
        layers, {f"encoder.{k}": a for k, a in arrays.items()}, "pytorch", prefix="encoder."
    )
    call = {"x": X, "h": h, "c": c}
    expected, again = elsewhere(
        "pytorch", tmp_path, arrays | call, get_weights(layers, "pytorch") | call
    )
    assert_close(again, expected)
    y, last = X, []
    for level, layer in enumerate(layers):
        numbers = range(level * directions, (level + 1) * directions)
        y, *states = run(layer, y, initial_state=[s[k] for k in numbers for s in (h, c)])
        last += states
    assert_close([y, np.stack(last[::2]), np.stack(last[1::2])], expected)


def test_both_directions_of_one_onnx_node() -> None:
    layer = layer_for("onnx", both=True)
    shapes = {k: (2, *shape[1:]) for k, shape in systems.SHAPES["onnx"].items()}
    arrays = {k: normal(*shape, seed=6, scale=0.5) for k, shape in shapes.items()}
    set_weights(layer, arrays, "onnx")
    h, c = (normal(2, BATCH, UNITS, seed=seed) for seed in (4, 5))
    y, y_h, y_c = onnx_files.run(onnx_files.model(arrays, UNITS), X, h, c)
    expected = [y.reshape(BATCH, TIME, 2 * UNITS), y_h[0], y_c[0], y_h[1], y_c[1]]
    assert_close(run(layer, X, initial_state=[h[0], c[0], h[1], c[1]]), expected)
    back = onnx_files.run(onnx_files.model(get_weights(layer, "onnx"), UNITS), X, h, c)
    assert_close(back, [y, y_h, y_c])


@pytest.mark.skipif(BACKEND != "tensorflow", reason="of TensorFlow")
def test_a_checkpoint_of_tensorflow_1(tmp_path: Path) -> None:
    import tensorflow as tf

    arrays, layer = systems.random_arrays("tf1"), layer_for("tf1")
    expected = systems.tf1(arrays, X, *STATES, forget_bias=0.3, checkpoint=tmp_path / "old")
    reader = tf.train.load_checkpoint(str(tmp_path / "old"))
    saved = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    set_weights(layer, saved, "tf1", prefix="rnn/lstm_cell/", forget_bias=0.3)
    assert_close(run(layer, X, initial_state=STATES), expected)


def test_without_peepholes_they_are_zero() -> None:
    arrays, layer = systems.random_arrays("keras"), layer_for("tfa")
    set_weights(layer, arrays, "keras")
    expected = systems.RUNS["keras"](arrays, X, *STATES)
    assert_close(run(layer, X, initial_state=STATES), expected)


def test_a_cell_takes_weights_as_well() -> None:
    arrays, layer = systems.random_arrays("dl4j"), layer_for("dl4j")
    set_weights(layer.cell, arrays, "dl4j")
    assert_close(run(layer, X, initial_state=STATES), systems.dl4j(arrays, X, *STATES))


def test_order_of_states() -> None:
    orders = {name: "".join(layout.states) for name, layout in LAYOUTS.items()}
    c_first = {name for name, order in orders.items() if order == "ch"}
    tensorflow = {"tf1", "tf1_coupled", "block_lstm_v1", "block_lstm_v2", "haste_tf_layer_norm"}
    assert c_first == tensorflow | {"flax", "flax_nnx", "lasagne"}
    assert set(orders.values()) == {"hc", "ch"}
