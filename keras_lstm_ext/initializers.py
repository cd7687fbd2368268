"""Initial biases that no initializer of Keras gives, since they belong to gates."""

import numpy as np

from keras_lstm_ext.layers._groups import GateBias
from keras_lstm_ext.scalars import integer, is_number, plain


def chrono_bias(units: int, timesteps: float, seed: int | None = None) -> GateBias:
    r"""Biases of input and forget gates by which cells remember up to a number of timesteps.

    $$b_f = \ln u \qquad u \sim U(1, T - 1) \qquad b_i = -b_f$$

    With nothing else at a gate, $f = \frac{u}{u + 1}$ and $i = 1 - f$: a cell forgets over $u + 1$
    steps and takes as much in as it forgets. A forget bias of 1, the default of the layers, means
    less than 4 steps.

    Source: Tallec and Ollivier 2018.

    Args:
        units: Number of memory cells; of blocks where the cells of a block share their gates.
        timesteps: T, the longest lag that is expected; at least 2.
        seed: Integer for the same numbers every time.

    Returns:
        The `gate_bias` of a layer that has input and forget gates, one number per block.

    Raises:
        ValueError: If `timesteps` is not a number from 2 on or `units` not a positive integer.

    Examples:
        >>> from keras_lstm_ext import ClassicLSTM
        >>> layer = ClassicLSTM(32, gate_bias=chrono_bias(32, timesteps=1000))
        >>> [round(b, 2) for b in chrono_bias(3, timesteps=1000, seed=1)["f"]]
        [6.24, 6.86, 4.98]
    """
    units, given = integer("units", units), plain(timesteps)
    if not is_number(given) or not 2 <= given < float("inf"):
        raise ValueError(
            f"`timesteps` must be a finite number from 2 on. Received: timesteps={timesteps!r}"
        )
    b_f = np.log(np.random.default_rng(seed).uniform(1.0, given - 1.0, units))
    return {"i": (-b_f).tolist(), "f": b_f.tolist()}
