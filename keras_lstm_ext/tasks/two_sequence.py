"""Experiment 3 of 1997: noise and signal on the same input line."""

from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np

from keras_lstm_ext.tasks._arrays import (
    Sequences,
    check_at_least,
    check_choice,
    plain_fields,
    target_at_end,
)
from keras_lstm_ext.tasks._network import Network, Training, network_1997
from keras_lstm_ext.tasks._task import Criterion, Task

CRITERIA = {
    "3a": Criterion(tolerance=0.2, mean_error=0.01),
    "3b": Criterion(tolerance=0.2, wrong=5, mean_error=0.04),
    "3c": Criterion(tolerance=0.1, mean_error=0.015),
}


@dataclass(frozen=True)
class TwoSequence(Task):
    r"""Tasks 3a to 3c: tell two classes apart by the first N numbers of a long noisy sequence.

    The first N inputs are 1 for class 1 and -1 for class 2, each with probability 0.5; the others
    are normal with mean 0 and variance 0.2. Lengths are uniform from T to T + T/10. The target at
    the end is 1 for class 1 and 0 for class 2. Task 3b adds the noise to the first N inputs too.
    Task 3c has targets 0.2 and 0.8 with normal noise of variance 0.1; a network is tested on
    targets without noise, which `for_testing` gives.

    `criterion` is the paper's ST2; ST1 is the same without `mean_error`.

    Source: Hochreiter and Schmidhuber 1997, section 5.3, Tables 4 to 6. The paper says that
    guessing weights at random solves 3a faster than any training.

    Args:
        T: Least length.
        N: How many inputs carry the class.
        task: `"3a"`, `"3b"` or `"3c"`.
        noisy_targets: False leaves out the noise on the targets of task 3c.

    Raises:
        ValueError: If an argument has a value that it does not accept.

    Examples:
        >>> TwoSequence(T=100, N=3).sample(0, 2).inputs[:, :3, 0]
        array([[ 1.,  1.,  1.],
               [-1., -1., -1.]], dtype=float32)
    """

    T: int = 100
    N: int = 3
    task: Literal["3a", "3b", "3c"] = "3a"
    noisy_targets: bool = True

    features = outputs = 1

    def __post_init__(self) -> None:
        plain_fields(self)
        check_at_least(1, N=self.N)
        check_at_least(self.N, T=self.T)
        check_choice(tuple(CRITERIA), task=self.task)

    @property
    def criterion(self) -> Criterion:
        """ST2 of the task."""
        return CRITERIA[self.task]

    @property
    def networks(self) -> dict[str, Network]:
        """Three blocks of one cell."""
        rate = 0.1 if self.task == "3c" else 1.0
        network = network_1997(
            3,
            1,
            Training(rate, "test", 256, trials=10, test_size=2560),
            weight_range=0.1,
            gate_bias={"i": (-1.0, -3.0, -5.0), "o": (-2.0, -4.0, -6.0)},
            output_bias=False,
        )
        return {"3 blocks of 1": network}

    @property
    def for_testing(self) -> Self:
        """Targets without noise."""
        return replace(self, noisy_targets=False)

    def draw(self, rng: np.random.Generator, n: int) -> Sequences:
        """Draws sequences; see `Task.sample`."""
        steps = self.T + self.T // 10
        lengths = rng.integers(self.T, steps + 1, size=n)
        is_class_1 = rng.integers(2, size=n) == 1
        signal = np.where(is_class_1, 1.0, -1.0)[:, None]
        x = rng.normal(0.0, 0.2**0.5, (n, steps))
        x[:, : self.N] = signal + (x[:, : self.N] if self.task == "3b" else 0.0)
        target = np.where(is_class_1, *((0.2, 0.8) if self.task == "3c" else (1.0, 0.0)))
        if self.task == "3c" and self.noisy_targets:
            target += rng.normal(0.0, 0.1**0.5, n)
        return target_at_end(x[..., None], target[:, None], lengths)
