"""What `python -m keras_lstm_ext doctor` says: enough for a report, and nothing of whose it is."""

import getpass
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

import keras
import pytest

from keras_lstm_ext import __version__, doctor
from keras_lstm_ext.cli import main
from keras_lstm_ext.engines.native import packing


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Of this backend alone, without another process."""
    backend = keras.backend.backend()
    monkeypatch.setattr(doctor, "BACKENDS", (backend, "no_such_backend"))
    monkeypatch.setattr(doctor, "ask", lambda _: doctor.explained())
    assert main(["doctor"]) == 0
    return capsys.readouterr().out


def test_says_versions_processor_and_engines(report: str) -> None:
    first, versions, processor, library, *engines = report.splitlines()
    assert first.startswith(f"keras-lstm-ext {__version__}, Python {platform.python_version()}")
    assert f"keras {keras.__version__}" in versions
    assert processor.endswith(platform.machine())
    assert library.startswith("native library: ")
    assert "no_such_backend: not installed" in engines
    for layer in doctor.LAYERS:
        (line,) = [line for line in engines if line.split()[:1] == [layer]]
        assert line.split()[1:2] == ["engine:"]
    assert any(line.strip().startswith("not cudnn: ") for line in engines)


def test_names_nobody(report: str) -> None:
    assert str(Path.home()) not in report
    assert getpass.getuser() not in report
    assert not re.search(rf"\b{re.escape(platform.node())}\b", report)


@pytest.mark.skipif(packing.library() is None, reason="the library is not built")
def test_says_what_the_library_uses() -> None:
    assert "instruction sets " in doctor.library()
    assert doctor.library().split(";")[1].endswith("baseline")


def test_says_why_there_is_no_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "lstm.so").write_text("this is no library")
    monkeypatch.setattr(packing, "LOADED", packing.load(tmp_path))
    assert doctor.library().startswith("the library cannot be loaded (")


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ((1, "", "Traceback\nModuleNotFoundError: No module named 'x'"), "No module named 'x'"),
        ((1, "", ""), "no message"),
        (subprocess.TimeoutExpired("python", 1), "no answer within"),
    ],
)
def test_a_backend_that_does_not_start(
    outcome: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: Any, **__: Any) -> subprocess.CompletedProcess[str]:
        if isinstance(outcome, Exception):
            raise outcome
        return subprocess.CompletedProcess([], *outcome)

    monkeypatch.setattr(subprocess, "run", run)
    found = doctor.ask("torch")
    assert isinstance(found, str)
    assert said in found


@pytest.mark.slow
def test_asks_a_backend_in_a_process_of_its_own() -> None:
    assert doctor.ask(keras.backend.backend()) == doctor.explained()
