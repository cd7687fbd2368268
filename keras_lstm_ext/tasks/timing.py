"""The tasks of 2002: measuring and generating precise time intervals."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np

from keras_lstm_ext.tasks._arrays import (
    Array,
    Sequences,
    before,
    check_at_least,
    check_choice,
    check_number,
    plain_fields,
)
from keras_lstm_ext.tasks._network import Network, Training
from keras_lstm_ext.tasks._task import Criterion, Task
from keras_lstm_ext.variants import CLASSIC, PEEPHOLE


@dataclass(frozen=True)
class Timing(Task):
    """What the tasks of 2002 share: networks of one cell, whose gates begin with biases.

    Args:
        forget_bias: Initial bias of the forget gate.
        output_bias: Initial bias of the output gate.
    """

    forget_bias: float = field(default=-2.0, kw_only=True)
    output_bias: float = field(default=2.0, kw_only=True)

    def __post_init__(self) -> None:
        plain_fields(self)
        check_number(forget_bias=self.forget_bias, output_bias=self.output_bias)

    def _networks(
        self, momentum: float, max_sequences: int = 10_000_000, **how: Any
    ) -> dict[str, Network]:
        """One cell with linear squashers, with and without peepholes."""
        training = Training(
            1e-5,
            "test",
            1,
            trials=10,
            momentum=momentum,
            update="step",
            max_sequences=max_sequences,
        )
        return {
            name: Network(
                replace(variant, gradient="truncated", activation=None, output_activation=None),
                units=1,
                training=training,
                weight_range=0.1,
                gate_bias={"i": (0.0,), "f": (self.forget_bias,), "o": (self.output_bias,)},
                **how,
            )
            for name, variant in (("peepholes", PEEPHOLE), ("no peepholes", CLASSIC))
        }


@dataclass(frozen=True)
class SpikeTrain(Timing):
    """What measuring and generating share: spikes at intervals of F steps and a delay."""

    F: int = 10
    delays: tuple[int, ...] = (0, 1)
    intervals: int = 100

    features = outputs = 1
    varying = True
    criterion = Criterion(tolerance=0.49)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "delays", tuple(self.delays))
        check_at_least(1, F=self.F, intervals=self.intervals)
        if not self.delays:
            raise ValueError("`delays` must not be empty. Received: delays=()")
        for delay in self.delays:
            check_at_least(0, delays=delay)

    @property
    def for_testing(self) -> Self:
        """Streams of 1000 intervals instead of 100; single intervals as they are."""
        return self if self.intervals == 1 else replace(self, intervals=1000)

    def spikes(self, rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
        """The delays I, `(n, intervals)`, the spikes and the valid steps, `(n, timesteps)`."""
        # One row per interval, so that a longer stream begins like a shorter one.
        I = rng.choice(self.delays, (self.intervals, n)).T  # noqa: E741
        T = np.cumsum(self.F + I, axis=1)
        valid = before(T[:, -1], T.max())
        spikes = np.zeros_like(valid)
        np.put_along_axis(spikes, T - 1, True, axis=1)
        return I, spikes, valid


@dataclass(frozen=True)
class SpikeDelays(SpikeTrain):
    r"""Measuring spike delays (MSD): at each spike, say by how much it is late.

    The input is 1 at the times

    $$T(1) = F + I(1), \qquad T(n) = T(n-1) + F + I(n)$$

    and 0 otherwise; the target at $T(n)$ is $I(n)$, drawn from `delays`. A stream ends with the
    first error of 0.49 or more, or after 100 intervals, 1000 in a test. With `intervals=1` it is
    the variant without streams (NMSD).

    A longer stream begins like a shorter one, for the same seed and `n`.

    Source: Gers, Schraudolph and Schmidhuber 2002, section 4.2, Table 1. It says that peepholes
    are not mandatory for this task.

    Departures: the paper is known here from notes on it. Steps are counted from 1; only the
    targets at spikes count; a test is one stream, or 1000 sequences of NMSD.

    Args:
        F: Least interval in steps.
        delays: The values of I, all equally likely.
        intervals: Intervals in a stream.
        forget_bias: Initial bias of the forget gate.
        output_bias: Initial bias of the output gate.

    Raises:
        ValueError: If an argument has a value that it does not accept.

    Examples:
        >>> inputs, targets, mask = SpikeDelays(F=3, intervals=2).sample(seed=3, n=1)
        >>> inputs[0, :, 0], targets[0, :, 0]
        (array([0., 0., 0., 1., 0., 0., 1.]...), array([0., 0., 0., 1., 0., 0., 0.]...))
    """

    @property
    def networks(self) -> dict[str, Network]:
        """A linear output unit where delays are larger than 1, otherwise a logistic one."""
        output = "sigmoid" if max(self.delays) <= 1 else "linear"
        if self.intervals > 1:
            return self._networks(0.9999, 100_000_000, output_activation=output)
        return {
            name: replace(network, training=replace(network.training, judged=1000))
            for name, network in self._networks(0.99, output_activation=output).items()
        }

    def draw(self, rng: np.random.Generator, n: int) -> Sequences:
        """Draws streams; see `Task.sample`."""
        I, spikes, _ = self.spikes(rng, n)  # noqa: E741
        targets = np.zeros(spikes.shape)
        targets[spikes] = I.ravel()
        return Sequences(spikes[..., None], targets[..., None], spikes)


@dataclass(frozen=True)
class TimedSpikes(SpikeTrain):
    """Generating timed spikes (GTS): the inverse of `SpikeDelays`.

    The target is 1 at the times T(n) of `SpikeDelays` and 0 otherwise; every step counts. The
    input is I(n) during the n-th interval, from the step after T(n - 1) to T(n).

    A longer stream begins like a shorter one, for the same seed and `n`.

    Source: Gers, Schraudolph and Schmidhuber 2002. Only networks with peepholes are
    reported to learn it.

    Departure: the paper is known here from notes on it, which say that input and target change
    places, not for how long I(n) is shown. During the whole interval is the choice made here.

    Args:
        F: Least interval in steps.
        delays: The values of I, all equally likely.
        intervals: Intervals in a stream.
        forget_bias: Initial bias of the forget gate.
        output_bias: Initial bias of the output gate.

    Raises:
        ValueError: If an argument has a value that it does not accept.

    Examples:
        >>> inputs, targets, mask = TimedSpikes(F=3, intervals=2).sample(seed=3, n=1)
        >>> inputs[0, :, 0], targets[0, :, 0]
        (array([1., 1., 1., 1., 0., 0., 0.]...), array([0., 0., 0., 1., 0., 0., 1.]...))
    """

    @property
    def networks(self) -> dict[str, Network]:
        """A logistic output unit."""
        return self._networks(0.999)

    def draw(self, rng: np.random.Generator, n: int) -> Sequences:
        """Draws streams; see `Task.sample`."""
        I, spikes, valid = self.spikes(rng, n)  # noqa: E741
        inputs = np.zeros(valid.shape)
        inputs[valid] = np.repeat(I.ravel(), self.F + I.ravel())
        return Sequences(inputs[..., None], spikes[..., None], valid)


@dataclass(frozen=True)
class PeriodicFunction(Timing):
    r"""Periodic function generation (PFG): follow a periodic function without any input.

    $$
    \begin{aligned}
    f_{cosine}(t) &= \tfrac{1}{2} (1 - \cos(2 \pi t / F)) \\
    f_{triangle}(t) &= 1 - |1 - 2 (t \bmod F) / F| \\
    f_{rectangle}(t) &= 1 \text{ if } t \bmod F > F / 2 \text{, otherwise } 0
    \end{aligned}
    $$

    A stream ends with the first error of 0.3 or more, or after 100 periods, 1000 in a test.
    Nothing is random: every stream is the same.

    Source: Gers, Schraudolph and Schmidhuber 2002.

    Departures: the paper is known here from notes on it. The first step is t = 1; the input unit,
    without which the network would not have its 17 weights, is always 0; the two halves of the
    triangle, which the notes exchange, are such that it is continuous and from 0 to 1.

    Args:
        shape: `"cosine"`, `"triangle"` or `"rectangle"`.
        F: Period in steps; the paper has 10 and 25.
        periods: Periods in a stream.
        forget_bias: Initial bias of the forget gate.
        output_bias: Initial bias of the output gate.

    Raises:
        ValueError: If an argument has a value that it does not accept.

    Examples:
        >>> PeriodicFunction("triangle", F=4, periods=2).sample(seed=0, n=1).targets[0, :, 0]
        array([0.5, 1. , 0.5, 0. , 0.5, 1. , 0.5, 0. ], dtype=float32)
    """

    shape: Literal["cosine", "triangle", "rectangle"] = "cosine"
    F: int = 10
    periods: int = 100

    features = outputs = 1
    criterion = Criterion(tolerance=0.3)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(("cosine", "triangle", "rectangle"), shape=self.shape)
        check_at_least(2, F=self.F)
        check_at_least(1, periods=self.periods)

    @property
    def networks(self) -> dict[str, Network]:
        """A linear output unit."""
        return self._networks(0.99, output_activation="linear")

    @property
    def for_testing(self) -> Self:
        """1000 periods."""
        return replace(self, periods=1000)

    def draw(self, rng: np.random.Generator, n: int) -> Sequences:
        """The same stream n times; see `Task.sample`."""
        F, t = self.F, np.arange(1, self.F * self.periods + 1) % self.F
        f = {
            "cosine": (1 - np.cos(2 * np.pi * t / F)) / 2,
            "triangle": 1 - np.abs(1 - 2 * t / F),
            "rectangle": t > F / 2,
        }[self.shape]
        targets = np.tile(f[None, :, None], (n, 1, 1))
        return Sequences(np.zeros(targets.shape), targets, np.ones(targets.shape[:2], bool))
