"""The same contract and equivalence tests on the other Keras backends, a process each."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).parents[1]
TESTS = (
    "tests/contract",
    "tests/equations",
    "tests/engines",
    "tests/native",
    "tests/diagnostics",
    "tests/test_bad_input.py",
)
"""A process each: JAX dies of too many compiled programs in one."""


@pytest.mark.slow
@pytest.mark.parametrize("tests", TESTS)
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backend(backend: str, tests: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: pip install '.[backends]'")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("runs beside TensorFlow")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests]
    environment = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]
