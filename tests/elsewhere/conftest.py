"""Wheels of other systems, built here, and what runs them: `make test-elsewhere`."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.elsewhere import problems

ROOT = Path(__file__).parents[2]
TOOLS = Path(os.environ.get("WHEELS_PYTHON", ROOT / "build/venv/wheels/bin/python"))
"""Python with what `make wheels` works with."""

ARM, WINDOWS = "manylinux_2_17_aarch64", "win_amd64"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-elsewhere",
        action="store_true",
        help="Fail, instead of skip, where other systems' libraries can't be built or run.",
    )


def missing(config: pytest.Config, reason: str) -> None:
    # The option is unknown where this file is found only after the command line was read.
    if config.getoption("--require-elsewhere", default=False):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def tools(request: pytest.FixtureRequest) -> Path:
    if not TOOLS.exists():
        missing(request.config, "the compilers of `make wheels` are not installed")
    return TOOLS


def run(*command: object, **more: Any) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        **more,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheels(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel for ARM and one for Windows, each unpacked under the name of its platform."""
    folder = tmp_path_factory.mktemp("wheels")
    dist = Path(os.environ.get("WHEELS", folder))  # those that were made before, or new ones
    if dist == folder:
        run(tools, "-m", "release.wheels", "--dist", folder, ARM, WINDOWS, cwd=ROOT)
    for made in dist.glob("*.whl"):
        with zipfile.ZipFile(made) as file:
            file.extractall(folder / made.stem.split("-")[-1])
    return folder


@pytest.fixture(scope="session")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with the problems."""
    path = tmp_path_factory.mktemp("calls") / "problems"
    problems.write(path)
    return path


@pytest.fixture
def emulator(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    """What runs a program of the system that the test is about: a command, and its environment."""
    if request.param == ARM:
        command = ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"]
        package = "qemu-user-static libc6-arm64-cross"
        found = shutil.which(command[0]) and Path(command[2]).exists()
        environment = {}
    else:
        command, package = ["wine"], "wine wine64"
        found = shutil.which("wine")
        environment = {"WINEPREFIX": str(tmp_path / "wine"), "WINEDEBUG": "-all"}
    if not found:
        missing(request.config, f"there is no {command[0]}: apt install {package}")
    return command, {**os.environ, **environment}
