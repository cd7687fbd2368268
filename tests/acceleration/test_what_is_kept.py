"""What `accelerate` keeps, what it leaves, and what it says of it."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import keras_lstm_ext
from keras_lstm_ext import ClassicLSTM, ClassicLSTMCell, PeepholeLSTM, accelerate
from keras_lstm_ext.acceleration import accelerate as function
from keras_lstm_ext.acceleration import copies, state
from keras_lstm_ext.walk import layers_of, recurrent_layers
from tests.acceleration.models import Attributes, Whole
from tests.contract.family import normal

X = normal(2, 5, 3, seed=1)


def sequential(*parts: Any) -> Any:
    return keras.Sequential([keras.Input(X.shape[1:]), *parts])


def outputs(model: Any, x: Any = X) -> Any:
    return keras.ops.convert_to_numpy(model(x))


def said_of(model: Any, capsys: Any, **how: Any) -> tuple[Any, str]:
    made = accelerate(model, **how)
    return made, capsys.readouterr().out


def test_every_place_that_keras_has(capsys: pytest.CaptureFixture[str]) -> None:
    model = sequential(
        layers.Bidirectional(layers.LSTM(2, return_sequences=True, name="a"), name="both"),
        layers.RNN(layers.LSTMCell(3), return_sequences=True, name="around"),
        layers.RNN([layers.LSTMCell(3), layers.LSTMCell(2)], return_sequences=True, name="stack"),
        layers.TimeDistributed(sequential_of_steps()),
        Attributes(3, name="own"),
        layers.LSTM(2, name="last"),
    )
    fast, said = said_of(model, capsys)
    np.testing.assert_allclose(outputs(fast), outputs(model), atol=1e-6)
    left = [part for part in layers_of(fast) if isinstance(part, layers.LSTM)]
    assert not left
    names = [[part.name for part in recurrent_layers(m)] for m in (fast, model)]
    assert names[0] == names[1]
    assert "around: RNN is now ClassicLSTM" in said
    assert "stack, cell 1: LSTMCell is now ClassicLSTMCell" in said
    plain, said = said_of(fast, capsys, back=True)
    assert not any(type(part).__module__.startswith("keras_lstm_ext") for part in layers_of(plain))
    np.testing.assert_allclose(outputs(plain), outputs(model), atol=1e-6)
    assert "last: ClassicLSTM is now LSTM\n" in said


def sequential_of_steps() -> Any:
    return keras.Sequential([layers.Reshape((-1, 1)), layers.LSTM(2, name="deep")])


class Own(layers.LSTM):
    """A user's class."""


class OwnCell(layers.LSTMCell):
    """A user's cell."""


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (lambda: layers.LSTM(2, use_cudnn=True, name="kept"), "asks for NVIDIA's kernel"),
        (
            lambda: layers.LSTM(2, recurrent_dropout=0.1, name="kept"),
            "recurrent_dropout for each gate",
        ),
        (lambda: layers.LSTM(2, dropout=0.1, implementation=1, name="kept"), "implementation=1"),
        (lambda: Own(2, name="kept"), "Own with LSTMCell may compute a step of its own"),
        (
            lambda: layers.RNN(OwnCell(2), name="kept"),
            "RNN with OwnCell may compute a step of its own",
        ),
        (
            lambda: layers.RNN(layers.LSTMCell(2, dtype="float64"), name="kept"),
            "another dtype, float64",
        ),
    ],
)
def test_what_stays_is_said(layer: Any, words: str, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(layers.LSTM, "inner_loop", layers.RNN.inner_loop)  # no cuDNN here
    kept = layer()
    model = sequential(kept)
    same, said = said_of(model, capsys)
    assert same is model
    assert said.startswith("kept: ")
    assert words in said
    both = sequential(layers.LSTM(2, return_sequences=True), layer())
    fast, said = said_of(both, capsys)
    assert words in said
    assert type(fast.layers[0]) is ClassicLSTM
    assert type(fast.layers[1]) is type(kept)
    assert getattr(fast.layers[1], "use_cudnn", None) == getattr(kept, "use_cudnn", None)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (lambda: PeepholeLSTM(2), "Keras has no PeepholeLSTM"),
        (lambda: ClassicLSTM(2, gradient="truncated"), "no gradient='truncated'"),
        (lambda: ClassicLSTM(2, block_size=2), "no block_size=2"),
        (lambda: ClassicLSTM(2, use_bias="gates"), "no use_bias='gates'"),
        (lambda: ClassicLSTM(2, output_activation="linear"), "no output_activation="),
        (lambda: ClassicLSTM(2, activation="centered_sigmoid_1"), "is of this package"),
        (lambda: ClassicLSTM(2, recurrent_dropout=0.1), "recurrent_dropout for each gate"),
    ],
)
def test_what_keras_does_not_have(layer: Any, words: str, capsys: Any) -> None:
    model = sequential(layer())
    same, said = said_of(model, capsys, back=True)
    assert same is model
    assert words in said


