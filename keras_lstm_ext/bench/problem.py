"""What is computed: shapes, random inputs and weights, and the right answer.

Driver and workers make the same arrays from the same seed, so that only the seed travels. The right
answer is that of `keras_lstm_ext.reference`, which shares no code with any contender.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from keras_lstm_ext import reference, variants
from keras_lstm_ext.variants import Variant

Arrays: TypeAlias = dict[str, np.ndarray]
Digests: TypeAlias = dict[str, list[float]]

VARIANTS = {**variants.FAMILY, "cec, nothing fed back": replace(variants.CEC, feedback="none")}
"""What a contender may say it computes."""

FIT_BATCHES = 8
"""Batches of the epoch that the task `"fit"` is."""

PASSES = {"forward": 1, "steps": 1, "train": 3, "fit": 3 * FIT_BATCHES, "predict": FIT_BATCHES}
"""Products of a task in units of the forward's: each has two derivatives."""

TOLERANCE = 1e-3
"""How far a contender may be from the reference, relative to the largest entry compared."""

SAMPLES = 64
"""How many entries of each array are compared, at random places, besides its root mean square."""


class Shape(NamedTuple):
    """The size of a problem."""

    batch: int
    time: int
    features: int
    units: int

    @classmethod
    def parse(cls, text: str) -> "Shape":
        """Reads `"batch,time,features,units"`.

        Args:
            text: Four positive integers with commas between.

        Returns:
            The shape.

        Raises:
            ValueError: If `text` is anything else.

        Examples:
            >>> Shape.parse("32,100,64,128")
            Shape(batch=32, time=100, features=64, units=128)
        """
        sizes = text.split(",")
        if len(sizes) != 4 or not all(size.strip().isdecimal() and int(size) for size in sizes):
            raise ValueError(
                "a shape must be four positive integers, batch,time,features,units. "
                f"Received: {text!r}"
            )
        return cls(*map(int, sizes))

    def __str__(self) -> str:
        return ",".join(map(str, self))


