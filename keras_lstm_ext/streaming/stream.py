"""A model as a stream: its states, and one step."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_lstm_ext.streaming import recurrent
from keras_lstm_ext.streaming.chain import NotStreamable, chain
from keras_lstm_ext.streaming.steps import STEPS, Array, Run


def stream(model: keras.Model, batch: int = 1) -> "Stream":
    """Takes a trained model apart, to compute it one time step at a time.

    The layers are computed by the native library and NumPy, without the backend of Keras, on the
    thread that calls. After t calls of `step` the output is what `model.predict` gives for the
    sequence of these t steps.

    Args:
        model: A built Sequential or functional model, in which a sequence passes from layer to
            layer: recurrent layers of this package or `keras.layers.LSTM`, with Dense, Embedding,
            activations and normalisation before, between and after them. Its weights are copied.
        batch: How many streams are computed side by side, as rows.

    Returns:
        The stream, whose states are zero.

    Raises:
        ValueError: If `batch` is no positive integer, or the model holds what cannot be computed
            one step at a time; the message names the layer.

    Examples:
        >>> import keras, numpy as np
        >>> from keras_lstm_ext import PeepholeLSTM, stream
        >>> model = keras.Sequential(
        ...     [keras.Input((None, 3)), PeepholeLSTM(8), keras.layers.Dense(2)]
        ... )
        >>> x, one = np.random.default_rng(1).normal(size=(1, 5, 3)), stream(model)
        >>> y = [one.step(x[:, t]) for t in range(5)]
        >>> bool(np.allclose(y[-1], model.predict(x, verbose=0), atol=1e-6))
        True
    """
    return Stream(model, batch)


class Stream:
    """A model that reads one time step after another; made by `stream`.

    A stream is for one thread at a time: threads have one each, or rows of one.

    Args:
        model: The model.
        batch: Number of rows.
    """

    def __init__(self, model: keras.Model, batch: int = 1) -> None:
        if isinstance(batch, bool) or not isinstance(batch, (int, np.integer)) or batch < 1:
            raise ValueError(f"`batch` must be a positive integer. Received: batch={batch!r}")
        layers = chain(model)
        self.batch = int(batch)
        self._x = self._y = _source(model, layers, self.batch)
        self._states: list[Array] = []
        self._runs: list[Run] = []
        for layer in layers:
            self._append(layer)
        if not self._states:
            raise NotStreamable(model, "it has no recurrent layer")

    def _append(self, layer: Any) -> None:
        if layer.compute_dtype != "float32" and not isinstance(layer, keras.layers.Embedding):
            raise NotStreamable(layer, f"a stream is float32, and this is {layer.compute_dtype}")
        if isinstance(layer, keras.layers.RNN):
            for cell in recurrent.cells(layer):
                step = recurrent.Step(cell, self._y)
                self._states += step.states
                self._runs.append(step.run)
                self._y = step.h
            return
        form = next((f for base, f in STEPS.items() if _computes(layer, base)), None)
        if form is None:
            known = ", ".join(base.__name__ for base in STEPS)
            raise NotStreamable(
                layer, f"it cannot be computed one step at a time; known are LSTM layers, {known}"
            )
        self._y, run = form(layer, self._y)
        if run:
            self._runs.append(run)

    def step(self, x: Any, out: Array | None = None) -> Array:
        """Computes one time step of every row.

        Args:
            x: Array of shape `(batch, features)`, or `(batch,)` where the model begins with an
                Embedding; without the axis of the batch for a stream of one row.
            out: Float32 array of the shape of the output, to be filled; without it each step makes
                a new one.

        Returns:
            The output of the model, `(batch, …)`: `out`, if it was given.

        Raises:
            ValueError: If a shape or dtype does not fit.
        """
        if x.__class__ is not np.ndarray or x.shape != self._x.shape:
            x = self._fitted(x)
        if x.dtype is self._x.dtype:
            self._x[...] = x  # sooner done than what checks the cast
        else:
            self._cast(x)
        for run in self._runs:
            run()
        if out is None:
            return self._y.copy()
        if out.shape != self._y.shape or out.dtype != self._y.dtype:
            raise ValueError(
                f"`out` must be a float32 array of shape {self._y.shape}. "
                f"Received: {out.dtype} of shape {out.shape}"
            )
        out[...] = self._y
        return out

    def __reduce__(self) -> Any:
        raise TypeError("a stream is not copied: make another one of the model, and `restore`")

    def _fitted(self, x: Any) -> Array:
        given = np.asarray(x)
        if given.shape == self._x.shape:
            return given
        if self.batch == 1 and given.shape == self._x.shape[1:]:
            return given[None]
        raise self._refusal(given)

    def _cast(self, x: Array) -> None:
        try:
            np.copyto(self._x, x, casting="same_kind")
        except TypeError:
            raise self._refusal(x) from None

    def _refusal(self, x: Array) -> ValueError:
        kind = "floats" if self._x.dtype.kind == "f" else "whole numbers"
        return ValueError(
            f"`x` must hold {kind}, shape {self._x.shape}. Received: {x.dtype}, shape {x.shape}"
        )

    @property
    def state(self) -> list[Array]:
        """Copies of the states of each recurrent layer in turn: h and c, `(batch, units)` each.

        Where gates are fed back, they follow.
        """
        return [state.copy() for state in self._states]

    def restore(self, state: Sequence[Any]) -> None:
        """Goes on from a state.

        Args:
            state: What `state` gave.

        Raises:
            ValueError: If number or shapes of the arrays differ.
        """
        given = [np.asarray(one) for one in state]
        shapes = [one.shape for one in self._states]
        if [one.shape for one in given] != shapes:
            raise ValueError(
                f"`state` must be a list of arrays of the shapes {shapes}. "
                f"Received: {[one.shape for one in given]}"
            )
        for own, one in zip(self._states, given, strict=True):
            own[...] = one

    def reset(self, rows: Any = slice(None)) -> None:
        """Begins anew: all states become zero.

        Args:
            rows: Index of the rows that begin anew, as NumPy takes it; default: all.
        """
        for state in self._states:
            state[rows] = 0.0


def _computes(layer: Any, base: type) -> bool:
    return isinstance(layer, base) and type(layer).call is base.call  # type: ignore[attr-defined]


def _source(model: Any, layers: Sequence[Any], batch: int) -> Array:
    """The array that holds the input of a step."""
    shape = model.input_shape if isinstance(model.input_shape, tuple) else ()
    embeds = any(isinstance(layer, keras.layers.Embedding) for layer in layers[:2])
    if len(shape) == 2 and embeds:
        return np.zeros((batch,), "int64")
    if len(shape) != 3 or shape[2] is None:
        raise NotStreamable(
            model,
            "its input must be sequences, (batch, timesteps, features), or whole numbers, "
            f"(batch, timesteps), for an Embedding. It is {model.input_shape}",
        )
    return np.zeros((batch, shape[2]), "float32")
