"""The same contract and equivalence tests on the other Keras backends, a process each."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).parents[1]
TESTS = {
    "equations": ("tests/equations",),
    "contract": ("tests/contract",),
    "engines": ("tests/engines", "tests/native"),
    "others": ("tests/diagnostics", "tests/acceleration", "tests/test_bad_input.py"),
}
"""A process each: JAX dies of too many compiled programs in one."""

KEPT_PROGRAMS = {
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / "build" / "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
"""Most of the time is compilation: what one process of JAX has compiled, the others read."""

SLOW = {
    "basics": ("tests/contract/test_keras_suite.py", "-k", "test_basics"),
    "forecaster": ("tests/test_demo.py", "-k", "compared_honestly"),
}
"""The slow tests whose subject differs by backend."""

each_backend = pytest.mark.parametrize("backend", ["jax", "torch"])


@pytest.mark.slow
@pytest.mark.parametrize("tests", TESTS.values(), ids=TESTS)
@each_backend
def test_other_backend(backend: str, tests: tuple[str, ...]) -> None:
    run(backend, *tests)


@pytest.mark.slow
@pytest.mark.parametrize("tests", SLOW.values(), ids=SLOW)
@each_backend
def test_slow_on_other_backend(backend: str, tests: tuple[str, ...]) -> None:
    run(backend, "-m", "slow", *tests)


def run(backend: str, *arguments: str) -> None:
    """The tests that `arguments` choose, in a process with this backend."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: pip install '.[backends]'")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("runs beside TensorFlow")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    environment = os.environ | {"KERAS_BACKEND": backend} | KEPT_PROGRAMS
    if not any("equations" in argument for argument in arguments):
        environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # most of the time is compilation
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]
