"""Layer normalisation over the last axis with its derivative, and zoneout, in `keras.ops`."""

from typing import Any

from keras import ops

Tensor = Any


def normalize(y: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Shifts and scales each row to mean 0 and variance 1.

    Args:
        y: Any shape; rows lie along the last axis.
        epsilon: What is added to the variance.

    Returns:
        The normalised rows, and the factor of each, of size 1 in the last axis.
    """
    centred = y - ops.mean(y, axis=-1, keepdims=True)
    factor = ops.rsqrt(ops.mean(centred * centred, axis=-1, keepdims=True) + epsilon)
    return centred * factor, factor


def normalize_backward(d_u: Tensor, u: Tensor, factor: Tensor) -> Tensor:
    """Derivative of `normalize`, from what it returned.

    Args:
        d_u: Error at the normalised rows.
        u: The normalised rows.
        factor: The factor of each.

    Returns:
        The error at y.
    """
    along = ops.mean(d_u * u, axis=-1, keepdims=True)
    return factor * (d_u - ops.mean(d_u, axis=-1, keepdims=True) - u * along)


def zone_out(new: Tensor, old: Tensor, kept: Tensor | float) -> Tensor:
    """Mixes what a step made with what there was before it.

    Args:
        new: What the step made.
        old: What there was.
        kept: The share of the old: 0 or 1 for each entry in training, its mean in inference.

    Returns:
        The mixture.
    """
    return kept * old + (1.0 - kept) * new
