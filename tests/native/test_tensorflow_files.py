"""TensorFlow's C API in its wheels for other systems, which `tests/elsewhere/exports.py` listed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from keras_lstm_ext.engines.native import packing
from tests import backends, processes

ROOT = Path(__file__).parents[2]
LISTS = sorted((ROOT / "tests/elsewhere/tensorflow").glob("*.txt"))
HEADER = (packing.FOLDER / "tensorflow.h").read_text()
NEEDED = set(re.findall(r"^  F\([^,]+, (TF_\w+),", HEADER, re.MULTILINE))
SOURCE = (packing.FOLDER / "tensorflow.cpp").read_text()
FILES = re.findall(r'"([\w.]+)"', SOURCE[SOURCE.index("FILES[] = {") : SOURCE.index("};")])

here = pytest.mark.skipif(
    backends.BACKEND != "tensorflow" or packing.library() is None, reason="of the native ops"
)


def test_names_are_found() -> None:
    assert len(NEEDED) == HEADER.count("  F(") > 30
    assert len(FILES) == 4
    assert {path.stem.split("-", 2)[2] for path in LISTS} == {"macosx_12_0_arm64", "win_amd64"}


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_the_first_file_that_is_loaded_has_them_all(path: Path) -> None:
    has: dict[str, set[str]] = {}
    for line in path.read_text().splitlines():
        file, function = line.split()
        has.setdefault(file, set()).add(function)
    first = next(file for file in FILES if file in has)
    assert has[first] >= NEEDED


MISSING = """
import ctypes, sys
library, *frameworks = sys.argv[1:]
for framework in frameworks:
    ctypes.CDLL(framework, ctypes.RTLD_GLOBAL)
say = ctypes.CDLL(library).lstm_missing
say.restype = ctypes.c_char_p
print(say().decode())
"""


def said(*frameworks: Path) -> str:
    """What the ops say in a process that has loaded nothing but these."""
    library = packing.FOLDER / "lstm_tensorflow.so"
    return processes.run(MISSING, library, *frameworks, package=False).strip()


@here
def test_says_where_tensorflow_is_not() -> None:
    assert said() == "none of the files that have its C API is loaded"


@here
@pytest.mark.skipif(not shutil.which("gcc"), reason="there is no C compiler")
def test_says_what_tensorflow_lacks(tmp_path: Path) -> None:
    framework = tmp_path / "libtensorflow_framework.so.2"
    has = "".join(f"void {name}() {{}}\n" for name in NEEDED - {"TF_Dim", "TF_NewStatus"})
    command = ["gcc", "-shared", "-fPIC", "-Wl,-soname,libtensorflow_framework.so.2", "-x", "c"]
    subprocess.run([*command, "-", "-o", framework], input=has, text=True, check=True)
    assert said(framework) == "its C API lacks TF_NewStatus, TF_Dim"


@here
def test_explain_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from keras_lstm_ext import ClassicLSTM
    from keras_lstm_ext.engines.native import tensorflow

    monkeypatch.setattr(tensorflow, "ops", lambda: "its C API lacks TF_Dim")
    declined = ClassicLSTM(4).explain((2, 5, 3)).declined
    assert declined["native"] == "TensorFlow cannot load it (its C API lacks TF_Dim)"
