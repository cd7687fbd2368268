"""From a file of an old network to layers."""

import json
import os
from collections.abc import Iterator
from typing import Any

from keras_lstm_ext.convert import checkpoint, h5
from keras_lstm_ext.convert.blocks import Array
from keras_lstm_ext.convert.weights import set_weights
from keras_lstm_ext.layers import ClassicLSTM, PeepholeLSTM

Cell = tuple[dict[str, Array], str]
"""Arrays, and their layout."""

FROM_CONFIG = ("activation", "recurrent_activation", "return_sequences")
KERAS_1 = {"inner_activation": "recurrent_activation"}


def read_layers(
    path: str | os.PathLike[str], *, forget_bias: float | None = None, **arguments: Any
) -> dict[str, Any]:
    """Makes layers of every LSTM in a file of an old network.

    These are `.h5` files of Keras 1 and 2 with `LSTM`, `CuDNNLSTM` or the `PeepholeLSTMCell` of
    TensorFlow Addons, checkpoints of TensorFlow 1, and those that Keras 2 wrote in TensorFlow's
    format. No code of the old network is needed.

    Args:
        path: The file; of a checkpoint the name in front of `.index`.
        forget_bias: What cells of TensorFlow 1 add to the forget gate when they run. Default: 1,
            but 0 for those that `CudnnLSTM` saved.
        **arguments: Given to every layer. Default: activations and `return_sequences` as the file
            says, if it has the architecture too.

    Returns:
        By the name in the file and in its order, a `ClassicLSTM`, or a `PeepholeLSTM` where there
        are peepholes, built and with its weights. Of a `Bidirectional`, each direction is one.

    Raises:
        ValueError: If the file is none of these or has no LSTM; or if the gates had the
            `hard_sigmoid` of Keras 1 and 2, which Keras 3 does not have, and no
            `recurrent_activation` is given.

    Examples:
        >>> model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(4, name="memory")])
        >>> model.save("old.h5")
        >>> [layer] = read_layers("old.h5").values()
        >>> layer
        <ClassicLSTM name=memory, built=True>
    """
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
        text = file.attrs.get("model_config", "{}")
    architecture = json.loads(text.decode() if isinstance(text, bytes) else text)
    return found, dict(_configs(architecture))


def _checkpoint(path: Any) -> dict[str, Cell]:
    variables = checkpoint.variables(path)
    objects = checkpoint.of_objects(variables)
    if objects:
        return h5.lstms(objects)
    return {name: (arrays, "tf1") for name, arrays in checkpoint.cells(variables).items()}


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


def _said(name: str, layout: str, configs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a layer that its file says."""
    last_first = [p.removeprefix("forward_").removeprefix("backward_") for p in name.split("/")]
    config: dict[str, Any] = next((configs[p] for p in last_first if p in configs), {})
    said = {key: config[key] for key in FROM_CONFIG if key in config}
    if layout == "keras_1":
        said.setdefault("recurrent_activation", "hard_sigmoid")  # the default of Keras 1
    return said


def _layer(
    name: str, arrays: dict[str, Array], layout: str, arguments: Any, forget_bias: float | None
) -> Any:
    if arguments.get("recurrent_activation") == "hard_sigmoid":
        raise ValueError(
            f"The gates of {name!r} have hard_sigmoid, 0.2 x + 0.5 between 0 and 1 in Keras 1 and "
            "2, which has another slope in Keras 3: give `recurrent_activation` such a function"
        )
    if layout == "tf1":
        units = arrays["kernel"].shape[1] // 4
        features, peepholes = arrays["kernel"].shape[0] - units, "w_f_diag" in arrays
        if forget_bias is None and "cudnn" in name.rpartition("/")[2]:
            forget_bias = 0.0
    else:
        arrays = h5.as_keras(arrays, layout)
        features, units = arrays["kernel"].shape[0], arrays["recurrent_kernel"].shape[0]
        layout, peepholes = ("tfa", True) if layout == "tfa" else ("keras", False)
        forget_bias = None
    own = name.removesuffix("/lstm_cell").rpartition("/")[2]
    made = {"name": own, "use_bias": "bias" in arrays} | arguments
    layer = (PeepholeLSTM if peepholes else ClassicLSTM)(units, **made)
    layer.build((None, None, features))
    set_weights(layer, arrays, layout, forget_bias=forget_bias)
    return layer
