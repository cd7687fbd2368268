"""The cuDNN engine: for real on a GPU, and its packing and mask rules around a stand-in op."""

from typing import Any

import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, PeepholeLSTM, reference
from keras_lstm_ext.engines import cudnn
from tests import backends
from tests.equations.oracle import (
    MASKS,
    Case,
    arrays_of,
    assert_equal,
    by_layer,
    by_reference,
    mask_of,
    randomize,
)

pytestmark = pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="of TensorFlow")

CASES = [
    Case("classic", {"go_backwards": backwards, "return_sequences": sequences}, mask, state)
    for backwards in (False, True)
    for sequences in (False, True)
    for mask in ("none", *MASKS)
    for state in (False, True)
]


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_a_gpu(case: Case) -> None:
    layer = case.layer(engine="cudnn", gradient="full")
    layer.build((3, 7, 5))
    randomize(layer)
    assert layer.explain((3, 7, 5), mask=case.mask != "none").engine == "cudnn"
    given = by_layer(case, layer, "float32")
    assert_equal(given, by_reference(case, layer, "float32"), 1e-5, 1e-5)


def stand_in(
    input: Any, input_h: Any, input_c: Any, params: Any, sequence_lengths: Any, **options: Any
) -> tuple[Any, ...]:
    """What cuDNN computes, from its documentation of parameters: linLayerID 0 to 7 are the
    matrices of i, f, c, o on the input, then on h; each is (units, inputs), rows first; then eight
    biases in the same order, two of which are added for each net."""
    import tensorflow as tf

    assert options == {"rnn_mode": "lstm", "is_training": True, "time_major": False}
    units, features = input_h.shape[-1], input.shape[-1]

    def compute(x: Any, h: Any, c: Any, params: Any, lengths: Any) -> tuple[np.ndarray, ...]:
        sizes = [units * features] * 4 + [units * units] * 4 + [units] * 8
        parts = np.split(params.numpy().astype("float64"), np.cumsum(sizes)[:-1])
        weights = {}
        for k, net in enumerate("ifco"):
            weights[f"W_{net}"] = parts[k].reshape(units, features).T
            weights[f"R_{net}"] = parts[4 + k].reshape(units, units).T
            weights[f"b_{net}"] = parts[8 + k] + parts[12 + k]
        valid = np.arange(x.shape[1]) < lengths.numpy()[:, None]
        run = reference.forward(
            "classic",
            x.numpy().astype("float64"),
            (h.numpy()[:, 0].astype("float64"), c.numpy()[:, 0].astype("float64")),
            weights,
            valid,
            zero_output_for_mask=True,
        )
        return run.outputs, run.states[0][:, None], run.states[1][:, None]

    inputs = [input, input_h, input_c, params, sequence_lengths]
    outputs = tf.py_function(compute, inputs, [input.dtype] * 3)
    for y, steps in zip(outputs, (None, 1, 1), strict=True):
        y.set_shape((None, steps, units))
    return *outputs, None, None


@pytest.mark.parametrize("case", CASES, ids=str)
def test_around_a_stand_in(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    monkeypatch.setattr(cudnn, "gpu_visible", lambda: True)
    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", stand_in)
    for zero_output in (False, True):
        layer = case.layer(engine="cudnn", gradient="full", zero_output_for_mask=zero_output)
        layer.build((3, 7, 5))
        randomize(layer)
        x, *states = arrays_of(case, layer, "float32")
        outputs = layer(x, initial_state=states or None, mask=mask_of(case))
        outputs = [y.numpy() for y in outputs]
        expected, _ = by_reference(case, layer, "float32")
        assert_equal((outputs, []), (expected, []), 1e-5, 0.0)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (ClassicLSTM(4, gradient="truncated"), "full gradient"),
        (ClassicLSTM(4, block_size=2), "without blocks"),
        (PeepholeLSTM(4), "classic LSTM only"),
        (ClassicLSTM(4, activation="relu"), "tanh"),
        (ClassicLSTM(4, recurrent_dropout=0.5), "recurrent dropout"),
        (ClassicLSTM(4, unroll=True), "unroll"),
        (ClassicLSTM(4, dtype="mixed_bfloat16"), "bfloat16"),
    ],
)
def test_declines_on_a_gpu(layer: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cudnn, "gpu_visible", lambda: True)
    assert words in layer.explain((2, 5, 3)).declined["cudnn"]


def test_auto_wants_a_recorded_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cudnn, "gpu_visible", lambda: True)
    assert ClassicLSTM(4).explain((2, 5, 3)).engine == "cudnn"
    monkeypatch.setattr(cudnn, "RECORDED_RUN", None)
    assert "is recorded" in ClassicLSTM(4).explain((2, 5, 3)).declined["cudnn"]


def test_declines_without_a_gpu() -> None:
    if not backends.has_gpu():
        assert ClassicLSTM(4).explain().declined["cudnn"] == "TensorFlow sees no GPU"
