"""Masked steps are skipped: states are held, outputs repeated, on every pattern and backend."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import VariantLSTM
from keras_lstm_ext.engines import ENGINES
from tests.backends import gradients, step_by_step
from tests.contract.family import (
    BATCH,
    FEATURES,
    TIME,
    UNITS,
    Make,
    assert_close,
    each_layer,
    normal,
    random_states,
    randomize,
    run,
)

X = normal(BATCH, TIME, FEATURES)

PATTERNS = (
    "1110000", "1000000",  # padded on the right
    "0000111", "0111111", "0000001",  # on the left
    "1010010", "0110101", "1100011", "0011100",  # with holes
    "0000000", "1111111",
)  # fmt: skip
HOLES = ("1010010", "0110101", "1100011")
LEFT = ("0000111", "0111111", "0000001")


def to_mask(rows: Sequence[str]) -> np.ndarray:
    return np.array([[step == "1" for step in row] for row in rows])


def expected_row(layer: Any, x: np.ndarray, valid: np.ndarray, states: Any, zero: bool) -> Any:
    """Runs one row on its valid steps alone, and puts its outputs where they belong."""
    order = range(TIME - 1, -1, -1) if layer.go_backwards else range(TIME)
    seen = [t for t in order if valid[t]]
    outputs, shown = np.zeros((TIME, UNITS), "float32"), np.zeros(UNITS, "float32")
    if seen:
        ahead = sorted(seen)
        sequence, *states = run(layer, x[None, ahead], initial_state=[s[None] for s in states])
        steps, states = iter(sequence[0]), [s[0] for s in states]
    for k, t in enumerate(order):
        shown = next(steps) if valid[t] else (0.0 * shown if zero else shown)
        outputs[k] = shown
    return outputs, *states


def expected_batch(layer: Any, x: Any, mask: Any, states: Any, zero: bool = False) -> Any:
    layer = randomize(type(layer).from_config(layer.get_config() | {"engine": "portable"}))
    with step_by_step():
        rows = [
            expected_row(layer, x[b], mask[b], [s[b] for s in states], zero) for b in range(len(x))
        ]
    return [np.stack(column) for column in zip(*rows, strict=True)]


@each_layer
@pytest.mark.parametrize(
    "rows", [PATTERNS, ["0000000"] * 3, ["1111111"] * 3], ids=("any", "none", "all")
)
def test_masked_steps_are_skipped(make: Make, rows: Sequence[str]) -> None:
    layer = randomize(make(UNITS, return_sequences=True, return_state=True))
    x, mask = normal(len(rows), TIME, FEATURES), to_mask(rows)
    states = random_states(layer, len(rows))
    expected = expected_batch(layer, x, mask, states)
    assert_close(run(layer, x, initial_state=states, mask=mask), expected)


@each_layer
@pytest.mark.parametrize("backwards", [False, True], ids=("forward", "backward"))
@pytest.mark.parametrize("zero", [False, True], ids=("repeated", "zero"))
def test_masks_with_other_options(make: Make, backwards: bool, zero: bool) -> None:
    options = {"return_state": True, "go_backwards": backwards, "zero_output_for_mask": zero}
    plain = randomize(make(UNITS, return_sequences=True, **options))
    states, mask = random_states(plain), to_mask(["0110101", "0000000", "1100010"])
    sequence, *final = expected_batch(plain, X, mask, states, zero)
    for sequences, unroll in itertools.product((True, False), repeat=2):
        layer = randomize(make(UNITS, return_sequences=sequences, unroll=unroll, **options))
        output = sequence if sequences else sequence[:, -1]
        given = run(layer, X, initial_state=states, mask=mask)
        assert_close(given, [output, *final])


@pytest.mark.slow
@each_layer
def test_masked_inputs_have_no_influence_and_no_gradient(make: Make) -> None:
    layer = randomize(make(UNITS, return_sequences=True))
    mask = to_mask(HOLES)
    other = np.where(mask[:, :, None], X, normal(BATCH, TIME, FEATURES, seed=9))
    assert_close(run(layer, other, mask=mask), run(layer, X, mask=mask))
    _, [dx], _ = gradients(lambda x: keras.ops.sum(layer(x, mask=mask) ** 2), [X])
    assert (dx[~mask] == 0).all()
    assert (np.abs(dx[mask]).max(axis=-1) > 0).all()


WHOLE = to_mask(["0110101", "0000000", "1100010"])
HELD = np.where(np.arange(FEATURES) % 2, np.nan, np.array([[np.inf], [-np.inf], [np.nan]]))
BAD = np.where(WHOLE[:, :, None], X, HELD[:, None].astype("float32"))
GOOD = np.where(WHOLE[:, :, None], X, np.float32(0.0))


def assert_bad_steps_reach_nothing(layer: Any, training: bool = False, again: Any = None) -> None:
    """Compares with zeros at masked steps; `again` is another layer with the same seed."""

    def results(layer: Any, x: np.ndarray) -> list[np.ndarray]:
        value, [dx], dw = gradients(
            lambda x: (
                keras.ops.sum(layer(x, mask=WHOLE, training=training) ** 2) + sum(layer.losses)
            ),
            [x],
            layer.trainable_variables,
        )
        assert (dx[~WHOLE] == 0).all()
        return [value, dx, *dw]

    given, expected = results(layer, BAD), results(again or layer, GOOD)
    assert_close(given, expected)
    assert np.abs(expected[1]).max() > 0


@each_layer
def test_what_a_masked_step_holds_reaches_nothing(make: Make) -> None:
    layer = make(UNITS, return_sequences=True, engine="portable")
    assert_bad_steps_reach_nothing(randomize(layer))


OPTIONS = {
    "everything": {
        "go_backwards": True,
        "zero_output_for_mask": True,
        "gradient": "other",
        "activity_regularizer": "l2",
        "dropout": 0.3,
        "recurrent_dropout": 0.4,
        "seed": 3,
    },
    "unrolled": {"unroll": True},
}


@each_layer
@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_masked_step_holds_on_every_engine(make: Make, engine: str, options: Any) -> None:
    default = make(UNITS)
    other = {"full": "truncated", "truncated": "full"}[default.gradient]
    options = options | ({"gradient": other} if "gradient" in options else {})
    if isinstance(default, VariantLSTM) and options.pop("gradient", None):
        options["variant"] = replace(default.variant, gradient=other)

    def layer() -> Any:
        return randomize(make(UNITS, return_sequences=True, engine=engine, **options))

    try:
        layer().explain()
    except ValueError as error:
        pytest.skip(str(error))
    assert_bad_steps_reach_nothing(layer(), "dropout" in options, layer())


@each_layer
def test_what_a_masked_step_holds_within_wrappers(make: Make) -> None:
    for wrapper in (keras.layers.Bidirectional, Parts):
        wrapped = wrapper(make(UNITS, return_sequences=True, engine="portable"))
        assert_bad_steps_reach_nothing(randomize(wrapped))


class Parts(keras.Layer):
    """A layer in TimeDistributed over one part, whose steps have the mask of the whole."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.parts = keras.layers.TimeDistributed(layer)
        self.supports_masking = True

    def build(self, shape: Any) -> None:
        self.parts.build((shape[0], 1, *shape[1:]))

    def call(self, x: Any, mask: Any = None, training: bool = False) -> Any:
        return self.parts(x[:, None], mask=keras.ops.convert_to_tensor(mask)[:, None])


