"""What a model has learned and is set to, from one model to another with the same layers."""

from typing import Any

import keras

from keras_lstm_ext.acceleration.copies import remade
from keras_lstm_ext.walk import layers_of

IN_NO_CONFIG = ("use_cudnn", "implementation", "dropout_mask_count")
"""What Keras' recurrent layers are given and do not say again."""


def carry_over(new: Any, old: Any) -> list[str]:
    """Gives a model all that another one has beside its layers.

    Args:
        new: A copy of `old`, built as it is.
        old: The model.

    Returns:
        What could not be carried over, in a sentence each.

    Raises:
        ValueError: If the models have different weights.
    """
    pairs = list(zip(layers_of(new), layers_of(old), strict=True))
    for ours, theirs in pairs:
        for name in IN_NO_CONFIG:
            if type(ours) is type(theirs) and hasattr(theirs, name):
                setattr(ours, name, getattr(theirs, name))
    for ours, theirs in pairs:  # a layer comes before those in it, to which it hands its flag on
        if ours.trainable != theirs.trainable:
            ours.trainable = theirs.trainable
    _assign(new.weights, old.weights)
    for ours, theirs in zip(new.weights, old.weights, strict=True):
        if ours.trainable != theirs.trainable:
            ours.trainable = theirs.trainable
    states, of_old = (
        [s for m in models for s in _states(m)] for models in zip(*pairs, strict=True)
    )
    _assign(states, of_old)
    _assign(_seeds(new, states), _seeds(old, of_old))
    return [said for ours, theirs in pairs for said in _compile(ours, theirs)]


def _assign(variables: list[Any], values: list[Any]) -> None:
    shapes = [[tuple(v.shape) for v in each] for each in (variables, values)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            "`model` must be a model that Keras can clone, with the same weights in the same "
            f"order. Received: weights {shapes[1]}, of which the clone has {shapes[0]}"
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _states(layer: Any) -> list[Any]:
    """Those of a stateful layer."""
    found = layer.states if isinstance(layer, keras.layers.RNN) and layer.stateful else None
    return keras.tree.flatten(found) if found else []


def _seeds(model: Any, states: list[Any]) -> list[Any]:
    known = {id(variable) for variable in (*model.weights, *states)}
    return [variable for variable in model.variables if id(variable) not in known]


def _compile(new: Any, old: Any) -> list[str]:
    """Compiles a model as another one, with its optimizer as it is now."""
    if not getattr(old, "compiled", False):
        return []
    try:
        if type(old).compile is keras.Model.compile:
            new.compile(**_compiled_with(old))
        else:
            new.compile_from_config(old.get_compile_config())
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        return [f"{old.name} is not compiled, since Keras cannot ({reason}): call compile() on it"]
    if not new.compiled:
        return [f"{old.name} is not compiled: its class has a compile() of its own"]
    return _optimizer(new, old)


def _compiled_with(model: Any) -> dict[str, Any]:
    """The arguments of `compile`, with an optimizer and metrics of their own.

    No public way gives the objects: `get_compile_config` names functions, which is not enough to
    find one of a notebook or a function's own.
    """
    return keras.tree.map_structure(_own, dict(model._compile_config.config))


def _own(value: Any) -> Any:
    keeps = isinstance(value, (keras.optimizers.Optimizer, keras.Metric))
    return remade(value) if keeps else value


def _optimizer(new: Any, old: Any) -> list[str]:
    if old.optimizer is None or not old.optimizer.built:
        return []
    new.optimizer.build(new.trainable_variables)
    try:
        _assign(new.optimizer.variables, old.optimizer.variables)
    except ValueError:
        return [
            f"the optimizer of {old.name} begins anew: the one that was there had been built for "
            "other trainable weights"
        ]
    return []
