"""Pictures, notebooks and TensorBoard: that they show what they were given."""

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import (
    CECLSTM,
    ClassicLSTM,
    CoupledLSTM,
    LayerNormLSTM,
    OriginalLSTM,
    PeepholeLSTM,
    ProjectedLSTM,
)
from keras_lstm_ext.diagnostics import (
    GateStatistics,
    GradientFlow,
    gate_trace,
    gradient_flow,
    notebook,
    plot_gate_trace,
    plot_gradient_flow,
    plot_saturation,
    saturation,
)
from tests.backends import BACKEND
from tests.contract.family import each_layer, normal, randomize


@pytest.fixture
def pyplot() -> Any:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def test_the_trace_is_drawn_as_it_is(pyplot: Any) -> None:
    layer = randomize(OriginalLSTM(4, block_size=2))
    trace = gate_trace(layer, normal(3, 7, 5))
    axes = plot_gate_trace(trace, row=2)
    assert [a.get_ylabel() for a in axes] == ["block", "unit", "block", "unit", "unit"]
    for a, values in zip(axes, trace.values(), strict=True):
        np.testing.assert_array_equal(a.images[0].get_array(), values[2].T)
    assert axes[0].images[0].get_clim() == (0.0, 1.0)
    axes[0].figure.canvas.draw()


def test_the_flow_is_drawn_without_what_has_no_logarithm(pyplot: Any) -> None:
    h = np.array([[0.0, 1e-3, np.nan, 1.0], [0.0, 1e-1, 1e-2, 3.0], [0.0, 1e-2, 1e-1, 2.0]])
    axes = plot_gradient_flow(GradientFlow(h=h, c=h))
    drawn = axes.lines[0].get_ydata()
    np.testing.assert_allclose(drawn[1:], [1e-2, 0.055, 2.0])
    axes.figure.canvas.draw()


def test_saturation_is_a_point_per_block(pyplot: Any) -> None:
    layer = randomize(PeepholeLSTM(4))
    found = saturation(layer, normal(3, 7, 5))
    axes = plot_saturation(found)
    points = axes[1].collections[0].get_offsets()
    np.testing.assert_allclose(points, np.stack([found.near_0["f"], found.near_1["f"]], axis=1))
    with pytest.raises(ValueError, match="gates"):
        plot_saturation(saturation(CECLSTM(4), normal(3, 7, 5)))


NAN, INF = np.nan, np.inf
FLOWS: dict[str, tuple[Any, Any, str]] = {
    "zero": ([[0.0, 0.0]], None, "0 at every step"),
    "no row": (np.zeros((0, 2)), None, "there is no step"),
    "no step": (np.zeros((2, 0)), None, "there is no step"),
    "all masked": ([[NAN, NAN]], [[False, False]], "0 at every step"),
    "NaN": ([[NAN, NAN]], [[True, True]], "no error is finite.*4 of 4 errors are NaN"),
    "infinite": ([[INF, 0.0]], None, "no error is finite.*2 of 4 errors"),
    "some": ([[INF, 1.0]], [[True, True]], "^2 of 4 errors are NaN or infinite$"),
}


@pytest.mark.parametrize("case", FLOWS)
def test_a_flow_without_a_picture_says_why(case: str, pyplot: Any) -> None:
    c, valid, words = FLOWS[case]
    axes = plot_gradient_flow(GradientFlow(np.array(c), np.array(c), valid and np.array(valid)))
    said = " ".join([text.get_text() for text in axes.texts] + [axes.get_title()]).strip()
    assert re.search(words, said), said
    assert len(axes.lines) == (2 if case == "some" else 0)
    axes.figure.canvas.draw()


def test_a_trace_with_what_is_not_finite(pyplot: Any) -> None:
    layer = randomize(CECLSTM(4, recurrent=False, activation=None, output_activation=None))
    x = normal(1, 6, 5)
    x[0, 2] = np.inf
    mask = np.array([[True, True, True, True, True, False]])
    with np.errstate(invalid="ignore"):
        _, c, _ = plot_gate_trace(gate_trace(layer, x, mask=mask))
    assert re.fullmatch(r"cell state c: \d+ of 24 values are NaN or infinite", c.get_title())
    assert np.isfinite(c.images[0].get_clim()).all()
    c.figure.canvas.draw()
    with pytest.raises(ValueError, match="`row` must be the number of one of the 1 sequences"):
        plot_gate_trace(gate_trace(layer, x), row=1)


