"""The LSTM family as data: which gates, what they see, what is fed back.

Every cell, engine and diagram of this package reads these records; none of them knows a variant
by name. The order of the weight columns is defined here and nowhere else.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from keras_lstm_ext.scalars import boolean, integer, plain

NET_ORDER = ("i", "f", "c", "o")
"""Column order of every kernel and bias: Keras' own, with absent gates left out.

``c`` is the net input of the cell itself; the other three are gates.
"""

Gradient = Literal["full", "truncated"]
Feedback = Literal["none", "cells", "cells and gates", "gates to gates"]

GRADIENTS = ("full", "truncated")
FEEDBACKS = ("none", "cells", "cells and gates", "gates to gates")


@dataclass(frozen=True)
class Variant:
    """One member of the family.

    Args:
        gates: Which of ``"i"``, ``"f"``, ``"o"`` the cell has.
        peepholes: Whether gates see the cell state: i and f the old one, o the new one.
        feedback: What a step reads of the step before: nothing, the cell outputs, the cell outputs
            and the gates, or the cell outputs and, in the gates only, the gates.
        block_size: Number of cells that share their gates.
        decay: Constant factor on the old cell state of a variant without forget gate.
        gradient: ``"full"``, or ``"truncated"`` as in the papers before 2005: no error flows
            through what is fed back, nor through the states that peepholes read.
        activation: Name of the squasher of the cell input.
        output_activation: Name of the squasher of the cell output, ``"same"`` for `activation`.
        sources: Keys of ``references.bib``, in the order of publication.
        coupled: Whether what the input gate leaves is kept of the old state: f = 1 - i.
        normalize_nets: Whether W x and R r are normalised over their columns, each by itself.
        normalize_output: Whether the state is normalised over the cells on its way out; the state
            itself never is.
        epsilon: What is added to a variance before its root is taken.
        projection: Width of what is fed back where it is a linear projection of the cell outputs,
            and of h, or None.
        nonrecurrent_projection: Number of further projections of the cell outputs that h ends with
            and that are not fed back, or None.

    Raises:
        ValueError: If a field has a value that it does not accept.

    Examples:
        >>> blocks_of_2000 = Variant(gates=("i", "f", "o"), block_size=2)
        >>> blocks_of_2000.widths(8)
        {'i': 4, 'f': 4, 'c': 8, 'o': 4}
    """

    gates: tuple[str, ...] = ("i", "f", "o")
    peepholes: bool = False
    feedback: Feedback = "cells"
    block_size: int = 1
    decay: float = 1.0
    gradient: Gradient = "full"
    activation: str | None = "tanh"
    output_activation: str | None = "same"
    sources: tuple[str, ...] = ()
    coupled: bool = False
    normalize_nets: bool = False
    normalize_output: bool = False
    epsilon: float = 1e-5
    projection: int | None = None
    nonrecurrent_projection: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "gates", tuple(self.gates))
        object.__setattr__(self, "sources", tuple(self.sources))
        known = tuple(net for net in NET_ORDER if net in self.gates)
        if "c" in known or known != self.gates:
            raise ValueError(
                "`gates` must be some of ('i', 'f', 'o') in this order. "
                f"Received: gates={self.gates!r}"
            )
        _check_choice("feedback", self.feedback, FEEDBACKS)
        _check_choice("gradient", self.gradient, GRADIENTS)
        decay = plain(self.decay)
        if (
            not isinstance(decay, int | float)
            or not 0.0 <= decay <= 1.0
            or ("f" in self.gates and decay != 1.0)
        ):
            raise ValueError(
                "`decay` must be a number from 0 to 1, and 1 where a forget gate is in its place. "
                f"Received: decay={self.decay!r} with gates={self.gates!r}"
            )
        object.__setattr__(self, "decay", float(decay))
        object.__setattr__(self, "block_size", integer("block_size", self.block_size))
        for name in ("peepholes", "coupled", "normalize_nets", "normalize_output"):
            object.__setattr__(self, name, boolean(name, getattr(self, name)))
        epsilon = plain(self.epsilon)
        if not isinstance(epsilon, int | float) or not 0.0 < epsilon < 1.0:
            raise ValueError(
                f"`epsilon` must be a number between 0 and 1. Received: epsilon={self.epsilon!r}"
            )
        object.__setattr__(self, "epsilon", float(epsilon))
        for name in ("projection", "nonrecurrent_projection"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, integer(name, getattr(self, name)))
        if self.nonrecurrent_projection and self.projection is None:
            raise ValueError(
                "`nonrecurrent_projection` needs `projection`, the one that is fed back, beside "
                f"it. Received: nonrecurrent_projection={self.nonrecurrent_projection!r}, "
                "projection=None"
            )
        if self.coupled and ("i" not in self.gates or "f" in self.gates or self.decay != 1.0):
            raise ValueError(
                "`coupled=True` needs an input gate, and neither forget gate nor decay beside it. "
                f"Received: gates={self.gates!r}, decay={self.decay!r}"
            )

    def without(self, *names: str) -> "Variant":
        """The variant that lacks something.

        Args:
            names: Of ``"i"``, ``"f"``, ``"o"``, ``"peepholes"``, ``"activation"`` and
                ``"output_activation"``; what a squasher is replaced by is the identity.

        Returns:
            The variant.

        Raises:
            ValueError: If this variant has none of that name.

        Examples:
            >>> PEEPHOLE.without("f", "peepholes").gates
            ('i', 'o')
        """
        has = (*self.gates, *["peepholes"] * self.peepholes, "activation", "output_activation")
        for name in names:
            if name not in has:
                raise ValueError(f"`without` accepts {has} here. Received: {name!r}")
        lacks: dict[str, Any] = dict.fromkeys(n for n in names if n.endswith("activation"))
        if "activation" in lacks and "output_activation" not in lacks:
            lacks["output_activation"] = self.squashes_output
        return replace(
            self,
            gates=tuple(gate for gate in self.gates if gate not in names),
            peepholes=self.peepholes and "peepholes" not in names,
            sources=(),
            **lacks,
        )

    @property
    def squashes_output(self) -> str | None:
        """The name of the squasher of the cell output."""
        return self.activation if self.output_activation == "same" else self.output_activation

    @property
    def nets(self) -> tuple[str, ...]:
        """The net inputs of the cell, in column order."""
        return tuple(net for net in NET_ORDER if net == "c" or net in self.gates)

    @property
    def truncated(self) -> bool:
        """Whether the gradient is the truncated one."""
        return self.gradient == "truncated"

    @property
    def feeds_gates(self) -> bool:
        """Whether gate activations are part of the state."""
        return self.feedback in ("cells and gates", "gates to gates")

    @property
    def gates_to_gates(self) -> bool:
        """Whether fed back gates are seen by gates only, through ``gate_kernel``."""
        return self.feedback == "gates to gates" and bool(self.gates)

    @property
    def adds_up(self) -> bool:
        """Whether all of the old state is kept."""
        return "f" not in self.gates and self.decay == 1.0 and not self.coupled

    def blocks(self, units: int) -> int:
        """Number of memory cell blocks that `units` cells make."""
        return units // self.block_size

    def widths(self, units: int) -> dict[str, int]:
        """Number of columns of each net: one per cell for ``c``, one per block for a gate."""
        return {net: units if net == "c" else self.blocks(units) for net in self.nets}

    def columns(self, units: int) -> dict[str, slice]:
        """Where each net's columns are in ``kernel`` and ``recurrent_kernel``."""
        return _slices(self.widths(units))

    def feedback_widths(self, units: int) -> dict[str, int]:
        """Width of each thing that is fed back: the rows of ``recurrent_kernel``.

        With ``gates_to_gates``, the gates' rows are those of ``gate_kernel``.
        """
        if self.feedback == "none":
            return {}
        gates = self.gates if self.feeds_gates else ()
        h = units if self.projection is None else self.projection
        return {"h": h} | {gate: self.blocks(units) for gate in gates}

    def outputs(self, units: int) -> int:
        """Width of h: what is fed back of it stands first."""
        if self.projection is None:
            return units
        return self.projection + (self.nonrecurrent_projection or 0)

    def recurrent_part(self, h: Any) -> Any:
        """The entries of h, or of an error at it, that are fed back."""
        return h[..., : self.projection] if self.nonrecurrent_projection else h

    def state_sizes(self, units: int) -> list[int]:
        """Sizes of the states: h, c, and the gates where they are fed back."""
        gates = [len(self.gates) * self.blocks(units)] if self.feeds_gates else []
        return [self.outputs(units), units, *gates]

    def get_config(self) -> dict[str, Any]:
        """The fields as a JSON-friendly dictionary."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def same_cell(a: Variant, b: Variant) -> bool:
    """Whether two variants compute the same, whatever their default squashers and sources."""
    names = {f.name for f in fields(Variant)} - {"activation", "output_activation", "sources"}
    return all(getattr(a, name) == getattr(b, name) for name in names)


def _slices(widths: dict[str, int]) -> dict[str, slice]:
    slices, start = {}, 0
    for name, width in widths.items():
        slices[name] = slice(start, start + width)
        start = start + width  # not in place: PyTorch traces widths as tensors
    return slices


def _check_choice(name: str, value: object, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        raise ValueError(f"`{name}` must be one of {accepted}. Received: {name}={value!r}")


CEC = Variant(
    gates=(),
    sources=("hochreiter1991untersuchungen", "hochreiter1997long"),
)
"""Constant error carousel alone, the 1997 paper's "naive approach" (section 3.2).