@each_layer
def test_an_integer_mask_is_read_as_boolean(make: Make) -> None:
    layer, mask = randomize(make(UNITS)), to_mask(HOLES)
    assert_close(run(layer, X, mask=mask.astype("int32")), run(layer, X, mask=mask))


@each_layer
def test_a_mask_comes_from_masking_and_goes_on(make: Make) -> None:
    layer = randomize(make(UNITS, return_sequences=True))
    mask = to_mask(LEFT)
    inputs = keras.Input((None, FEATURES))
    h = layer(keras.layers.Masking()(inputs))
    model = keras.Model(inputs, [h, keras.layers.GlobalAveragePooling1D()(h)])
    sequence, mean = model.predict(np.where(mask[:, :, None], X, 0.0), verbose=0)
    [expected] = run(layer, X, mask=mask)
    assert_close([sequence], [expected])
    weights = mask[:, :, None] / mask.sum(axis=1)[:, None, None]
    assert_close([mean], [(expected * weights).sum(axis=1)])


@each_layer
def test_a_stateful_layer_holds_its_states_through_masked_chunks(make: Make) -> None:
    layer = randomize(make(UNITS, stateful=True, return_state=True))
    _, *before = run(layer, X)
    _, *after = run(layer, X[:, :2], mask=np.zeros((BATCH, 2), bool))
    assert_close(after, before, tolerance=0.0)
