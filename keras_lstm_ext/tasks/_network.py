"""The papers' networks and how they were trained, as data."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from keras_lstm_ext.variants import ORIGINAL, Variant


@dataclass(frozen=True)
class Training:
    r"""How a paper trained a network, when it stopped and what it tested.

    All papers train on-line, one sequence or stream at a time, by gradient descent on
    $\frac{1}{2} \sum (t - y)^2$.

    Args:
        learning_rate: Step size of gradient descent.
        judged_on: What the task's `solved` is applied to: the most recent training sequences
            (`"window"`), a test set drawn anew (`"test"`), or a fixed training set and test set
            together (`"sets"`).
        judged: How many sequences or streams that is.
        trials: How many networks the paper trained.
        momentum: Momentum of gradient descent.
        decay: Factor on the learning rate after every target of a stream; each stream begins with
            `learning_rate`.
        update: Whether weights change after a `"sequence"` or after every `"step"`.
        resets: Whether the state is set to zero at the ends of the strings inside a stream.
        test_size: Sequences of the test after training, 0 for none.
        max_sequences: Sequences or streams after which a trial is stopped, None if not given.

    Examples:
        >>> Training(0.5, "window", 2000, trials=10, test_size=2560).update
        'sequence'
    """

    learning_rate: float
    judged_on: Literal["window", "test", "sets"]
    judged: int
    trials: int
    momentum: float = 0.0
    decay: float = 1.0
    update: Literal["sequence", "step"] = "sequence"
    resets: bool = False
    test_size: int = 0
    max_sequences: int | None = None


@dataclass(frozen=True)
class Network:
    """A paper's network: one hidden layer of memory cells and one layer of output units.

    Args:
        variant: The memory cells.
        units: Number of memory cells.
        training: How it was trained.
        weight_range: `r` of the uniform distribution on `[-r, r]` of all initial weights and of
            the biases that `gate_bias` leaves out.
        use_bias: Which hidden units have a bias: `True`, `"gates"` or `False`.
        gate_bias: Initial biases of gates, one number per memory cell block.
        output_bias: Whether output units have a bias.
        shortcut: Whether output units see the input as well as the cells.
        output_activation: Activation of the output units, `"sigmoid"` or `"linear"`.
        grows: Whether the memory cell is added only when the error has stopped falling.
        grows_after: How many sequences after the beginning it is added instead; None: as above.

    Examples:
        >>> from keras_lstm_ext.tasks import TASKS
        >>> TASKS["adding"].network.count_weights(features=2, outputs=1)
        93
    """

    variant: Variant
    units: int
    training: Training
    weight_range: float
    use_bias: bool | Literal["gates"] = True
    gate_bias: dict[str, tuple[float, ...]] = field(default_factory=dict)
    output_bias: bool = True
    shortcut: bool = False
    output_activation: Literal["sigmoid", "linear"] = "sigmoid"
    grows: bool = False
    grows_after: int | None = None

    def count_weights(self, features: int, outputs: int) -> int:
        """Number of weights and biases.

        Args:
            features: Number of input units.
            outputs: Number of output units.

        Returns:
            The sum over all layers, for comparison with the papers' tables.
        """
        v = self.variant
        widths = v.widths(self.units)
        columns = sum(widths.values())
        gates = columns - widths["c"]
        rows = features + sum(v.feedback_widths(self.units).values())
        peepholes = len(v.gates) * self.units if v.peepholes else 0
        norms = v.normalize_nets * (1 + (v.feedback != "none")) * columns
        norms += v.normalize_output * 2 * self.units
        projection = self.units * v.outputs(self.units) if v.projection else 0
        biases = {True: columns, "gates": gates, False: 0}[self.use_bias]
        seen = v.outputs(self.units) + self.shortcut * features + self.output_bias
        rows_without_gates = gates * widths["c"] if v.gates_to_gates else 0
        inside = rows * columns - rows_without_gates + peepholes + biases + norms + projection
        return inside + outputs * seen


def network_1997(blocks: int, block_size: int, training: Training, **how: Any) -> Network:
    """Fully connected blocks, "F" in Table 10 of the 1997 paper."""
    variant = replace(ORIGINAL, block_size=block_size)
    return Network(variant, blocks * block_size, training, **how)


def networks_2000(max_sequences: int, decay: float, shortcut: bool = True) -> dict[str, Network]:
    """Four blocks of two cells for streams: only cells are fed back, outputs see the input."""
    gates = replace(ORIGINAL, gates=("i", "f", "o"), feedback="cells", block_size=2, sources=())
    none = replace(gates, gates=("i", "o"))
    training = Training(0.5, "test", 10, trials=100, update="step", max_sequences=max_sequences)
    rising, falling = (0.5, 1.0, 1.5, 2.0), (-0.5, -1.0, -1.5, -2.0)
    bias = {"i": falling, "f": rising, "o": falling}

    def network(variant: Variant, **how: Any) -> Network:
        return Network(
            variant,
            units=8,
            training=replace(training, **how),
            weight_range=0.2,
            use_bias="gates",
            gate_bias={gate: bias[gate] for gate in variant.gates},
            shortcut=shortcut,
        )

    return {
        "forget gates": network(gates),
        "forget gates, falling rate": network(gates, decay=decay),
        "no forget gates": network(none),
        "no forget gates, resets": network(none, resets=True),
        "no forget gates, state decay 0.9": network(replace(none, decay=0.9)),
    }
