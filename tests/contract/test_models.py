"""The layers inside of what Keras builds from layers: models, wrappers, stacks of cells."""

from typing import Any

import keras
import numpy as np
import pytest

from tests.contract.family import (
    BATCH,
    FEATURES,
    TIME,
    UNITS,
    Make,
    as_arrays,
    assert_close,
    each_layer,
    normal,
    random_states,
    randomize,
    run,
)

X = normal(BATCH, TIME, FEATURES)
MASK = np.array([[0, 1, 1, 0, 1, 0, 0], [0] * 7, [1, 1, 0, 0, 1, 1, 1]], dtype=bool)


def sequential(make: Make, time: int | None = None) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((time, FEATURES)),
            make(UNITS, return_sequences=True),
            make(UNITS),
            keras.layers.Dense(2),
        ]
    )


def assert_learns(model: keras.Model, **compile_options: Any) -> None:
    """Trains on 8 sequences; the loss must fall."""
    model.compile(keras.optimizers.Adam(0.01), "mse", **compile_options)
    x, y = normal(8, TIME, FEATURES), normal(8, 2)
    losses = model.fit(x, y, batch_size=4, epochs=6, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@each_layer
@pytest.mark.slow
def test_sequential(make: Make) -> None:
    assert_learns(sequential(make))


@each_layer
@pytest.mark.slow
@pytest.mark.parametrize("time", [None, TIME], ids=("dynamic", "static"))
def test_jit_compile(make: Make, time: int | None) -> None:
    assert_learns(sequential(make, time), jit_compile=keras.backend.backend() != "torch")


@each_layer
@pytest.mark.slow
def test_predict_takes_other_batch_sizes_and_lengths_than_fit(make: Make) -> None:
    model = sequential(make)
    assert_learns(model)
    for batch, time in ((1, 1), (5, TIME + 4)):
        x = normal(batch, time, FEATURES)
        assert_close([model.predict(x, verbose=0)], as_arrays(model(x)))


@each_layer
def test_functional_model_with_states_and_mask(make: Make) -> None:
    sequences = keras.Input((None, FEATURES))
    mask = keras.Input((None,), dtype="bool")
    layer = randomize(make(UNITS, return_sequences=True, return_state=True))
    states = [keras.Input((n,)) for n in layer.state_size]
    outputs = layer(sequences, initial_state=states, mask=mask)
    model = keras.Model([sequences, mask, *states], list(outputs))
    given = random_states(layer)
    expected = run(layer, X, initial_state=given, mask=MASK)
    assert_close(model.predict([X, MASK, *given], verbose=0), expected)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert_close(clone.predict([X, MASK, *given], verbose=0), expected)


@each_layer
@pytest.mark.slow
def test_an_encoder_hands_its_states_to_a_decoder(make: Make) -> None:
    source, target = keras.Input((None, FEATURES)), keras.Input((None, FEATURES))
    encoder = randomize(make(UNITS, return_state=True))
    decoder = randomize(make(UNITS, return_sequences=True), seed=2)
    _, *states = encoder(source)
    model = keras.Model([source, target], decoder(target, initial_state=states))
    other = normal(BATCH, 4, FEATURES, seed=3)
    expected = run(decoder, other, initial_state=run(encoder, X)[1:])
    assert_close([model.predict([X, other], verbose=0)], expected)


@each_layer
@pytest.mark.parametrize(
    ("merge", "sequences", "mask"),
    [("concat", True, MASK), ("concat", False, None), ("sum", True, None), ("sum", False, MASK)],
    ids=("concat-masked-sequences", "concat-last", "sum-sequences", "sum-masked-last"),
)
def test_bidirectional(make: Make, merge: str, sequences: bool, mask: Any) -> None:
    wrapper = keras.layers.Bidirectional(make(UNITS, return_sequences=sequences), merge_mode=merge)
    wrapper.build(X.shape)
    randomize(wrapper)
    options = {"return_sequences": sequences, "zero_output_for_mask": sequences}
    forward, backward = make(UNITS, **options), make(UNITS, go_backwards=True, **options)
    weights = wrapper.get_weights()
    half = len(weights) // 2
    for layer, part in ((forward, weights[:half]), (backward, weights[half:])):
        layer.build(X.shape)
        layer.set_weights(part)
    [f], [b] = run(forward, X, mask=mask), run(backward, X, mask=mask)
    b = b[:, ::-1] if sequences else b
    expected = np.concatenate([f, b], axis=-1) if merge == "concat" else f + b
    assert_close(run(wrapper, X, mask=mask), [expected])


@each_layer
def test_bidirectional_states(make: Make) -> None:
    wrapper = keras.layers.Bidirectional(make(UNITS, return_state=True))
    wrapper.build(X.shape)
    randomize(wrapper)
    forward, backward = wrapper.forward_layer, wrapper.backward_layer
    first, second = random_states(forward), random_states(backward, seed=60)
    _, *final = run(wrapper, X, initial_state=[*first, *second])
    forward = run(forward, X, initial_state=first)
    backward = run(backward, X, initial_state=second)
    assert_close(final, forward[1:] + backward[1:])


@each_layer
@pytest.mark.slow
def test_bidirectional_trains(make: Make) -> None:
    layers = [keras.layers.Bidirectional(make(UNITS)), keras.layers.Dense(2)]
    assert_learns(keras.Sequential([keras.Input((None, FEATURES)), *layers]))


@each_layer
def test_time_distributed(make: Make) -> None:
    layer = randomize(make(UNITS))
    x = normal(2, 3, TIME, FEATURES)
    [given] = run(keras.layers.TimeDistributed(layer), x)
    expected = [run(layer, x[:, k])[0] for k in range(3)]
    assert_close([given], [np.stack(expected, axis=1)])


@each_layer
def test_stacked_cells_are_stacked_layers(make: Make) -> None:
    first = randomize(make(UNITS, return_sequences=True))
    second = randomize(make(6), seed=8, features=UNITS)
    cells = [type(c).from_config(c.get_config()) for c in (first.cell, second.cell)]
    [expected] = run(second, run(first, X, mask=MASK)[0], mask=MASK)
    for stack in (cells, keras.layers.StackedRNNCells(cells)):
        rnn = keras.layers.RNN(stack)
        rnn.build(X.shape)
        rnn.set_weights(first.get_weights() + second.get_weights())
        assert_close([run(rnn, X, mask=MASK)[0][MASK.any(1)]], [expected[MASK.any(1)]])
    clone = keras.layers.RNN.from_config(rnn.get_config())
    assert clone.get_config() == rnn.get_config()


@each_layer
def test_summary_and_count_params(make: Make) -> None:
    model = sequential(make)
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    assert type(model.layers[0]).__name__ in "\n".join(lines)
    assert f"{model.layers[0].count_params():,}" in "\n".join(lines)
    assert model.count_params() == sum(w.size for w in model.get_weights())


@each_layer
@pytest.mark.slow
def test_a_frozen_layer_does_not_learn(make: Make) -> None:
    model = keras.Sequential(
        [keras.Input((None, FEATURES)), make(UNITS, trainable=False), keras.layers.Dense(2)]
    )
    before = model.layers[0].get_weights()
    assert_learns(model)
    assert_close(model.layers[0].get_weights(), before, tolerance=0.0)
    assert model.layers[0].trainable_weights == []
