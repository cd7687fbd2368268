"""The build: sanitizers over random calls, and what an installation without a compiler says."""

import os
import platform
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from setuptools import Extension

from tests import backends

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "keras_lstm_ext" / "native"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="once is enough"),
]
with_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="there is no C++ compiler")
on_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="of x86-64")

BUILD = runpy.run_path(str(ROOT / "setup.py"), run_name="tables")


def run(*command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_library_is_compiled_again_after_a_change(tmp_path: Path) -> None:
    source, header, library = (tmp_path / name for name in ("a.cpp", "a.h", "a.so"))
    extension = Extension("a", sources=[str(source)], depends=[str(header)])
    for path in (source, header):
        path.touch()
        os.utime(path, (1e9, 1e9))
    assert not BUILD["is_built"](extension, library)
    library.touch()
    os.utime(library, (3e9, 3e9))
    assert BUILD["is_built"](extension, library)
    os.utime(header, (4e9, 4e9))
    assert not BUILD["is_built"](extension, library)


@with_compiler
@on_x86
@pytest.mark.parametrize(
    ("sanitizers", "calls", "threads"), [("address,undefined", 20_000, 1), ("thread", 3_000, 4)]
)
def test_random_calls_under_sanitizers(
    sanitizers: str, calls: int, threads: int, tmp_path: Path
) -> None:
    compile_ = ["g++", "-O1", "-g1", "-std=c++17", "-ffp-contract=fast", "-Wno-psabi"]
    compile_ += [f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all", "-I", SOURCES]
    objects = []
    for isa, (lanes, rows, flags) in BUILD["X86"].items():
        objects.append(tmp_path / f"{isa}.o")
        macros = [f"-DISA={isa}", f"-DLANES={lanes}", f"-DTILE_ROWS={rows}"]
        run(*compile_, *flags, *macros, "-c", SOURCES / "kernels.cpp", "-o", objects[-1])
    others = [SOURCES / f"{name}.cpp" for name in BUILD["LIBRARIES"]["lstm"] if name != "kernels"]
    others.append(ROOT / "tests/native/harness.cpp")
    run(*compile_, *objects, *others, "-pthread", "-o", tmp_path / "harness")
    assert run(tmp_path / "harness", calls, threads) == f"{calls} calls\n"


@with_compiler
@on_x86
def test_random_networks_that_learn_on_line_under_sanitizers(tmp_path: Path) -> None:
    compile_ = ["g++", "-O1", "-g1", "-std=c++17", "-fsanitize=address,undefined"]
    compile_ += ["-fno-sanitize-recover=all", "-I", SOURCES, SOURCES / "online.cpp"]
    harness = tmp_path / "harness"
    run(*compile_, ROOT / "tests/native/online_harness.cpp", "-o", harness)
    assert run(harness, 3_000) == "3000 networks\n"


@with_compiler
@on_x86
def test_kernels_share_no_compiled_function(tmp_path: Path) -> None:
    """A function that the linker merged with its AVX-512 copy would stop older processors."""
    made = tmp_path / "kernels.o"
    flags = [*BUILD["AVX512"], "-O3", "-std=c++17", "-DISA=avx512", "-DLANES=16", "-DTILE_ROWS=6"]
    run("g++", *flags, "-Wno-psabi", "-c", SOURCES / "kernels.cpp", "-o", made)
    kinds = {line.split()[-2] for line in run("nm", "--defined-only", made).splitlines()}
    assert not kinds & {"W", "w", "V", "v", "u"}


@with_compiler
@on_x86
def test_others_find_the_c_interface_and_nothing_else() -> None:
    """What the C++ library leaves in the file could be taken in the place of another's."""
    for name in BUILD["LIBRARIES"]:
        exported = run("nm", "-D", "--defined-only", SOURCES / f"{name}.so").splitlines()
        assert all(line.split()[-1].startswith("lstm_") for line in exported)
        assert exported


def install_without_a_compiler(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess:
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns("*.so", "__pycache__", "not_built.txt")
    shutil.copytree(ROOT / "keras_lstm_ext", source / "keras_lstm_ext", ignore=ignored)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    return subprocess.run(
        [*pip, "--target", str(tmp_path / "target"), str(source)],
        env={**os.environ, "CC": "no-compiler-here", "CXX": "no-compiler-here", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_release_without_a_compiler_is_an_error(tmp_path: Path) -> None:
    done = install_without_a_compiler(tmp_path, KERAS_LSTM_EXT_NATIVE="required")
    assert done.returncode
    assert "no-compiler-here" in done.stderr
    assert not (tmp_path / "target").exists()


def test_without_a_compiler_it_installs_and_says_so(tmp_path: Path) -> None:
    done = install_without_a_compiler(tmp_path)
    assert done.returncode == 0, done.stderr
    record = tmp_path / "target" / "keras_lstm_ext" / "native" / "not_built.txt"
    assert record.read_text() == "no C++ compiler found when installing"
