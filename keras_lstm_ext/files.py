"""Files that are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Gives a temporary path to write to, which becomes `path` only if nothing went wrong.

    Args:
        path: Where the file is to be. A file that is there already stays until then.

    Yields:
        A path in the same folder with the same suffix.
    """
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def save_and_check(model: keras.Model, path: Path, inputs: np.ndarray) -> float:
    """Saves a model, loads it back, and compares what both predict.

    Args:
        model: The model.
        path: Ends in `.keras`.
        inputs: Inputs of the model.

    Returns:
        The largest absolute difference between the two predictions.
    """
    with whole(path) as temporary:
        model.save(temporary)
    loaded = keras.saving.load_model(path)
    difference = model.predict(inputs, verbose=0) - loaded.predict(inputs, verbose=0)
    return float(np.max(np.abs(difference)))