def test_on_a_gpu_nothing_changes(monkeypatch: Any, capsys: Any) -> None:
    module = __import__("sys").modules["keras_lstm_ext.acceleration.accelerate"]
    monkeypatch.setattr(module, "gpu", lambda: "a GPU")
    model = sequential(layers.LSTM(2))
    same, said = said_of(model, capsys)
    assert same is model
    assert "stays as it is: Keras computes on a GPU" in said
    assert accelerate(sequential(ClassicLSTM(2)), back=True).layers[0].__class__ is layers.LSTM


def test_without_lstm(capsys: Any) -> None:
    model = sequential(layers.GRU(2, name="gru"))
    same, said = said_of(model, capsys)
    assert same is model
    assert said.endswith("has no LSTM layer\n")


def test_quiet(capsys: Any) -> None:
    accelerate(sequential(layers.LSTM(2)), verbose=False)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("given", [layers.LSTM(2), keras.Sequential([layers.LSTM(2)]), None])
def test_no_built_model(given: Any) -> None:
    with pytest.raises(ValueError, match=r"`model` must be a built Keras model\. Received"):
        accelerate(given)


class NoConfig(layers.Layer):
    """A layer that Keras cannot clone."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.lstm, self.dense = layers.LSTM(units), layers.Dense(units)

    def call(self, x: Any) -> Any:
        return self.dense(self.lstm(x))


def test_what_keras_cannot_clone_is_named() -> None:
    model = sequential(NoConfig(2), layers.Dense(1))
    words = r"the layer 'no_config.*needs a `get_config`.*Received: <NoConfig name=\S+ built=True>$"
    with pytest.raises(ValueError, match=words):
        accelerate(model)


def test_there_and_back_without_a_call_between(capsys: Any) -> None:
    model = Whole(2)
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, normal(2, 2), verbose=0)  # which does not call the copy
    fast = accelerate(model)
    assert fast.built
    plain, said = said_of(fast, capsys, back=True)
    assert "ClassicLSTM is now LSTM" in said
    np.testing.assert_allclose(outputs(plain), outputs(model), atol=1e-6)


def test_a_lambda_is_in_both() -> None:
    model = sequential(layers.LSTM(2), layers.Lambda(lambda h: 2 * h))
    np.testing.assert_allclose(outputs(accelerate(model)), outputs(model), atol=1e-6)


def test_nothing_is_shared() -> None:
    model = sequential(layers.LSTM(2, return_sequences=True), layers.Dense(2))
    before, fast = outputs(model), accelerate(model)
    for weight in fast.weights:
        weight.assign(weight + 1.0)
    np.testing.assert_array_equal(outputs(model), before)


def test_flags_of_layers_and_of_weights() -> None:
    inner = keras.Sequential([keras.Input((5, 3)), layers.LSTM(2), layers.Dense(2)])
    model = sequential(inner, layers.Dense(1))
    model.trainable = False
    inner.layers[1].trainable = True
    inner.layers[0].cell.bias.trainable = True
    fast = accelerate(model)
    for ours, theirs in zip(layers_of(fast), layers_of(model), strict=True):
        assert ours.trainable == theirs.trainable
    assert [w.trainable for w in fast.weights] == [w.trainable for w in model.weights]
    assert any(w.trainable for w in fast.weights)


def test_states_of_a_stateful_layer() -> None:
    model = keras.Sequential([keras.Input(batch_shape=(2, 5, 3)), layers.LSTM(2, stateful=True)])
    model(X)
    fast = accelerate(model)
    np.testing.assert_allclose(outputs(fast), outputs(model), atol=1e-6)


def test_a_layer_that_is_called_twice_stays_one() -> None:
    x = keras.Input((5, 3))
    twice = layers.LSTM(3, return_sequences=True)
    fast = accelerate(keras.Model(x, layers.LSTM(2)(twice(twice(x)))))
    assert len(fast.weights) == 6


def test_models_that_share_layers_in_attributes() -> None:
    class Shares(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(3)
            self.lstm = layers.LSTM(3, return_sequences=True)
            self.net = keras.Sequential([self.lstm, self.dense])

        def call(self, x: Any) -> Any:
            return self.dense(self.lstm(self.net(x)))

        def get_config(self) -> Any:
            return {}

    model = Shares()
    model(X)
    fast = accelerate(model)
    assert len(fast.weights) == len(model.weights) == 5
    assert fast.net.layers[0] is fast.lstm
    np.testing.assert_allclose(outputs(fast), outputs(model), atol=1e-6)


def test_the_compilation_of_what_has_no_name() -> None:
    model = sequential(layers.LSTM(2))
    model.compile(
        keras.optimizers.Adam(0.1, beta_1=0.5),
        loss=lambda y, p: keras.ops.mean(keras.ops.abs(y - p)),
        metrics=[keras.metrics.MeanSquaredError(name="squares")],
        run_eagerly=True,
    )
    y = normal(2, 2, seed=2)
    model.train_on_batch(X, y)
    fast = accelerate(model)
    assert fast.optimizer is not model.optimizer
    assert fast.optimizer.get_config() == model.optimizer.get_config()
    model.reset_metrics()  # Keras 3.12 takes the mean with the batch before
    ours, theirs = (m.train_on_batch(X, y, return_dict=True) for m in (fast, model))
    assert set(ours) == {"loss", "squares"}
    assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)


def test_an_optimizer_of_other_weights_begins_anew(capsys: Any) -> None:
    model = sequential(layers.LSTM(2), layers.Dense(1))
    model.compile("adam", "mse", run_eagerly=True)
    model.train_on_batch(X, normal(2, 1))
    model.layers[1].trainable = False
    _, said = said_of(model, capsys)
    assert "begins anew" in said


def test_a_compile_of_ones_own_is_said(capsys: Any) -> None:
    class Compiles(Whole):
        def compile(self, speed: float) -> None:
            super().compile("sgd", "mse")

    model = Compiles(2)
    model(X)
    model.compile(1.0)
    with pytest.warns(UserWarning, match="compile"):
        _, said = said_of(model, capsys)
    assert "is not compiled: its class has a compile() of its own" in said


def test_a_functional_model_of_ones_own_class(capsys: Any) -> None:
    class Made(keras.Model):
        def __init__(self, units: int = 2) -> None:
            x = keras.Input((5, 3))
            both = layers.Bidirectional(layers.LSTM(units, return_sequences=True), name="both")
            super().__init__(x, layers.LSTM(units, name="fixed")(both(x)))

        def get_config(self) -> Any:
            return {}

    model = Made()
    fast, said = said_of(model, capsys)
    assert type(fast) is Made
    assert "fixed: LSTM as before: Keras cannot clone what holds it" in said
    assert type(fast.get_layer("both").forward_layer) is ClassicLSTM
    np.testing.assert_allclose(outputs(fast), outputs(model), atol=1e-6)


def test_what_has_no_public_way_is_still_there() -> None:
    """When Keras changes these, `copies` and `state` need another way."""
    owner = Attributes(2)
    old, new = owner.first, ClassicLSTM(2)
    order = [layer.name for layer in layers_of(owner)]
    copies._track_instead(owner, old, new)
    assert [layer.name for layer in layers_of(owner)][1] == new.name
    assert len(layers_of(owner)) == len(order)
    model = sequential(layers.Dense(1))
    model.compile("sgd", loss := lambda y, p: p)
    assert state._compiled_with(model)["loss"] is loss


def test_names_are_not_hidden() -> None:
    assert keras_lstm_ext.accelerate is accelerate is function
    assert ClassicLSTMCell in keras_lstm_ext.acceleration.counterparts.PAIRS.values()
