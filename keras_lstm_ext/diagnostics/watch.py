"""A layer run with a look inside: its own cell and equations, step by step."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_lstm_ext.engines import portable
from keras_lstm_ext.engines.step import Equations, Nets
from keras_lstm_ext.layers._layer import RecurrentLayer

Tensor = Any
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass
class Seen:
    """What the steps of one call computed.

    Args:
        steps: For each step, in the order of processing, its nets, c and h.
        valid: Shape `(batch, timesteps)`, in the same order: False where a mask skips the step.
    """

    steps: list[Nets] = field(default_factory=list)
    valid: Array | None = None

    def hide(self, values: Array) -> Array:
        """NaN in place of what skipped steps did not compute; axes 0 and 1 are batch and time."""
        if self.valid is None:
            return values
        return np.where(
            self.valid.reshape(*self.valid.shape, *[1] * (values.ndim - 2)), values, np.nan
        )


@dataclass(frozen=True)
class Watched(Equations):
    """The equations of a layer, noting what they compute.

    Args:
        seen: Where they note it.
        probes: What is added to c and to h of every step, `(timesteps, batch, units)` each: the
            derivative by a probe is the derivative by the value.
    """

    seen: Seen
    probes: dict[str, Tensor]

    def step(self, z: Tensor, c: Tensor, p: Tensor | None) -> tuple[Tensor, Tensor, Nets]:
        """As in `Equations`."""
        h, c, nets = super().step(z, c, p)
        self.seen.steps.append(nets | {"g": nets["c"], "c": c, "h": h})
        return h, c, nets

    def intake(self, nets: Nets) -> Tensor:
        """As in `Equations`, plus the probe of c."""
        return self._probed("c", super().intake(nets))

    def read(self, z: Tensor, c: Tensor, p: Tensor | None, nets: Nets) -> tuple[Tensor, Nets]:
        """As in `Equations`, plus the probe of h."""
        h, nets = super().read(z, c, p, nets)
        return self._probed("h", h), nets

    def _probed(self, name: str, value: Tensor) -> Tensor:
        return value + self.probes[name][len(self.seen.steps)] if self.probes else value


class Instead:
    """An object with some of its attributes replaced."""

    def __init__(self, of: Any, **attributes: Any) -> None:
        self.__dict__.update(attributes, _of=of)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of, name)


@contextmanager
def watching(layer: RecurrentLayer, probes: dict[str, Tensor] | None = None) -> Iterator[Seen]:
    """Within it, calls of the layer are watched, and change no state of any layer.

    Args:
        layer: The layer, built.
        probes: See `Watched`.

    Yields:
        What the last call computed.
    """
    seen = Seen()

    def inner_loop(
        sequences: Tensor, initial_state: list[Tensor], mask: Tensor | None, training: bool = False
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        seen.steps.clear()
        if mask is not None:
            valid = ops.convert_to_numpy(mask)
            seen.valid = valid[:, ::-1] if layer.go_backwards else valid
        equations = Watched(**vars(layer.cell.equations), seen=seen, probes=probes or {})
        cell = partial(type(layer.cell).call, Instead(layer.cell, equations=equations))
        stand_in = Instead(layer, cell=cell, unroll=True)
        return portable.run(stand_in, sequences, initial_state, mask, training)

    layer.__dict__["inner_loop"] = inner_loop
    try:
        with keras.StatelessScope():
            yield seen
    finally:
        del layer.__dict__["inner_loop"]
    if not seen.steps:
        raise ValueError(f"`model` must call `layer`. Received: a model without {layer.name}")


def require_layer(layer: Any) -> None:
    """Refuses anything but a layer of this package.

    Args:
        layer: What the user gave.

    Raises:
        ValueError: If it is another thing, such as a wrapper.
    """
    if not isinstance(layer, RecurrentLayer):
        raise ValueError(
            "`layer` must be a layer of keras_lstm_ext, in a Bidirectional wrapper its "
            f"`forward_layer` or `backward_layer`. Received: layer={layer!r}"
        )


def recurrent_layers(model: Any) -> list[RecurrentLayer]:
    """Finds the layers of this package in a model, also within models and wrappers.

    Args:
        model: A Keras model or layer.

    Returns:
        The layers, in the order of the model.
    """
    if isinstance(model, RecurrentLayer):
        return [model]
    parts = [getattr(model, name, None) for name in ("layer", "forward_layer", "backward_layer")]
    inner = [*getattr(model, "layers", []), *(part for part in parts if part is not None)]
    found = [layer for part in inner for layer in recurrent_layers(part)]
    return list(dict.fromkeys(found))
