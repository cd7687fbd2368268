"""The examples about exporting and looking inside do what they say."""

from pathlib import Path

import pytest

from tests import backends, processes
from tests.test_examples import FOLDER, load, trains


@pytest.mark.slow
@trains
def test_look_inside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib").use("agg")
    picture = tmp_path / "inside.png"
    error, naive = load("look_inside").main(epochs=12, examples=1000, picture=picture)
    assert error < naive
    assert picture.stat().st_size > 10_000
    assert "The error reaches back" in capsys.readouterr().out


@pytest.mark.slow
def test_export_onnx(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    assert load("export_onnx").main(tmp_path / "model.onnx") < 1e-5


@pytest.mark.slow
@pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="TensorFlow's devices")
def test_several_devices() -> None:
    """In a process of its own: devices are set before TensorFlow computes anything."""
    script = "import sys; sys.path.append(sys.argv[1]); import several_devices as example; "
    assert processes.run(script + "print(example.main() < 1e-6)", FOLDER).endswith("True\n")
