"""`accelerate`: the same model on other layers, and back."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, accelerate
from keras_lstm_ext.acceleration.counterparts import why_not
from keras_lstm_ext.walk import layers_of
from tests.acceleration.models import BATCH, Attributes, Whole, random_model
from tests.backends import BACKEND

# Whatever 30 seeds draw of kinds of models, layers, their arguments, and optimizers.
COVERING = (2, 5, 11, 13, 21, 23, 25, 28)
SEEDS = COVERING if BACKEND == "tensorflow" else (1, 7)
OBJECTS = {"Attributes": Attributes, "Whole": Whole}


def has(model: Any, *classes: type) -> bool:
    return any(type(part) in classes for part in layers_of(model))


def same_weights(ours: Any, theirs: Any, atol: float = 0.0) -> None:
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(_array(a), _array(b), rtol=0, atol=atol, err_msg=b.path)


def _array(variable: Any) -> Any:
    return keras.ops.convert_to_numpy(variable)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_model(seed: int, tmp_path: Path) -> None:
    model, x, y = random_model(seed)
    once = {"batch_size": BATCH, "epochs": 1, "shuffle": False, "verbose": 0}
    model.fit(x, y, **once)  # so that moments, seeds and states are no longer those of the start
    before = [_array(w) for w in model.weights]
    fast = accelerate(model, verbose=False)
    assert fast is not model
    for old, new in zip(layers_of(model), layers_of(fast), strict=True):
        assert new.trainable == old.trainable
        assert new.dtype_policy.name == old.dtype_policy.name
        if type(old) is keras.layers.LSTM and why_not(old, back=False) is None:
            assert type(new) is ClassicLSTM
    same_weights(fast, model)
    for a, b in zip(fast.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(_array(a), _array(b))
    everything = [_array(v) for v in model.variables]
    agree(fast, model, x)
    plain = accelerate(fast, back=True, verbose=False)
    assert not has(plain, ClassicLSTM)
    same_weights(plain, model)
    # Own classes make Keras' layers again when they are loaded, which a file of others may not fit.
    saved = plain if has(model, Attributes) else fast
    saved.save(tmp_path / "saved.keras")
    loaded = keras.models.load_model(tmp_path / "saved.keras", OBJECTS, compile=False)
    agree(loaded, saved, x)
    for each in (model, fast, plain):
        begin_anew(each)
        # Keras' layers draw masks of dropout in predictions too, which moves their seeds on.
        for variable, value in zip(each.variables, everything, strict=True):
            variable.assign(value)
    losses = [m.fit(x, y, **once).history["loss"] for m in (model, fast, plain)]
    np.testing.assert_allclose(losses[1:], losses[:1] * 2, rtol=1e-5)
    assert any(np.any(_array(w) != b) for w, b in zip(model.weights, before, strict=True))
    same_weights(fast, model, atol=1e-6)
    same_weights(plain, model, atol=1e-6)
    agree(plain, model, x)


def agree(ours: Any, theirs: Any, x: Any) -> None:
    begin_anew(ours, theirs)
    a, b = (m.predict(x, batch_size=BATCH, verbose=0) for m in (ours, theirs))
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


def begin_anew(*models: Any) -> None:
    for layer in (layer for model in models for layer in layers_of(model)):
        if getattr(layer, "stateful", False) and isinstance(layer, keras.layers.RNN):
            layer.reset_state()
