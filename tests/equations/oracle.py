"""A layer beside the reference: the same weights in two layouts, the same loss, every gradient.

The column orders are written out here by hand, so that a wrong order in the package is seen.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from keras_lstm_ext import (
    CECLSTM,
    ClassicLSTM,
    CoupledLSTM,
    LayerNormLSTM,
    OriginalLSTM,
    PeepholeLSTM,
    ProjectedLSTM,
    Variant,
    VariantLSTM,
    reference,
)
from tests import backends

FEATURES, UNITS = 5, 6

Result = tuple[list[np.ndarray], list[np.ndarray]]


def _between(**fields: Any) -> Callable[..., Any]:
    """A point between the named layers."""

    def make(units: int, gradient: str, block_size: int = 1, **arguments: Any) -> Any:
        variant = Variant(gradient=gradient, block_size=block_size, **fields)
        return VariantLSTM(units, variant=variant, **arguments)

    return make


LAYERS: dict[str, Callable[..., Any]] = {
    "cec": CECLSTM,
    "original": OriginalLSTM,
    "classic": ClassicLSTM,
    "peephole": PeepholeLSTM,
    "decay": _between(gates=("i", "o"), decay=0.9),
    "task 2a": _between(gates=("i",), feedback="none"),
    "coupled": CoupledLSTM,
    "coupled plain": _between(gates=("i",), coupled=True, feedback="none"),
    "gates to gates": _between(peepholes=True, feedback="gates to gates"),
    "all fed back": _between(peepholes=True, feedback="cells and gates", gates=("f", "o")),
    "normalised": LayerNormLSTM,
    "projected": functools.partial(ProjectedLSTM, projection=4),
    "projected twice": functools.partial(ProjectedLSTM, projection=4, nonrecurrent_projection=3),
    "normalised carousel": _between(gates=(), normalize_nets=True, normalize_output=True),
    "normalised, fed nothing": _between(
        gates=("i",), feedback="none", normalize_nets=True, normalize_output=True, projection=7
    ),
    "normalised gates to gates": _between(
        peepholes=True, feedback="gates to gates", normalize_nets=True, projection=4
    ),
    "coupled, all": _between(
        gates=("i", "o"),
        coupled=True,
        peepholes=True,
        normalize_nets=True,
        normalize_output=True,
        projection=4,
        nonrecurrent_projection=3,
    ),
    "original, all": _between(
        gates=("i", "o"),
        feedback="cells and gates",
        normalize_output=True,
        projection=4,
        nonrecurrent_projection=2,
    ),
}
COLUMNS = {
    "cec": "c",
    "original": "ico",
    "classic": "ifco",
    "peephole": "ifco",
    "decay": "ico",
    "task 2a": "ic",
    "coupled": "ico",
    "coupled plain": "ic",
    "gates to gates": "ifco",
    "all fed back": "fco",
    "normalised": "ifco",
    "projected": "ifco",
    "projected twice": "ifco",
    "normalised carousel": "c",
    "normalised, fed nothing": "ic",
    "normalised gates to gates": "ifco",
    "coupled, all": "ico",
    "original, all": "ico",
}
IN_REFERENCE: dict[str, tuple[str, dict[str, Any]]] = {
    "decay": ("classic", {"decay": 0.9}),
    "task 2a": ("classic", {}),
    "coupled plain": ("coupled", {}),
    "gates to gates": ("peephole", {}),
    "all fed back": ("peephole", {}),
    "normalised": ("classic", {}),
    "projected": ("peephole", {}),
    "projected twice": ("peephole", {}),
    "normalised carousel": ("cec", {}),
    "normalised, fed nothing": ("classic", {}),
    "normalised gates to gates": ("peephole", {}),
    "coupled, all": ("coupled", {}),
    "original, all": (
        "original",
        {"activation": reference.tanh, "output_activation": reference.tanh},
    ),
}
LINEAR = {"activation": None, "output_activation": None}


@dataclass(frozen=True)
class Case:
    """A layer, how it is called, and what the loss looks at."""

    variant: str
    arguments: dict[str, Any] = field(default_factory=dict)
    mask: str = "none"
    initial_state: bool = True
    batch: int = 3
    timesteps: int = 7

    @property
    def blocks(self) -> int:
        return UNITS // self.arguments.get("block_size", 1)

    def layer(self, **more: Any) -> Any:
        options = {"return_sequences": True, "return_state": True, **self.arguments, **more}
        return LAYERS[self.variant](UNITS, **options)


MASKS = {
    "right": [[1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0, 0]],
    "left": [[0, 0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1]],
    "holes": [[0, 1, 0, 0, 1, 0, 1], [1, 0, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 1, 1]],
    "empty row": [[1, 0, 1, 1, 0, 1, 0], [0, 0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 1, 1]],
}


def mask_of(case: Case) -> np.ndarray | None:
    if case.mask == "none":
        return None
    return np.array(MASKS[case.mask], bool)[: case.batch, : case.timesteps]


def arrays_of(case: Case, layer: Any, dtype: str) -> list[np.ndarray]:
    """Sequences, and the initial states if the case has them."""
    rng = np.random.default_rng(3)
    shapes = [(case.batch, case.timesteps, FEATURES)]
    if case.initial_state:
        shapes += [(case.batch, size) for size in layer.state_size]
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def randomize(layer: Any) -> None:
    rng = np.random.default_rng(4)
    layer.set_weights([rng.normal(size=w.shape, scale=0.6) for w in layer.weights])


def weigh(outputs: Sequence[Any]) -> Any:
    """A loss in which every entry of every output has its own weight."""
    rng = np.random.default_rng(5)
    total = 0.0
    for y in outputs:
        weights = rng.normal(size=tuple(y.shape))
        total = total + keras.ops.sum(y * keras.ops.convert_to_tensor(weights.astype(_dtype(y))))
    return total


def _dtype(y: Any) -> str:
    return keras.backend.standardize_dtype(y.dtype)


def by_layer(
    case: Case,
    layer: Any,
    dtype: str,
    call: Any = None,
    jit: bool = False,
    training: bool = True,
) -> Result:
    """Outputs and final states of inference; gradients by sequences, initial states and weights."""
    arrays, mask = arrays_of(case, layer, dtype), mask_of(case)
    if mask is not None:
        mask = keras.ops.convert_to_tensor(mask)
    call = call or layer

    def loss(x: Any, *states: Any) -> Any:
        return weigh(
            _as_list(call(x, initial_state=list(states) or None, mask=mask, training=training))
        )

    outputs = _as_list(call(arrays[0], initial_state=arrays[1:] or None, mask=mask))
    _, d_arrays, d_variables = backends.gradients(loss, arrays, layer.trainable_variables, jit)
    return [keras.ops.convert_to_numpy(y) for y in outputs], d_arrays + d_variables


def _as_list(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def by_reference(case: Case, layer: Any, dtype: str, zones: Any = (0.0, 0.0)) -> Result:
    """The same from the reference, in the layer's layout."""
    arrays = [a.astype("float64") for a in arrays_of(case, layer, dtype)]
    states = tuple(arrays[1:]) or None
    if states is None and len(layer.state_size) == 3:
        states = tuple(np.zeros((case.batch, size)) for size in layer.state_size)
    options = {k: v for k, v in case.arguments.items() if k in ("go_backwards", "block_size")}
    squashers = (
        {"activation": reference.linear, "output_activation": reference.linear}
        if LINEAR.items() <= case.arguments.items()
        else {}
    )
    variant, more = IN_REFERENCE.get(case.variant, (case.variant, {}))
    run = reference.forward(
        variant,
        arrays[0],
        states,
        split(case, layer),
        mask_of(case),
        gradient=layer.variant.gradient,
        zero_output_for_mask=layer.zero_output_for_mask,
        zoneout=zones,
        **options,
        **squashers,
        **more,
    )
    outputs = [run.outputs if layer.return_sequences else run.outputs[:, -1], *run.states]
    rng = np.random.default_rng(5)
    d_outputs, *d_states = [rng.normal(size=y.shape) for y in outputs]
    if not layer.return_sequences:
        d_outputs = _only_last(d_outputs, run.outputs.shape)
    d_x, d_initial, d_weights = reference.backward(run, d_outputs, tuple(d_states))
    d_arrays = [d_x, *d_initial] if case.initial_state else [d_x]
    return outputs, d_arrays + join(case, layer, d_weights)


