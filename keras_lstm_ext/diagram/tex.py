"""The equations of any member of the family in TeX."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_lstm_ext.variants import Variant

SQUASHED = {
    None: "{}",
    "tanh": r"\tanh({})",
    "sigmoid": r"\sigma({})",
    "centered_sigmoid_2": r"4 \sigma({}) - 2",
    "centered_sigmoid_1": r"2 \sigma({}) - 1",
}
"""How a squasher of this name is written around what it squashes."""

Squash = Callable[[str], str]


def squash(name: str | None) -> Squash:
    """Writes a squasher of a known name."""
    return lambda tex: SQUASHED[name].replace("{}", tex)


@dataclass(frozen=True)
class Equations:
    """How a cell's equations are written.

    Args:
        variant: The cell.
        gate: Writes the squasher of the gates.
        activation: Writes the squasher of the cell input.
        output_activation: Writes the squasher of the cell state.
        biased: The nets that have a bias.
        zoneout: How much is kept of the old h and c.
    """

    variant: Variant
    gate: Squash
    activation: Squash
    output_activation: Squash
    biased: Collection[str]
    zoneout: tuple[float, float] = (0.0, 0.0)

    def lines(self) -> dict[str, str]:
        """The equations in the order of computation, by the letter that each defines."""
        v = self.variant
        intake = r"i_t \odot g_t" if "i" in v.gates else "g_t"
        c, h = self._made(1, "c"), self._made(0, "h")
        shown = rf"\mathrm{{LN}}({c}_t)" if v.normalize_output else f"{c}_t"
        m = self.output_activation(shown)
        if "o" in v.gates:
            m = r"o_t \odot " + (f"({m})" if m.endswith(" - 1") else m)
        made = {"g": self.activation(self._net("c")), c: f"{_kept(v)} + {intake}"}
        gates = {k: self.gate(self._net(k)) for k in v.gates}
        written = {k: gates.pop(k) for k in ("i", "f") if k in gates} | made | gates
        written[h] = f"P ({m})" if v.projection else m
        for name, rate in zip("hc", self.zoneout, strict=True):
            if rate:
                written[name] = rf"{rate:g} \, {name}_{{t-1}} + {1 - rate:g} \, \tilde {name}_t"
        rows = {name: rf"{name}_t &= {tex}" for name, tex in written.items()}
        if v.feeds_gates:
            fed = "; ".join(f"{name}_{{t-1}}" for name in (_fed(v), *v.gates))
            rows = {"r": f"r_{{t-1}} &= [{fed}]"} | rows
        if v.nonrecurrent_projection:
            rows["parts of h"] = r"[h^1_t; h^2_t] &= h_t"
        return rows

    def _made(self, state: int, name: str) -> str:
        """The letter of what a step makes, which zoneout mixes with what there was."""
        return rf"\tilde {name}" if self.zoneout[state] else name

    def _net(self, k: str) -> str:
        v = self.variant
        fed = "r" if v.feeds_gates and (k != "c" or not v.gates_to_gates) else _fed(v)
        reads = "x_t", f"{fed}_{{t-1}}"
        pairs = list(zip("WR", reads, strict=True))[: 1 if v.feedback == "none" else 2]
        if v.normalize_nets:  # of all nets together, so gates which net c does not see count too
            pairs = [
                (letter, "r_{t-1}" if letter == "R" and v.feeds_gates else x) for letter, x in pairs
            ]
            terms = [rf"\mathrm{{LN}}({letter} {x})_{k}" for letter, x in pairs]
        else:
            terms = [f"{letter}_{k} {x}" for letter, x in pairs]
        if v.peepholes and k != "c":
            total = r"\textstyle\sum_S " if v.block_size > 1 else ""
            seen = f"{self._made(1, 'c')}_t" if k == "o" else "c_{t-1}"
            terms.append(rf"{total}p_{k} \odot {seen}")
        if k in self.biased:
            terms.append(f"b_{k}")
        return " + ".join(terms)


def of(v: Variant) -> dict[str, str]:
    """The equations of a variant with logistic gates and all its biases."""
    gate, a, phi = (squash(name) for name in ("sigmoid", v.activation, v.squashes_output))
    return Equations(v, gate, a, phi, v.nets).lines()


def aligned(lines: Collection[str]) -> str:
    """Equations below each other."""
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _fed(v: Variant) -> str:
    """The letter of the outputs that are fed back."""
    return "h^1" if v.nonrecurrent_projection else "h"


def _kept(v: Variant) -> str:
    if "f" in v.gates or v.coupled:
        factor = "f_t" if "f" in v.gates else "(1 - i_t)"
        return rf"{factor} \odot c_{{t-1}}"
    return "c_{t-1}" if v.decay == 1.0 else rf"{v.decay} \, c_{{t-1}}"
