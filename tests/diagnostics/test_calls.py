"""Which layer, which of its cells, which of its calls: what is shown is what was asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, ClassicLSTMCell, PeepholeLSTM, PeepholeLSTMCell
from keras_lstm_ext.diagnostics import gate_trace, gradient_flow, saturation
from tests.backends import BACKEND
from tests.contract.family import normal, randomize
from tests.diagnostics.test_gradient import by_reference
from tests.equations.oracle import FEATURES, UNITS, Case

ROWS = 2
A, B = normal(ROWS, 4, FEATURES, seed=1), normal(ROWS, 5, FEATURES, seed=2)


@dataclass
class Calls:
    """A model that calls a layer, and the sequences of each call."""

    model: Any
    layer: Any
    x: Any
    parts: list[np.ndarray]


class Own(keras.layers.Layer):
    """A user's layer, with a list of layers and one behind an attribute of an attribute."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.steps = [keras.layers.Dropout(0.5), {"recurrent": inner}]

    def call(self, x: Any) -> Any:
        return self.steps[1]["recurrent"](self.steps[0](x))

    def compute_output_shape(self, shape: Any) -> Any:
        return (shape[0], UNITS)


class Subclassed(keras.Model):
    """A user's model."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = Own(inner)

    def call(self, x: Any) -> Any:
        return self.inner(x)


def two_inputs(merge: Callable[[Any, Any], Any], shared: Any, encoder: Any) -> Calls:
    a, b = keras.Input((4, FEATURES)), keras.Input((5, FEATURES))
    model = keras.Model([a, b], merge(encoder(a), encoder(b)))
    return Calls(model, shared, [A, B], [A, B])


def difference() -> Calls:
    layer = randomize(PeepholeLSTM(UNITS))
    return two_inputs(lambda a, b: a - b, layer, layer)


def siamese() -> Calls:
    layer = randomize(PeepholeLSTM(UNITS, dropout=0.3))
    encoder = keras.Sequential([keras.Input((None, FEATURES)), layer])
    return two_inputs(lambda a, b: a + b, layer, encoder)


def in_own_layer() -> Calls:
    layer = randomize(ClassicLSTM(UNITS))
    return Calls(Subclassed(layer), layer, A, [A])


def parts() -> Calls:
    layer = randomize(ClassicLSTM(UNITS))
    x = normal(ROWS, 3, 4, FEATURES)
    inputs = keras.Input((3, 4, FEATURES))
    model = keras.Model(inputs, keras.layers.TimeDistributed(layer)(inputs))
    return Calls(model, layer, x, [x[:, 0], x[:, 1], x[:, 2]])


def nested() -> Calls:
    layer = randomize(PeepholeLSTM(UNITS))
    for _ in range(2):
        inputs = keras.Input((4, FEATURES))
        outer = keras.Model(inputs, layer(inputs))
    return Calls(keras.Sequential([keras.Input((4, FEATURES)), Own(outer)]), layer, A, [A])


MODELS = {f.__name__: f for f in (difference, siamese, in_own_layer, parts, nested)}


@pytest.mark.parametrize("name", MODELS)
def test_each_call_shows_its_own_values(name: str) -> None:
    case = MODELS[name]()
    count = len(case.parts)
    for call, x in enumerate(case.parts):
        asked = call if count > 1 else None
        trace = gate_trace(case.layer, case.x, case.model, call=asked)
        assert (trace.layer, trace.call, trace.calls) == (case.layer.name, call, count)
        assert_same(trace, gate_trace(case.layer, x))
        assert_same(gate_trace(case.layer, case.x, case.model, call=call - count), trace)


def assert_same(given: Any, expected: Any) -> None:
    assert list(given) == list(expected)
    for k in given:
        np.testing.assert_allclose(given[k], expected[k], atol=1e-6)


LOSSES = {"difference": (1.0, -1.0), "siamese": (1.0, 1.0), "in_own_layer": (1.0,)}


@pytest.mark.parametrize("name", LOSSES)
def test_each_call_has_a_flow_of_its_own(name: str) -> None:
    case, weights = MODELS[name](), normal(ROWS, UNITS, seed=9)
    case.model.compile(loss=lambda y, outputs: keras.ops.sum(y * outputs, axis=1))
    variant = "peephole" if isinstance(case.layer, PeepholeLSTM) else "classic"
    for call, (x, sign) in enumerate(zip(case.parts, LOSSES[name], strict=True)):
        asked = call if len(case.parts) > 1 else None
        flow = gradient_flow(case.model, case.x, weights, call=asked)
        d_outputs = np.zeros((*x.shape[:2], UNITS))
        d_outputs[:, -1] = sign * weights / ROWS
        expected = by_reference(Case(variant), case.layer, x, d_outputs)
        assert flow.h[:, -1].min() > 0.01
        np.testing.assert_allclose(flow.h, expected.h, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(flow.c, expected.c, rtol=1e-4, atol=1e-6)
        assert (flow.call, flow.calls) == (call, len(case.parts))


def test_a_call_without_an_error_has_none() -> None:
    """Beside the trace of a call stands the flow of this call and of no other."""
    case = two_inputs(lambda a, b: a + 0.0 * b, *[randomize(ClassicLSTM(UNITS))] * 2)
    case.model.compile(loss="mse")
    first, second = (gradient_flow(case.model, case.x, normal(ROWS, UNITS), call=k) for k in (0, 1))
    assert first.c.shape == (ROWS, 4)
    assert first.c.min() > 0
    assert second.c.shape == (ROWS, 5)
    assert not second.c.any()


def test_finite_differences_of_a_sum() -> None:
    """The derivative by h at the last step is that by a number added to it."""
    case = two_inputs(lambda a, b: a * b, *[randomize(PeepholeLSTM(UNITS))] * 2)
    case.model.compile(loss="mse")
    y = normal(ROWS, UNITS, seed=4)
    a, b = (gate_trace(case.layer, x)["h"][:, -1].astype("float64") for x in (A, B))
    flow, step = gradient_flow(case.model, case.x, y, call=1), 1e-6

    def loss(b: np.ndarray) -> float:
        return float(np.mean((a * b - y) ** 2))

    by_hand = np.zeros_like(b)
    for at in np.ndindex(*b.shape):
        moved = np.zeros_like(b)
        moved[at] = step
        by_hand[at] = (loss(b + moved) - loss(b - moved)) / (2 * step)
    np.testing.assert_allclose(flow.h[:, -1], np.linalg.norm(by_hand, axis=1), rtol=1e-4)


def test_a_mask_belongs_to_its_call() -> None:
    layer = randomize(ClassicLSTM(UNITS, go_backwards=True))
    a, b, mask = (
        keras.Input((4, FEATURES)),
        keras.Input((5, FEATURES)),
        keras.Input((4,), dtype="bool"),
    )
    model = keras.Model([a, b, mask], layer(a, mask=mask) - layer(b))
    model.compile(loss="mse")
    valid = np.arange(4) < np.array([[3], [4]])
    x = [A, B, valid]
    for call, expected in enumerate((valid[:, ::-1], np.ones((ROWS, 5), bool))):
        trace = gate_trace(layer, x, model, call=call)
        np.testing.assert_array_equal(~np.isnan(trace["c"][..., 0]), expected)
        flow = gradient_flow(model, x, normal(ROWS, UNITS), call=call)
        np.testing.assert_array_equal(~np.isnan(flow.c), expected)
        assert flow.reach(1e-6).tolist() == [int(n) - 1 for n in expected.sum(axis=1)]


@pytest.mark.parametrize("call", [None, 2, -3, "first", 0.5])
def test_a_call_must_be_chosen(call: Any) -> None:
    case = difference()
    case.model.compile(loss="mse")
    y = normal(ROWS, UNITS)
    for look in (
        lambda: gate_trace(case.layer, case.x, case.model, call=call),
        lambda: gradient_flow(case.model, case.x, y, call=call),
    ):
        with pytest.raises(ValueError, match=r"`call`.*from 0 to 1.*0: \(2, 4, 5\), 1: \(2, 5, 5"):
            look()


def test_saturation_is_of_all_calls_or_one() -> None:
    layer = ClassicLSTM(1)
    layer.build((None, None, 1))
    kernel, recurrent, bias = (np.zeros(w.shape, "float32") for w in layer.weights)
    kernel[0, 0] = 10.0  # i follows the sign of x
    bias[2:] = 9.0
    layer.set_weights([kernel, recurrent, bias])
    a, b = keras.Input((3, 1)), keras.Input((1, 1))
    model = keras.Model([a, b], layer(a) + layer(b))
    x = [np.full((2, 3, 1), 1.0, "float32"), np.full((2, 1, 1), -1.0, "float32")]
    assert saturation(layer, x, model).near_1["i"].tolist() == [0.75]
    assert saturation(layer, x, model).dead.tolist() == []
    assert saturation(layer, x, model, call=0).near_1["i"].tolist() == [1.0]
    second = saturation(layer, x, model, call=1)
    assert (second.near_1["i"].tolist(), second.dead.tolist()) == ([0.0], [0])


@pytest.mark.parametrize(
    "options", [{"go_backwards": True}, {"use_bias": False, "activation": "relu"}]
)
def test_keras_lstm_is_a_classic_lstm(options: dict[str, Any]) -> None:
    plain, ours = keras.layers.LSTM(UNITS, **options), randomize(ClassicLSTM(UNITS, **options))
    traced = gate_trace(randomize(plain), A)
    assert_same(traced, gate_trace(ours, A))
    last = keras.ops.convert_to_numpy(plain(A))
    np.testing.assert_allclose(traced["h"][:, -1], last, atol=1e-6)
    y, flows = normal(ROWS, UNITS), []
    for layer in (plain, ours):
        model = keras.Sequential([keras.Input((4, FEATURES)), layer])
        model.compile(loss="mse")
        flows.append(gradient_flow(model, A, y))
    np.testing.assert_allclose(flows[0].c, flows[1].c, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(flows[0].h, flows[1].h, rtol=1e-4, atol=1e-7)


def test_both_directions_of_a_keras_lstm() -> None:
    both = randomize(keras.layers.Bidirectional(keras.layers.LSTM(UNITS, return_sequences=True)))
    model = keras.Sequential([keras.Input((4, FEATURES)), both])
    outputs = model.predict(A, verbose=0)
    forward, backward = both.forward_layer, both.backward_layer
    assert_close = np.testing.assert_allclose
    assert_close(gate_trace(forward, A, model)["h"], outputs[..., :UNITS], atol=1e-6)
    assert_close(gate_trace(backward, A, model)["h"][:, ::-1], outputs[..., UNITS:], atol=1e-6)
    assert forward.use_cudnn == backward.use_cudnn == "auto"


def stack() -> tuple[Any, Any, Any]:
    """A stack of cells, and the same as two layers."""
    layer = keras.layers.RNN([PeepholeLSTMCell(UNITS), keras.layers.LSTMCell(3)])
    layer.build((None, None, FEATURES))
    weights = [normal(*w.shape, seed=k, scale=0.5) for k, w in enumerate(layer.weights)]
    layer.set_weights(weights)
    first, second = PeepholeLSTM(UNITS, return_sequences=True), ClassicLSTM(3)
    first.build((None, None, FEATURES)), second.build((None, None, UNITS))
    first.set_weights(weights[:4]), second.set_weights(weights[4:])
    return layer, first, second


@pytest.mark.slow
def test_a_stack_of_cells() -> None:
    layer, first, second = stack()
    models = [
        keras.Sequential([keras.Input((4, FEATURES)), *layers])
        for layers in ([layer], [first, second])
    ]
    y = normal(ROWS, 3)
    for model in models:
        model.compile(loss="mse")
    for cell, one in enumerate((first, second)):
        given = gate_trace(layer, A, models[0], cell=cell)
        assert given.layer == f"{layer.name}, cell {cell}"
        assert_same(given, gate_trace(one, A, models[1]))
        flow = gradient_flow(models[0], A, y, cell=cell)
        expected = gradient_flow(models[1], A, y, one)
        np.testing.assert_allclose(flow.c, expected.c, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(flow.h, expected.h, rtol=1e-4, atol=1e-7)
    for cell in (None, 2):
        with pytest.raises(ValueError, match=r"`cell` must say which.*from 0 to 1"):
            gate_trace(layer, A, cell=cell)


def test_a_subclass_of_a_cell_is_run_as_it_is() -> None:
    class Twice(ClassicLSTMCell):
        def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
            return super().call(2.0 * inputs, states, training)

    class Normed(keras.layers.LSTMCell):
        def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
            return super().call(2.0 * inputs, states, training)

    layer = keras.layers.RNN(Twice(UNITS), return_sequences=True)
    randomize(layer)
    expected = keras.ops.convert_to_numpy(layer(A))
    np.testing.assert_allclose(gate_trace(layer, A)["h"], expected, atol=1e-6)
    with pytest.raises(ValueError, match=r"with its own equations.*Normed"):
        gate_trace(keras.layers.RNN(Normed(UNITS)), A)


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "tensorflow", reason="of TensorFlow")
def test_inside_a_compiled_function() -> None:
    import tensorflow as tf

    class Compiled(keras.layers.Layer):
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        @tf.function(jit_compile=True)
        def call(self, x: Any) -> Any:
            return self.inner(x)

    layer = randomize(ClassicLSTM(UNITS))
    model = keras.Sequential([keras.Input((4, FEATURES)), Compiled(layer)])
    assert_same(gate_trace(layer, A, model), gate_trace(layer, A))
    assert not tf.config.functions_run_eagerly()


@pytest.mark.slow
def test_inside_a_mapped_function() -> None:
    layer = randomize(ClassicLSTM(UNITS))

    class Mapped(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return keras.ops.vectorized_map(lambda row: layer(row[None])[0], x)

        def compute_output_shape(self, shape: Any) -> Any:
            return (shape[0], UNITS)

    inputs = keras.Input((4, FEATURES))
    model = keras.Model(inputs, Mapped()(inputs))
    with pytest.raises(ValueError, match=r"`model` must run .* step by step.*Received: a model"):
        gate_trace(layer, A, model)


def test_a_new_model_keeps_the_weights_that_it_was_seen_with() -> None:
    layer = ClassicLSTM(UNITS)
    model = keras.Sequential([keras.layers.Dense(6), layer])
    once = gate_trace(layer, A, model)
    assert_same(gate_trace(layer, A, model), once)


def test_layers_elsewhere_are_named() -> None:
    layer = ClassicLSTM(UNITS, name="reader")
    both = randomize(keras.layers.Bidirectional(layer))
    model = keras.Sequential([keras.Input((4, FEATURES)), both])
    layer.build((None, None, FEATURES))
    words = r"does not call 'reader'.*'forward_reader', 'backward_reader'"
    with pytest.raises(ValueError, match=words):
        gate_trace(layer, A, model)
    with pytest.raises(ValueError, match=r"`layer` must be.*'forward_reader'"):
        gate_trace(model, A)
    with pytest.raises(ValueError, match=r"`x` must be what .* Received: x of shape \(2, 4\)"):
        gate_trace(both.forward_layer, A[:, :, 0], model)
    with pytest.raises(ValueError, match=r"`layer` must be.*not its name: model.get_layer"):
        gate_trace("forward_reader", A, model)