def test_into_axes_of_ones_own(pyplot: Any) -> None:
    trace, found = gate_trace(randomize(ClassicLSTM(2)), normal(2, 3, 5)), None
    figure, axes = pyplot.subplots(3, 4)
    given = plot_gate_trace(trace, ax=axes[:2, :3])
    assert list(given) == list(axes[:2, :3].ravel())
    assert plot_gradient_flow(FLOW, ax=axes[2, 0]) is axes[2, 0]
    found = saturation(randomize(ClassicLSTM(2)), normal(2, 3, 5))
    assert list(plot_saturation(found, ax=list(axes[2, 1:]))) == list(axes[2, 1:])
    (one,) = plot_gate_trace({"c": trace["c"]}, ax=axes[0, 3])
    assert (one, one.get_title()) == (axes[0, 3], "cell state c")
    assert pyplot.get_fignums() == [figure.number]
    figure.canvas.draw()
    calls: list[Callable[[], Any]] = [
        lambda: plot_gate_trace(trace, ax=axes[0]),
        lambda: plot_gradient_flow(FLOW, ax=axes[0]),
        lambda: plot_saturation(found, ax=axes[0]),
        lambda: plot_gradient_flow(FLOW, ax=figure),
    ]
    for call in calls:
        with pytest.raises(
            ValueError, match=r"`ax` must be \d matplotlib axes, for .*Received: \d"
        ):
            call()


def test_the_call_is_in_the_title(pyplot: Any) -> None:
    layer = randomize(ClassicLSTM(2, name="twin"))
    a, b = keras.Input((3, 5)), keras.Input((3, 5))
    model = keras.Model([a, b], layer(a) - layer(b))
    model.compile(loss="mse")
    x = [normal(2, 3, 5), normal(2, 3, 5, seed=1)]
    axes = plot_gate_trace(gate_trace(layer, x, model, call=1))
    assert axes[0].figure.get_suptitle() == "twin, call 1 of 0 to 1"
    flow = gradient_flow(model, x, normal(2, 2), call=0)
    assert plot_gradient_flow(flow).get_title() == "twin, call 0 of 0 to 1"


FLOW = GradientFlow(h=np.ones((2, 3)), c=np.ones((2, 3)))
MISSING: dict[str, tuple[Callable[[], Any], str]] = {
    "matplotlib": (lambda: plot_gradient_flow(FLOW), r"\[plot\]"),
    "tensorflow": (lambda: GateStatistics("logs", normal(2, 3, 5)), r"\[cpu\]"),
}


@pytest.mark.parametrize("module", MISSING)
def test_a_missing_package_is_named_with_its_extra(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, extra = MISSING[module]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=extra):
        call()


@pytest.mark.parametrize(
    "layer_class",
    [OriginalLSTM, ClassicLSTM, PeepholeLSTM, CoupledLSTM, LayerNormLSTM, ProjectedLSTM],
)
def test_the_notebook_writes_the_equations_of_the_docstring(layer_class: Any) -> None:
    documented = layer_class.__doc__.split("$$")[1]
    arguments = {"projection": 2} if layer_class is ProjectedLSTM else {}
    written = notebook.equations(layer_class(4, **arguments).cell)

    def lines(tex: str) -> set[str]:
        return {line.strip().removesuffix("\\\\").strip() for line in tex.strip().splitlines()}

    assert lines(written) == lines(documented)


def test_the_notebook_writes_what_of_a_projection_is_fed_back() -> None:
    cell = ProjectedLSTM(4, projection=2, nonrecurrent_projection=1).cell
    written = notebook.equations(cell)
    assert r"i_t &= \sigma(W_i x_t + R_i h^1_{t-1} + p_i \odot c_{t-1} + b_i)" in written
    assert r"[h^1_t; h^2_t] &= h_t" in written


