"""The options of a recurrent layer: what it returns, where it begins, what it carries."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM
from tests.backends import gradients
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


@each_layer
def test_return_sequences_and_return_state(make: Make) -> None:
    everything = randomize(make(UNITS, return_sequences=True, return_state=True))
    sequence, *states = run(everything, X)
    assert sequence.shape == (BATCH, TIME, UNITS)
    assert [s.shape for s in states] == [(BATCH, n) for n in everything.state_size]
    assert_close([states[0]], [sequence[:, -1]])
    assert_close(run(randomize(make(UNITS)), X), [sequence[:, -1]])
    assert_close(run(randomize(make(UNITS, return_sequences=True)), X), [sequence])
    assert_close(run(randomize(make(UNITS, return_state=True)), X), [sequence[:, -1], *states])


@each_layer
def test_symbolic_shapes_are_the_real_ones(make: Make) -> None:
    layer = randomize(make(UNITS, return_sequences=True, return_state=True))
    symbolic = layer(keras.KerasTensor((BATCH, TIME, FEATURES)))
    assert [s.shape for s in symbolic] == [a.shape for a in run(layer, X)]
    assert layer.compute_output_shape(X.shape) == tuple(s.shape for s in symbolic)


@each_layer
def test_go_backwards_reads_from_the_end(make: Make) -> None:
    options = {"return_sequences": True, "return_state": True}
    backward = randomize(make(UNITS, go_backwards=True, **options))
    forward = randomize(make(UNITS, **options))
    assert_close(run(backward, X), run(forward, X[:, ::-1].copy()))


@each_layer
@pytest.mark.parametrize("masked", [False, True], ids=("whole", "masked"))
@pytest.mark.parametrize("backwards", [False, True], ids=("forward", "backward"))
def test_unroll_changes_nothing(make: Make, masked: bool, backwards: bool) -> None:
    options = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
    mask = np.random.default_rng(3).random((BATCH, TIME)) < 0.6 if masked else None
    rolled = randomize(make(UNITS, **options))
    unrolled = randomize(make(UNITS, unroll=True, **options))
    states = random_states(rolled)
    assert_close(
        run(unrolled, X, initial_state=states, mask=mask),
        run(rolled, X, initial_state=states, mask=mask),
    )


@each_layer
def test_initial_state_continues_a_sequence(make: Make) -> None:
    layer = randomize(make(UNITS, return_sequences=True, return_state=True))
    sequence, *states = run(layer, X)
    first, *carried = run(layer, X[:, :4])
    second, *final = run(layer, X[:, 4:], initial_state=carried)
    assert_close([np.concatenate([first, second], axis=1), *final], [sequence, *states])


@each_layer
def test_zero_initial_state_is_the_default(make: Make) -> None:
    layer = randomize(make(UNITS, return_state=True))
    zeros = [np.zeros((BATCH, n), "float32") for n in layer.state_size]
    assert_close(run(layer, X, initial_state=zeros), run(layer, X))
    assert_close(run(layer, X, initial_state=layer.get_initial_state(BATCH)), run(layer, X))


@each_layer
@pytest.mark.parametrize("engine", ["portable", "auto", "auto in a graph"])
def test_a_state_of_one_row_is_every_rows(make: Make, engine: str) -> None:
    """With the same gradient as rows that are equal, added up."""
    layer = randomize(make(UNITS, engine=engine.split()[0]))
    states = random_states(layer, batch=1)
    repeated = [np.repeat(state, BATCH, axis=0) for state in states]
    if engine == "auto in a graph":
        inputs = [keras.Input((None, FEATURES)), *(keras.Input((n,)) for n in layer.state_size)]
        model = keras.Model(inputs, layer(inputs[0], initial_state=inputs[1:]))
        assert_close(run(model, [X, *states]), run(layer, X, initial_state=repeated))
        return
    assert_close(run(layer, X, initial_state=states), run(layer, X, initial_state=repeated))
    if layer.explain(X.shape).engine == "cudnn":
        return

    def loss(*given: Any) -> Any:
        return keras.ops.sum(layer(X, initial_state=list(given)) ** 2)

    _, one, _ = gradients(loss, states)
    _, many, _ = gradients(loss, repeated)
    assert_close(one, [d.sum(axis=0, keepdims=True) for d in many], tolerance=1e-4)


@each_layer
def test_a_state_of_one_row_in_both_directions(make: Make) -> None:
    layer = keras.layers.Bidirectional(make(UNITS))
    layer.build(X.shape)
    randomize(layer)
    sizes = 2 * list(layer.forward_layer.state_size)
    states = [normal(1, n, seed=50 + k) for k, n in enumerate(sizes)]
    repeated = [np.repeat(state, BATCH, axis=0) for state in states]
    assert_close(run(layer, X, initial_state=states), run(layer, X, initial_state=repeated))


@each_layer
def test_every_initial_state_matters(make: Make) -> None:
    layer = randomize(make(UNITS))
    states = random_states(layer)
    [expected] = run(layer, X[:, :1], initial_state=states)
    for k in range(len(states)):
        changed = [s + (j == k) for j, s in enumerate(states)]
        [given] = run(layer, X[:, :1], initial_state=changed)
        assert np.abs(given - expected).max() > 1e-3, f"state {k}"


@each_layer
def test_stateful_carries_and_reset_state_forgets(make: Make) -> None:
    stateless = randomize(make(UNITS, return_sequences=True))
    stateful = make(UNITS, return_sequences=True, stateful=True)
    randomize(stateful)
    [expected] = run(stateless, X)
    for _ in range(2):
        chunks = [run(stateful, X[:, a:b])[0] for a, b in ((0, 2), (2, 3), (3, TIME))]
        assert_close([np.concatenate(chunks, axis=1)], [expected])
        stateful.reset_state()


@each_layer
def test_stateful_states_start_at_zero_and_are_no_weights(make: Make) -> None:
    layer = randomize(make(UNITS, stateful=True))
    assert len(layer.weights) == len(randomize(make(UNITS)).weights)
    assert [tuple(s.shape) for s in layer.states] == [(BATCH, n) for n in layer.state_size]
    assert all((s.numpy() == 0).all() for s in layer.states)


@each_layer
@pytest.mark.slow
def test_stateful_predicts_and_trains_in_a_model(make: Make) -> None:
    layer = randomize(make(UNITS, stateful=True, return_sequences=True))
    model = keras.Sequential([keras.Input(batch_shape=(BATCH, 2, FEATURES)), layer])
    [expected] = run(randomize(make(UNITS, return_sequences=True)), X[:, :4])
    chunks = [model.predict(X[:, a : a + 2], verbose=0) for a in (0, 2)]
    assert_close([np.concatenate(chunks, axis=1)], [expected])
    model.compile("sgd", "mse")
    x, y = normal(2 * BATCH, 2, FEATURES), normal(2 * BATCH, 2, UNITS)
    losses = model.fit(x, y, batch_size=BATCH, epochs=2, shuffle=False, verbose=0).history["loss"]
    assert np.isfinite(losses).all()


def test_states_go_on_from_predict_to_predict_and_are_not_saved(tmp_path: Path) -> None:
    layer = ClassicLSTM(UNITS, stateful=True, return_sequences=True, engine="portable")
    model = keras.Sequential(
        [keras.Input(batch_shape=(BATCH, None, FEATURES)), keras.layers.Bidirectional(layer)]
    )
    forward = model.layers[0].forward_layer
    first = model.predict(X, verbose=0)
    assert any(np.abs(keras.ops.convert_to_numpy(s)).max() > 1e-3 for s in forward.states)
    assert np.abs(model.predict(X, verbose=0) - first).max() > 1e-3
    assert len(model.get_weights()) == 6
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    model.layers[0].reset_state()
    for each in (model, loaded):
        np.testing.assert_allclose(each.predict(X, verbose=0), first, rtol=1e-5, atol=1e-6)


def test_what_a_stateful_layer_returned_outlives_training() -> None:
    layer = randomize(ClassicLSTM(UNITS, stateful=True, return_state=True))
    h, *states = layer(X)
    kept = [np.array(keras.ops.convert_to_numpy(s)) for s in (h, *states)]
    model = keras.Sequential([keras.Input(batch_shape=X.shape), First(layer)])
    model.compile("sgd", "mse")
    model.train_on_batch(X, np.zeros((BATCH, UNITS)))
    assert_close([keras.ops.convert_to_numpy(s) for s in (h, *states)], kept)


class First(keras.Layer):
    """The first of what a layer returns."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def call(self, x: Any) -> Any:
        return self.layer(x)[0]


