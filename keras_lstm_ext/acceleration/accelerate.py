"""The function `accelerate`, and what it says."""

from typing import Any

import keras

from keras_lstm_ext.acceleration.copies import Copy, parts_of
from keras_lstm_ext.acceleration.counterparts import concerned, counterpart, why_not
from keras_lstm_ext.acceleration.state import carry_over
from keras_lstm_ext.devices import gpu
from keras_lstm_ext.walk import cells_of, layers_of, recurrent_layers


def accelerate(model: keras.Model, back: bool = False, verbose: bool = True) -> keras.Model:
    """Gives a copy of a model in which every `keras.layers.LSTM` is a `ClassicLSTM`.

    The copies have the same configuration, name and weights, alone or in `Bidirectional`,
    `TimeDistributed`, `keras.layers.RNN` around an `LSTMCell`, or what layers and models of your
    own have in attributes. Weights, trainable flags, states, seeds, compilation and the optimizer
    with its moments go along. The model that was given stays as it is, and shares nothing with the
    copy.

    Not replaced are layers with `use_cudnn=True` or `recurrent_dropout`, classes and cells of your
    own, and what a functional model of your own class makes in its constructor. Where Keras
    computes on a GPU, NVIDIA's kernel does what can be done: then nothing changes.

    Args:
        model: A model that Keras can clone, built.
        back: Whether to make plain Keras of the layers of this package instead, so that a file of
            the model does not need it.
        verbose: Whether to print what was replaced, and what was not and why.

    Returns:
        The copy; `model` itself where there is nothing to replace.

    Raises:
        ValueError: If `model` is no built Keras model, or Keras cannot clone it.

    Examples:
        >>> model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(4, name="memory")])
        >>> fast = accelerate(model)
        memory: LSTM is now ClassicLSTM, engine ...
        >>> plain = accelerate(fast, back=True)
        memory: ClassicLSTM is now LSTM
    """
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(f"`model` must be a built Keras model. Received: model={model!r}")
    if not back and gpu():
        say = [f"{model.name} stays as it is: Keras computes on a GPU, with NVIDIA's kernel"]
        made = model
    elif not any(_can_be(part, back) for part in parts_of(model)):
        say, made = report(model, model, back), model
    else:
        made, missing = copied(model, back)
        say = [*report(made, model, back), *missing]
    if verbose:
        print("\n".join(say))
    return made


def _can_be(part: Any, back: bool) -> bool:
    return counterpart(part, back) is not None and why_not(part, back) is None


def copied(model: Any, back: bool) -> tuple[Any, list[str]]:
    """A copy of a model, and what could not be carried over to it."""
    copy = Copy(back)
    # Keras makes again what is inside of wrappers by the names of the classes.
    own = {type(part).__name__: type(part) for part in layers_of(model)}
    with keras.saving.custom_object_scope(
        {name: cls for name, cls in own.items() if not cls.__module__.startswith("keras.")}
    ):
        made = copy(model)
    if not made.built:
        made.build_from_config(model.get_build_config())
        made.built = True  # which Keras itself says only of what it loads
    for ours, theirs in zip(layers_of(made), layers_of(model), strict=False):
        copy.replace_inside(ours, theirs)  # what was made when the model was built
    return made, carry_over(made, model)


def report(made: Any, model: Any, back: bool) -> list[str]:
    """A line for each layer with an LSTM: what it is now, or why it is what it was."""
    pairs = zip(recurrent_layers(made), recurrent_layers(model), strict=True)
    lines = [line for new, old in pairs for line in _of_layer(new, old, back)]
    return lines or [f"{model.name} has no LSTM layer"]


def _of_layer(new: Any, old: Any, back: bool) -> list[str]:
    if not isinstance(old.cell, keras.layers.StackedRNNCells):
        return _of_part(old.name, new, old, back)
    cells = zip(cells_of(new), cells_of(old), strict=True)
    parts = [(f"{old.name}, cell {k}", now, was) for k, (now, was) in enumerate(cells)]
    return [line for part in parts for line in _of_part(*part, back)]


def _of_part(name: str, now: Any, was: Any, back: bool) -> list[str]:
    if type(now) is not type(was):
        engine = f", engine {now.explain().engine}" if hasattr(now, "explain") else ""
        return [f"{name}: {type(was).__name__} is now {type(now).__name__}{engine}"]
    if not concerned(was, back):
        return []
    reason = why_not(was, back) or "Keras cannot clone what holds it with another layer there"
    return [f"{name}: {type(was).__name__} as before: {reason}"]
