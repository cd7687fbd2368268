"""Pictures, notebooks and TensorBoard: that they show what they were given."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import CECLSTM, ClassicLSTM, OriginalLSTM, PeepholeLSTM
from keras_lstm_ext.diagnostics import (
    GateStatistics,
    GradientFlow,
    gate_trace,
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


@pytest.mark.parametrize("layer_class", [OriginalLSTM, ClassicLSTM, PeepholeLSTM])
def test_the_notebook_writes_the_equations_of_the_docstring(layer_class: Any) -> None:
    documented = layer_class.__doc__.split("$$")[1]
    written = notebook.equations(layer_class(4).cell)

    def lines(tex: str) -> set[str]:
        return {line.strip().removesuffix("\\\\").strip() for line in tex.strip().splitlines()}

    assert lines(written) == lines(documented)


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
