"""Files as Keras 1 and 2 wrote them, by their documented layout: groups, attributes, names.

`model.save_weights` wrote a group per layer, with the attributes `layer_names` at the root and
`weight_names` at each group; `model.save` the same below `model_weights`, and the architecture as
JSON beside it. Nothing here knows the package.
"""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

Layers = Mapping[str, Mapping[str, np.ndarray]]
"""By layer, its weights by their names in the model."""


def write(
    path: Path,
    layers: Layers,
    whole: bool = False,
    cut: bool = False,
    architecture: bytes = b'{"class_name": "Sequential", "config": []}',
) -> Path:
    """Writes a file.

    Args:
        path: The file.
        layers: What is in it.
        whole: As `model.save` and not as `model.save_weights`.
        architecture: Of a whole model, as JSON.
        cut: With lists of names in several attributes, as where they are too long for one.
    """
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole else file
        if whole:
            file.attrs["keras_version"] = b"2.2.4"
            file.attrs["model_config"] = architecture
        _names(root, "layer_names", list(layers), cut)
        for layer, weights in layers.items():
            group = root.create_group(layer)
            _names(group, "weight_names", list(weights), cut)
            for name, array in weights.items():
                group.create_dataset(name, data=array)
    return path


def _names(group: h5py.Group, attribute: str, names: list[str], cut: bool) -> None:
    encoded = [name.encode() for name in names]
    if not cut or len(names) < 2:
        group.attrs[attribute] = np.array(encoded, dtype="S") if names else np.array([], "S1")
        return
    for k, part in enumerate((encoded[:1], encoded[1:])):
        group.attrs[f"{attribute}{k}"] = np.array(part, dtype="S")
