"""The flow of the error, beside the backward pass of the reference."""

from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import CECLSTM, ClassicLSTM, PeepholeLSTM, reference
from keras_lstm_ext.diagnostics import GradientFlow, gradient_flow
from tests.contract.family import normal, randomize
from tests.equations import oracle
from tests.equations.oracle import Case

CASES = {
    "cec": Case("cec"),
    "original": Case("original", {"block_size": 2}),
    "original full": Case("original", {"gradient": "full"}),
    "classic": Case("classic", {"go_backwards": True}),
    "peephole": Case("peephole", mask="holes"),
    "peephole truncated": Case("peephole", {"gradient": "truncated"}, mask="right"),
}


@dataclass
class Recorder:
    """A variant of the reference that notes the errors which its way back computes, in one row."""

    variant: Any
    h: list[float] = field(default_factory=list)
    c: list[float] = field(default_factory=list)

    def step_backward(self, t: Any, d_state: Any, w: Any, cell: Any) -> Any:
        results = self.variant.step_backward(t, d_state, w, cell)
        # The bias of the cell input has the error of its net, dc i a'(net).
        d_c = results[2]["b_c"] / (
            reference.spread(t.i[0], cell.block_size) * cell.activation.slope(t.g[0])
        )
        self.h.insert(0, float(np.linalg.norm(d_state[0])))
        self.c.insert(0, float(np.linalg.norm(d_c)))
        return results


def by_reference(case: Case, layer: Any, x: np.ndarray, d_outputs: np.ndarray) -> GradientFlow:
    mask, rows = oracle.mask_of(case), []
    options = {k: case.arguments[k] for k in ("go_backwards", "block_size") if k in case.arguments}
    for k in range(len(x)):
        run = reference.forward(
            case.variant,
            x[k : k + 1].astype("float64"),
            tuple(np.zeros((1, size)) for size in layer.state_size),
            oracle.split(case, layer),
            None if mask is None else mask[k : k + 1],
            gradient=layer.variant.gradient,
            **options,
        )
        recorder = Recorder(run.variant)
        reference.backward(replace(run, variant=recorder), d_outputs[k : k + 1])
        skipped = run.valid[0] == 0
        rows.append([np.where(skipped, np.nan, each) for each in (recorder.h, recorder.c)])
    return GradientFlow(*np.stack(rows, axis=1))


