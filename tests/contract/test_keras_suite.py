"""Keras' own suite for layers, behind one adapter: its test case is private to Keras.

The suite is its `run_layer_test`, and the test files of its package with a subclass of ours where
they say `layers.LSTM` and `layers.LSTMCell`.
"""

import importlib.util
import inspect
import types
import unittest
from collections.abc import Iterator
from typing import Any

import keras
import pytest
from keras.src.testing import TestCase

from keras_lstm_ext import ClassicLSTM, ClassicLSTMCell
from tests.contract.family import BATCH, FEATURES, TIME, UNITS, Make, each_layer

OPTIONS: dict[str, dict[str, Any]] = {
    "default": {},
    "sequences": {"return_sequences": True},
    "backward": {"go_backwards": True, "zero_output_for_mask": True},
    "unrolled": {"unroll": True},
    "dropout": {"dropout": 0.25, "recurrent_dropout": 0.25, "seed": 3},
    "penalty": {"bias_regularizer": "l2", "activity_regularizer": "l2"},
}


@each_layer
@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_run_layer_test(make: Make, options: dict[str, Any]) -> None:
    case = TestCase()
    case.setUp()
    sequences = (TIME,) if options.get("return_sequences") else ()
    plain = make(UNITS)
    plain.build((BATCH, TIME, FEATURES))
    case.run_layer_test(
        getattr(make, "func", make),
        init_kwargs={"units": UNITS, **getattr(make, "keywords", {}), **options},
        input_shape=(BATCH, TIME, FEATURES),
        expected_output_shape=(BATCH, *sequences, UNITS),
        expected_num_trainable_weights=len(plain.weights),
        expected_num_non_trainable_weights=0,
        expected_num_non_trainable_variables=1,  # the seed of the dropout masks
        expected_num_losses=2 if "bias_regularizer" in options else 0,
        supports_masking=True,
    )


@keras.saving.register_keras_serializable(package="keras_suite")
class LSTM(ClassicLSTM):
    """Takes the arguments of `keras.layers.LSTM` that `engine` replaces, and leaves them alone."""

    def __init__(
        self, *args: Any, implementation: Any = None, use_cudnn: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.use_cudnn = use_cudnn  # as Keras' layer has it, for `Bidirectional` to hand on


@keras.saving.register_keras_serializable(package="keras_suite")
class LSTMCell(ClassicLSTMCell):
    def __init__(self, *args: Any, implementation: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


FILES = ("lstm_test", "bidirectional_test", "stacked_rnn_cells_test")
SLOW = "test_basics"

REFUSED = {
    # Integers, which Keras casts, are refused by our layers as a mistake.
    "test_output_shape": "`sequences` must have a float dtype",
    # A private method of `Bidirectional` that tells Keras' own class from all others.
    "test_fused_lstm_eligibility": "_can_attempt_fused_lstm",
}
"""The tests that cannot pass, and what they fail with."""


def keras_tests() -> Iterator[Any]:
    """The test methods of Keras' files that are about LSTM, on copies that see our classes."""
    for file in FILES:
        spec = importlib.util.find_spec(f"keras.src.layers.rnn.{file}")
        if spec is None or spec.loader is None:
            reason = f"Keras {keras.__version__} has no {file}.py"
            yield pytest.param(None, "", id=file, marks=pytest.mark.skip(reason=reason))
            continue
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        ours = {"LSTM": LSTM, "LSTMCell": LSTMCell}
        module.layers = types.SimpleNamespace(**(vars(module.layers) | ours))
        for case in vars(module).values():
            if isinstance(case, type) and issubclass(case, TestCase):
                for method in unittest.defaultTestLoader.getTestCaseNames(case):
                    if file == FILES[0] or "LSTM" in inspect.getsource(getattr(case, method)):
                        marks = [pytest.mark.slow] if method == SLOW else []
                        yield pytest.param(case, method, id=f"{file}-{method}", marks=marks)


@pytest.mark.parametrize(("case", "method"), list(keras_tests()))
def test_file_of_keras(case: Any, method: str) -> None:
    result = case(method).run()
    for _, reason in result.skipped:
        pytest.skip(reason)
    assert result.testsRun == 1
    reports = [report for _, report in result.errors + result.failures]
    if method in REFUSED:
        assert len(reports) == 1
        assert REFUSED[method] in reports[0]
    else:
        assert not reports, reports[0]
