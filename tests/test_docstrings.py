"""Every example in a docstring of the package runs and prints what it says."""

import doctest
import importlib
import pkgutil
from collections.abc import Iterator

import keras
import numpy as np
import pytest

import keras_lstm_ext

NAMESPACE = {
    "keras": keras,
    "np": np,
    **{name: value for name, value in vars(keras_lstm_ext).items() if not name.startswith("_")},
}

OPTIONAL = ("jax", "torch", "tensorflow", "matplotlib", "pandas", "sklearn", "onnx", "statsmodels")


def modules() -> Iterator[str]:
    yield "keras_lstm_ext"
    for found in pkgutil.walk_packages(keras_lstm_ext.__path__, "keras_lstm_ext."):
        if not found.name.endswith("__main__"):
            yield found.name


def examples() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in modules():
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] not in OPTIONAL:
                raise
            continue
        for found in finder.find(module, name, globs=vars(module) | NAMESPACE):
            if found.examples:
                yield found


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name)
def test_docstring_example(
    example: doctest.DocTest, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))  # an example may write files
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert runner.run(example, out=report.append).failed == 0, "".join(report)
