"""How the error flows back through the steps of a layer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_lstm_ext.diagnostics.watch import Array, recurrent_layers, require_layer, watching
from keras_lstm_ext.layers._layer import RecurrentLayer

Tensor = Any


@dataclass(frozen=True)
class GradientFlow:
    r"""The size of the error that arrives at each step of a layer.

    Args:
        h: $|\partial L / \partial h_t|$ of every row, the Euclidean norm over the units, of shape
            `(batch, timesteps)`.
        c: $|\partial L / \partial c_t|$, likewise.
    """

    h: Array
    c: Array

    def reach(self, share: float = 0.01) -> Array:
        """How many steps back from a row's last one its error is still felt in the cell state.

        Args:
            share: The part of the row's largest error that counts as felt.

        Returns:
            Whole numbers, of shape `(batch,)`; 0 where only the last step has an error, or none.
        """
        felt = np.nan_to_num(self.c) >= share * np.nanmax(self.c, axis=1, keepdims=True, initial=0)
        felt &= np.nan_to_num(self.c) > 0
        last = self.c.shape[1] - 1 - np.argmax(~np.isnan(self.c)[:, ::-1], axis=1)
        return np.where(felt.any(axis=1), last - np.argmax(felt, axis=1), 0)


def gradient_flow(model: Any, x: Any, y: Any, layer: RecurrentLayer | None = None) -> GradientFlow:
    r"""Differentiates the loss of a model by every output and cell state of a layer.

    $$\left| \frac{\partial L}{\partial h_t} \right|, \qquad
    \left| \frac{\partial L}{\partial c_t} \right| \qquad t = 1, \dots, T$$

    Both are whole derivatives, with all that $h_t$ and $c_t$ do later; with
    `gradient="truncated"` they follow the truncated rule. Dropout is off. Steps are in the order of
    processing; those that a mask skips are NaN.

    Args:
        model: A compiled model.
        x: Its input.
        y: The targets.
        layer: The layer to look at, if the model has more than one of this package.

    Returns:
        The norms, of shape `(batch, timesteps)`.

    Raises:
        ValueError: If the model is not compiled, or it is not clear which layer is meant.

    Examples:
        Nothing decays without gates: the error of the last step reaches the first one whole.

        >>> layer = CECLSTM(2, recurrent=False, activation=None, output_activation=None)
        >>> model = keras.Sequential([keras.Input((50, 3)), layer])
        >>> model.compile(loss="mse")
        >>> flow = gradient_flow(model, np.ones((1, 50, 3), "float32"), np.zeros((1, 2)))
        >>> bool(np.ptp(flow.c) < 1e-6), flow.reach().tolist()
        (True, [49])
    """
    if not getattr(model, "compiled", False):
        raise ValueError("`model` must be compiled, for its loss. Received: a model that is not")
    layer = _only(model) if layer is None else layer
    require_layer(layer)
    with watching(layer) as seen:
        model(x, training=False)

    def loss(probes: dict[str, Tensor]) -> Tensor:
        with watching(layer, probes):
            return model.compute_loss(x, y, model(x, training=False))

    zeros = {k: ops.stack([ops.zeros_like(step[k]) for step in seen.steps]) for k in ("h", "c")}
    d = _GRADIENTS[keras.backend.backend()](loss, zeros)
    norms = {k: np.linalg.norm(ops.convert_to_numpy(v), axis=-1).T for k, v in d.items()}
    return GradientFlow(**{k: seen.hide(norm) for k, norm in norms.items()})


def _only(model: Any) -> RecurrentLayer:
    layers = recurrent_layers(model)
    if len(layers) != 1:
        names = [layer.name for layer in layers]
        raise ValueError(
            "`layer` must be given, unless the model has exactly one layer of keras_lstm_ext. "
            f"Received: a model with {names}"
        )
    return layers[0]


Probes = dict[str, Tensor]
Loss = Callable[[Probes], Tensor]


def _tensorflow(loss: Loss, at: Probes) -> Probes:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(at)
        value = loss(at)
    return tape.gradient(value, at, unconnected_gradients="zero")


def _jax(loss: Loss, at: Probes) -> Probes:
    import jax

    return jax.grad(loss)(at)


def _torch(loss: Loss, at: Probes) -> Probes:
    import torch

    for probe in at.values():
        probe.requires_grad_()
    gradients = torch.autograd.grad(
        loss(at), list(at.values()), allow_unused=True, materialize_grads=True
    )
    return dict(zip(at, gradients, strict=True))


_GRADIENTS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
