"""The training of one network: from its first epoch to its last, and from any epoch on."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from keras_lstm_ext.experiments.odyssey.chorales import Array, Chorales
from keras_lstm_ext.experiments.odyssey.network import Network, predicted
from keras_lstm_ext.files import whole

WEIGHTS, ORDER = range(2)
"""What random numbers are for: they come from (the seed of a network, one of these, ...)."""


@dataclass(frozen=True)
class How:
    """What is chosen for one network.

    Args:
        rate: Learning rate.
        momentum: Of Nesterov's kind.
        seed: Of its weights, and of the order of its chorales.
        epochs: It has so many at most.
        patience: It has no more after so many in a row that brought no better validation,
            or if after the first so many it does not beat `to_beat`.
        to_beat: A validation, in nats a step.
    """

    rate: float
    momentum: float
    seed: tuple[int, ...]
    epochs: int
    patience: int
    to_beat: float = np.inf


class State(NamedTuple):
    """A network between two epochs; the next depends on nothing else."""

    theta: Array
    velocity: Array
    best: Array  # weights after the epoch with the best validation
    curve: Array  # (epochs, 2): nats a step of training and validation, in float64

    @classmethod
    def start(cls, network: Network, how: How) -> Self:
        """Before the first epoch."""
        theta = network.draw(np.random.default_rng((*how.seed, WEIGHTS)))
        return cls(theta, np.zeros_like(theta), theta, np.zeros((0, 2)))

    def save(self, path: Path) -> None:
        """Writes what `load` reads, whole or not at all."""
        with whole(path) as temporary:
            np.savez(temporary, **self._asdict())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `save` wrote."""
        with np.load(path) as file:
            return cls(*(file[name] for name in cls._fields))

    @property
    def best_epoch(self) -> int:
        """The number of epochs before the best validation; 0 if there was none."""
        validation = self.curve[:, 1]
        return int(np.nanargmin(validation)) + 1 if np.isfinite(validation).any() else 0

    def ended(self, how: How) -> bool:
        """Whether there is no further epoch."""
        epochs = len(self.curve)
        diverged = not np.isfinite(self.curve[-1:]).all()
        hopeless = epochs >= how.patience and not self.curve[:, 1].min() < how.to_beat
        waited = epochs - self.best_epoch >= how.patience
        return diverged or hopeless or waited or epochs >= how.epochs


def epoch(network: Network, chorales: Chorales, how: How, state: State) -> State:
    """Learns every training chorale once, and looks at the validation set.

    After each chorale, with the gradient of the cost of all its steps,

        velocity = momentum * velocity - rate * gradient
        theta    = theta + momentum * velocity - rate * gradient

    Args:
        network: The network.
        chorales: The three sets.
        how: Its rate, momentum and seed.
        state: Before the epoch.

    Returns:
        After it.
    """
    theta, velocity = state.theta.copy(), state.velocity.copy()
    rate, momentum = np.float32(how.rate), np.float32(how.momentum)
    rng = np.random.default_rng((*how.seed, ORDER, len(state.curve)))
    nats = 0.0
    with np.errstate(all="ignore"):  # a rate may be too high: then the cost is not a number
        for k in rng.permutation(len(chorales.training)):
            step, cost = network.gradient(theta, chorales.training[k])
            step *= rate
            velocity *= momentum
            velocity -= step
            theta += momentum * velocity
            theta -= step
            nats += cost
        point = [nats / predicted(chorales.training), network.cost(theta, chorales.validation)]
    after = State(theta, velocity, state.best, np.concatenate([state.curve, [point]]))
    return after._replace(best=theta) if after.best_epoch == len(after.curve) else after
