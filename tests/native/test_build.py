"""The build: sanitizers over random calls, and what an installation without a compiler says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import backends

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "keras_lstm_ext" / "native"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="once is enough"),
]
with_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="there is no C++ compiler")
on_x86 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="of x86-64")

AVX2 = ["-mavx2", "-mfma"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl"]
KERNELS = {"baseline": (4, 3, []), "avx2": (8, 3, AVX2), "avx512": (16, 6, AVX512)}


def run(*command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


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
    for isa, (lanes, rows, flags) in KERNELS.items():
        objects.append(tmp_path / f"{isa}.o")
        macros = [f"-DISA={isa}", f"-DLANES={lanes}", f"-DTILE_ROWS={rows}"]
        run(*compile_, *flags, *macros, "-c", SOURCES / "kernels.cpp", "-o", objects[-1])
    others = [
        SOURCES / f"{name}.cpp"
        for name in ("lstm", "stream", "memory", "threads", "arrays", "plain")
    ]
    others.append(ROOT / "tests/native/harness.cpp")
    run(*compile_, *objects, *others, "-pthread", "-o", tmp_path / "harness")
    assert run(tmp_path / "harness", calls, threads) == f"{calls} calls\n"


@with_compiler
@on_x86
def test_kernels_share_no_compiled_function(tmp_path: Path) -> None:
    """A function that the linker merged with its AVX-512 copy would stop older processors."""
    made = tmp_path / "kernels.o"
    flags = [*AVX512, "-O3", "-std=c++17", "-DISA=avx512", "-DLANES=16", "-DTILE_ROWS=6"]
    run("g++", *flags, "-Wno-psabi", "-c", SOURCES / "kernels.cpp", "-o", made)
    kinds = {line.split()[-2] for line in run("nm", "--defined-only", made).splitlines()}
    assert not kinds & {"W", "w", "V", "v", "u"}


def test_without_a_compiler_it_installs_and_says_so(tmp_path: Path) -> None:
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns("*.so", "__pycache__", "not_built.txt")
    shutil.copytree(ROOT / "keras_lstm_ext", source / "keras_lstm_ext", ignore=ignored)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    done = subprocess.run(
        [*pip, "--target", str(tmp_path / "target"), str(source)],
        env={**os.environ, "CC": "no-compiler-here", "CXX": "no-compiler-here"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    record = tmp_path / "target" / "keras_lstm_ext" / "native" / "not_built.txt"
    assert record.read_text() == "no C++ compiler found when installing"
