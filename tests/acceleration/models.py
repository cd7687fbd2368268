"""Random models with LSTMs in all the places that Keras has for them."""

from typing import Any

import keras
import numpy as np
from keras import layers

FEATURES, STEPS, BATCH, WORDS = 3, 6, 4, 9


class Attributes(keras.layers.Layer):
    """What users write: layers in attributes, in a list and in a dictionary."""

    def __init__(self, units: int, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.rate = units, dropout
        self.first = layers.LSTM(units, return_sequences=True, dropout=dropout)
        self.many = [layers.Dense(units), layers.LSTM(units + 1, return_sequences=True)]
        self.by_name = {"last": layers.RNN(layers.LSTMCell(units), return_sequences=True)}

    def build(self, shape: Any) -> None:
        self.late = layers.LSTM(self.units, return_sequences=True)  # not there before
        self.late.build((None, None, self.units))

    def call(self, x: Any, training: bool = False) -> Any:
        x = self.first(x, training=training)
        for layer in self.many:
            x = layer(x)
        return self.late(self.by_name["last"](x))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "dropout": self.rate}


class Whole(keras.Model):
    """A subclassed model."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.inside = Attributes(units)
        self.net = keras.Sequential([layers.LSTM(units), layers.Dense(2)])

    def call(self, x: Any, training: bool = False) -> Any:
        return self.net(self.inside(x, training=training), training=training)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


class Draw:
    """Draws parts of a model; each takes and gives sequences."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def one(self, *choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def arguments(self, **more: Any) -> dict[str, Any]:
        return {
            "units": int(self.rng.integers(2, 6)),
            "return_sequences": True,
            "use_bias": bool(self.rng.integers(4)),
            "activation": self.one(*["tanh"] * 30, "softsign"),  # for which XLA compiles
            "recurrent_activation": self.one(*["sigmoid"] * 30, "hard_sigmoid"),
            "bias_initializer": "glorot_uniform" if self.rng.integers(2) else "zeros",
            "unit_forget_bias": bool(self.rng.integers(2)),
            "kernel_regularizer": self.one(None, "l2"),
            "recurrent_constraint": self.one(None, keras.constraints.MaxNorm(1.5)),
            "dropout": self.one(0.0, 0.0, 0.3),
            "seed": int(self.rng.integers(1000)),
            "trainable": bool(self.rng.integers(6)),
            **more,
        }

    def layer(self, masked: bool) -> Any:
        """A layer from sequences to sequences."""
        kinds = ["lstm", "lstm", "backwards", "bidirectional", "cell", "stack", "kept"]
        kinds += [] if masked else ["steps", "nested", "attributes", "unrolled"]
        return getattr(self, f"_{self.one(*kinds)}")()

    def _lstm(self) -> Any:
        return layers.LSTM(**self.arguments())

    def _backwards(self) -> Any:
        return layers.LSTM(**self.arguments(go_backwards=True))

    def _unrolled(self) -> Any:
        return layers.LSTM(**self.arguments(unroll=True))

    def _bidirectional(self) -> Any:
        other = self.one(True, False)
        made = self.arguments()
        backward = None
        if other:  # of the same size: Keras takes it to be so
            fixed = {"go_backwards": True, "units": made["units"]}
            backward = layers.LSTM(**(self.arguments() | fixed))
        merge = "concat" if other else self.one("concat", "sum", "ave")
        return layers.Bidirectional(
            layers.LSTM(**made), backward_layer=backward, merge_mode=merge, trainable=True
        )

    def _cell(self) -> Any:
        return layers.RNN(layers.LSTMCell(**self._of_cell()), return_sequences=True)

    def _stack(self) -> Any:
        cells = [layers.LSTMCell(**self._of_cell()) for _ in range(2)]
        return layers.RNN(cells, return_sequences=True)

    def _of_cell(self) -> dict[str, Any]:
        made = self.arguments()
        del made["return_sequences"]
        return made

    def _kept(self) -> Any:
        """One that must stay: with a mask per gate, or another kind of network."""
        dropped = layers.LSTM(**self.arguments(recurrent_dropout=0.3))
        return self.one(dropped, layers.GRU(3, return_sequences=True))

    def _steps(self) -> Any:
        inner = [layers.Reshape((-1, 1)), layers.LSTM(**self.arguments(return_sequences=False))]
        return layers.TimeDistributed(keras.Sequential(inner))

    def _nested(self) -> Any:
        return keras.Sequential([self._lstm(), layers.Dropout(0.2), self._bidirectional()])

    def _attributes(self) -> Any:
        return Attributes(3, self.one(0.0, 0.2))


