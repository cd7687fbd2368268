"""A whole sequence, forward and back: the loop over time, masks, direction and multipliers."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from . import cec, classic, coupled, original, peephole
from .functions import Array, Squasher
from .nets import Cell, Form, State, Weights, complete
from .normalized import NormalizedNets, NormalizedOutput
from .projected import Projected
from .zoneout import mixed, mixed_backward

Zones = Array | float


class Variant(Protocol):
    """What a module has to have to be a variant."""

    FORM: Form

    def step(self, x: Array, state: State, w: Weights, cell: Cell) -> tuple[State, Any]:
        """One step forward."""

    def step_backward(
        self, t: Any, d_state: State, w: Weights, cell: Cell
    ) -> tuple[Array, State, Weights]:
        """One step back."""


VARIANTS: dict[str, Variant] = {
    "cec": cec,
    "original": original,
    "classic": classic,
    "peephole": peephole,
    "coupled": coupled,
}


@dataclass(frozen=True)
class Run:
    """What `forward` made, and what `backward` needs of it.

    `outputs` `(batch, timesteps, units)`, `trace` and `valid` are in the order of processing;
    `valid` `(batch, timesteps)` is 1 where a step counts and 0 where it is masked. `states` are
    those after the last step, `weights` all that the variant has, `names` those that were given.
    """

    outputs: Array
    states: State
    trace: list[Any]
    variant: Variant
    cell: Cell
    weights: Weights
    names: tuple[str, ...]
    valid: Array
    go_backwards: bool
    zero_output_for_mask: bool
    feedback_multiplier: Array | None
    input_multiplier: Array | None
    zoneout: tuple[Zones, Zones]


def forward(
    variant: str,
    x: Array,
    state: State | None,
    weights: Weights,
    mask: NDArray[np.bool_] | None = None,
    *,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    gradient: Literal["full", "truncated"] = "full",
    activation: Squasher | None = None,
    output_activation: Squasher | None = None,
    block_size: int = 1,
    decay: float = 1.0,
    feedback_multiplier: Array | None = None,
    input_multiplier: Array | None = None,
    epsilon: float = 1e-5,
    zoneout: tuple[Zones, Zones] = (0.0, 0.0),
) -> Run:
    """Runs a variant over a batch of sequences.

    A masked step holds every state and repeats the output of the step before, which is 0 before the
    first valid step. What `x` holds there, NaN too, reaches nothing.

    Args:
        variant: `"cec"`, `"original"`, `"classic"`, `"peephole"` or `"coupled"`.
        x: `(batch, timesteps, features)`.
        state: `(h, c)`, each `(batch, units)`; for `"original"` and `"peephole"` also
            `(h, c, gates)`, which feeds the gates back. None stands for zeros, with gates where a
            recurrent weight has rows for them.
        weights: By name, as the package describes them. Those of `normalized` and `projected` make
            of the variant what these modules say.
        mask: `(batch, timesteps)`, True where a step counts; None where all do.
        go_backwards: Reads `x` and `mask` from the last step to the first. Outputs stay in the
            order of processing.
        zero_output_for_mask: Makes the output of a masked step 0.
        gradient: For `backward`: `"truncated"` stops at what is fed back and at peepholes.
        activation: The squasher of the cell input; None is the variant's own.
        output_activation: The squasher of the cell state; None is the variant's own.
        block_size: How many cells share their gates.
        decay: Multiplies the cell state of a variant with a forget gate where `W_f` is not given.
        feedback_multiplier: `(batch, fed)`, multiplied onto what is fed back, in every step.
        input_multiplier: `(batch, features)`, multiplied onto the input, in every step.
        epsilon: What is added to the variances of `normalized`.
        zoneout: How much of the old h and c is kept: a number each, or `(batch, timesteps, width)`.

    Returns:
        Outputs, final states, and the trace of every step.

    Raises:
        ValueError: An argument is none of the accepted, or a weight has a wrong name or shape.

    Examples:
        >>> import numpy as np
        >>> from keras_lstm_ext.reference import forward, linear
        >>> x, w = np.ones((1, 4, 1)), {"W_c": np.array([[0.5]])}
        >>> run = forward("cec", x, None, w, activation=linear, output_activation=linear)
        >>> run.outputs.ravel()
        array([0.5, 1. , 1.5, 2. ])
    """
    _accepted("variant", variant, tuple(VARIANTS))
    _accepted("gradient", gradient, ("full", "truncated"))
    of_nets = {f"g{letter}_{k}" for letter in "WR" for k in VARIANTS[variant].FORM.nets}
    known = {"gain", "shift", "P", "Q", *of_nets}
    more = {name: value for name, value in weights.items() if name in known}
    module = _with(VARIANTS[variant], more)
    weights = {name: value for name, value in weights.items() if name not in more}
    form = module.FORM
    gates = "".join(k for k in form.nets if k != "c" and f"W_{k}" in weights)
    a, phi = activation or form.activation, output_activation or form.output_activation
    units = weights["W_c"].shape[1] if "W_c" in weights else 0
    cell = Cell(a, phi, block_size, gradient, gates, units, epsilon)
    width = more["P"].shape[1] if "P" in more else units
    others = more["Q"].shape[1] if "Q" in more else 0
    state = _checked_state(variant, state, weights, len(x), cell, (width, others))
    fed = width + sum(y.shape[1] for y in state[2:])
    w = complete(weights, form, fed, block_size, decay) | more
    if "gW_c" in more and "R_c" not in weights:
        w |= {f"gR_{k}": np.zeros_like(w[f"gW_{k}"]) for k in (*gates, "c")}
    valid = np.ones(x.shape[:2], x.dtype) if mask is None else mask.astype(x.dtype)
    if mask is not None:
        x = np.where(mask[:, :, None], x, np.zeros((), x.dtype))
    if go_backwards:
        x, valid = x[:, ::-1], valid[:, ::-1]

    of_h, of_c = zoneout
    zones = (_in_order(of_h, go_backwards), _in_order(of_c, go_backwards))
    outputs = np.zeros((*x.shape[:2], width + others), x.dtype)
    trace = []
    repeated = np.zeros_like(state[0])
    for t in range(x.shape[1]):
        m = valid[:, t, None]
        x_t, read = _times(x[:, t], input_multiplier), _feed(state, feedback_multiplier)
        made, step = module.step(x_t, read, w, cell)
        made = _zoned(made, state, zones, t)
        state = tuple(np.where(m, new, old) for new, old in zip(made, state, strict=True))
        repeated = np.where(m, made[0], 0.0 if zero_output_for_mask else repeated)
        outputs[:, t] = repeated
        trace.append(step)
    return Run(
        outputs=outputs,
        states=state,
        trace=trace,
        variant=module,
        cell=cell,
        weights=w,
        names=(*weights, *more),
        valid=valid,
        go_backwards=go_backwards,
        zero_output_for_mask=zero_output_for_mask,
        feedback_multiplier=feedback_multiplier,
        input_multiplier=input_multiplier,
        zoneout=zones,
    )


def backward(
    run: Run, d_outputs: Array, d_states: State | None = None
) -> tuple[Array, State, Weights]:
    """Takes the derivatives of a loss from the outputs and final states back to everything before.

    Args:
        run: What `forward` returned.
        d_outputs: `(batch, timesteps, units)`, in the order of `run.outputs`.
        d_states: Of `run.states`; None where the loss does not see them.

    Returns:
        The derivatives of `x`, in its own order, of the initial states, and of the weights given.

    Examples:
        The carousel carries an error over any distance unchanged:

        >>> import numpy as np
        >>> from keras_lstm_ext.reference import backward, forward, linear
        >>> x, w = np.zeros((1, 100, 1)), {"W_c": np.ones((1, 1))}
        >>> run = forward("cec", x, None, w, activation=linear, output_activation=linear)
        >>> d_outputs = np.zeros((1, 100, 1))
        >>> d_outputs[0, -1] = 1.0
        >>> d_x, d_initial, d_w = backward(run, d_outputs)
        >>> float(d_x[0, 0, 0])
        1.0
    """
    d_state = tuple(np.zeros_like(s) for s in run.states) if d_states is None else d_states
    d_repeated = np.zeros_like(run.states[0])
    d_w = {name: np.zeros_like(run.weights[name]) for name in run.names}
    d_xs = np.zeros((*d_outputs.shape[:2], len(run.weights["W_c"])), d_outputs.dtype)
    for t in reversed(range(len(run.trace))):
        m = run.valid[:, t, None]
        d_repeated = d_repeated + d_outputs[:, t]
        d_h, *d_rest = d_state
        d_made = tuple(m * d for d in (d_h + d_repeated, *d_rest))
        d_made, d_old = _zoned_backward(d_made, run.zoneout, t)
        d_x, d_read, d_step = run.variant.step_backward(run.trace[t], d_made, run.weights, run.cell)
        d_read = _feed(d_read, run.feedback_multiplier)
        d_state = tuple(
            (1.0 - m) * d + old + read for d, old, read in zip(d_state, d_old, d_read, strict=True)
        )
        d_repeated = (0.0 if run.zero_output_for_mask else 1.0 - m) * d_repeated
        d_xs[:, t] = _times(d_x, run.input_multiplier)
        d_w = {name: d + d_step[name] for name, d in d_w.items()}
    return d_xs[:, ::-1] if run.go_backwards else d_xs, d_state, d_w


def _with(variant: Variant, more: Weights) -> Variant:
    """The variant with what further weights make of it."""
    if "gain" in more:
        variant = NormalizedOutput(variant, variant.FORM)
    if "gW_c" in more:
        variant = NormalizedNets(variant, variant.FORM)
    return Projected(variant, variant.FORM) if "P" in more else variant


def _in_order(d: Zones, go_backwards: bool) -> Zones:
    return d[:, ::-1] if go_backwards and isinstance(d, np.ndarray) else d


def _at(d: Zones, t: int) -> Zones:
    return d[:, t] if isinstance(d, np.ndarray) else d


def _zoned(made: State, old: State, zones: tuple[Zones, ...], t: int) -> State:
    h, c = (mixed(m, o, _at(d, t)) for m, o, d in zip(made, old, zones, strict=False))
    return (h, c, *made[2:])


def _zoned_backward(d_state: State, zones: tuple[Zones, ...], t: int) -> tuple[State, State]:
    both = [mixed_backward(d, _at(z, t)) for d, z in zip(d_state, zones, strict=False)]
    gates = d_state[2:]
    made = (*(d for d, _ in both), *gates)
    return made, (*(d for _, d in both), *(np.zeros_like(d) for d in gates))


def _times(x: Array, multiplier: Array | None) -> Array:
    return x if multiplier is None else x * multiplier


def _feed(state: State, multiplier: Array | None) -> State:
    """The state as the nets read it; as the map is diagonal, it is also its own way back."""
    if multiplier is None:
        return state
    h, c, *gates = state
    width = multiplier.shape[1] - sum(y.shape[1] for y in gates)
    fed = np.concatenate([h[:, :width] * multiplier[:, :width], h[:, width:]], axis=1)
    return (fed, c, *(y * multiplier[:, width:] for y in gates))


def _checked_state(
    variant: str,
    state: State | None,
    weights: Weights,
    batch: int,
    cell: Cell,
    parts: tuple[int, int],
) -> State:
    """The state given, or zeros; says what is wrong before a step would stumble over it.

    `parts` are the widths of what is fed back of h, and of what is not.
    """
    if "W_c" not in weights:
        raise ValueError(f"weights: 'W_c' is missing; given: {sorted(weights)}")
    units = weights["W_c"].shape[1]
    if units % cell.block_size:
        raise ValueError(f"block_size={cell.block_size} is not accepted: W_c has {units} units")
    widths = [sum(parts), units]
    fed = max((len(R) for name, R in weights.items() if name[0] == "R"), default=parts[0])
    with_gates = fed > parts[0] if state is None else len(state) > 2
    if VARIANTS[variant].FORM.gates_fed_back and cell.gates and with_gates:
        widths.append(len(cell.gates) * (units // cell.block_size))
    shapes = [(batch, width) for width in widths]
    if state is None:
        return tuple(np.zeros(shape, weights["W_c"].dtype) for shape in shapes)
    if [s.shape for s in state] != shapes:
        raise ValueError(f"state has shapes {[s.shape for s in state]}; accepted: {shapes}")
    return state


def _accepted(argument: str, given: str, accepted: tuple[str, ...]) -> None:
    if given not in accepted:
        raise ValueError(f"{argument}={given!r} is not accepted; accepted: {accepted}")
