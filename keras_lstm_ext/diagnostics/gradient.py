"""How the error flows back through the steps of a layer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_lstm_ext.diagnostics.data import Batch, first_batch
from keras_lstm_ext.diagnostics.subject import only, subject
from keras_lstm_ext.diagnostics.watch import (
    Array,
    Probes,
    Tensor,
    choose,
    first_line,
    run,
    watch,
    watching,
)


@dataclass(frozen=True)
class GradientFlow:
    r"""The size of the error that arrives at each step of a layer.

    Args:
        h: $|\partial L / \partial h_t|$ of every row, the Euclidean norm over the units, of shape
            `(batch, timesteps)`.
        c: $|\partial L / \partial c_t|$, likewise.
        valid: Of the same shape, False where a mask skips the step. Default: where `c` is not NaN.
        layer: Name of the layer.
        call: Number of the call that the error arrives at, from 0.
        calls: How often the model calls the layer.
    """

    h: Array
    c: Array
    valid: Array | None = None
    layer: str = ""
    call: int = 0
    calls: int = 1

    def reach(self, share: float = 0.01) -> Array:
        """How many steps back from a row's last one its error is still felt in the cell state.

        Args:
            share: The part of the row's largest error that counts as felt.

        Returns:
            Whole numbers, of shape `(batch,)`; 0 where only the last step has an error, or none.

        Raises:
            ValueError: If an error is NaN or infinite.
        """
        valid = ~np.isnan(self.c) if self.valid is None else self.valid
        broken = np.flatnonzero((valid & ~np.isfinite(self.c)).any(axis=1))
        if len(broken):
            raise ValueError(
                "`reach` needs errors that are finite: a larger loss, or weights that grew without "
                f"bound, make them NaN or infinite. Received: such errors in rows {broken.tolist()}"
            )
        errors = np.where(valid, self.c, 0.0)
        felt = errors >= share * errors.max(axis=1, keepdims=True, initial=0.0)
        felt &= errors > 0
        last = errors.shape[1] - 1 - np.argmax(valid[:, ::-1], axis=1)
        return np.where(felt.any(axis=1), last - np.argmax(felt, axis=1), 0)


def gradient_flow(
    model: Any,
    x: Any,
    y: Any = None,
    layer: Any = None,
    *,
    sample_weight: Any = None,
    call: int | None = None,
    cell: int | None = None,
) -> GradientFlow:
    r"""Differentiates the loss of a model by every output and cell state of a layer.

    $$\left| \frac{\partial L}{\partial h_t} \right|, \qquad
    \left| \frac{\partial L}{\partial c_t} \right| \qquad t = 1, \dots, T$$

    Both are whole derivatives, with all that $h_t$ and $c_t$ do later; with
    `gradient="truncated"` they follow the truncated rule. Dropout is off. Steps are in the order of
    processing; those that a mask skips are NaN.

    Where a model calls the layer more than once, each call has a flow of its own, by the values
    that this call computed: with the loss of h(a) - h(b), the two flows have opposite gradients and
    the same sizes.

    Args:
        model: A compiled model.
        x: Its input, in the structure that the model takes; or a data set that gives the targets
            too, such as a `tf.data.Dataset`, of which the first batch is taken.
        y: The targets, for several outputs a list, tuple or dictionary as `fit` takes it.
        layer: The layer to look at, if the model has more than one: see `gate_trace`.
        sample_weight: Weights of rows, as `fit` takes them.
        call: Which call of the layer, where there are several: see `gate_trace`.
        cell: Which cell of a stack: see `gate_trace`.

    Returns:
        The norms, of shape `(batch, timesteps)`.

    Raises:
        ValueError: If the model is not compiled, or it is not clear which layer or call is meant,
            or `x` or `y` does not fit.

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
    batch = first_batch(x, y, sample_weight)
    looked_at = only(model, cell) if layer is None else subject(layer, cell)
    (calls,) = watch([looked_at], model, batch.x)
    number = choose(calls, call, looked_at, model)
    seen = calls[number]

    def loss(probes: Probes) -> Tensor:
        with watching(looked_at, probes, number):
            return _loss(model, batch)

    zeros = {k: ops.stack([ops.zeros_like(step[k]) for step in seen.steps]) for k in ("h", "c")}
    d = _GRADIENTS[keras.backend.backend()](loss, zeros)
    norms = {k: np.linalg.norm(ops.convert_to_numpy(v), axis=-1).T for k, v in d.items()}
    h, c = (seen.hide(norms[k]) for k in ("h", "c"))
    return GradientFlow(h, c, seen.valid, looked_at.name, number, len(calls))


def _loss(model: Any, batch: Batch) -> Tensor:
    outputs = run(model, batch.x)
    try:
        return model.compute_loss(batch.x, batch.y, outputs, batch.sample_weight)
    except Exception as error:  # of the loss or of the backend, each with its own
        shapes = [
            None if part is None else keras.tree.map_structure(lambda a: tuple(np.shape(a)), part)
            for part in (outputs, batch.y, batch.sample_weight)
        ]
        raise ValueError(
            f"`y` must be what the loss of {model.name!r} compares its outputs with, of shape "
            f"{shapes[0]} ({first_line(error)}). Received: y of shape {shapes[1]}, sample_weight "
            f"of shape {shapes[2]}"
        ) from error


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
