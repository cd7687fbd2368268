"""The weights of the LSTMs in a file of Keras 1 or 2."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from keras_lstm_ext.convert.arrays import to_numpy
from keras_lstm_ext.convert.blocks import Array, Place
from keras_lstm_ext.convert.layouts import LAYOUTS

OLD = ("keras", "cudnn_lstm", "keras_1", "tfa")
"""The layouts of an LSTM in such files."""

Found = dict[str, dict[str, Array]]


def read_h5(path: str | os.PathLike[str]) -> Found:
    """Reads the weights of every LSTM of a `.h5` file of Keras 1 or 2.

    `model.save("m.h5")` and `model.save_weights("m.h5")` wrote such files. `LSTM` and `CuDNNLSTM`
    look different in them, and are made the same here. The package `h5py`, which Keras brings,
    reads the file; no layer and no code of the old model is needed.

    Args:
        path: The file.

    Returns:
        For each LSTM, by the path of its weights (`"lstm_1"`, `"lstm_1/lstm_cell"`,
        `"bidirectional_1/forward_lstm_1"`) and in the order of the file, the arrays that
        `set_weights` takes with the layout `"keras"`, or `"tfa"` if they have peepholes, of a
        `PeepholeLSTMCell` of TensorFlow Addons. Weights of other layers are left out.

    Raises:
        ValueError: If the file is no HDF5 file of such a model, or has no LSTM.
        OSError: If the file cannot be opened.
    """
    found = {name: as_keras(arrays, layout) for name, (arrays, layout) in in_h5(path).items()}
    if not found:
        raise ValueError(
            "`path` must be a file of a Keras 1 or 2 model with an LSTM. "
            f"Received: none in {os.fspath(path)}"
        )
    return found


def in_h5(path: str | os.PathLike[str]) -> dict[str, tuple[dict[str, Array], str]]:
    """The arrays of every LSTM as they are in the file, and their layout."""
    return lstms(_weights(path))


def lstms(weights: dict[str, Array]) -> dict[str, tuple[dict[str, Array], str]]:
    """The arrays of every LSTM among the weights of a Keras model, and their layout."""
    layouts = [(name, arrays, _layout(arrays)) for name, arrays in _layers(weights)]
    found = {name: (arrays, layout) for name, arrays, layout in layouts if layout is not None}
    check_norms(weights, found)
    return found


def check_norms(weights: Mapping[str, Any], found: Iterable[str]) -> None:
    """Refuses an LSTM that is normalised: its other weights alone compute something else."""
    for layer in found:
        norms = [
            full
            for full in weights
            if full.startswith(f"{layer}/")
            and full.rpartition("/")[2].partition("_")[0] in ("gamma", "beta")
        ]
        if norms:
            raise ValueError(
                "`path` must have LSTMs without layer normalisation. That of TensorFlow normalises "
                "the state itself, which no layer here does; of Haste's, set_weights takes the "
                'arrays, with the layout "haste_tf_layer_norm". '
                f"Received: {layer!r} with {norms}"
            )


def _weights(path: str | os.PathLike[str]) -> dict[str, Array]:
    """All weights, by the names that they had in the model."""
    import h5py

    if not os.path.isfile(path):
        raise FileNotFoundError(f"`path` must be a file. Received: path={os.fspath(path)!r}")
    if not h5py.is_hdf5(path):
        raise ValueError(f"`path` must be an HDF5 file. Received: {os.fspath(path)}, which is none")
    weights: dict[str, Array] = {}
    with h5py.File(path, "r") as file:
        root = file.get("model_weights", file)
        layers = _texts(root, "layer_names")
        if layers is None:
            raise ValueError(
                "`path` must be a file of Keras 1 or 2, with the attribute `layer_names`: of Keras "
                "3, load .weights.h5 with model.load_weights and .keras with "
                f"keras.models.load_model. Received: {os.fspath(path)}"
            )
        for layer in layers:
            names = _texts(root[layer], "weight_names") or []
            # A model in the model has the weights of all its layers, by names with a path.
            weights |= {_unique(layer, name): root[layer][name][()] for name in names}
    return weights


def _unique(layer: str, name: str) -> str:
    """The name of a weight, which in Keras 1 and 2 begins with that of its layer; or is made so."""
    first = name.split("/")[0]
    own = first == layer or first.startswith(f"{layer}_") or "/" in name
    return name.removesuffix(":0") if own else f"{layer}/{name}".removesuffix(":0")


def _texts(group: Any, attribute: str) -> list[str] | None:
    """A list of names, which Keras cuts into several attributes where it is long."""
    parts = [attribute] if attribute in group.attrs else []
    while not parts or parts[-1] != attribute:
        if f"{attribute}{len(parts)}" not in group.attrs:
            break
        parts.append(f"{attribute}{len(parts)}")
    if not parts:
        return None
    return [
        text.decode() if isinstance(text, bytes) else str(text)
        for part in parts
        for text in group.attrs[part]
    ]


def _layers(weights: dict[str, Array]) -> Iterator[tuple[str, dict[str, Array]]]:
    """The weights of each layer: what comes before the last name is the layer."""
    layers: dict[str, dict[str, Array]] = {}
    for full, array in weights.items():
        before, _, last = full.rpartition("/")
        if before and last in LAYOUTS["tfa"].arrays:
            layers.setdefault(before, {})[last] = array
            continue
        for name in LAYOUTS["keras_1"].arrays:
            if last.endswith(f"_{name}") or last == name:
                layer = last.removesuffix(name).removesuffix("_") or before
                layers.setdefault(layer, {})[name] = array
    yield from layers.items()


def _layout(arrays: dict[str, Array]) -> str | None:
    """Which of the old layouts the arrays have, if any."""
    recurrent = arrays.get("recurrent_kernel", arrays.get("U_i"))
    kernel = arrays.get("kernel", arrays.get("W_i"))
    if recurrent is None or kernel is None or recurrent.ndim != 2 or kernel.ndim != 2:
        return None  # such as a Dense, a SimpleRNN of Keras 1 or a ConvLSTM2D
    for name in OLD:
        place = Place(LAYOUTS[name], len(kernel), len(recurrent), _kinds(arrays))
        expected = {k: place.shape(blocks) for k, blocks in place.arrays.items()}
        if expected == {k: array.shape for k, array in arrays.items()}:
            return name
    return None  # such as a GRU


def _kinds(arrays: dict[str, Array]) -> str:
    kinds = "WRb" if "bias" in arrays or "b_i" in arrays else "WR"
    return f"{kinds}p" if any("peephole" in name for name in arrays) else kinds


def as_keras(arrays: dict[str, Array], layout: str) -> dict[str, Array]:
    """The arrays of an old layout as Keras, or TensorFlow Addons, lays them out."""
    kernel = arrays.get("kernel", arrays.get("W_i"))
    recurrent = arrays.get("recurrent_kernel", arrays.get("U_i"))
    assert kernel is not None
    assert recurrent is not None
    sizes = len(kernel), len(recurrent), _kinds(arrays)
    new_layout = "tfa" if layout == "tfa" else "keras"
    old, new = (Place(LAYOUTS[name], *sizes) for name in (layout, new_layout))
    parts: dict[str, Array] = {}
    for name, blocks in old.arrays.items():
        matrix = to_numpy(arrays[name]).reshape(old.matrix_shape(blocks))
        for block, part in old.split(matrix, blocks):
            parts[block] = parts[block] + part if block in parts else part
    return {
        name: np.ascontiguousarray(new.join(parts, blocks).reshape(new.shape(blocks)))
        for name, blocks in new.arrays.items()
    }
