"""The cell state is float32 under mixed precision: a carousel counts on, where 16 bits stop."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import CECLSTM, engines
from tests.contract.family import (
    BATCH,
    FEATURES,
    TIME,
    UNITS,
    Make,
    each_layer,
    normal,
    random_states,
    randomize,
    run,
)

STEPS = {"mixed_bfloat16": 513, "mixed_float16": 2313}
"""Further than numbers of 16 bits count, which is 256 and 2,048."""
PARTS = 9
ONES = {policy: np.ones((1, steps, 1), "float32") for policy, steps in STEPS.items()}
CHUNKS = {policy: np.split(ones, PARTS, axis=1) for policy, ones in ONES.items()}

MIXED = ("mixed_bfloat16", "mixed_float16")
DTYPES = {  # of h, of c, of the weights
    "float32": ("float32", "float32", "float32"),
    "mixed_bfloat16": ("bfloat16", "float32", "float32"),
    "mixed_float16": ("float16", "float32", "float32"),
    "bfloat16": ("bfloat16", "float32", "bfloat16"),
    "float64": ("float64", "float64", "float64"),
}
A_PROGRAM_EACH = [
    pytest.param(policy, marks=[] if policy in ("float32", "mixed_bfloat16") else pytest.mark.slow)
    for policy in DTYPES
]
each_policy = pytest.mark.parametrize("policy", MIXED)
SLOW = {"portable": [pytest.mark.slow]}
each_engine = pytest.mark.parametrize(
    "engine", [pytest.param(name, marks=SLOW.get(name, [])) for name in engines.ENGINES]
)


@pytest.fixture
def global_policy(policy: str) -> Iterator[str]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    yield policy
    keras.config.set_dtype_policy(before)


def counter(engine: str, **options: Any) -> Any:
    """The cell of 1991 with weight 1, which counts ones; skips where the engine cannot."""
    layer = CECLSTM(
        1, activation=None, output_activation=None, recurrent=False, use_bias=False,
        kernel_initializer="ones", return_state=True, engine=engine, **options,
    )  # fmt: skip
    try:
        layer.explain((1, None, 1))
    except ValueError as reason:
        pytest.skip(str(reason))
    return layer


def assert_counted(c: Any, policy: str) -> None:
    assert keras.backend.standardize_dtype(c.dtype) == "float32"
    assert keras.ops.convert_to_numpy(c).item() == STEPS[policy]


@each_engine
@each_policy
def test_one_call_counts(policy: str, engine: str) -> None:
    _, _, c = counter(engine, dtype=policy)(ONES[policy])
    assert_counted(c, policy)


@each_engine
@each_policy
def test_a_stateful_layer_counts_in_chunks(policy: str, engine: str) -> None:
    layer = counter(engine, dtype=policy, stateful=True)
    for chunk in CHUNKS[policy]:
        _, _, c = layer(chunk)
    assert_counted(c, policy)
    assert_counted(layer.states[1], policy)


@each_engine
@each_policy
def test_initial_states_count_in_chunks(policy: str, engine: str) -> None:
    layer = counter(engine, dtype=policy)
    states = None
    for chunk in CHUNKS[policy]:
        _, *states = layer(chunk, initial_state=states)
    assert_counted(states[1], policy)


@each_engine
@each_policy
def test_a_functional_model_counts_in_chunks(global_policy: str, engine: str) -> None:
    sequences, h, c = keras.Input((None, 1)), keras.Input((1,)), keras.Input((1,))
    _, *states = counter(engine)(sequences, initial_state=[h, c])
    model = keras.Model([sequences, h, c], states)
    given = [keras.ops.zeros((1, 1))] * 2
    for chunk in CHUNKS[global_policy]:
        given = model([keras.ops.convert_to_tensor(chunk), *given])
    assert_counted(given[1], global_policy)


@each_policy
def test_states_pass_from_layer_to_layer_in_a_functional_model(global_policy: str) -> None:
    sequences = keras.Input((None, 1))
    _, *states = counter("auto")(sequences)
    _, _, c = counter("auto")(sequences, initial_state=states)
    [twice] = keras.Model(sequences, [c])(np.ones((1, 2049, 1), "float32"))
    assert keras.ops.convert_to_numpy(twice).item() == 4098.0


@each_layer
@pytest.mark.parametrize("policy", A_PROGRAM_EACH)
def test_dtypes_of_outputs_states_and_weights(make: Make, policy: str) -> None:
    options = {"recurrent_initializer": "uniform"}  # the default has no bfloat16 in TensorFlow
    layer = make(UNITS, return_sequences=True, return_state=True, dtype=policy, **options)
    randomize(layer)
    of_h, of_c, of_weights = DTYPES[policy]
    expected = [of_h, of_h, of_c, of_h][: 1 + len(layer.state_size)]
    x = normal(BATCH, TIME, FEATURES)
    states = random_states(layer)
    for outputs in (layer(x), layer(x, initial_state=states), layer(keras.Input(x.shape[1:]))):
        assert [keras.backend.standardize_dtype(t.dtype) for t in outputs] == expected
    zeros = layer.get_initial_state(BATCH)
    assert [keras.backend.standardize_dtype(t.dtype) for t in zeros] == expected[1:]
    assert {w.dtype for w in layer.weights} == {of_weights}
    stateful = make(UNITS, stateful=True, dtype=policy, **options)
    stateful.build(x.shape)
    assert [state.dtype for state in stateful.states] == expected[1:]


@each_layer
@each_policy
def test_mixed_precision_is_close_to_float32(make: Make, policy: str) -> None:
    options = {"return_sequences": True, "return_state": True}
    x = normal(BATCH, TIME, FEATURES)
    expected = run(randomize(make(UNITS, **options)), x)
    given = run(randomize(make(UNITS, dtype=policy, **options)), x)
    eps = {"mixed_bfloat16": 2.0**-8, "mixed_float16": 2.0**-11}[policy]
    for a, b in zip(given, expected, strict=True):
        assert np.abs(a.astype("float32") - b).max() < 10 * eps * (1 + np.abs(b).max())


@each_layer
@each_policy
def test_a_layer_alone_computes_what_it_computes_in_a_model(make: Make, global_policy: str) -> None:
    layer = randomize(make(UNITS, return_sequences=True, return_state=True))
    inputs = keras.Input((TIME, FEATURES))
    model = keras.Model(inputs, list(layer(inputs)))
    x = normal(BATCH, TIME, FEATURES)
    layer(x)  # the first eager call may run on another program
    for a, b in zip(run(layer, x), run(model, x), strict=True):
        assert (a == b).all()


@pytest.mark.slow
@each_layer
def test_float64_is_more_exact_than_float32(make: Make) -> None:
    x = normal(BATCH, TIME, FEATURES).astype("float64")
    single, double = (randomize(make(UNITS, dtype=dtype)) for dtype in ("float32", "float64"))
    shifted = run(double, x + 1e-12)[0] - run(double, x)[0]
    assert 1e-14 < np.abs(shifted).max() < 1e-10
    assert 0 < np.abs(run(single, x)[0] - run(double, x)[0]).max() < 1e-5


@each_layer
@each_policy
@pytest.mark.slow
def test_training_under_mixed_precision(make: Make, global_policy: str) -> None:
    model = keras.Sequential([keras.Input((None, FEATURES)), make(UNITS), keras.layers.Dense(2)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x, y = normal(8, TIME, FEATURES), normal(8, 2)
    losses = model.fit(x, y, batch_size=4, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
