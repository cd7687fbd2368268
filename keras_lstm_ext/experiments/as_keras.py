"""A paper's network as a Keras model."""

import keras

from keras_lstm_ext.experiments.learner import Learner, Weights
from keras_lstm_ext.layers import VariantLSTM


def as_keras(learner: Learner, weights: Weights, dtype: str = "float32") -> keras.Model:
    """Builds the model: the layer `"cells"`, then the layer `"outputs"` at every step.

    Args:
        learner: The network.
        weights: Of one network, as `learner.draw_weights` gives them.
        dtype: Of the model.

    Returns:
        The model, not compiled.
    """
    n, v = learner.network, learner.network.variant
    x = keras.Input((None, learner.features), dtype=dtype)
    cells = VariantLSTM(
        n.units,
        variant=v,
        use_bias=n.use_bias,
        unit_forget_bias=False,
        return_sequences=True,
        dtype=dtype,
        name="cells",
    )
    seen = cells(x)
    if n.shortcut:
        seen = keras.layers.Concatenate(dtype=dtype)([seen, x])
    outputs = keras.layers.Dense(
        learner.outputs, n.output_activation, use_bias=n.output_bias, dtype=dtype, name="outputs"
    )
    model = keras.Model(x, outputs(seen))
    K, p, V = weights
    has_bias = learner.learned[:, -1]
    values = [K[:, : learner.features].T]
    values += [] if v.feedback == "none" else [K[:, learner.features : -1].T]
    values += [p] if v.peepholes else []
    values += [K[has_bias, -1]] if has_bias.any() else []
    cells.set_weights(values)
    width = outputs.kernel.shape[0]
    outputs.set_weights([V[:, :width].T, *([V[:, width]] if n.output_bias else [])])
    return model
