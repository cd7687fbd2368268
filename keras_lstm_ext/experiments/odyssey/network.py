"""One of the nine networks: cells on the engine `native`, 88 logistic outputs, all in NumPy.

The layer says what the engine is to compute; its weights, and those of the outputs, lie in one
array, so that a step of training is a few lines over all of them. Chorales come one at a time, and
are too short for threads: each network has one, and many learn side by side.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from keras_lstm_ext import engines
from keras_lstm_ext.engines import native
from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.experiments.odyssey.chorales import KEYS, Array
from keras_lstm_ext.layers import VariantLSTM
from keras_lstm_ext.variants import Variant

UNITS = 100
"""Cells."""

SPREAD = 0.1
"""Standard deviation of the initial weights, biases among them."""

NONE = np.zeros((0, 0), "float32")
"""Stands for what a call of the engine does not have."""

KINDS = {np.dtype(name): kind for name, kind in packing.TYPES.items()}
"""The engine's number of a type."""


class Weights(NamedTuple):
    """What is learned; arrays of no size for what a variant does not have."""

    W: Array  # (keys, columns)
    R: Array  # (fed back, columns)
    p: Array  # (gates, units)
    b: Array  # (columns,)
    V: Array  # (units, keys)
    a: Array  # (keys,)


class Network:
    """A variant that predicts chords.

    Args:
        variant: The variant.
        units: Number of cells.
        keys: Number of keys.

    Raises:
        ValueError: If there is no native library.
    """

    def __init__(self, variant: Variant, units: int = UNITS, keys: int = KEYS) -> None:
        self.variant, self.units, self.keys = variant, units, keys
        self.layer = VariantLSTM(units, variant=variant, return_sequences=True)
        self.layer.build((None, None, keys))
        cell = self.layer.cell
        reason = (
            packing.why_not_built() or engines.lacks("native", cell) or native.why_not_cell(cell)
        )
        if reason:
            raise ValueError(f"the networks learn on the engine `native`: {reason}")

    @cached_property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of each array of `Weights`."""
        v, columns = self.variant, sum(self.variant.widths(self.units).values())
        return (
            (self.keys, columns),
            (self.fed, columns),
            (len(v.gates), self.units) if v.peepholes else (0, 0),
            (columns,),
            (self.units, self.keys),
            (self.keys,),
        )

    @property
    def fed(self) -> int:
        """How many values a step reads of the step before."""
        return sum(self.variant.feedback_widths(self.units).values())

    @cached_property
    def learned(self) -> Array:
        """Where there is a weight: what only gates see has none to the cell input."""
        there = np.ones(self._ends[-1], bool)
        if self.variant.gates_to_gates:
            self.split(there).R[self.units :, self.variant.columns(self.units)["c"]] = False
        return there

    @cached_property
    def _ends(self) -> Array:
        return np.cumsum([np.prod(shape) for shape in self.shapes])

    def split(self, theta: Array) -> Weights:
        """The weights as views of the array that holds all of them."""
        parts = np.split(theta, self._ends[:-1])
        return Weights(*(part.reshape(s) for part, s in zip(parts, self.shapes, strict=True)))

    def draw(self, rng: np.random.Generator) -> Array:
        """Initial weights."""
        theta: Array = rng.normal(0.0, SPREAD, self._ends[-1]).astype("float32")
        return theta * self.learned

    def gradient(self, theta: Array, chorale: Array) -> tuple[Array, float]:
        """The derivative of the cost of one chorale, and the cost.

        Args:
            theta: The weights.
            chorale: `(timesteps, keys)`.

        Returns:
            An array like `theta`, and nats, both of all steps together.
        """
        w, inputs = self.split(theta), self._inputs(theta, chorale)
        y, _, _, gates, cells = self._forward(inputs, keep=True)
        played, nats = self._outputs(w, y, chorale)
        d_z = played - chorale[1:]
        d_theta = np.empty_like(theta)
        d = self.split(d_theta)
        d.V[...], d.a[...] = y[0].T @ d_z, d_z.sum(axis=0)
        d_y = (d_z @ w.V.T)[None]
        x, h, c = inputs[:3]
        errors = [y, gates, cells, d_y, np.zeros_like(h), np.zeros_like(c)]
        results = [np.empty_like(x), np.empty_like(h), np.empty_like(c), d.W, d.R, d.p, d.b]
        call(True, self._words[True], [*inputs, *errors, *results])
        if self.variant.gates_to_gates:
            d_theta *= self.learned
        return d_theta, nats

    def cost(self, theta: Array, chorales: Sequence[Array]) -> float:
        """Nats a step over all predicted steps of some chorales."""
        w, nats = self.split(theta), 0.0
        for chorale in chorales:
            y, *_ = self._forward(self._inputs(theta, chorale), keep=False)
            nats += self._outputs(w, y, chorale)[1]
        return nats / predicted(chorales)

    def _outputs(self, w: Weights, y: Array, chorale: Array) -> tuple[Array, float]:
        """The probability that each key is down, and the nats of those that are and are not."""
        z = y[0] @ w.V + w.a
        e = np.exp(-np.abs(z))
        nats = np.log(1 + e) + np.maximum(z, 0) - chorale[1:] * z  # log(1 + e^z) - target z
        return np.where(z < 0, e, 1) / (1 + e), float(np.sum(nats, dtype="float64"))

    @cached_property
    def _words(self) -> tuple[packing.Words, packing.Words]:
        plans = (packing.plan_of(self.layer, False, False, keep, 1) for keep in (False, True))
        without, with_gates = (plan.words() for plan in plans)
        return without, with_gates

    def _inputs(self, theta: Array, chorale: Array) -> list[Array]:
        w = self.split(theta)
        h, c = (np.zeros((1, n), "float32") for n in (self.fed, self.units))
        x = np.ascontiguousarray(chorale[None, :-1])
        return [x, h, c, w.W, w.R, w.p, w.b, NONE, NONE.astype(bool)]

    def _forward(self, inputs: list[Array], keep: bool) -> list[Array]:
        words, (x, h, c, *_) = self._words[keep], inputs
        shapes = packing.result_shapes(words, x.shape, h.shape, c.shape)
        results = [np.empty(shape, "float32") for shape in shapes]
        call(False, words, [*inputs, *results])
        return results


def predicted(chorales: Sequence[Array]) -> int:
    """How many steps are predicted: of each chorale all but the first."""
    return sum(len(chorale) - 1 for chorale in chorales)


def call(backward: bool, words: packing.Words, arrays: list[Array]) -> None:
    """Lets the engine compute, on arrays whose rows lie one after another as it reads them."""
    if not all(a.flags.c_contiguous for a in arrays):
        raise ValueError("the engine reads rows one after another: an array has another order")
    described = [(a.ctypes.data, KINDS[a.dtype], a.ndim, *a.shape) for a in arrays]
    packing.call(backward, words, described)