def squares(y: Any, p: Any) -> Any:
    """A loss that Keras finds under no name."""
    return keras.ops.mean(keras.ops.square(y - p), axis=-1)


def random_model(seed: int) -> tuple[Any, Any, Any]:
    """A compiled model, inputs and targets for it."""
    draw = Draw(seed)
    kind = draw.one("sequential", "functional", "functional", "words", "padded", "stateful", "own")
    x = draw.rng.normal(size=(2 * BATCH, STEPS, FEATURES)).astype("float32")
    y = draw.rng.normal(size=(2 * BATCH, 2)).astype("float32")
    if kind == "words":
        x = draw.rng.integers(1, WORDS, (2 * BATCH, STEPS))
    if kind in ("words", "padded"):
        x[np.arange(STEPS) >= draw.rng.integers(1, STEPS + 1, len(x))[:, None]] = 0
    model = globals()[f"_{kind}"](draw, x)
    optimizer = draw.one(
        keras.optimizers.SGD(0.05, momentum=0.9), keras.optimizers.Adam(0.01, epsilon=0.1)
    )
    model.compile(optimizer, squares, metrics=["mae"], run_eagerly=seed % 5 > 0)
    return model, x, y


def _sequential(draw: Draw, x: Any) -> Any:
    parts = [draw.layer(masked=False) for _ in range(draw.one(1, 2, 3))]
    return keras.Sequential([keras.Input(x.shape[1:]), *parts, _last(draw), layers.Dense(2)])


def _last(draw: Draw) -> Any:
    return layers.LSTM(**draw.arguments(return_sequences=False))


def _functional(draw: Draw, x: Any) -> Any:
    inputs = keras.Input(x.shape[1:])
    first = draw.layer(masked=False)(inputs)
    units = 3
    encoder = layers.LSTM(**draw.arguments(units=units, return_state=True))
    y, h, c = encoder(first)
    decoder = layers.LSTM(**draw.arguments(units=units))
    once = decoder(y, initial_state=[h, c])
    twice = decoder(once)  # a layer that is called twice
    both = layers.Concatenate()([once, keras.ops.tanh(twice), first])
    return keras.Model(inputs, layers.Dense(2)(_last(draw)(both)))


def _words(draw: Draw, x: Any) -> Any:
    inputs = keras.Input((None,), dtype="int32")
    h = layers.Embedding(WORDS, 4, mask_zero=True)(inputs)
    for _ in range(draw.one(1, 2)):
        h = draw.layer(masked=True)(h)
    return keras.Model(inputs, layers.Dense(2)(_last(draw)(h)))


def _padded(draw: Draw, x: Any) -> Any:
    parts = [draw.layer(masked=True) for _ in range(draw.one(1, 2))]
    start = [keras.Input((None, FEATURES)), layers.Masking()]
    return keras.Sequential([*start, *parts, _last(draw), layers.Dense(2)])


def _stateful(draw: Draw, x: Any) -> Any:
    parts = [layers.LSTM(**draw.arguments(stateful=True)) for _ in range(2)]
    inputs = keras.Input(batch_shape=(BATCH, *x.shape[1:]))
    return keras.Sequential([inputs, *parts, _last(draw), layers.Dense(2)])


def _own(draw: Draw, x: Any) -> Any:
    model = Whole(3)
    model(x[:BATCH])
    return model