Its first source is the thesis of 1991, which that paper credits with the analysis behind it.
"""

ORIGINAL = Variant(
    gates=("i", "o"),
    feedback="cells and gates",
    gradient="truncated",
    activation="centered_sigmoid_2",
    output_activation="centered_sigmoid_1",
    sources=("hochreiter1997long",),
)
"""The LSTM of 1997: input and output gates, no forget gate."""

CLASSIC = Variant(
    gates=("i", "f", "o"),
    sources=("gers1999learning", "gers2000learning"),
)
"""LSTM with the forget gate of 1999/2000, as today's frameworks compute it."""

PEEPHOLE = replace(
    CLASSIC,
    peepholes=True,
    sources=("gers2000recurrent", "gers2002learning"),
)
"""LSTM with forget gate and the peepholes of 2000/2002."""

COUPLED = replace(PEEPHOLE.without("f"), coupled=True, sources=("greff2017lstm",))
"""LSTM whose input gate decides what is kept as well."""

PROJECTED = replace(PEEPHOLE, projection=1, sources=("sak2014lstmp",))
"""LSTM with a projection of its outputs, of a width that each layer gives."""

LAYER_NORM = replace(CLASSIC, normalize_nets=True, normalize_output=True, sources=("ba2016layer",))
"""LSTM with layer normalisation."""

