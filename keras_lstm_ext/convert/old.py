"""From a file of an old network to layers."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from keras_lstm_ext.convert import checkpoint, h5
from keras_lstm_ext.convert.blocks import Array, Place
from keras_lstm_ext.convert.layouts import LAYOUTS
from keras_lstm_ext.convert.weights import set_weights
from keras_lstm_ext.layers import (
    ClassicLSTM,
    CoupledLSTM,
    PeepholeLSTM,
    ProjectedLSTM,
    VariantLSTM,
)
from keras_lstm_ext.variants import COUPLED, PEEPHOLE, same_cell

Cell = tuple[dict[str, Array], str]
"""Arrays, and their layout."""

FROM_CONFIG = ("activation", "recurrent_activation", "return_sequences")
KERAS_1 = {"inner_activation": "recurrent_activation"}
OLD_NAMES = {"hard_sigmoid": "hard_sigmoid_of_keras_2"}
"""What Keras 3 calls differently."""


def read_layers(
    path: str | os.PathLike[str], *, forget_bias: float | None = None, **arguments: Any
) -> dict[str, Any]:
    """Makes layers of every LSTM in a file of an old network.

    These are `.h5` files of Keras 1 and 2 with `LSTM`, `CuDNNLSTM` or the `PeepholeLSTMCell` of
    TensorFlow Addons, checkpoints of TensorFlow 1 with any cell that `read_checkpoint` finds, and
    those that Keras 2 wrote in TensorFlow's format, alone or in a SavedModel. No code of the old
    network is needed.

    Args:
        path: The file; of a checkpoint the name in front of `.index`; or the folder of a SavedModel
            that Keras 2 wrote.
        forget_bias: What cells of TensorFlow 1 add to the forget gate when they run. Default: 1,
            but 0 for those that `CudnnLSTM` saved.
        **arguments: Given to every layer. Default: activations and `return_sequences` as the file
            says, if it has the architecture too, with `hard_sigmoid_of_keras_2` where Keras 1 or 2
            had its `hard_sigmoid`.

    Returns:
        By the name in the file and in its order, a `ClassicLSTM`, or a `PeepholeLSTM` where there
        are peepholes, built and with its weights; `ProjectedLSTM`, `CoupledLSTM` or `VariantLSTM`
        where that is what the cell computes. Of a `Bidirectional`, each direction is one.

    Raises:
        ValueError: If the file is none of these or has no LSTM; or if `"hard_sigmoid"` is given,
            which was another function when Keras 1 or 2 wrote the file.

    Examples:
        >>> model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(4, name="memory")])
        >>> model.save("old.h5")
        >>> [layer] = read_layers("old.h5").values()
        >>> layer
        <ClassicLSTM name=memory, built=True>
    """
    for name, value in arguments.items():
        if isinstance(value, str) and value in OLD_NAMES:
            raise ValueError(
                f"`{name}` must say which of two functions is meant, {OLD_NAMES[value]!r} or "
                f"keras.activations.{value}, which Keras 3 has. Received: {name}={value!r}"
            )
    is_file = os.path.isfile(path) and not os.fspath(path).endswith(".index")
    found, configs = _h5(path) if is_file else (_checkpoint(path), {})
    if not found:
        raise ValueError(f"`path` must have an LSTM. Received: none in {os.fspath(path)}")
    return {
        name: _layer(name, *cell, _said(name, cell[1], configs) | arguments, forget_bias)
        for name, cell in found.items()
    }


def _h5(path: Any) -> tuple[dict[str, Cell], dict[str, Any]]:
    import h5py

    found = h5.in_h5(path)
    with h5py.File(path, "r") as file:
        text, version = file.attrs.get("model_config", "{}"), file.attrs.get("keras_version", "1")
    configs = dict(_configs(json.loads(text)))
    if int((version.decode() if isinstance(version, bytes) else version).split(".")[0]) < 3:
        configs = {name: _renamed(config) for name, config in configs.items()}
    return found, configs


def _checkpoint(path: Any) -> dict[str, Cell]:
    variables = checkpoint.variables(path)
    objects = checkpoint.of_objects(variables)
    if objects:
        return h5.lstms(objects)
    found = checkpoint.cells(variables)
    checkpoint.check_graph(path, found)
    return {name: (arrays, checkpoint.TF1[0]) for name, arrays in found.items()}


def _configs(part: Any) -> Iterator[tuple[str, Any]]:
    """The configuration of every layer in an architecture, by its name."""
    if isinstance(part, dict):
        if "name" in part and ("units" in part or "output_dim" in part):
            yield part["name"], {KERAS_1.get(k, k): v for k, v in part.items()}
        for value in part.values():
            yield from _configs(value)
    elif isinstance(part, list):
        for value in part:
            yield from _configs(value)


def _renamed(config: dict[str, Any]) -> dict[str, Any]:
    return {
        k: OLD_NAMES.get(v, v) if k in FROM_CONFIG and isinstance(v, str) else v
        for k, v in config.items()
    }


def _said(name: str, layout: str, configs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a layer that its file says."""
    last_first = [p.removeprefix("forward_").removeprefix("backward_") for p in name.split("/")]
    config: dict[str, Any] = next((configs[p] for p in last_first if p in configs), {})
    said = {key: config[key] for key in FROM_CONFIG if key in config}
    if layout == "keras_1":
        said.setdefault("recurrent_activation", OLD_NAMES["hard_sigmoid"])  # by default
    return said


def _layer(
    name: str, arrays: dict[str, Array], layout: str, arguments: Any, forget_bias: float | None
) -> Any:
    if layout in checkpoint.TF1:
        place = checkpoint.place_of(arrays)
        assert place is not None
        if forget_bias is None and "cudnn" in name.rpartition("/")[2]:
            forget_bias = 0.0
    else:
        arrays = h5.as_keras(arrays, layout)
        sizes, peepholes = (len(arrays["kernel"]), len(arrays["recurrent_kernel"])), layout == "tfa"
        kinds = "WR" + "b" * ("bias" in arrays) + "p" * peepholes
        place = Place(LAYOUTS["tfa" if peepholes else "keras"], *sizes, kinds)
        forget_bias = None
    own = name.removesuffix("/lstm_cell").rpartition("/")[2]
    layer = _of(place, {"name": own, "use_bias": "b" in place.kinds} | arguments)
    layer.build((None, None, place.features))
    set_weights(layer, arrays, place.layout, forget_bias=forget_bias)
    return layer


def _of(place: Place, arguments: Any) -> Any:
    """The layer that computes what weights are for, with a name of its own if there is one."""
    member = COUPLED if place.layout.coupled else PEEPHOLE
    variant = replace(member if "p" in place.kinds else member.without("peepholes"), sources=())
    for cls in (ClassicLSTM, PeepholeLSTM, CoupledLSTM):
        if place.outputs is None and same_cell(variant, cls.cell_class.member):
            return cls(place.units, **arguments)
    if place.outputs is not None and variant == replace(PEEPHOLE, sources=()):
        return ProjectedLSTM(place.units, projection=place.outputs, **arguments)
    variant = replace(variant, projection=place.outputs)
    return VariantLSTM(place.units, variant=variant, **arguments)
