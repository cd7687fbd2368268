"""Attributes after construction: what may change acts, what may not is refused; plain values."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, OriginalLSTM, PeepholeLSTM, Variant, VariantLSTM
from tests import backends
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
from tests.contract.test_signature import all_other_arguments

X = normal(BATCH, TIME, FEATURES)
each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def numpy_of(value: Any) -> Any:
    """The value as NumPy has it."""
    if isinstance(value, dict):
        return {key: np.asarray(v) for key, v in value.items()}
    scalar = isinstance(value, bool | int | float)
    return np.asarray(value)[()] if scalar else value


@each_class
def test_numpy_numbers_and_booleans_are_taken_and_kept_plain(cls: Any, tmp_path: Path) -> None:
    """Every argument that is a number or boolean, at another value than its default."""
    given = all_other_arguments(cls) | {"dtype": "float32", "unroll": False, "stateful": False}
    with_numpy = {name: numpy_of(value) for name, value in given.items()}
    assert sum(type(value).__module__ == "numpy" for value in with_numpy.values()) > 8
    layer = cls(**with_numpy)
    assert_same_json(layer.get_config(), cls(**given).get_config())
    cell = {name: with_numpy[name] for name in all_other_arguments(cls.cell_class)}
    assert_same_json(
        cls.cell_class(**cell).get_config(),
        cls.cell_class(**{name: given[name] for name in cell}).get_config(),
    )
    model = keras.Sequential([keras.Input(X.shape[1:]), layer])
    model.save(tmp_path / "m.keras")
    assert_same_json(
        keras.models.load_model(tmp_path / "m.keras").layers[0].get_config(), layer.get_config()
    )


def assert_same_json(given: dict[str, Any], expected: dict[str, Any]) -> None:
    """By text, where True is not 1."""
    assert json.dumps(given, sort_keys=True) == json.dumps(expected, sort_keys=True)


def test_zero_dimensional_arrays_and_single_precision() -> None:
    layer = ClassicLSTM(np.array(4), dropout=np.float32(0.25), seed=np.uint8(3))
    config = layer.get_config()
    assert (type(config["units"]), type(config["dropout"]), type(config["seed"])) == (
        int,
        float,
        int,
    )
    assert (config["units"], config["dropout"], config["seed"]) == (4, 0.25, 3)


def test_a_variant_of_numpy_numbers() -> None:
    fields: dict[str, Any] = {"gates": ("i", "o"), "decay": 0.5, "block_size": 2, "peepholes": True}
    variant = Variant(**{name: numpy_of(value) for name, value in fields.items()})
    assert variant == Variant(**fields)
    assert json.dumps(variant.get_config()) == json.dumps(Variant(**fields).get_config())
    assert_same_json(
        VariantLSTM(4, variant=variant).get_config() | {"name": ""},
        VariantLSTM(4, variant=Variant(**fields)).get_config() | {"name": ""},
    )


TOGGLED: dict[str, Any] = {
    "return_sequences": True,
    "return_state": True,
    "go_backwards": True,
    "unroll": True,
    "zero_output_for_mask": True,
    "activation": "softsign",
    "recurrent_activation": "hard_sigmoid",
    "output_activation": "softsign",
    "engine": "portable",
    "recompute": True,
}


@pytest.mark.usefixtures("no_xla")
@pytest.mark.parametrize("name", TOGGLED)
def test_what_may_change_acts_at_once(name: str) -> None:
    mask = np.arange(TIME) != 3
    mask = np.broadcast_to(mask, (BATCH, TIME))
    options = {"return_sequences": True} if name == "zero_output_for_mask" else {}
    changed = randomize(PeepholeLSTM(UNITS, **options))
    run(changed, X)
    setattr(changed, name, numpy_of(TOGGLED[name]))
    made = randomize(PeepholeLSTM(UNITS, **options, **{name: TOGGLED[name]}))
    assert_same_json(changed.get_config() | {"name": ""}, made.get_config() | {"name": ""})
    assert_close(run(changed, X, mask=mask), run(made, X, mask=mask))


@pytest.mark.parametrize("name", ["dropout", "recurrent_dropout"])
def test_dropout_may_change(name: str) -> None:
    changed, made = (randomize(PeepholeLSTM(UNITS, seed=3, **{name: r})) for r in (0.0, 0.5))
    setattr(changed, name, np.float64(0.5))
    assert_close(run(changed, X, training=True), run(made, X, training=True))
    setattr(changed, name, 0.0)
    assert_close(run(changed, X, training=True), run(changed, X))


@pytest.mark.parametrize("kind", ["kernel", "recurrent", "peephole", "bias"])
def test_regularizers_and_constraints_of_a_built_layer_act(kind: str) -> None:
    layer = randomize(PeepholeLSTM(UNITS))
    assert layer.losses == []
    setattr(layer, f"{kind}_regularizer", "l1")
    setattr(layer, f"{kind}_constraint", keras.constraints.NonNeg())
    weight = getattr(layer, f"{kind}_kernel" if kind in ("recurrent", "peephole") else kind)
    expected = 0.01 * np.abs(keras.ops.convert_to_numpy(weight)).sum()
    assert_close([keras.ops.convert_to_numpy(loss) for loss in layer.losses], [expected])
    assert isinstance(weight.constraint, keras.constraints.NonNeg)
    config = layer.get_config()
    assert PeepholeLSTM.from_config(config).get_config() == config


def test_the_dtype_policy_reaches_the_cell() -> None:
    # The other engines compile their second call, which rounds 16 bits elsewhere.
    options: tuple[dict[str, Any], ...] = ({}, {"dtype": "mixed_bfloat16"})
    changed, made = (randomize(ClassicLSTM(UNITS, engine="portable", **o)) for o in options)
    changed.dtype_policy = "mixed_bfloat16"
    given, expected = changed(X), made(X)
    assert keras.backend.standardize_dtype(given.dtype) == "bfloat16"
    assert_close(
        [keras.ops.convert_to_numpy(keras.ops.cast(h, "float32")) for h in (given,)],
        [keras.ops.convert_to_numpy(keras.ops.cast(h, "float32")) for h in (expected,)],
    )


def test_stateful_may_be_given_up_and_taken_up_again() -> None:
    layer = randomize(ClassicLSTM(UNITS, stateful=True))
    first = run(layer, X)
    second = run(layer, X)
    layer.stateful = False
    assert_close(run(layer, X), first)
    layer.stateful = True
    assert np.abs(run(layer, X)[0] - second[0]).max() > 0
    layer.reset_state()
    assert_close(run(layer, X), first)


def test_stateful_before_the_layer_is_built() -> None:
    changed = ClassicLSTM(UNITS)
    changed.stateful = True
    made = ClassicLSTM(UNITS, stateful=True)
    for layer in (randomize(changed), randomize(made)):
        run(layer, X)
    assert_close(run(changed, X), run(made, X))


GIVEN_ONCE: list[tuple[Any, str, Any]] = [
    (ClassicLSTM, "units", 5),
    (ClassicLSTM, "use_bias", False),
    (ClassicLSTM, "seed", 7),
    (ClassicLSTM, "variant", BLOCKS),
    (OriginalLSTM, "block_size", 2),
    (OriginalLSTM, "gradient", "full"),
]


@pytest.mark.parametrize(("cls", "name", "value"), GIVEN_ONCE, ids=[n for _, n, _ in GIVEN_ONCE])
def test_what_weights_and_equations_are_made_from_is_given_once(
    cls: Any, name: str, value: Any
) -> None:
    layer = randomize(cls(UNITS))
    expected, config = run(layer, X), layer.get_config()
    for owner in (layer, layer.cell):
        with pytest.raises(
            AttributeError, match=f"`{name}` of {type(owner).__name__} is given once"
        ):
            setattr(owner, name, value)
        setattr(owner, name, getattr(owner, name))
    assert layer.get_config() == config
    assert_close(run(layer, X), expected)


@pytest.mark.parametrize("name", ["kernel", "recurrent_kernel", "peephole_kernel", "bias"])
def test_a_weight_is_not_replaced_by_an_array(name: str) -> None:
    layer = randomize(PeepholeLSTM(UNITS))
    expected = run(layer, X)
    array = 0 * keras.ops.convert_to_numpy(getattr(layer, name))
    for owner in (layer, layer.cell):
        with pytest.raises(AttributeError, match=rf"`{name}\.assign\(array\)`"):
            setattr(owner, name, array)
    # A card need not add up twice in the same order.
    assert_close(run(layer, X), expected, tolerance=1e-5 if backends.has_gpu() else 0.0)
    getattr(layer, name).assign(array)
    assert (layer.get_weights()[[w.name for w in layer.weights].index(name)] == 0).all()
