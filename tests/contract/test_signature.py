"""Arguments: those of `keras.layers.LSTM` in its order, and every one of them survives a config."""

import inspect
import json
from typing import Any

import keras
import pytest

from keras_lstm_ext import (
    CECLSTM,
    CECLSTMCell,
    ClassicLSTMCell,
    OriginalLSTM,
    OriginalLSTMCell,
    PeepholeLSTMCell,
    VariantLSTM,
    VariantLSTMCell,
)
from tests.contract.family import BATCH, BLOCKS, FEATURES, TIME, each_class, normal, randomize, run

CELLS = (CECLSTMCell, OriginalLSTMCell, ClassicLSTMCell, PeepholeLSTMCell, VariantLSTMCell)

WITHOUT_MEANING = {
    CECLSTM: {"recurrent_activation", "unit_forget_bias"},
    OriginalLSTM: {"unit_forget_bias"},
}
OTHER_DEFAULT = {
    (cls, "activation") for cls in (OriginalLSTM, OriginalLSTMCell, VariantLSTM, VariantLSTMCell)
}

OTHER_THAN_DEFAULT: dict[str, Any] = {
    "units": 6,
    "activation": "softsign",
    "recurrent_activation": "hard_sigmoid",
    "use_bias": False,
    "kernel_initializer": "he_normal",
    "recurrent_initializer": "lecun_normal",
    "bias_initializer": "random_normal",
    "unit_forget_bias": False,
    "kernel_regularizer": keras.regularizers.L1(0.25),
    "recurrent_regularizer": keras.regularizers.L2(0.5),
    "bias_regularizer": keras.regularizers.L1L2(0.125, 0.0625),
    "activity_regularizer": keras.regularizers.L2(0.75),
    "kernel_constraint": keras.constraints.MaxNorm(3.0),
    "recurrent_constraint": keras.constraints.NonNeg(),
    "bias_constraint": keras.constraints.UnitNorm(axis=0),
    "dropout": 0.25,
    "recurrent_dropout": 0.125,
    "seed": 11,
    "return_sequences": True,
    "return_state": True,
    "go_backwards": True,
    "stateful": True,
    "unroll": True,
    "variant": BLOCKS,
    "peephole_initializer": "he_uniform",
    "peephole_regularizer": keras.regularizers.L1(0.375),
    "peephole_constraint": keras.constraints.MinMaxNorm(0.0, 2.0),
    "output_activation": "centered_sigmoid_1",
    "block_size": 3,
    "recurrent": False,
    "engine": "portable",
    "recompute": True,
    "zero_output_for_mask": True,
    "trainable": False,
    "dtype": "mixed_bfloat16",
    "name": "another",
}


def parameters(cls: type) -> dict[str, inspect.Parameter]:
    found = dict(inspect.signature(cls.__init__).parameters)
    return {k: p for k, p in found.items() if k not in ("self", "kwargs")}


def all_other_arguments(cls: type) -> dict[str, Any]:
    """Every argument of a class at a value that is not its default."""
    in_kwargs = ["trainable", "dtype", "name"]
    if issubclass(cls, keras.layers.RNN):
        in_kwargs.append("zero_output_for_mask")
    arguments = {name: OTHER_THAN_DEFAULT.get(name) for name in [*parameters(cls), *in_kwargs]}
    if "gate_bias" in arguments:
        arguments["use_bias"] = "gates"
        blocks = arguments["units"] // (arguments.get("block_size") or BLOCKS.block_size)
        arguments["gate_bias"] = {"i": -1.0, "o": [-2.0 - j for j in range(blocks)]}
    if "gradient" in arguments:
        default = parameters(cls)["gradient"].default
        arguments["gradient"] = "full" if default == "truncated" else "truncated"
    if "OriginalLSTM" in cls.__name__:
        arguments["output_activation"] = "same"
    return arguments


