"""Who takes part: the table of contenders, and what a suite measures."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from keras_lstm_ext.bench.problem import Shape

LAYERS = {
    "classic": "ClassicLSTM",
    "peephole": "PeepholeLSTM",
    "original": "OriginalLSTM",
    "cec": "CECLSTM",
}
"""The layer of each variant."""


@dataclass(frozen=True)
class Contender:
    """One row of the table, measured in a process of its own.

    Args:
        name: Its name in reports.
        runner: `"module:function"`: see `programs`.
        options: Keyword arguments of the runner.
        variant: What it computes, a key of `problem.VARIANTS`.
        masked: Whether its inputs have a right-padded mask.
        tasks: What it can do.
        backend: Keras backend of its process, `"tensorflow"`, `"jax"` or `"torch"`.
    """

    name: str
    runner: str
    options: dict[str, Any] = field(default_factory=dict)
    variant: str = "classic"
    masked: bool = False
    tasks: tuple[str, ...] = ("forward", "train")
    backend: str = "tensorflow"

    def why_not(self) -> str | None:
        """Gives None, or the reason why this version of the package cannot run it."""
        # Records are read and shown where no backend of Keras is installed.
        from keras_lstm_ext import engines

        engine = self.options.get("engine", "auto")
        if engine in engines.ACCEPTED:
            return None
        return f"this version has no engine {engine!r}, only {engines.ACCEPTED}"


@dataclass(frozen=True)
class Suite:
    """What one run measures.

    Args:
        name: Its name in reports.
        contenders: Who takes part.
        shapes: Where they are measured.
        tasks: What they do there.
    """

    name: str
    contenders: Sequence[Contender]
    shapes: Sequence[Shape]
    tasks: Sequence[str] = ("forward", "train")


def ours(variant: str, engine: str, backend: str = "tensorflow", **changes: Any) -> Contender:
    """A layer of this package on one engine.

    Args:
        variant: A key of `LAYERS`.
        engine: Name of the engine.
        backend: Keras backend.
        **changes: Other fields of the `Contender`; `options` are the layer's other arguments.

    Returns:
        The contender.

    Examples:
        >>> ours("peephole", "bptt").name
        'PeepholeLSTM, bptt'
    """
    layer = LAYERS[variant]
    options = {"layer": f"keras_lstm_ext:{layer}", "engine": engine, **changes.pop("options", {})}
    row: dict[str, Any] = {"name": f"{layer}, {engine}", "runner": SEQUENCE} | changes
    return Contender(options=options, variant=variant, backend=backend, **row)


def keras_lstm(backend: str = "tensorflow", jit_compile: bool = False, **changes: Any) -> Contender:
    """`keras.layers.LSTM`, on TensorFlow as `fit` runs it on a CPU or compiled by XLA.

    Args:
        backend: Keras backend.
        jit_compile: Whether XLA compiles it; on JAX it always does.
        **changes: Other fields of the `Contender`.

    Returns:
        The contender.

    Examples:
        >>> keras_lstm(jit_compile=True).name
        'keras.layers.LSTM, XLA'
    """
    how = {"tensorflow": "XLA" if jit_compile else "graph"}.get(backend, backend)
    options = {"layer": "keras.layers:LSTM"} | ({"jit_compile": True} if jit_compile else {})
    row: dict[str, Any] = {"name": f"keras.layers.LSTM, {how}", "runner": SEQUENCE} | changes
    return Contender(options=options, backend=backend, **row)


SEQUENCE = "keras_lstm_ext.bench.programs:sequence"

ENGINES = ("native", "bptt", "portable")
"""Engines that are measured on a CPU, fastest first; one that this version lacks is left out."""


def short(backend: str) -> Suite:
    """The suite of `python -m keras_lstm_ext bench`: our engines beside Keras, at three shapes."""
    layers = [ours(v, e, backend) for v in ("classic", "peephole") for e in ENGINES]
    rivals = [keras_lstm(backend)]
    if backend == "tensorflow":
        rivals.append(keras_lstm(jit_compile=True))
    shapes = [Shape(1, 100, 64, 128), Shape(32, 100, 64, 128), Shape(32, 100, 128, 512)]
    return Suite("short", [*layers, *rivals], shapes)