def test_the_notebook_writes_what_zoneout_keeps() -> None:
    written = notebook.equations(PeepholeLSTM(4, zoneout_h=0.25, zoneout_c=0.5).cell)
    assert r"o_t &= \sigma(W_o x_t + R_o h_{t-1} + p_o \odot \tilde c_t + b_o)" in written
    assert r"\tilde h_t &= o_t \odot \tanh(\tilde c_t)" in written
    assert r"c_t &= 0.5 \, c_{t-1} + 0.5 \, \tilde c_t" in written
    assert r"h_t &= 0.25 \, h_{t-1} + 0.75 \, \tilde h_t" in written


@each_layer
def test_a_layer_in_a_notebook(make: Any) -> None:
    layer = make(4, name="<it>")
    assert "Not built yet" in notebook.html(layer)
    randomize(layer)
    text = layer._repr_html_()
    assert f"<td>{layer.count_params()}</td>" in text
    assert "&lt;it&gt;" in text
    assert "<it>" not in text
    assert "<svg" in text
    assert "http" not in text


def ids_of(page: str) -> list[str]:
    return re.findall(r'\bid="([^"]+)"', page)


def test_ids_of_one_page_differ() -> None:
    layer = PeepholeLSTM(3)
    page = layer._repr_html_() + layer._repr_html_() + notebook.html(keras.Sequential([layer]))
    assert len(ids_of(page)) == len(set(ids_of(page))) == 9
    for used in re.findall(r"url\(#([^)]+)\)", page):
        assert used in ids_of(page)
    model = keras.Sequential([layer, keras.layers.LSTM(2)])
    assert notebook.html(model, name="figure") == notebook.html(model, name="figure")
    assert len(set(ids_of(notebook.html(model, name="figure")))) == 6


def scaled(x: Any, by: float = 2.0) -> Any:
    return by * x


class Callable_:
    def __call__(self, x: Any) -> Any:
        return x


ACTIVATIONS: dict[str, tuple[Any, str]] = {
    "partial": (partial(scaled, by=3.0), r"\operatorname{scaled}_{\text{by=3.0}}(W_c"),
    "partial of a partial": (
        partial(partial(keras.activations.elu, alpha=0.5)),
        r"\operatorname{elu}_{\text{alpha=0.5}}(W_c",
    ),
    "function": (scaled, r"\operatorname{scaled}(W_c"),
    "lambda": (lambda x: x, r"\operatorname{lambda}(W_c"),
    "object": (Callable_(), r"\operatorname{Callable\_}(W_c"),
    "layer": (keras.layers.LeakyReLU(), r"\operatorname{LeakyReLU}(W_c"),
    "name": ("hard_sigmoid", r"\operatorname{hard\_sigmoid}(W_c"),
    "keras": (keras.activations.tanh, r"\tanh(W_c"),
    "named like another": (type("tanh", (Callable_,), {})(), r"\operatorname{tanh}(W_c"),
}


@pytest.mark.parametrize("case", ACTIVATIONS)
def test_any_activation_has_a_name(case: str) -> None:
    function, tex = ACTIVATIONS[case]
    layer = ClassicLSTM(3, activation=function)
    assert f"g_t &= {tex}" in notebook.equations(layer.cell)
    assert "<svg" in layer._repr_html_()


def test_keras_lstm_in_a_notebook() -> None:
    layer = keras.layers.LSTM(4, use_bias=False)
    assert notebook.equations(layer.cell) == notebook.equations(ClassicLSTM(4, use_bias=False).cell)
    assert "Not built yet" in notebook.html(layer)
    randomize(layer)
    assert f"<td>{layer.count_params()}</td>" in notebook.html(layer)
    assert notebook.html(keras.layers.Bidirectional(layer)).count("<svg") == 2
    with pytest.raises(ValueError, match="`layer` must be"):
        notebook.html(keras.layers.GRU(4))
    with pytest.raises(ValueError, match="`cell` must be"):
        notebook.equations(layer)


