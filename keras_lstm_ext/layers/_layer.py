"""What all layers share: the way from `keras.layers.RNN` to the engines."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import keras
from keras import ops

from keras_lstm_ext import engines
from keras_lstm_ext.diagram.html import html as render
from keras_lstm_ext.engines.tensors import cast
from keras_lstm_ext.layers import _checks, _values
from keras_lstm_ext.layers._arguments import (
    DOCS,
    OF_ALL,
    Config,
    declared,
    get_config,
    names,
    own_names,
)
from keras_lstm_ext.layers._cell import RecurrentCell
from keras_lstm_ext.layers._groups import OfCell, OfLayer
from keras_lstm_ext.layers._inputs import check_tensor
from keras_lstm_ext.layers._spellings import check_names

Tensor = Any


class RecurrentLayer(keras.layers.RNN):
    """A sequence layer around one cell of the family; base class of the public layers."""

    cell_class: ClassVar[type[RecurrentCell]]

    def __init__(self, engine: str = "auto", recompute: bool = False, **arguments: Any) -> None:
        cell_names = names(self.cell_class) + own_names(self.cell_class)
        check_names(self, arguments, (*names(type(self)), *cell_names))
        for name in ("trainable", "activity_regularizer"):  # Keras looks before it stores them
            if name in arguments:
                arguments[name] = _values.checked(name, arguments[name])
        of_cell = {name: arguments.pop(name) for name in list(arguments) if name in cell_names}
        shared = {name: arguments[name] for name in ("dtype", "trainable") if name in arguments}
        super().__init__(self.cell_class(**of_cell, **shared), autocast=False, **arguments)
        self.recompute = recompute
        self.engine = engine

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets an attribute; what is an argument is checked as the constructor checks it."""
        _values.assign(self, name, value, super().__setattr__)
        if name == "dtype_policy" and hasattr(self, "cell"):
            self.cell.dtype_policy = value
        if name == "engine":
            # cuDNN's op does not compile; every other engine does.
            self.supports_jit = engines.cudnn.why_not(self, engines.Call()) is not None

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Creates the weights and, if `stateful`, the states.

        Args:
            sequences_shape: `(batch, timesteps, features)`.
            initial_state_shape: Not used.

        Raises:
            ValueError: If `sequences_shape` is not of that form.
        """
        _checks.check_sequences_shape("sequences", sequences_shape)
        batch, _, features = sequences_shape
        if not self.cell.built:
            self.cell.build((batch, features))
        if self.stateful and self.states is None:
            if batch is None:
                raise ValueError(
                    "`stateful=True` needs a fixed batch size, for example "
                    "keras.Input(batch_shape=(32, None, 8)). "
                    f"Received: sequences of shape {tuple(sequences_shape)}"
                )
            self._keep(
                # Never read in 16 bits: the carousel would stop counting between two calls.
                keras.Variable(
                    "zeros", (batch, size), dtype, trainable=False, autocast=False, name=name
                )
                for size, dtype, name in zip(
                    self.state_size, self.cell.state_dtypes, ("h", "c", "gates"), strict=False
                )
            )
        self.built = True

    def _keep(self, states: Iterable[Any]) -> None:
        # Past Keras' tracking, as in Keras itself: states are not among the weights. TensorFlow
        # needs to find them, or it refuses to save the layer.
        self.__dict__["states"] = list(states)
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            self.kept = tf.Module()
            self.kept.states = self.states

    @property
    def variables(self) -> list[Any]:
        """The weights and seeds and, on JAX, the states of a `stateful` layer.

        Keras' JAX trainer hands from batch to batch what is here, and nothing else. `weights`, and
        so files, have no states on any backend.
        """
        carried = self.stateful and self.states and keras.backend.backend() == "jax"
        return [*super().variables, *(self.states if carried else ())]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the layer as Keras does, on one dense tensor: see `call`."""
        check_tensor(args[0] if args else kwargs.get("sequences"))
        return super().__call__(*args, **kwargs)

    def call(
        self,
        sequences: Tensor,
        initial_state: Sequence[Tensor] | None = None,
        mask: Tensor | None = None,
        training: bool = False,
    ) -> Any:
        """Runs the cell over every sequence.

        Args:
            sequences: Float tensor of shape `(batch, timesteps, features)`.
            initial_state: List of the states before the first step, `(batch, units)` each (and
                `(batch, gates)` for the third where gates are fed back), or with one row that is
                every row's. Default: zeros, or the last states if `stateful`.
            mask: Boolean tensor of shape `(batch, timesteps)`. Where it is False, the step is
                skipped: states are held, and the output of the step before is repeated. What
                `sequences` holds there, NaN and infinity too, reaches no output and no gradient.
            training: Whether dropout applies.

        Returns:
            h of the last step, `(batch, units)`, or of every step,
            `(batch, timesteps, units)`; with `return_state` a tuple of it and the final states.

        Raises:
            ValueError: If a shape or dtype does not fit, or there is no time step.
        """
        self._check_call(sequences, initial_state, mask)
        engines.require_time_steps(sequences)
        if self.stateful:
            first = self.states[0].shape[0]
            sequences = engines.require_batch(sequences, first, _checks.stateful_batch(first))
        sequences = cast(sequences, self.compute_dtype)
        if mask is not None:
            mask = cast(mask, "bool")
            # A factor 0 would not do: the products of a skipped step would be NaN where x is.
            sequences = ops.where(mask[:, :, None], sequences, ops.zeros((), sequences.dtype))
        last, outputs, states = self._run(sequences, initial_state, mask, training)
        if self.stateful:
            for variable, state in zip(self.states, states, strict=True):
                # A copy: what was returned must outlive a variable that JAX's trainer gives away.
                variable.assign(ops.copy(state))
        output = outputs if self.return_sequences else last
        return (output, *states) if self.return_state else output

    def _run(
        self,
        sequences: Tensor,
        initial_state: Sequence[Tensor] | None,
        mask: Tensor | None,
        training: bool,
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        states = self._first_states(ops.shape(sequences)[0], initial_state)
        if not (self.cell.dropout or self.cell.recurrent_dropout):
            return self.inner_loop(sequences, states, mask, training)
        if training:
            # Drawn here, once: inside a compiled loop every step would draw its own.
            self.cell.get_dropout_mask(sequences[:, 0])
            self.cell.get_recurrent_dropout_mask(states[0])
        try:
            return self.inner_loop(sequences, states, mask, training)
        finally:
            self.cell.reset_dropout_mask()
            self.cell.reset_recurrent_dropout_mask()

    def inner_loop(
        self,
        sequences: Tensor,
        initial_state: list[Tensor],
        mask: Tensor | None,
        training: bool = False,
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Hands the whole sequence to the engine; `keras.layers.RNN`'s hook for fast paths.

        Args:
            sequences: Shape `(batch, timesteps, features)`, in the compute dtype.
            initial_state: The states before the first step.
            mask: Boolean, shape `(batch, timesteps)`, or None.
            training: Whether dropout applies.

        Returns:
            Last output, outputs, and final states.
        """
        return engines.run(self, sequences, initial_state, mask, bool(training))

    def explain(
        self,
        input_shape: Sequence[int | None] | None = None,
        mask: bool | Tensor | None = None,
        training: bool = False,
    ) -> engines.Choice:
        """Says which engine runs a call, and why each faster one does not.

        Args:
            input_shape: Shape of the sequences, `(batch, timesteps, features)`.
            mask: The mask, or True for any mask.
            training: Whether the call is a training step.

        Returns:
            The choice; printed, it is a line per engine.

        Examples:
            >>> from keras_lstm_ext import ClassicLSTM
            >>> ClassicLSTM(8).explain((32, 100, 4)).engine in ("bptt", "native", "portable")
            True
        """
        masked = mask is not None and mask is not False
        return engines.choose(self, engines.Call(input_shape, masked, training))

    def compute_output_spec(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        """Symbolic call: like `keras.layers.RNN`, with every state in its own dtype."""
        self._check_call(sequences, initial_state, mask)
        shapes = self.compute_output_shape(sequences.shape)
        if not self.return_state:
            return keras.KerasTensor(shapes, dtype=self.compute_dtype)
        dtypes = [self.compute_dtype, *self.cell.state_dtypes]
        return tuple(keras.KerasTensor(s, dtype=d) for s, d in zip(shapes, dtypes, strict=True))

    def _repr_html_(self) -> str:
        """The layer in a notebook: diagram, equations, weights."""
        return render(self)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assigns weights, all of them or none.

        Args:
            weights: Arrays in the order of `weights`.

        Raises:
            ValueError: If number or shapes differ from the layer's.
        """
        _checks.check_weights(weights, self)
        super().set_weights(weights)

    def get_config(self) -> Config:
        """Every constructor argument, JSON-friendly."""
        return {**keras.Layer.get_config(self), **get_config(self)}

    @classmethod
    def from_config(cls, config: Config, custom_objects: Any = None) -> "RecurrentLayer":
        """Inverse of `get_config`."""
        return cls(**config)

    def _check_call(self, sequences: Any, initial_state: Any, mask: Any) -> None:
        _checks.check_sequences_shape("sequences", sequences.shape, self.kernel.shape[0])
        _checks.check_float("sequences", sequences)
        batch = sequences.shape[0]
        if mask is not None:
            _checks.check_mask(mask, sequences.shape)
        if initial_state is not None:
            state_names = ("h", "c", "gates")[: len(self.state_size)]
            _checks.check_state(initial_state, self.state_size, state_names, batch)
        if self.unroll and sequences.shape[1] is None:
            raise ValueError(
                "`unroll=True` needs a fixed number of time steps. "
                f"Received: sequences of shape {tuple(sequences.shape)}"
            )
        first = self.states[0].shape[0] if self.stateful and self.states else None
        if None not in (batch, first) and batch != first:
            raise ValueError(
                f"{_checks.stateful_batch(first)}. "
                f"Received: sequences of shape {tuple(sequences.shape)}"
            )

    def _first_states(self, batch: Any, initial_state: Sequence[Tensor] | None) -> list[Tensor]:
        if initial_state is not None:
            states = [_for_every_row(state, batch) for state in initial_state]
        elif self.stateful:
            # Copies: PyTorch writes the last states over these, which the backward still reads.
            states = [ops.copy(state) for state in self.states]
        else:
            states = self.cell.get_initial_state(batch)
        return [
            cast(state, dtype) for state, dtype in zip(states, self.cell.state_dtypes, strict=True)
        ]


def _for_every_row(state: Any, batch: Any) -> Tensor:
    state = ops.convert_to_tensor(state)
    if isinstance(batch, int) and state.shape[0] == batch:
        return state
    return ops.broadcast_to(state, (batch, state.shape[1]))


def _of_cell(name: str) -> property:
    """An attribute of a layer that is its cell's."""
    return property(
        lambda layer: getattr(layer.cell, name),
        lambda layer, value: setattr(layer.cell, name, value),
    )


_OF_LAYERS = {*declared(OfLayer)} - {*declared(OfCell)}
for _name in {*DOCS, *_values.WEIGHTS} - {*OF_ALL, *_OF_LAYERS}:
    setattr(RecurrentLayer, _name, _of_cell(_name))