ODYSSEY = {
    "V": PEEPHOLE,
    "NIG": PEEPHOLE.without("i"),
    "NFG": PEEPHOLE.without("f"),
    "NOG": PEEPHOLE.without("o"),
    "NIAF": PEEPHOLE.without("activation"),
    "NOAF": PEEPHOLE.without("output_activation"),
    "CIFG": replace(COUPLED, sources=()),
    "NP": PEEPHOLE.without("peepholes"),
    "FGR": replace(PEEPHOLE, feedback="gates to gates", sources=()),
}
"""The nine networks of Greff et al. 2017 (arXiv:1503.04069), under the names that they have there.

`VariantLSTM(units, variant=ODYSSEY["CIFG"])` computes one.
"""

FAMILY = {"cec": CEC, "original": ORIGINAL, "classic": CLASSIC, "peephole": PEEPHOLE}
"""The named members, in the order of their invention."""


@dataclass(frozen=True)
class Origin:
    """How the papers have a member of the family, and where its layer's other defaults come from.

    Args:
        published: The member as its `sources` have it, which may differ from the layer's defaults.
        defaults: For each field in which they differ, the key in `references.bib` of the paper
            that has the default; empty for a choice of this package.

    Examples:
        >>> ORIGINS["classic"].published.gradient, CLASSIC.gradient
        ('truncated', 'full')
        >>> ORIGINS["classic"].defaults["gradient"]
        'graves2005framewise'
    """

    published: Variant
    defaults: dict[str, str] = field(default_factory=dict)


ORIGINS = {
    "cec": Origin(
        replace(
            CEC,
            feedback="none",
            activation=None,
            output_activation=None,
            sources=("hochreiter1997long",),
        ),
        {"feedback": "", "activation": "", "output_activation": ""},
    ),
    "original": Origin(ORIGINAL),
    "classic": Origin(
        replace(
            CLASSIC,
            gradient="truncated",
            activation="centered_sigmoid_2",
            output_activation="centered_sigmoid_1",
            sources=("gers1999report", "gers2000learning"),
        ),
        {
            "gradient": "graves2005framewise",
            "activation": "zaremba2014recurrent",
            "output_activation": "zaremba2014recurrent",
        },
    ),
    "peephole": Origin(
        replace(
            PEEPHOLE,
            gradient="truncated",
            activation=None,
            output_activation=None,
            sources=("gers2002learning",),
        ),
        {
            "gradient": "graves2005framewise",
            "activation": "graves2012supervised",
            "output_activation": "graves2012supervised",
        },
    ),
}
"""The named members as published; `VariantLSTM(units, variant=origin.published)` computes one."""
