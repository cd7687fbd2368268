"""Welch's test: whether two samples with spreads of their own have different means."""

import math
from collections.abc import Sequence

import numpy as np


def welch(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How likely so different means are, if those of the distributions are the same.

    Args:
        ours: At least two values.
        theirs: At least two values, of which some differ.

    Returns:
        The two-sided p-value.

    Examples:
        >>> round(welch([1.0, 2.0, 3.0], [4.0, 6.0, 8.0]), 4)
        0.0548
    """
    a, b = (float(np.var(x, ddof=1)) / len(x) for x in (ours, theirs))
    t = (float(np.mean(ours)) - float(np.mean(theirs))) / math.sqrt(a + b)
    freedom = (a + b) ** 2 / (a * a / (len(ours) - 1) + b * b / (len(theirs) - 1))
    # With t = sqrt(freedom) tan(angle), the density of the angle is cos(angle)**(freedom - 1).
    angle = math.atan2(abs(t), math.sqrt(freedom))
    return _area(angle, freedom) / _area(0.0, freedom)


def _area(start: float, freedom: float) -> float:
    angles = np.linspace(start, math.pi / 2, 1_000_001)
    density = np.maximum(np.cos(angles), 0.0) ** (freedom - 1)
    return float(np.sum(density[1:] + density[:-1]) * (angles[1] - angles[0]) / 2)
