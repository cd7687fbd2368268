"""A call of the C interface in the layout of the reference, which says what is right."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from keras_lstm_ext import reference
from keras_lstm_ext.variants import FAMILY, PEEPHOLE, Variant
from tests.native import library as c
from tests.native.library import Arrays

SQUASHERS = {
    "tanh": reference.tanh,
    "sigmoid": reference.sigmoid,
    "centered_sigmoid_1": reference.centered_sigmoid_1,
    "centered_sigmoid_2": reference.centered_sigmoid_2,
    None: reference.linear,
}

SCALED = {"activation": "centered_sigmoid_2", "output_activation": "centered_sigmoid_1"}
LINEAR = {"activation": None, "output_activation": None}
ALL_FED = {"feedback": "cells and gates"}
NORMALIZED = {"normalize_nets": True, "normalize_output": True, "epsilon": 1e-3}

BASES = {**FAMILY, "coupled": replace(PEEPHOLE.without("f"), coupled=True)}

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "cec": ("cec", {}),
    "cec 1991": ("cec", {"feedback": "none", **LINEAR}),
    "original without fed back gates": ("classic", {"gates": ("i", "o"), **SCALED}),
    "original blocks": ("classic", {"gates": ("i", "o"), "block_size": 3, **SCALED}),
    "classic": ("classic", {}),
    "classic blocks": ("classic", {"block_size": 2}),
    "classic, sigmoid": ("classic", {"activation": "sigmoid"}),
    "peephole": ("peephole", {}),
    "peephole blocks": ("peephole", {"block_size": 3}),
    "two peepholes": ("peephole", {"gates": ("i", "o"), "decay": 0.9, "output_activation": None}),
    "decay": ("classic", {"gates": ("i", "o"), "decay": 0.9}),
    "task 2a": ("classic", {"gates": ("i",), "feedback": "none"}),
    "only forgets": ("classic", {"gates": ("f",)}),
    "original": ("original", {}),
    "original, its gates in blocks": ("original", {"block_size": 3}),
    "all fed back": ("peephole", ALL_FED),
    "all fed back, blocks": ("peephole", {"block_size": 3, **ALL_FED}),
    "fed back, no input gate": ("peephole", {"gates": ("f", "o"), "block_size": 2, **ALL_FED}),
    "fed back, no gates": ("original", {"gates": ()}),
    "coupled": ("coupled", {}),
    "coupled blocks": ("coupled", {"block_size": 3}),
    "coupled plain": ("coupled", {"gates": ("i",), "feedback": "none", "peepholes": False}),
    "coupled plain blocks": ("coupled", {"block_size": 2, "peepholes": False}),
    "normalised": ("classic", NORMALIZED),
    "normalised nets": ("peephole", {"block_size": 2, "normalize_nets": True}),
    "normalised output": ("peephole", {"block_size": 3, "normalize_output": True}),
    "normalised blocks": ("classic", {"block_size": 3, **NORMALIZED}),
    "normalised carousel": ("cec", {"feedback": "none", **NORMALIZED}),
    "normalised, all fed back": ("original", {"block_size": 2, **NORMALIZED}),
    "normalised coupled": ("coupled", {"block_size": 2, **NORMALIZED}),
}
BEYOND = {"coupled, all fed back": ("coupled", ALL_FED)}
"""What the reference has not."""


@dataclass(frozen=True)
class Problem:
    """A variant, a size and what else there is, filled with random numbers."""

    variant: str
    batch: int
    time: int
    features: int
    units: int
    mask: bool = False
    multiplier: bool = False
    reverse: bool = False
    gradient: str = "full"
    only_last: bool = False

    @property
    def record(self) -> Variant:
        name, fields = {**VARIANTS, **BEYOND}[self.variant]
        given = {**BASES[name].__dict__, "gradient": self.gradient, "sources": (), **fields}
        return Variant(**given)

    @property
    def fed(self) -> int:
        """How many numbers are the state h and, where they are fed back, the gates."""
        return sum(self.record.state_sizes(self.units)) - self.units

    def arrays(self) -> tuple[Arrays, Arrays]:
        """Inputs, and errors at the results."""
        v, units = self.record, self.units
        rng = np.random.default_rng([self.batch, self.time, self.features, units])

        def normal(*shape: int, scale: float = 1.0) -> np.ndarray:
            return rng.normal(scale=scale, size=shape).astype("float32")

        columns = sum(v.widths(units).values())
        inputs: Arrays = {
            "x": normal(self.batch, self.time, self.features),
            "h": normal(self.batch, self.fed),
            "c": normal(self.batch, units),
            "W": normal(self.features, columns, scale=0.7 / max(self.features, 1) ** 0.5),
            "b": normal(columns),
        }
        if v.feedback != "none":
            inputs["R"] = normal(self.fed, columns, scale=0.4 / max(units, 1) ** 0.5)
        if v.normalize_nets:
            gains = 1.0 + normal(columns * (1 + (v.feedback != "none")), scale=0.3)
            inputs["b"] = np.concatenate([inputs["b"], gains])
        if v.normalize_output:
            gain_and_shift = [1.0 + normal(units, scale=0.3), normal(units, scale=0.3)]
            inputs["b"] = np.concatenate([inputs["b"], *gain_and_shift])
        if v.peepholes:
            inputs["p"] = normal(len(v.gates), units, scale=0.5)
        if self.mask:
            inputs["mask"] = rng.random((self.batch, self.time)) < 0.6
            inputs["mask"][: self.batch // 3, : self.time // 2] = False
        if self.multiplier:
            inputs["multiplier"] = np.where(rng.random((self.batch, self.fed)) < 0.3, 0, 1.4)
            inputs["multiplier"] = inputs["multiplier"].astype("float32")
        errors = {"h": normal(self.batch, self.fed), "c": normal(self.batch, units)}
        if not self.only_last:
            errors["y"] = normal(self.batch, self.time, units)
        return inputs, errors

    def options(self, threads: int = 1, isa: int = 0) -> c.Options:
        x = np.empty((self.batch, self.time, self.features))
        return c.options(self.record, x, self.units, threads, isa, reverse=self.reverse)

    def expected(self) -> tuple[Arrays, Arrays]:
        """Results and gradients, from the reference, in float64."""
        v = self.record
        inputs, errors = self.arrays()
        wide = {k: a.astype("float64") for k, a in inputs.items() if a.dtype != bool}
        weights = self._by_net(wide)
        run = reference.forward(
            VARIANTS[self.variant][0],
            wide["x"],
            self._states(wide),
            weights,
            inputs.get("mask"),
            gradient=v.gradient,
            activation=SQUASHERS[v.activation],
            output_activation=SQUASHERS[
                v.activation if v.output_activation == "same" else v.output_activation
            ],
            block_size=v.block_size,
            decay=v.decay,
            epsilon=v.epsilon,
            go_backwards=self.reverse,
            feedback_multiplier=wide.get("multiplier"),
        )
        d_y = errors.get("y", np.zeros_like(run.outputs)).astype("float64")
        # The library's y is the state h itself; the reference puts out 0 before the first step.
        started = np.cumsum(run.valid, axis=1)[:, :, None] > 0
        early = np.where(started, 0.0, d_y).sum(axis=1)
        d_states = self._states({k: a.astype("float64") for k, a in errors.items()})
        d_x, d_states, d = reference.backward(run, d_y, d_states)
        y = np.where(started, run.outputs, wide["h"][:, None, : self.units])
        gradients = {"x": d_x, **self._from_states(d_states), **self._from_nets(d)}
        gradients["h"][:, : self.units] += early
        return {"y": y, **self._from_states(run.states)}, gradients

    def _states(self, of: Arrays) -> tuple[np.ndarray, ...]:
        h, c, units = of["h"], of["c"], self.units
        return (h[:, :units], c, h[:, units:]) if self._feeds_gates else (h, c)

    @staticmethod
    def _from_states(states: Sequence[np.ndarray]) -> Arrays:
        h, c, *gates = states
        return {"h": np.concatenate([h, *gates], axis=1), "c": c}

    @property
    def _feeds_gates(self) -> bool:
        return self.record.feeds_gates and bool(self.record.gates)

    def _by_net(self, wide: Arrays) -> Arrays:
        columns = self.record.columns(self.units)
        wide = wide | self._behind_b(wide["b"])
        nets = {
            f"{k}_{net}": wide[k][..., at]
            for k in ("W", "R", "b", "gW", "gR")
            if k in wide
            for net, at in columns.items()
        }
        nets |= {k: wide[k] for k in ("gain", "shift") if k in wide}
        return nets | dict(
            zip((f"p_{gate}" for gate in self.record.gates), wide.get("p", ()), strict=False)
        )

    def _behind_b(self, b: np.ndarray) -> Arrays:
        """The parts of b: itself, the gains of the nets, and gain and shift of the state."""
        v = self.record
        columns = sum(v.widths(self.units).values())
        sizes = {"b": columns}
        if v.normalize_nets:
            sizes |= {"gW": columns} | ({"gR": columns} if v.feedback != "none" else {})
        if v.normalize_output:
            sizes |= {"gain": self.units, "shift": self.units}
        ends = np.cumsum([*sizes.values()])
        assert ends[-1] == len(b)
        return dict(zip(sizes, np.split(b, ends[:-1]), strict=True))

    def _from_nets(self, d: Arrays) -> Arrays:
        v = self.record
        joined = {
            k: np.concatenate([d[f"{k}_{net}"] for net in v.nets], axis=-1)
            for k in ("W", "R", "b", "gW", "gR")
            if f"{k}_c" in d
        }
        behind = [joined.pop(k, None) for k in ("gW", "gR")] + [d.get("gain"), d.get("shift")]
        joined["b"] = np.concatenate([joined["b"], *(a for a in behind if a is not None)])
        return joined | ({"p": np.stack([d[f"p_{k}"] for k in v.gates])} if v.peepholes else {})


def assert_close(given: Arrays, expected: Arrays, tolerance: float = 1e-5) -> None:
    """Compares what is expected, each array relative to its largest entry."""
    for name, right in expected.items():
        error = np.max(np.abs(given[name] - right), initial=0.0)
        largest = np.max(np.abs(right), initial=0.0)
        assert error <= tolerance * largest, f"{name}: {error} of {largest}"