@each_class
def test_arguments_of_keras_lstm_come_first_in_its_order(cls: type) -> None:
    positional = [k for k, p in parameters(cls).items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    left_out = WITHOUT_MEANING.get(cls, set()) | {"use_cudnn"}
    assert positional == [k for k in parameters(keras.layers.LSTM) if k not in left_out]


@pytest.mark.parametrize("cls", CELLS, ids=lambda cls: cls.__name__)
def test_arguments_of_keras_lstm_cell_come_first_in_its_order(cls: type) -> None:
    positional = [k for k, p in parameters(cls).items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == [k for k in parameters(keras.layers.LSTMCell) if k in positional]


@each_class
def test_defaults_are_those_of_keras_lstm(cls: type) -> None:
    ours, theirs = parameters(cls), parameters(keras.layers.LSTM)
    for name in ours.keys() & theirs.keys():
        if (cls, name) not in OTHER_DEFAULT:
            assert ours[name].default == theirs[name].default, name


@each_class
def test_a_layer_has_the_arguments_of_its_cell(cls: Any) -> None:
    of_cell = parameters(cls.cell_class)
    assert [k for k in parameters(cls) if k in of_cell] == list(of_cell)
    for name, parameter in of_cell.items():
        assert parameters(cls)[name].default == parameter.default, name


@each_class
def test_every_argument_survives_get_config(cls: Any) -> None:
    arguments = all_other_arguments(cls)
    check_round_trip(cls, arguments)
    check_round_trip(cls.cell_class, {k: arguments[k] for k in all_other_arguments(cls.cell_class)})


def check_round_trip(cls: Any, arguments: dict[str, Any]) -> None:
    for name, parameter in parameters(cls).items():
        assert arguments[name] != parameter.default, f"{name} is at its default"
    config = cls(**arguments).get_config()
    assert set(config) == set(arguments)
    again = cls.from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config
    for name, given in arguments.items():
        assert_same_argument(name, config[name], given)


def assert_same_argument(name: str, serialized: Any, given: Any) -> None:
    if name.endswith("_initializer"):
        given = keras.initializers.serialize(keras.initializers.get(given))
        serialized["config"].pop("seed", None), given["config"].pop("seed", None)
    elif name.endswith("_regularizer"):
        given = keras.regularizers.serialize(given)
    elif name.endswith("_constraint"):
        given = keras.constraints.serialize(given)
    elif name == "variant":
        given = given.get_config()
    elif name == "dtype":
        serialized = serialized["config"]["name"]
    assert serialized == given, name


@each_class
def test_every_argument_survives_bidirectional(cls: Any) -> None:
    arguments = all_other_arguments(cls) | {"go_backwards": False}
    wrapper = keras.layers.Bidirectional(cls(**arguments))
    wrapper = keras.layers.Bidirectional.from_config(json.loads(json.dumps(wrapper.get_config())))
    expected = cls(**arguments).get_config()
    forward, backward = wrapper.forward_layer.get_config(), wrapper.backward_layer.get_config()
    assert forward | {"name": "another"} == expected
    assert backward | {"name": "another", "go_backwards": False} == expected
    assert backward["go_backwards"] is True


@each_class
def test_a_layer_from_a_config_computes_the_same(cls: Any) -> None:
    arguments = all_other_arguments(cls) | {"dtype": "float32"}
    layer = cls(**arguments)
    again = cls.from_config(layer.get_config())
    x = normal(BATCH, TIME, FEATURES)
    randomize(layer), randomize(again)
    for a, b in zip(run(layer, x), run(again, x), strict=True):
        assert (a == b).all()


@each_class
def test_attributes_of_the_cell_can_be_read_but_not_lost(cls: Any) -> None:
    layer = cls(**all_other_arguments(cls))
    for name in parameters(cls.cell_class):
        assert getattr(layer, name) is not None
    layer.dropout = 0.75
    assert layer.cell.dropout == layer.dropout == layer.get_config()["dropout"] == 0.75