def _only_last(d_last: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    d_outputs = np.zeros(shape)
    d_outputs[:, -1] = d_last
    return d_outputs


def split(case: Case, layer: Any) -> dict[str, np.ndarray]:
    """The layer's weights as the reference names them."""
    nets = COLUMNS[case.variant]
    ends = np.cumsum([UNITS if k == "c" else case.blocks for k in nets])[:-1]
    weights = {}
    for letter, matrix in (("W", _float64(layer.kernel)), ("R", _recurrent(case, layer))):
        if matrix is not None:
            columns = np.split(matrix, ends, axis=1)
            weights |= {f"{letter}_{k}": part for k, part in zip(nets, columns, strict=True)}
    if layer.peephole_kernel is not None:
        rows = _float64(layer.peephole_kernel)
        weights |= {f"p_{k}": row for k, row in zip(nets.replace("c", ""), rows, strict=True)}
    ends = np.cumsum([UNITS if k == "c" else case.blocks for k in nets])[:-1]
    if layer.norm_kernel is not None:
        for letter, row in zip("WR", _float64(layer.norm_kernel), strict=False):
            gains = zip(nets, np.split(row, ends), strict=True)
            weights |= {f"g{letter}_{k}": part for k, part in gains}
    if layer.state_norm_kernel is not None:
        weights["gain"], weights["shift"] = _float64(layer.state_norm_kernel)
    if layer.projection_kernel is not None:
        both = _float64(layer.projection_kernel)
        weights["P"] = both[:, : layer.variant.projection]
        if layer.variant.nonrecurrent_projection:
            weights["Q"] = both[:, layer.variant.projection :]
    if layer.bias is not None:
        biased = nets.replace("c", "") if layer.use_bias == "gates" else nets
        ends = np.cumsum([UNITS if k == "c" else case.blocks for k in biased])[:-1]
        parts = np.split(_float64(layer.bias), ends)
        weights |= {f"b_{k}": part for k, part in zip(biased, parts, strict=True)}
    return weights


def _of_cells(case: Case) -> list[int]:
    """The columns of net c."""
    start = case.blocks * COLUMNS[case.variant].index("c")
    return list(range(start, start + UNITS))


def _recurrent(case: Case, layer: Any) -> np.ndarray | None:
    """R with a row for everything fed back: of gates, 0 where only gates see them."""
    if layer.gate_kernel is None:
        return None if layer.recurrent_kernel is None else _float64(layer.recurrent_kernel)
    rows = np.insert(_float64(layer.gate_kernel), [_of_cells(case)[0]] * UNITS, 0.0, axis=1)
    return np.concatenate([_float64(layer.recurrent_kernel), rows])


def join(case: Case, layer: Any, weights: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The inverse of `split`, in the order of the layer's variables."""
    nets = COLUMNS[case.variant]
    joined = [np.concatenate([weights[f"W_{k}"] for k in nets], axis=1)]
    if layer.recurrent_kernel is not None:
        R = np.concatenate([weights[f"R_{k}"] for k in nets], axis=1)
        joined.append(R[: layer.recurrent_kernel.shape[0]])
    if layer.gate_kernel is not None:
        fed = layer.recurrent_kernel.shape[0]
        joined.append(np.delete(R[fed:], _of_cells(case), axis=1))
    if layer.peephole_kernel is not None:
        joined.append(np.stack([weights[f"p_{k}"] for k in nets.replace("c", "")]))
    if layer.norm_kernel is not None:
        rows = [[weights.get(f"g{letter}_{k}") for k in nets] for letter in "WR"]
        joined.append(np.stack([np.concatenate(row) for row in rows if row[0] is not None]))
    if layer.state_norm_kernel is not None:
        joined.append(np.stack([weights["gain"], weights["shift"]]))
    if layer.projection_kernel is not None:
        joined.append(np.concatenate([weights[k] for k in "PQ" if k in weights], axis=1))
    if layer.bias is not None:
        joined.append(np.concatenate([weights[f"b_{k}"] for k in nets if f"b_{k}" in weights]))
    return joined


def _float64(variable: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(variable).astype("float64")


def assert_equal(given: Result, expected: Result, forward: float, gradient: float) -> None:
    """Compares two results, each array relative to its largest entry."""
    for tolerance, ours, theirs in zip((forward, gradient), given, expected, strict=True):
        assert [g.shape for g in ours] == [e.shape for e in theirs]
        for k, (g, e) in enumerate(zip(ours, theirs, strict=True)):
            error, largest = np.max(np.abs(g - e)), np.max(np.abs(e))
            assert error <= tolerance * largest, f"array {k}: {error} of {largest}"
