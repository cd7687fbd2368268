"""The source distribution has what the repository has."""

import fnmatch
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_everything_at_the_root_is_in_it():
    found = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        pytest.skip("this is no repository")
    rules = [line.split() for line in (ROOT / "MANIFEST.in").read_text().splitlines()]
    folders = {rule[1] for rule in rules if rule[:1] == ["graft"]}
    patterns = [pattern for rule in rules if rule[:1] == ["include"] for pattern in rule[1:]]
    # setuptools adds these by itself.
    patterns += ["LICENSE", "MANIFEST.in", "pyproject.toml", "setup.py"]
    for name in found.stdout.splitlines():
        folder, _, below = name.partition("/")
        held = folder in folders if below else any(fnmatch.fnmatch(name, p) for p in patterns)
        assert held, f"{name}: see MANIFEST.in"
