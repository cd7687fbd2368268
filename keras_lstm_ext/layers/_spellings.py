"""Arguments that other versions and systems have for what is said in another way here."""

import difflib
import inspect
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

import keras

from keras_lstm_ext import engines

INPUT = "begin the model with keras.Input((timesteps, features))"
BATCH = "begin the model with keras.Input(batch_shape=(batch, timesteps, features))"
UNITS = "the number of memory cells is `units`"
PEEPHOLES = "PeepholeLSTM has peepholes"
PROJECTION = "ProjectedLSTM has `projection`"

ELSEWHERE: dict[str, str] = {
    "use_cudnn": f"it is replaced by `engine`, which accepts {engines.ACCEPTED}",
    "implementation": "leave it out; `engine` says how a sequence is computed",
    "consume_less": "leave it out; `engine` says how a sequence is computed",
    "time_major": "sequences have the shape (batch, timesteps, features), to which "
    "keras.ops.transpose(x, (1, 0, 2)) brings others",
    "batch_first": "sequences have the shape (batch, timesteps, features), as with True",
    "input_dim": INPUT,
    "input_length": INPUT,
    "input_size": INPUT,
    "batch_input_shape": BATCH,
    "batch_shape": BATCH,
    "batch_size": BATCH,
    "weights": "build the layer, and give them to `set_weights`",
    "output_dim": UNITS,
    "num_units": UNITS,
    "hidden_size": UNITS,
    "cell_size": UNITS,
    "init": "its name is `kernel_initializer`",
    "inner_init": "its name is `recurrent_initializer`",
    "forget_bias_init": 'it is `unit_forget_bias`, or `gate_bias={"f": ...}`',
    "forget_bias": 'it is `unit_forget_bias`, or `gate_bias={"f": ...}`',
    "inner_activation": "its name is `recurrent_activation`",
    "W_regularizer": "its name is `kernel_regularizer`",
    "U_regularizer": "its name is `recurrent_regularizer`",
    "b_regularizer": "its name is `bias_regularizer`",
    "W_constraint": "its name is `kernel_constraint`",
    "U_constraint": "its name is `recurrent_constraint`",
    "b_constraint": "its name is `bias_constraint`",
    "dropout_W": "its name is `dropout`",
    "dropout_U": "its name is `recurrent_dropout`",
    "num_layers": "give a list of layers to keras.Sequential",
    "bidirectional": "put the layer into keras.layers.Bidirectional",
    "use_peepholes": PEEPHOLES,
    "peepholes": PEEPHOLES,
    "num_proj": PROJECTION,
    "proj_size": PROJECTION,
    "cell_clip": "no layer here clips its state",
    "reset_after": "it is an argument of keras.layers.GRU",
}
"""What to do instead."""


def check_names(owner: Any, given: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuses arguments that neither a class nor Keras has, and says where they are found.

    Args:
        owner: The layer or cell that is being made.
        given: The arguments by their names.
        known: Those that its class has.

    Raises:
        ValueError: If there is another one.
    """
    of_keras = {*inspect.signature(keras.Layer.__init__).parameters, "input_shape"}
    accepted = {*known, *of_keras} - {"self", "kwargs", "autocast"}
    for name, value in given.items():
        if name not in accepted:
            raise ValueError(
                f"`{name}` is no argument of {type(owner).__name__}: {_instead(name, accepted)}. "
                f"Received: {name}={reprlib.repr(value)}"
            )


def _instead(name: str, accepted: set[str]) -> str:
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    near = difflib.get_close_matches(name, accepted, n=1)
    return f"`{near[0]}` is" if near else f"it has {sorted(accepted)}"
