"""What is ready for a machine with a card, as far as a machine without one can tell."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu_tests
from benchmarks.__main__ import RESULTS
from keras_lstm_ext import ClassicLSTM, PeepholeLSTM, devices
from keras_lstm_ext.bench import worker
from keras_lstm_ext.engines import cuda, cudnn
from tests import backends

SCRIPT = Path(__file__).parents[1] / "benchmarks/gpu.sh"


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """The backend shows a GPU."""
    if backends.BACKEND == "tensorflow":
        monkeypatch.setattr(cudnn, "gpu_visible", lambda: True)
    elif backends.BACKEND == "jax":
        monkeypatch.setattr("jax.default_backend", lambda: "gpu")
    else:
        import torch

        monkeypatch.setattr(torch, "get_default_device", lambda: torch.device("cuda"))


def engines(layer: Any) -> tuple[str, str]:
    """What a layer takes without a mask, and with one."""
    return tuple(layer.explain((2, 5, 3), mask=mask).engine for mask in (False, True))


@pytest.mark.usefixtures("card")
def test_engines_on_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = {"tensorflow": "bptt", "jax": "bptt", "torch": "portable"}[backends.BACKEND]
    fast = "cudnn" if backends.BACKEND == "tensorflow" else loop
    assert engines(ClassicLSTM(4)) == (fast, fast)
    assert engines(PeepholeLSTM(4)) == (loop, loop)
    monkeypatch.setattr(cudnn, "RECORDED_RUN", None)
    for layer in (ClassicLSTM(4), PeepholeLSTM(4)):
        assert engines(layer) == (loop, loop)
        assert "CPU" in layer.explain((2, 5, 3)).declined["native"]


@pytest.mark.usefixtures("card")
@pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="of TensorFlow")
def test_xla_compiles_no_cudnn() -> None:
    import tensorflow as tf

    layer, found = ClassicLSTM(4), []

    @tf.function(jit_compile=True)
    def call(x: Any) -> Any:
        found.append(layer.explain(x.shape).engine)
        return layer(x)

    call(tf.zeros((2, 5, 3)))
    assert found[0] == "bptt"


@pytest.mark.parametrize("engine", [cudnn, cuda], ids=["cudnn", "cuda"])
def test_the_recorded_run_is_there(engine: Any) -> None:
    if engine.RECORDED_RUN is None:
        pytest.skip("auto does not take it")
    made = json.loads((RESULTS / engine.RECORDED_RUN).read_text())
    assert made["settings"]["device"] == "gpu"
    assert made["outcomes"]["passed"] > 400
    assert not [name for name in made["failed"] if "tests/engines" in name]


def tool(folder: Path, name: str, text: str) -> None:
    """An executable that `PATH` finds first."""
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_a_record_names_card_and_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    tool(tmp_path, "nvidia-smi", "echo 580.65.06; echo 580.65.06")
    monkeypatch.setattr(devices, "gpu", lambda: "NVIDIA H100")
    found = worker.versions()
    assert (found["gpu"], found["gpu driver"]) == ("NVIDIA H100", "580.65.06")
    tool(tmp_path, "nvidia-smi", "exit 9")
    assert "gpu driver" not in worker.versions()
    monkeypatch.setattr(devices, "gpu", lambda: None)
    assert "gpu" not in worker.versions()


def test_how_tests_ended_is_recorded(tmp_path: Path) -> None:
    cases = "def test_a(): pass\ndef test_b(): assert 0\n"
    skipped = "import pytest\n@pytest.mark.skip\ndef test_c(): pass\n"
    (tmp_path / "test_some.py").write_text(cases + skipped)
    status = gpu_tests.run(["-q", "-p", "no:cacheprovider", str(tmp_path)], tmp_path)
    (path,) = tmp_path.glob("tests-*.json")
    made = json.loads(path.read_text())
    assert status == made["status"] == 1
    assert made["outcomes"] == {"passed": 1, "failed": 1, "skipped": 1}
    assert [name.rpartition("::")[2] for name in made["failed"]] == ["test_b"]
    assert made["versions"][backends.BACKEND]["keras"]


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
@pytest.mark.parametrize(("parts", "status"), [([], 1), (["layers"], 0), (["racing"], 1)])
def test_the_script_goes_through_its_parts(tmp_path: Path, parts: list[str], status: int) -> None:
    tool(tmp_path, "python", f'echo $KERAS_BACKEND "$@" >>{tmp_path}/calls; test $2 != "{FAILS}"')
    command = ["bash", str(SCRIPT), "jax", *parts]
    environment = os.environ | {"PYTHON": str(tmp_path / "python")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    calls = (tmp_path / "calls").read_text().splitlines() if (tmp_path / "calls").exists() else []
    suites = {p: f"jax -m benchmarks {p} --backend jax --device gpu" for p in ("layers", "fit")}
    assert done.returncode == status, done.stderr
    if not parts:
        assert calls[0].startswith("jax -m benchmarks.gpu_tests -q --require-gpu")
        assert calls[1:] == [*suites.values(), "jax -m keras_lstm_ext demo"]
    else:
        assert calls == [suites[p] for p in parts if p in suites]


FAILS = "benchmarks.gpu_tests"
"""The part that fails, after which the others run."""
