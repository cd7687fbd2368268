"""Arguments: those of `keras.layers.LSTM` in its order, and every one of them survives a config."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import keras
import pytest

from keras_lstm_ext import (
    CECLSTM,
    CECLSTMCell,
    ClassicLSTM,
    ClassicLSTMCell,
    CoupledLSTM,
    CoupledLSTMCell,
    LayerNormLSTMCell,
    OriginalLSTM,
    OriginalLSTMCell,
    PeepholeLSTM,
    PeepholeLSTMCell,
    ProjectedLSTMCell,
    VariantLSTM,
    VariantLSTMCell,
)
from tests.contract.family import BATCH, BLOCKS, FEATURES, TIME, each_class, normal, randomize, run

CELLS = (
    CECLSTMCell,
    OriginalLSTMCell,
    ClassicLSTMCell,
    PeepholeLSTMCell,
    VariantLSTMCell,
    CoupledLSTMCell,
    ProjectedLSTMCell,
    LayerNormLSTMCell,
)

WITHOUT_MEANING = {
    CECLSTM: {"recurrent_activation", "unit_forget_bias"},
    OriginalLSTM: {"unit_forget_bias"},
    CoupledLSTM: {"unit_forget_bias"},
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
    "normalize_nets": False,
    "normalize_output": False,
    "epsilon": 1e-3,
    "projection": 4,
    "nonrecurrent_projection": 2,
    "gain_initializer": "he_normal",
    "projection_initializer": "he_normal",
    "projection_regularizer": keras.regularizers.L1(0.5),
    "projection_constraint": keras.constraints.MaxNorm(2.0),
    "zoneout_h": 0.25,
    "zoneout_c": 0.125,
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


@each_class
def test_a_class_shows_the_signature_of_its_constructor(cls: Any) -> None:
    shown = inspect.signature(cls)
    assert list(shown.parameters) == [k for k in inspect.signature(cls.__init__).parameters][1:]

    class Mine(cls):
        def __init__(self, units: int, scale: float = 1.0, **kwargs: Any) -> None:
            super().__init__(units, **kwargs)

    assert list(inspect.signature(Mine).parameters) == ["units", "scale", "kwargs"]


def test_a_wrong_call_is_told_by_the_name_of_the_class() -> None:
    with pytest.raises(TypeError, match=r"ClassicLSTM.__init__\(\) missing .*'units'"):
        ClassicLSTM()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"ClassicLSTM.__init__\(\) too many positional"):
        ClassicLSTM(*range(30))


TYPED = """
from keras_lstm_ext import CECLSTM, LayerNormLSTMCell, PeepholeLSTM, ProjectedLSTM, VariantLSTM
reveal_type(PeepholeLSTM(3).units)
reveal_type(PeepholeLSTM.__init__)
reveal_type(CECLSTM.__init__)
reveal_type(LayerNormLSTMCell.__init__)
ProjectedLSTM(3, projection=2, dropout=0.5)
ProjectedLSTM(3, projection="2")
VariantLSTM(3)
"""


@pytest.mark.slow
def test_type_checkers_see_the_constructor(tmp_path: Path) -> None:
    """Every argument by its name and with its type; those that have a place in their order."""
    api = pytest.importorskip("mypy.api")
    (tmp_path / "typed.py").write_text(TYPED, encoding="utf-8")
    config = str(Path(__file__).parents[2] / "pyproject.toml")
    said = api.run([str(tmp_path / "typed.py"), "--config-file", config])[0].splitlines()
    revealed = [line.split("Revealed type is ")[1] for line in said if "Revealed" in line]
    assert "int" in revealed[0]
    classes = (PeepholeLSTM, CECLSTM, LayerNormLSTMCell)
    for cls, text in zip(classes, revealed[1:], strict=True):
        named = [n for n in re.findall(r"(\w+): ", text) if n != "self" and "generated" not in n]
        positional = [k for k, p in parameters(cls).items() if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert named[: len(positional)] == positional
        assert sorted(named) == sorted(parameters(cls))
    errors = [line for line in said if "error" in line]
    assert [re.search(r"typed.py:(\d+)", line)[1] for line in errors[:-1]] == ["8", "9"]