X, Y = normal(4, 3, 5), normal(4, 1)
OTHER_DATA: dict[str, Callable[[Any], Any]] = {
    "a list": lambda tf: [X, X],
    "a dictionary": lambda tf: {"a": X, "b": X},
    "a data set": lambda tf: tf.data.Dataset.from_tensor_slices(((X, X), Y)).batch(3),
}


@pytest.mark.slow
@pytest.mark.skipif(BACKEND == "torch", reason="Keras' loop takes long on PyTorch")
@pytest.mark.parametrize("case", OTHER_DATA)
def test_statistics_of_other_data(case: str, tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    a, b = keras.Input((3, 5), name="a"), keras.Input((3, 5), name="b")
    layer = keras.layers.LSTM(2, name="it")
    model = keras.Model([a, b], keras.layers.Dense(1)(layer(a) - layer(b)))
    model.compile("sgd", "mse")
    data = OTHER_DATA[case](tf)
    model.fit([X, X], Y, verbose=0, callbacks=[GateStatistics(tmp_path, data)])
    (file,) = (tmp_path / "gates").iterdir()
    written = {
        value.tag: tf.make_ndarray(value.tensor)
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
    }
    rows = 3 if case == "a data set" else 4
    assert written["it/f"][:, 2].sum() == 2 * rows * 3 * 2  # calls, rows, steps, units
    assert written["it/f/not finite"] == 0


@pytest.mark.skipif(BACKEND == "torch", reason="Keras' loop takes long on PyTorch")
def test_statistics_that_cannot_be_made(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    with pytest.raises(ValueError, match="`x` must be arrays"):
        GateStatistics(tmp_path, (X for _ in "a"))
    model = keras.Sequential([keras.Input((3, 5)), ClassicLSTM(2), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"`x` must be what.*Received: x of shape \(4, 3\)"):
        model.fit(X, Y, verbose=0, callbacks=[GateStatistics(tmp_path, X[:, :, 0])])
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.skipif(BACKEND == "torch", reason="Keras' loop takes long on PyTorch")
def test_statistics_of_a_training_that_diverges(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    layer = ClassicLSTM(2, name="it")
    model = keras.Sequential([keras.Input((3, 5)), layer, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    layer.bias.assign(np.full(8, np.nan))
    model.fit(X, Y, verbose=0, callbacks=[GateStatistics(tmp_path, X)])
    (file,) = (tmp_path / "gates").iterdir()
    written = {
        value.tag: tf.make_ndarray(value.tensor)
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
    }
    assert written["it/c/not finite"] == 1
    assert np.isnan(written["it/c/mean"])
    assert written["it/c"][:, 2].sum() == 0


@pytest.mark.slow
@pytest.mark.skipif(BACKEND == "torch", reason="Keras' loop takes long on PyTorch")
def test_gate_statistics_are_written_and_training_is_the_same(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    x, y = normal(8, 5, 3), normal(8, 1)

    def train(*callbacks: Any) -> list[np.ndarray]:
        keras.utils.set_random_seed(3)
        layer = PeepholeLSTM(2, recurrent_dropout=0.3, name="it")
        model = keras.Sequential([layer, keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(x, y, epochs=4, verbose=0, callbacks=list(callbacks))
        return model.get_weights()

    watched = train(GateStatistics(tmp_path, x[:4], every=2))
    for a, b in zip(watched, train(), strict=True):
        np.testing.assert_array_equal(a, b)
    (file,) = (tmp_path / "gates").iterdir()
    written = {}
    for event in tf.compat.v1.train.summary_iterator(str(file)):
        for value in event.summary.value:
            kind = value.metadata.plugin_data.plugin_name
            written[event.step, value.tag] = kind, tf.make_ndarray(value.tensor)
    assert {step for step, _ in written} == {1, 3}
    kind, mean = written[3, "it/f/mean"]
    assert kind == "scalars"
    assert 0 < mean < 1
    kind, bins = written[3, "it/f"]
    assert kind == "histograms"
    assert bins[:, 2].sum() == 4 * 5 * 2
    with pytest.raises(ValueError, match="`every`"):
        GateStatistics(tmp_path, x, every=0)