@pytest.mark.parametrize("engine", ["native", "bptt", "portable"])
@pytest.mark.parametrize("method", ["predict", "evaluate", "fit"])
def test_a_stateful_model_refuses_a_smaller_last_batch(engine: str, method: str) -> None:
    layer = ClassicLSTM(UNITS, stateful=True, engine=engine)
    try:
        layer.build(X.shape)
        layer.explain()
    except ValueError as error:
        pytest.skip(str(error))
    model = keras.Sequential(
        [keras.Input(batch_shape=(2, None, FEATURES)), type(layer).from_config(layer.get_config())]
    )
    model.compile("sgd", "mse")
    data = [X] if method == "predict" else [X, np.zeros((BATCH, UNITS), "float32")]
    with pytest.raises(Exception, match="`stateful=True` needs every batch") as caught:
        getattr(model, method)(*data, batch_size=2, verbose=0)
    assert "size of the first, 2" in str(caught.value)


@each_layer
@pytest.mark.parametrize("masked", [False, True], ids=("whole", "masked"))
@pytest.mark.parametrize("sequences", [False, True], ids=("last", "sequences"))
def test_an_empty_batch_gives_an_empty_result(make: Make, masked: bool, sequences: bool) -> None:
    layer = randomize(make(UNITS, return_sequences=sequences, return_state=True))
    mask = np.ones((0, TIME), bool) if masked else None
    outputs = run(layer, X[:0], initial_state=random_states(layer, 0), mask=mask)
    assert outputs[0].shape == ((0, TIME, UNITS) if sequences else (0, UNITS))
    assert [s.shape for s in outputs[1:]] == [(0, n) for n in layer.state_size]
    assert run(layer, X[:0])[0].shape == outputs[0].shape


@each_layer
def test_one_step_of_the_cell_is_one_step_of_the_layer(make: Make) -> None:
    layer = randomize(make(UNITS, return_state=True))
    states: Any = [keras.ops.convert_to_tensor(s) for s in random_states(layer)]
    expected = run(layer, X[:, :1], initial_state=states)
    h, new_states = layer.cell(keras.ops.convert_to_tensor(X[:, 0]), states)
    assert_close([keras.ops.convert_to_numpy(t) for t in (h, *new_states)], expected)
