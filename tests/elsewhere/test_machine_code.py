"""What the compiler of the wheels makes of the innermost loop: multiply-adds and little else."""

import re
import runpy
from pathlib import Path

import pytest

from keras_lstm_ext.engines.native import packing
from release.platforms import PLATFORMS
from tests.elsewhere.conftest import ROOT, run

pytestmark = pytest.mark.slow

BUILD = runpy.run_path(str(ROOT / "setup.py"), run_name="tables")
KERNELS = packing.FOLDER / "kernels.cpp"

# Platform, instruction set, a multiply-add, and how many instructions the loop may have.
LOOPS = [
    ("manylinux_2_17_aarch64", "baseline", r"fmla\s+v\d+\.4s, v\d+\.4s, v\d+\.s\[\d\]", 40),
    ("macosx_12_0_arm64", "baseline", r"fmla\.4s\s+v\d+, v\d+, v\d+\[\d\]", 40),
    ("manylinux_2_17_x86_64", "avx512", r"vfmadd\d+ps\s", 42),
    ("manylinux_2_17_x86_64", "avx2", r"vfmadd\d+ps\s", 26),
    ("manylinux_2_17_x86_64", "baseline", r"mulps\s", 36),
]


def instructions(tools: Path, platform: str, isa: str, assembly: Path) -> list[str]:
    kinds = BUILD["OTHER" if "64" in platform and "x86" not in platform else "X86"]
    lanes, rows, flags = kinds[isa]
    macros = [f"-DISA={isa}", f"-DLANES={lanes}", f"-DTILE_ROWS={rows}"]
    flags = [*PLATFORMS[platform].compile, *BUILD["COMMON"], *flags, *macros]
    zig = [tools, "-m", "ziglang", "c++", "-target", PLATFORMS[platform].target]
    run(*zig, *flags, "-S", KERNELS, "-o", assembly)
    lines = (re.split("//|[;#]", line)[0].strip() for line in assembly.read_text().splitlines())
    return [line for line in lines if line]


def loops(lines: list[str]) -> list[list[str]]:
    """What is between a label and the jump back to it, without another label or jump."""
    found: list[list[str]] = []
    label, body = "", []
    for line in lines:
        if line.endswith(":"):
            label, body = line[:-1], []
        elif re.match(r"(j\w+|b\.?\w*|cbn?z|tbn?z)\s", line):
            if label and line.split()[-1] == label:
                found.append(body)
            label, body = "", []
        elif not line.startswith("."):
            body.append(line)
    return found


@pytest.mark.parametrize(("platform", "isa", "multiply_add", "most"), LOOPS)
def test_innermost_loop(
    platform: str, isa: str, multiply_add: str, most: int, tools: Path, tmp_path: Path
) -> None:
    """Of the largest tile: as many as it has vectors, and none of them on the stack."""
    kinds = BUILD["X86"] if "x86" in platform else BUILD["OTHER"]
    wanted = kinds[isa][1] * 4
    lines = instructions(tools, platform, isa, tmp_path / "kernels.s")
    counted = [
        (sum(bool(re.match(multiply_add, line)) for line in body), body) for body in loops(lines)
    ]
    largest = [body for count, body in counted if count == wanted]
    assert largest, sorted({count for count, _ in counted})
    for body in largest:
        assert not [line for line in body if re.search(r"%rsp|%rbp|\[sp", line)], body
        assert not [line for line in body if re.match(r"ld1r|dup", line)], body
        assert len(body) < most, body


def test_who_waits_on_arm_lets_the_core_rest(tools: Path, tmp_path: Path) -> None:
    zig = [tools, "-m", "ziglang", "c++", "-target", "aarch64-linux-gnu.2.17"]
    made = tmp_path / "threads.s"
    run(*zig, *BUILD["COMMON"], "-S", packing.FOLDER / "threads.cpp", "-o", made)
    assert re.search(r"^\s+isb$", made.read_text(), re.MULTILINE)
