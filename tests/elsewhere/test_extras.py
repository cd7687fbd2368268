"""What `pip install` of the package and its extras finds on each platform that has a wheel."""

import subprocess
from pathlib import Path

import pytest

from release.platforms import PLATFORMS
from tests.elsewhere.conftest import ROOT

pytestmark = pytest.mark.slow

OLDEST, NEWEST = "3.11.9", "3.13"
"""Of Python, with a TensorFlow."""


def resolved(uv: Path, platform: str, python: str, extras: list[str]) -> list[str]:
    """Names of the packages, all of which have a wheel there."""
    command = [uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--no-build"]
    command += ["--python-platform", PLATFORMS[platform].resolver, "--python-version", python]
    done = subprocess.run(
        [*command, *extras, ROOT / "pyproject.toml"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if "Failed to fetch" in done.stderr or "error sending request" in done.stderr:
        pytest.skip("there is no package index")
    assert done.returncode == 0, done.stderr
    return [line.partition("==")[0] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_extra(platform: str, tools: Path) -> None:
    assert "playwright" in resolved(tools.with_name("uv"), platform, NEWEST, ["--all-extras"])


@pytest.mark.parametrize("platform", PLATFORMS)
def test_one_tensorflow(platform: str, tools: Path) -> None:
    found = resolved(tools.with_name("uv"), platform, OLDEST, ["--extra", "cpu"])
    alone = platform in ("manylinux_2_17_x86_64", "win_amd64")
    assert ("tensorflow-cpu" in found, "tensorflow" in found) == (alone, not alone)
