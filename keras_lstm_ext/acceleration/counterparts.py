"""Which layer of this package is which of Keras, and which has no counterpart there."""

from typing import Any

import keras

from keras_lstm_ext.layers import ClassicLSTM, ClassicLSTMCell
from keras_lstm_ext.layers._arguments import names
from keras_lstm_ext.layers._cell import RecurrentCell

PAIRS = {keras.layers.LSTM: ClassicLSTM, keras.layers.LSTMCell: ClassicLSTMCell}
"""What is replaced by what, and the other way round with `back=True`."""

OTHERS = (RecurrentCell, keras.layers.GRUCell, keras.layers.SimpleRNNCell)
"""The cells that nobody expects to be replaced."""

PLAIN = {"output_activation": "same", "block_size": 1, "gradient": "full", "gate_bias": None}
"""The arguments of a `ClassicLSTM` with which it computes what Keras does."""


def counterpart(part: Any, back: bool) -> type | None:
    """The class that replaces a layer or cell, or None for all that is no LSTM.

    Args:
        part: A layer or cell.
        back: Whether plain Keras is wanted.

    Returns:
        The class, which may still not do: see `why_not`.
    """
    pairs = {ours: theirs for theirs, ours in PAIRS.items()} if back else PAIRS
    layer, _ = pairs.values()
    if type(part) is keras.layers.RNN:
        return layer if type(part.cell) in pairs else None
    found: type | None = pairs.get(type(part))
    return found


def why_not(part: Any, back: bool) -> str | None:
    """Gives None for a layer or cell with a counterpart, or the reason why it has none."""
    cell = getattr(part, "cell", part)
    if counterpart(part, back) is None:
        return _other(part, cell, back)
    if getattr(part, "use_cudnn", None) is True:
        return "use_cudnn=True asks for NVIDIA's kernel"
    if cell.recurrent_dropout:
        return "Keras draws a mask of recurrent_dropout for each gate, and ClassicLSTM one for all"
    if cell.dropout and cell.implementation == 1:
        return "with implementation=1 Keras draws a mask of dropout for each gate, and others one"
    if cell.dtype_policy.name != part.dtype_policy.name:
        return f"its cell has another dtype, {cell.dtype_policy.name}"
    return _more_than_keras(cell) if back else None


def _other(part: Any, cell: Any, back: bool) -> str:
    if back and isinstance(cell, RecurrentCell):
        return f"Keras has no {type(part).__name__}"
    if isinstance(cell, keras.layers.LSTMCell):
        where = "" if part is cell else f" with {type(cell).__name__}"
        return f"{type(part).__name__}{where} may compute a step of its own"
    return f"its cell is a {type(cell).__name__}"


def _more_than_keras(cell: Any) -> str | None:
    more = {k: getattr(cell, k) for k, v in PLAIN.items() if getattr(cell, k) != v}
    if more.get("output_activation") is cell.activation:
        del more["output_activation"]
    if more:
        return f"Keras' LSTM has no {', '.join(f'{k}={v!r}' for k, v in more.items())}"
    if cell.use_bias not in (True, False):
        return f"Keras' LSTM has no use_bias={cell.use_bias!r}"
    for name in ("activation", "recurrent_activation"):
        if getattr(cell, name).__module__.startswith("keras_lstm_ext"):
            return f"{name}={getattr(cell, name).__name__!r} is of this package"
    return None


def concerned(part: Any, back: bool) -> bool:
    """Whether a layer or cell that stays as it is deserves a word."""
    cell = getattr(part, "cell", part)
    return isinstance(cell, RecurrentCell) if back else not isinstance(cell, OTHERS)


def converted(part: Any, cls: Any) -> Any:
    """A layer or cell of another class with the same arguments.

    Args:
        part: A `keras.layers.LSTM`, `ClassicLSTM`, a cell of them, or a `keras.layers.RNN` of one.
        cls: The class, one of those.

    Returns:
        The new one, not built.
    """
    arguments = {"name": part.name, "dtype": part.dtype_policy, "trainable": part.trainable}
    for name in {*names(cls), "zero_output_for_mask"} - {"kwargs", *arguments}:
        # The function itself: what Keras cannot serialise is converted too.
        for owner in (part, getattr(part, "cell", part)):
            if hasattr(owner, name):
                arguments[name] = getattr(owner, name)
                break
    return cls(**arguments)


def build(made: Any, part: Any) -> None:
    """Gives what was converted from `part`, which is built, weights of its shapes."""
    cell = getattr(part, "cell", part)
    batch = part.states[0].shape[0] if getattr(part, "states", None) else None
    steps = () if part is cell else (None,)
    made.build((batch, *steps, cell.kernel.shape[0]))
