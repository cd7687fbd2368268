r"""The constant error carousel carries an error over any time: dc_T / dc_0 is the identity."""

import keras
import numpy as np
import pytest

from keras_lstm_ext import CECLSTM
from tests.backends import compiled, gradients

UNITS = 3


@pytest.mark.slow
@pytest.mark.parametrize("gradient", ["full", "truncated"])
def test_the_jacobian_of_the_carousel_is_the_identity_after_ten_thousand_steps(
    gradient: str,
) -> None:
    layer = CECLSTM(
        UNITS, activation=None, output_activation=None, recurrent=False, return_state=True,
        kernel_initializer="glorot_uniform", gradient=gradient,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 10_000, 2)).astype("float32")
    layer.build(x.shape)
    h, c = rng.normal(size=(2, 1, UNITS)).astype("float32")

    @compiled
    def of_unit(x, h, c, one):
        return keras.ops.sum(one * layer(x, initial_state=[h, c])[2])

    def row(k: int) -> np.ndarray:
        one = np.eye(UNITS, dtype="float32")[k : k + 1]
        _, [_, d_h, d_c, _], _ = gradients(of_unit, [x, h, c, one])
        assert (d_h == 0).all()
        return d_c[0]

    np.testing.assert_array_equal([row(k) for k in range(UNITS)], np.eye(UNITS))
