"""Subclasses: arguments of their own beside ours, as everywhere in Keras."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import (
    CECLSTM,
    ClassicLSTM,
    ClassicLSTMCell,
    CoupledLSTM,
    LayerNormLSTM,
    OriginalLSTM,
    PeepholeLSTM,
    ProjectedLSTM,
    VariantLSTM,
)
from tests.contract.family import (
    BATCH,
    BLOCKS,
    CLASSES,
    FEATURES,
    TIME,
    UNITS,
    assert_close,
    normal,
    randomize,
    run,
)

X = normal(BATCH, TIME, FEATURES)


def swallowing(cls: Any) -> Any:
    """With an argument that leaves no trace, all others handed on as they come."""

    @keras.saving.register_keras_serializable(package="tests")
    class Swallowing(cls):
        def __init__(self, *args: Any, implementation: Any = None, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)

    return Swallowing


def scaled(cls: Any) -> Any:
    """With an argument that counts, kept under another name, and a `get_config` that has it."""

    @keras.saving.register_keras_serializable(package="tests")
    class Scaled(cls):
        def __init__(self, *args: Any, scale: float = 1.0, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.factor = scale

        def call(
            self,
            sequences: Any,
            initial_state: Any = None,
            mask: Any = None,
            training: bool = False,
        ) -> Any:
            return self.factor * super().call(sequences, initial_state, mask, training)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "scale": self.factor}

    return Scaled


def plain(cls: Any) -> Any:
    """With an argument that is an attribute of the same name, and no `get_config`."""

    @keras.saving.register_keras_serializable(package="tests")
    class Plain(cls):
        def __init__(self, units: int, scale: float = 1.0, **kwargs: Any) -> None:
            super().__init__(units, **kwargs)
            self.scale = scale

        def call(
            self,
            sequences: Any,
            initial_state: Any = None,
            mask: Any = None,
            training: bool = False,
        ) -> Any:
            return self.scale * super().call(sequences, initial_state, mask, training)

    return Plain


OWN = {"swallowing": ({"implementation": 2}, swallowing), "scaled": ({"scale": 2.5}, scaled)}
OWN["plain"] = ({"scale": np.float64(2.5)}, plain)
OURS: dict[Any, dict[str, Any]] = {
    CECLSTM: {"recurrent": False},
    OriginalLSTM: {"block_size": 2},
    ClassicLSTM: {"gate_bias": {"i": -1.0}},
    PeepholeLSTM: {"gradient": "truncated"},
    VariantLSTM: {"variant": BLOCKS},
    CoupledLSTM: {"zoneout_h": 0.5},
    ProjectedLSTM: {"projection": 3},
    LayerNormLSTM: {"normalize_nets": False},
}
each_subclass = pytest.mark.parametrize("own", OWN)
each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def made(cls: Any, own: str, **options: Any) -> Any:
    given, subclass = OWN[own]
    return subclass(cls)(UNITS, **OURS[cls], **given, **options)


@each_class
@each_subclass
def test_a_config_has_the_arguments_of_our_class(cls: Any, own: str) -> None:
    layer = made(cls, own, name="mine", return_sequences=True)
    expected = cls(UNITS, **OURS[cls], name="mine", return_sequences=True).get_config()
    config = layer.get_config()
    assert config.pop("scale", 2.5) == 2.5
    assert config == expected
    assert ("scale" in layer.get_config()) == (own != "swallowing")
    again = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize("cls", [PeepholeLSTM, VariantLSTM], ids=lambda cls: cls.__name__)
@each_subclass
def test_bidirectional_of_a_subclass(cls: Any, own: str) -> None:
    layer = keras.layers.Bidirectional(made(cls, own))
    layer.build(X.shape)
    randomize(layer)
    weights = layer.get_weights()
    half = len(weights) // 2
    expected = []
    for options, part in (({}, weights[:half]), ({"go_backwards": True}, weights[half:])):
        alone = cls(UNITS, **OURS[cls], **options)
        alone.build(X.shape)
        alone.set_weights(part)
        factor = 1.0 if own == "swallowing" else 2.5
        expected.append(factor * run(alone, X)[0])
    assert_close(run(layer, X), [np.concatenate(expected, axis=-1)])


@each_subclass
def test_cloning_and_saving_a_subclass(own: str, tmp_path: Path) -> None:
    layer = made(PeepholeLSTM, own)
    model = randomize(keras.Sequential([keras.Input((TIME, FEATURES)), layer]))
    expected = run(model, X)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert_close(run(clone, X), expected)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert type(loaded.layers[-1]) is type(layer)
    assert_close(run(loaded, X), expected)


def test_a_subclass_of_a_subclass() -> None:
    class Twice(plain(ClassicLSTM)):
        def __init__(self, *args: Any, shift: int = 0, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.shift = shift

    config = Twice(UNITS, scale=0.5, shift=3).get_config()
    assert (config["units"], config["scale"], config["shift"]) == (UNITS, 0.5, 3)
    assert Twice.from_config(config).get_config() == config


def test_a_cell_of_a_subclass_gets_its_own_argument() -> None:
    class Cell(ClassicLSTMCell):
        def __init__(self, *args: Any, leak: float = 0.0, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.leak = leak

    class Layer(ClassicLSTM):
        cell_class = Cell

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)

    layer = Layer(UNITS, leak=0.25, dropout=0.5, return_sequences=True)
    assert (layer.cell.leak, layer.cell.dropout, layer.return_sequences) == (0.25, 0.5, True)
    assert Cell.from_config(layer.cell.get_config()).leak == 0.25


def test_a_subclass_may_set_again_what_is_given_once() -> None:
    class Mine(ClassicLSTM):
        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(units, **kwargs)
            self.units = units

    assert Mine(UNITS).get_config()["units"] == UNITS


class Doubling(ClassicLSTMCell):
    """A cell with a step of its own."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        h, (_, c) = super().call(inputs, states, training)
        return 2.0 * h, [2.0 * h, c]


class DoublingLSTM(ClassicLSTM):
    """Its layer."""

    cell_class = Doubling


def test_a_step_of_ones_own_is_computed() -> None:
    layer, loop = DoublingLSTM(UNITS), keras.layers.RNN(Doubling(UNITS))
    assert layer.explain((BATCH, TIME, FEATURES)).engine == "portable"
    layer(X), loop(X)
    randomize(layer)
    loop.set_weights(layer.get_weights())
    assert_close(run(layer, X), run(loop, X))
    with pytest.raises(ValueError, match="Doubling has another"):
        DoublingLSTM(UNITS, engine="bptt")(X)
