"""What every test session needs: a backend, quiet logs, seeds, and a GPU where one is demanded."""

import importlib
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import pytest

from tests import backends

COUNT = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-gpu", action="store_true", help="Fail, instead of skip, where there is no GPU."
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    # An H100 multiplies float32 in TF32 unless told not to, which no tolerance here allows for.
    backends.disable_tf32()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Each of these is many tests: begun last, one of two workers would wait for the other.
    items.sort(key=lambda item: "test_backends.py" not in item.nodeid)


@pytest.fixture(autouse=True)
def seeds() -> None:
    keras.utils.set_random_seed(1997)


@pytest.fixture(autouse=True)
def few_programs(request: pytest.FixtureRequest) -> None:
    """JAX dies of too many compiled programs in one process: forget them now and then."""
    request.session.stash[COUNT] = count = request.session.stash.get(COUNT, 0) + 1
    if backends.BACKEND == "jax" and count % 100 == 0:
        import jax

        jax.clear_caches()


@pytest.fixture
def no_xla(monkeypatch: pytest.MonkeyPatch) -> None:
    """In TensorFlow `bptt` is a plain graph: XLA takes its time for each program."""
    if backends.BACKEND == "tensorflow":
        bptt = importlib.import_module("keras_lstm_ext.engines.bptt.tensorflow")
        monkeypatch.setattr(bptt, "COMPILED_SHAPES", 0)


@pytest.fixture(autouse=True)
def gpu(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("gpu") is None or backends.has_gpu():
        return
    reason = f"the {keras.backend.backend()} backend sees no GPU"
    if request.config.getoption("--require-gpu"):
        pytest.fail(reason)
    pytest.skip(reason)