@dataclass(frozen=True)
class Problem:
    """One thing to compute, with all its arrays, float32.

    Args:
        shape: `(batch, time, features, units)`.
        variant: A key of `VARIANTS`.
        masked: Whether rows are padded on the right, to lengths between a half and all of `time`.
        seed: Of inputs and weights.

    Examples:
        >>> problem = Problem(Shape(2, 5, 3, 4), "peephole")
        >>> {name: w.shape for name, w in problem.weights.items()}
        {'W': (3, 16), 'R': (4, 16), 'p': (3, 4), 'b': (16,)}
        >>> problem.flops("train") == 3 * 2 * 2 * 5 * (3 + 4) * 4 * 4
        True
    """

    shape: Shape
    variant: str = "classic"
    masked: bool = False
    seed: int = 1997

    @property
    def record(self) -> Variant:
        """The variant as data."""
        return VARIANTS[self.variant]

    @property
    def x(self) -> np.ndarray:
        """Input, `(batch, time, features)`."""
        return self._normal("x", *self.shape[:3])

    @property
    def dy(self) -> np.ndarray:
        """Derivative of the loss by the outputs, `(batch, time, units)`."""
        return self._normal("dy", *self.shape[:2], self.shape.units)

    @property
    def mask(self) -> np.ndarray | None:
        """Boolean `(batch, time)`, or None."""
        if not self.masked:
            return None
        batch, time, *_ = self.shape
        lengths = np.random.default_rng(self.seed).integers(time - time // 2, time + 1, batch)
        return np.arange(time) < lengths[:, None]

    @property
    def weights(self) -> Arrays:
        """W, R, p, b in Keras' layout, as far as the variant has them."""
        features, units = self.shape[2:]
        columns = sum(self.record.widths(units).values())
        fed = sum(self.record.feedback_widths(units).values())
        shapes: dict[str, tuple[int, ...]] = {"W": (features, columns)}
        if fed:
            shapes["R"] = (fed, columns)
        if self.record.peepholes:
            shapes["p"] = (len(self.record.gates), units)
        shapes["b"] = (columns,)
        # Small enough for the variants without forget gate not to be chaotic over 1,000 steps:
        # then no two float32 computations agree.
        scales = {"W": 0.5 / features**0.5, "R": 0.1 / max(fed, 1) ** 0.5, "p": 0.1, "b": 0.1}
        return {k: scales[k] * self._normal(k, *shape) for k, shape in shapes.items()}

    def flops(self, task: str) -> int:
        """Floating-point operations of the products: 2 B T (I + H) 4H for an LSTM's forward."""
        batch, time, *_ = self.shape
        entries = sum(w.size for k, w in self.weights.items() if k in "WR")
        return 2 * batch * time * entries * PASSES[task]

    def expected(self, task: str) -> Digests:
        """What the reference says, in float64.

        Args:
            task: A key of `PASSES`.

        Returns:
            Digest of the outputs and, for `"train"`, of the derivative by x and each weight.
        """
        x, weights = self.x.astype("float64"), self._by_net()
        name, gradient = self.variant.split(",")[0], self.record.gradient
        run = reference.forward(name, x, None, weights, self.mask, gradient=gradient)
        arrays = {"h": run.outputs}
        if task == "train":
            dx, _, d = reference.backward(run, self.dy.astype("float64"))
            arrays |= {"dx": dx, **self._from_nets(d)}
        return digests(arrays)

    def _normal(self, name: str, *shape: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, *name.encode()])
        return rng.standard_normal(shape, dtype="float32")

    def _by_net(self) -> Arrays:
        columns = self.record.columns(self.shape.units)
        weights = {k: w.astype("float64") for k, w in self.weights.items()}
        peepholes = weights.pop("p", ())
        nets = {f"{k}_{net}": w[..., at] for k, w in weights.items() for net, at in columns.items()}
        rows = zip(self.record.gates, peepholes, strict=False)
        return nets | {f"p_{gate}": row for gate, row in rows}

    def _from_nets(self, d: Arrays) -> Arrays:
        def joined(letter: str) -> np.ndarray:
            if letter == "p":
                return np.stack([d[f"p_{gate}"] for gate in self.record.gates])
            return np.concatenate([d[f"{letter}_{net}"] for net in self.record.nets], axis=-1)

        return {f"d{letter}": joined(letter) for letter in self.weights}


def digests(arrays: Arrays) -> Digests:
    """A few numbers per array that a wrong one is unlikely to have.

    Args:
        arrays: By name.

    Returns:
        By name, the root mean square and some entries from random places, the same for arrays of
        the same size.

    Examples:
        >>> digests({"h": np.ones((2, 3))})["h"][:3]
        [1.0, 1.0, 1.0]
    """
    return {name: _digest(np.asarray(array, "float64").ravel()) for name, array in arrays.items()}


def _digest(flat: np.ndarray) -> list[float]:
    at = np.random.default_rng(flat.size).integers(0, flat.size, SAMPLES)
    return [float(np.sqrt(np.mean(flat**2))), *map(float, flat[at])]


def disagreement(given: Digests, expected: Digests) -> str | None:
    """Says what of a contender's answer is wrong.

    Args:
        given: The contender's digests.
        expected: The reference's.

    Returns:
        None if every array that is expected is there and within `TOLERANCE`.

    Examples:
        >>> disagreement({"h": [1.0, 2.0]}, {"h": [1.0, 1.0]})
        'h differs from the reference by 1 relative, accepted: 0.001'
    """
    for name, right in expected.items():
        error = _error(given.get(name, ()), right)
        if not error <= TOLERANCE:
            return (
                f"{name} differs from the reference by {error:.2g} relative, accepted: {TOLERANCE}"
            )
    return None


def _error(given: Sequence[float], right: Sequence[float]) -> Any:
    if len(given) != len(right):
        return float("inf")
    return np.max(np.abs(np.subtract(given, right))) / np.max(np.abs(right))
