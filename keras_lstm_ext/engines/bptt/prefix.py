"""A carousel whose intake needs nothing of the step before: all steps at once, as a running sum."""

from typing import Any

from keras import ops

from keras_lstm_ext.engines.bptt.algorithm import Arrays, Fixed, Plan, input_product
from keras_lstm_ext.engines.step import Equations

Tensor = Any


def is_prefix_sum(equations: Equations, masked: bool) -> bool:
    """Whether each step's intake is known without the step before, and is only added up."""
    v = equations.variant
    alone = v.adds_up and v.feedback == "none" and not v.peepholes and not any(equations.zoneout)
    return alone and not (masked and "o" in v.gates)


def prefix_sum(plan: Plan, a: Arrays, fixed: Fixed) -> tuple[Tensor, ...]:
    """Runs such a carousel, all steps at once; its gradient is automatic, a sum from the end.

    Args:
        plan: What is fixed.
        a: The arrays.
        fixed: The mask.

    Returns:
        As `forward`, without what to keep.
    """
    equations, z = plan.equations, input_product(plan.equations, a)
    nets = equations.write(z, a.c, None)
    intake = equations.intake(nets)
    if fixed.mask is not None:
        intake = ops.where(fixed.mask, intake, ops.zeros_like(intake))
    c = a.c + ops.cumsum(intake, axis=0)
    h = ops.cast(equations.read(z, c, None, nets, a.s)[0], a.h.dtype)
    if a.P is not None:
        h = ops.matmul(h, a.P)
    if fixed.mask is not None:
        h = ops.where(started(fixed.mask, axis=0), h, a.h)
    return h if plan.return_sequences else None, h[-1], c[-1], None


def started(mask: Tensor, axis: int) -> Tensor:
    """True from each row's first valid step on."""
    return ops.cumsum(ops.cast(mask, "int32"), axis=axis) > 0
