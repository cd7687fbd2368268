"""The cells that have a diagram of their own, and the cell that each one adds something to."""

import lstm_sources  # noqa: F401  (stands in for the package, see there)

from keras_lstm_ext.variants import COUPLED, FAMILY, LAYER_NORM, ODYSSEY, PROJECTED

CELLS = FAMILY | {
    "coupled": COUPLED,
    "projected": PROJECTED,
    "layer-norm": LAYER_NORM,
    "gate-recurrence": ODYSSEY["FGR"],
}

BEFORE = {
    "original": "cec",
    "classic": "original",
    "peephole": "classic",
    "coupled": "peephole",
    "projected": "peephole",
    "layer-norm": "classic",
    "gate-recurrence": "peephole",
}


def before(name: str) -> str:
    """The cell that a cell adds something to; of the first one, itself."""
    return BEFORE.get(name, name)
