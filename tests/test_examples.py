"""The scripts in `examples/` run, and small runs already do what their text says."""

import importlib.util
import io
import tokenize
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(FOLDER.glob("*.py"))

trains = pytest.mark.skipif(
    keras.backend.backend() == "torch",
    reason="Keras' loop takes minutes per run on PyTorch; the contract tests train there",
)


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_is_short_and_has_a_title(script: Path) -> None:
    source = script.read_text()
    assert source.startswith('"""Title: ')
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    empty = {tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT}
    lines = {
        token.start[0]
        for token in tokens
        if token.type not in empty and not token.string.startswith('"""')
    }
    assert len(lines) < 80


def test_masking_sequences_have_their_answers() -> None:
    masking = load("masking")
    x, y = masking.make_sequences(50, np.random.default_rng(0))
    lengths = [int((row != masking.PADDING).sum()) for row in x[..., 0]]
    assert min(lengths) >= 3
    assert len(set(lengths)) > 10
    for row, length, answer in zip(x[..., 0], lengths, y[:, 0], strict=True):
        assert (row[length:] == masking.PADDING).all()
        assert row[:length].max() == answer


def test_text_pair_forecast_is_that_of_counting() -> None:
    text_generation = load("text_generation")
    train, test = np.array([0, 1, 0, 1, 0, 2]), np.array([0, 1, 0])
    # After 0 came 1, 1, 2; after 1 came 0, 0; one is added to each count of three letters.
    expected = -(np.log2(3 / 6) + np.log2(3 / 5)) / 2
    assert text_generation.pair_bits(train, test, 3) == pytest.approx(expected)


@pytest.mark.slow
@trains
def test_masking(capsys: pytest.CaptureFixture[str]) -> None:
    error, naive = load("masking").main(epochs=6, examples=800)
    assert error < naive
    difference = capsys.readouterr().out.split("by at most ")[1]
    assert float(difference) < 1e-5


@pytest.mark.slow
@trains
def test_streaming(capsys: pytest.CaptureFixture[str]) -> None:
    error, naive = load("streaming").main(seconds=4, epochs=8)
    assert error < naive / 4
    assert "99.9 % of the steps within" in capsys.readouterr().out


@pytest.mark.slow
@trains
def test_sunspots() -> None:
    pytest.importorskip("statsmodels")
    errors = load("sunspots").main(epochs=25)
    assert errors["ClassicLSTM"] < errors["last year"]


@pytest.mark.slow
@trains
def test_text_generation(capsys: pytest.CaptureFixture[str]) -> None:
    bits, _ = load("text_generation").main(epochs=1, characters=30_000, units=16, length=80)
    assert 0 < bits < np.log2(96)
    written = capsys.readouterr().out.split("naive ")[1]
    assert len(written) > 40