@pytest.mark.parametrize("name", CASES)
def test_the_errors_are_those_of_the_reference(name: str) -> None:
    case = CASES[name]
    layer = case.layer(return_state=False)
    x, mask = keras.Input((7, oracle.FEATURES)), keras.Input((7,), dtype="bool")
    outputs = keras.layers.Flatten()(layer(x, mask=mask))  # a loss would skip masked steps itself
    model = keras.Model([x, mask], outputs)
    oracle.randomize(layer)
    model.compile(loss=lambda y, outputs: keras.ops.sum(y * outputs, axis=1))

    array, weights = normal(3, 7, oracle.FEATURES), normal(3, 7, oracle.UNITS, seed=1)
    valid = np.ones((3, 7), bool) if case.mask == "none" else oracle.mask_of(case)
    given = gradient_flow(model, [array, valid], weights.reshape(3, -1))
    expected = by_reference(case, layer, array, weights / 3)
    for k in ("h", "c"):
        np.testing.assert_allclose(getattr(given, k), getattr(expected, k), rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_one_layer_of_many_is_named() -> None:
    first = ClassicLSTM(4, return_sequences=True)
    both = keras.layers.Bidirectional(PeepholeLSTM(3))
    inner = keras.Sequential([keras.Input((4, 4)), both])
    stack = [keras.Input((4, 5)), first, inner, keras.layers.Dense(1)]
    model = randomize(keras.Sequential(stack))
    model.compile(loss="mse")
    x, y = normal(2, 4, 5), normal(2, 1)
    with pytest.raises(ValueError, match=f"`layer`.*{first.name}.*forward"):
        gradient_flow(model, x, y)
    for layer in (first, both.forward_layer, both.backward_layer):
        flow = gradient_flow(model, x, y, layer)
        assert flow.h.shape == flow.c.shape == (2, 4)
        assert (flow.c > 0).all()


def test_reach() -> None:
    nan = np.nan
    c = np.array([[0.001, 0.5, 0.02, 1.0], [1.0, 0.0, nan, nan], [0, 0, 0, 0], [0, 2.0, nan, 1.0]])
    flow = GradientFlow(h=c, c=c)
    assert flow.reach().tolist() == [2, 1, 0, 2]
    assert flow.reach(0.3).tolist() == [2, 1, 0, 2]
    assert flow.reach(0.7).tolist() == [0, 1, 0, 2]


def test_a_model_without_loss() -> None:
    model = keras.Sequential([keras.Input((7, 5)), CECLSTM(2)])
    with pytest.raises(ValueError, match="`model` must be compiled"):
        gradient_flow(model, normal(2, 7, 5), normal(2, 2))


def test_reach_of_what_is_not_finite() -> None:
    c = np.array([[1.0, 1.0], [np.nan, 1.0], [1.0, np.inf]])
    valid = np.array([[True, True], [False, True], [True, True]])
    assert GradientFlow(c[:2], c[:2], valid[:2]).reach().tolist() == [1, 0]
    with pytest.raises(ValueError, match=r"finite.*rows \[2\]"):
        GradientFlow(c, c, valid).reach()
    with pytest.raises(ValueError, match=r"finite.*rows \[1, 2\]"):
        GradientFlow(c, c, np.ones_like(valid)).reach()


X, Y, Y2 = normal(4, 3, 5), normal(4, 1, seed=1), normal(4, 2, seed=2)
TARGETS: dict[str, Any] = {
    "a list": [Y, Y2],
    "a tuple": (Y, Y2),
    "a dictionary": {"a": Y, "b": Y2},
}


def two_outputs() -> tuple[Any, Any]:
    x = keras.Input((3, 5))
    h = randomize(ClassicLSTM(2))(x)
    a, b = keras.layers.Dense(1, name="a")(h), keras.layers.Dense(2, name="b")(h)
    models = keras.Model(x, [a, b]), keras.Model(x, {"a": a, "b": b})
    for model in models:
        model.compile(loss={"a": "mse", "b": "mse"})
    return models


def test_targets_of_several_outputs() -> None:
    models = two_outputs()
    d = {}
    for k, model in enumerate(models):
        for name, y in TARGETS.items():
            d[k, name] = gradient_flow(model, X, y).c
    expected = d[0, "a list"]
    assert expected.min() > 0
    for name, c in d.items():
        np.testing.assert_allclose(c, expected, rtol=1e-5, err_msg=str(name))
    with pytest.raises(ValueError, match=r"`y` must be.*\[\(4, 1\), \(4, 2\)\].*Received: y of sh"):
        gradient_flow(models[0], X, Y)


class Batches(keras.utils.PyDataset):
    """Two batches."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, k: int) -> Any:
        return X[2 * k : 2 * k + 2], Y[2 * k : 2 * k + 2], np.array([1.0, 0.0])


def test_data_sets_and_weights_of_rows() -> None:
    model = randomize(
        keras.Sequential([keras.Input((3, 5)), ClassicLSTM(2), keras.layers.Dense(1)])
    )
    model.compile(loss="mse")
    flow = gradient_flow(model, Batches())
    expected = gradient_flow(model, X[:2], Y[:2].tolist(), sample_weight=[1.0, 0.0])
    assert flow.c[0].min() > 0
    assert not flow.c[1].any()
    np.testing.assert_array_equal(flow.c, expected.c)
    with pytest.raises(ValueError, match="`y` and `sample_weight` must be left out"):
        gradient_flow(model, Batches(), Y)


def test_a_tensorflow_data_set() -> None:
    tf = pytest.importorskip("tensorflow")
    model = randomize(
        keras.Sequential([keras.Input((3, 5)), ClassicLSTM(2), keras.layers.Dense(1)])
    )
    model.compile(loss="mse")
    data = tf.data.Dataset.from_tensor_slices((X, Y)).repeat()
    flow = gradient_flow(model, data.batch(3))
    np.testing.assert_array_equal(flow.c, gradient_flow(model, X[:3], Y[:3]).c)
    with pytest.raises(ValueError, match="must have a batch"):
        gradient_flow(model, data.take(0))
    with pytest.raises(ValueError, match=r"`x` must be.*\(None, 3, 5\).*Received: x of shape"):
        gradient_flow(model, data)
