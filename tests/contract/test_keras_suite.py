"""Keras' own suite for layers, behind one adapter: its test case is private to Keras."""

from typing import Any

import pytest
from keras.src.testing import TestCase

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
