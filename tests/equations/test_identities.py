"""What follows from the equations without computing them: identities, counts, limits."""

import keras
import numpy as np
import pytest

from keras_lstm_ext import CECLSTM, OriginalLSTM, Variant, VariantLSTM
from tests import backends

# Table 10 of the 1997 paper: inputs, outputs, blocks, cells per block, biases of the hidden layer,
# bias of the output layer, weights. "B" networks (task 2a) feed nothing back.
TABLE_10 = {
    "1, 4 blocks": (7, 7, 4, 1, "gates", False, 264),
    "1, 3 blocks": (7, 7, 3, 2, "gates", False, 276),
    "2c, q = 50": (54, 2, 2, 1, False, False, 364),
    "2c, q = 100": (104, 2, 2, 1, False, False, 664),
    "2c, q = 200": (204, 2, 2, 1, False, False, 1264),
    "2c, q = 500": (504, 2, 2, 1, False, False, 3064),
    "2c, q = 1000": (1004, 2, 2, 1, False, False, 6064),
    "3": (1, 1, 3, 1, True, False, 102),
    "4 and 5": (2, 1, 2, 2, True, True, 93),
    "6a": (8, 4, 2, 2, True, True, 156),
    "6b": (8, 8, 3, 2, True, True, 308),
}


@pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="no backend counts differently")
@pytest.mark.parametrize("network", TABLE_10.values(), ids=TABLE_10.keys())
def test_weight_counts_of_table_10(network: tuple) -> None:
    inputs, outputs, blocks, size, use_bias, output_bias, weights = network
    model = keras.Sequential(
        [
            keras.Input((None, inputs)),
            OriginalLSTM(blocks * size, block_size=size, use_bias=use_bias),
            keras.layers.Dense(outputs, use_bias=output_bias),
        ]
    )
    assert model.count_params() == weights


def test_weight_count_of_task_2a() -> None:
    # One cell with an input gate, nothing fed back; outputs see the inputs and the cell.
    variant = Variant(gates=("i",), feedback="none", activation="sigmoid")
    layer = VariantLSTM(1, variant=variant, use_bias=False)
    layer.build((None, None, 101))
    assert layer.count_params() + (101 + 1) * 101 == 10504


def test_weight_count_of_2000() -> None:
    # Four blocks of two cells with forget gates, fed back by cells only, a bias for every
    # gate; seven outputs see the inputs and the cells, and have a bias.
    variant = Variant(gates=("i", "f", "o"), block_size=2)
    layer = VariantLSTM(8, variant=variant, use_bias="gates")
    layer.build((None, None, 7))
    assert layer.count_params() + 7 * (7 + 8 + 1) == 424


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["auto", "portable"])
def test_error_in_the_carousel_is_constant(engine: str) -> None:
    layer = CECLSTM(
        3,
        activation=None,
        output_activation=None,
        recurrent=False,
        return_state=True,
        engine=engine,
    )
    # One row of the batch for each row of the Jacobian.
    x = np.random.default_rng(0).normal(size=(3, 10_000, 2)).astype("float32")
    layer.build(x.shape)
    h, c = np.zeros((3, 3), "float32"), np.ones((3, 3), "float32")

    def diagonal(c: object) -> object:
        return keras.ops.sum(layer(x, initial_state=[h, c])[2] * np.eye(3, dtype="float32"))

    _, (jacobian,), _ = backends.gradients(diagonal, [c], jit=True)
    np.testing.assert_array_equal(jacobian, np.eye(3, dtype="float32"))


@pytest.mark.parametrize("layer_class", [OriginalLSTM, CECLSTM])
def test_truncation_keeps_the_error_that_is_inside(layer_class: type) -> None:
    """Truncated: dc_T/dc_0 is the identity for a carousel, whatever is fed back."""
    rng = np.random.default_rng(1)
    layer = layer_class(4, return_state=True, gradient="truncated")
    x = rng.normal(size=(1, 30, 3)).astype("float32")
    layer.build(x.shape)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    states = [rng.normal(size=(1, size)).astype("float32") for size in layer.state_size]

    def cell(h: object, c: object, *gates: object) -> object:
        return layer(x, initial_state=[h, c, *gates])[2][0, 1]

    _, (d_h, d_c, *d_gates), _ = backends.gradients(cell, states)
    np.testing.assert_array_equal(d_c, np.eye(4, dtype="float32")[1:2])
    for d in (d_h, *d_gates):
        np.testing.assert_array_equal(d, np.zeros_like(d))
