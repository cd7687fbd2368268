"""Confidence intervals, and whether a difference from a paper's number is more than chance."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

LEVEL = 0.95
"""Confidence of every interval; a difference is significant beyond it."""


@cache
def t_quantile(freedom: int) -> float:
    """How many standard errors from the mean Student's t distribution reaches on either side.

    Args:
        freedom: Degrees of freedom.

    Returns:
        The two-sided quantile of `LEVEL`.

    Examples:
        >>> round(t_quantile(9), 3)
        2.262
    """
    # With t = sqrt(freedom) tan(a), the density of a is proportional to cos(a)**(freedom - 1).
    a = np.linspace(0.0, math.pi / 2, 1_000_001)
    density = np.cos(a) ** (freedom - 1)
    share = np.cumsum(density[1:] + density[:-1])
    middle = a[1:][np.searchsorted(share, LEVEL * share[-1])]
    return math.sqrt(freedom) * math.tan(middle)


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Confidence interval of a mean; None for fewer than two values."""
    return _around_mean(values, 1 / len(values)) if len(values) > 1 else None


def expected_mean(values: Sequence[float], trials: int) -> tuple[float, float] | None:
    """Where the mean of other trials is expected, if they are no different.

    The papers give a mean and no standard deviation. If their trials and ours come from one
    distribution, the difference of the two means has the variance of ours times 1/n + 1/trials.
    The mean of the paper differs significantly if it is not in this prediction interval.

    Args:
        values: Ours.
        trials: How many trials the other mean is of.

    Returns:
        The interval, None for fewer than two values.

    Examples:
        >>> expected_mean([1.0, 2.0, 3.0], trials=6)
        (-1.042..., 5.042...)
    """
    return _around_mean(values, 1 / len(values) + 1 / trials) if len(values) > 1 else None


def _around_mean(values: Sequence[float], share: float) -> tuple[float, float]:
    half = t_quantile(len(values) - 1) * float(np.std(values, ddof=1)) * math.sqrt(share)
    mean = float(np.mean(values))
    return mean - half, mean + half


def share_interval(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's confidence interval of a share.

    Args:
        successes: How many.
        trials: Of how many.

    Returns:
        The interval.

    Examples:
        >>> share_interval(10, 10)
        (0.722..., 1.0)
    """
    z = 1.959963984540054
    middle = successes + z * z / 2
    half = z * math.sqrt(successes * (trials - successes) / trials + z * z / 4)
    return max(0.0, (middle - half) / (trials + z * z)), min(
        1.0, (middle + half) / (trials + z * z)
    )


def difference_interval(successes: int, trials: int, others: int, of: int) -> tuple[float, float]:
    """Newcombe's confidence interval of the difference of two shares.

    Args:
        successes: Of the first.
        trials: Of how many.
        others: Of the second.
        of: Of how many.

    Returns:
        The interval of the first share minus the second.

    Examples:
        >>> difference_interval(10, 10, 0, 10)
        (0.607..., 1.0)
    """
    (low, high), (lower, higher) = share_interval(successes, trials), share_interval(others, of)
    first, second = successes / trials, others / of
    below = math.hypot(first - low, higher - second)
    return first - second - below, first - second + math.hypot(high - first, second - lower)


def fisher(successes: int, trials: int, others: int, of: int) -> float:
    """Fisher's exact test of two shares.

    Args:
        successes: Ours.
        trials: Of how many.
        others: Theirs.
        of: Of how many.

    Returns:
        How likely a division at least as unlikely as this one is, if the shares are the same.

    Examples:
        >>> round(fisher(10, 10, 7, 10), 4)
        0.2105
    """
    both = successes + others

    def ways(k: int) -> int:
        return math.comb(trials, k) * math.comb(of, both - k)

    possible = range(max(0, both - of), min(trials, both) + 1)
    as_unlikely = sum(ways(k) for k in possible if ways(k) <= ways(successes))
    return as_unlikely / math.comb(trials + of, both)


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
