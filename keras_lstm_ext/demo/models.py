"""The recurrent layers that the demo compares."""

import keras
import numpy as np

from keras_lstm_ext.layers import CECLSTM, ClassicLSTM, OriginalLSTM, PeepholeLSTM

LAYERS: dict[str, type[keras.Layer]] = {
    "CECLSTM": CECLSTM,
    "OriginalLSTM": OriginalLSTM,
    "ClassicLSTM": ClassicLSTM,
    "PeepholeLSTM": PeepholeLSTM,
    "keras.layers.LSTM": keras.layers.LSTM,
}

NAMES = tuple(LAYERS)

NOTES = {
    "CECLSTM": "has no gates: every input is added to the memory, and nothing ever leaves it.",
    "OriginalLSTM": "is the layer of 1997: no forget gate, and by default the truncated gradient.",
}
"""What a reader of the results should know about a layer."""


def recurrent(name: str, units: int) -> keras.Layer:
    """Makes one of the layers, with its defaults where there is no reason against them.

    Args:
        name: One of `NAMES`.
        units: Number of memory cells.

    Returns:
        The layer.

    Examples:
        >>> recurrent("PeepholeLSTM", 8).peephole_initializer.__class__.__name__
        'Zeros'
    """
    if name == "OriginalLSTM":
        # As in 1997: input gates start nearly shut, each further than the last, so that the
        # memory does not fill before the cells have learnt what to keep.
        return OriginalLSTM(units, gate_bias={"i": np.linspace(-1, -6, units).tolist()})
    return LAYERS[name](units)


def engine(layer: keras.Layer, input_shape: tuple[int | None, int, int]) -> str:
    """The engine that trains a layer.

    Args:
        layer: The layer.
        input_shape: `(batch, timesteps, features)`.

    Returns:
        The engine's name, "keras" for a layer of Keras itself.
    """
    if isinstance(layer, keras.layers.LSTM):
        return "keras"
    return str(layer.explain(input_shape, training=True).engine)
