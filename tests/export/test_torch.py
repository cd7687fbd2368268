"""PyTorch: what is traced or exported gives what the layer gives, or refuses."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.backends import BACKEND
from tests.contract.family import FAMILY, FEATURES, TIME, assert_close, normal, randomize

pytestmark = [
    pytest.mark.skipif(BACKEND != "torch", reason="PyTorch's exporters"),
    pytest.mark.filterwarnings("ignore"),
]
X, MORE, LONGER = (
    normal(3, TIME, FEATURES),
    normal(5, TIME, FEATURES, seed=3),
    normal(3, 9, FEATURES),
)


def model_of(make: Any) -> Any:
    """Both directions, a mask, every step and the last one."""
    stack = [
        keras.layers.Masking(),
        make(4, return_sequences=True, go_backwards=True),
        keras.layers.Bidirectional(make(4)),
        keras.layers.Dense(2),
    ]
    model = randomize(keras.Sequential([keras.Input((None, FEATURES)), *stack]))
    model.eval()
    model(X)
    return model


def padded(x: np.ndarray) -> np.ndarray:
    """The first row without its last steps, the second one without its first ones."""
    x = x.copy()
    x[0, 5:] = x[1, :3] = 0.0
    return x


def assert_same(model: Any, traced: Any, *inputs: np.ndarray) -> None:
    for x in map(padded, inputs):
        assert_close([traced(x)], [model.predict(x, verbose=0)])


def numbers(module: Any) -> Any:
    import torch

    return lambda x: module(torch.tensor(x)).detach().numpy()


@pytest.mark.parametrize("name", FAMILY)
def test_jit_trace(name: str) -> None:
    import torch

    model = model_of(FAMILY[name])
    traced = torch.jit.trace(model, torch.tensor(X), check_trace=False)
    assert_same(model, numbers(traced), X, MORE)
    with pytest.raises(RuntimeError, match="Expected 7 elements"):
        traced(torch.tensor(LONGER))


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILY)
def test_onnx(name: str, tmp_path: Path) -> None:
    """With an open batch size; the number of steps is that of the trace."""
    onnxruntime = pytest.importorskip("onnxruntime")
    model = model_of(FAMILY[name])
    spec = keras.InputSpec(shape=(None, TIME, FEATURES), dtype="float32")
    path = tmp_path / "model.onnx"
    model.export(path, format="onnx", verbose=False, input_signature=[spec])
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert_same(model, lambda x: session.run(None, {given.name: x})[0], X, MORE)


@pytest.mark.slow
def test_onnx_of_an_exported_program(tmp_path: Path) -> None:
    """PyTorch's newer exporter, which starts from `torch.export`, finds operators of ONNX only."""
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    import torch

    model, path = model_of(FAMILY["peephole"]), str(tmp_path / "model.onnx")
    torch.onnx.export(model, (torch.tensor(X),), path, dynamo=True, verbose=False)
    assert {node.domain for node in onnx.load(path).graph.node} == {""}
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert_same(model, lambda x: session.run(None, {given.name: x})[0], X)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["classic", "variant"])
def test_export(name: str) -> None:
    import torch

    model = model_of(FAMILY[name])
    shapes = {"args": ({0: torch.export.Dim("batch")},)}
    exported = torch.export.export(model, (torch.tensor(X),), dynamic_shapes=shapes, strict=False)
    assert_same(model, numbers(exported.module()), X, MORE)
