"""What all cells share: weights by the variant's layout, one step, serialisation."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import keras
from keras import ops

from keras_lstm_ext.engines.step import Equations
from keras_lstm_ext.layers import _checks, _values
from keras_lstm_ext.layers._arguments import Config, collect, documented, get_config, names
from keras_lstm_ext.layers._spellings import check_names
from keras_lstm_ext.variants import Variant

Tensor = Any
GateBias = dict[str, float | Sequence[float]]
OWN = (
    "variant",
    "recurrent_dropout",
    "output_activation",
    "peephole_initializer",
    "peephole_regularizer",
    "peephole_constraint",
    "gate_bias",
)
"""The arguments that Keras' cell does not get."""


@keras.saving.register_keras_serializable(package="keras_lstm_ext")
@documented
class VariantLSTMCell(keras.layers.LSTMCell):
    r"""One step of any member of the family, described by a `Variant`.

    `"variant"`, the default of both activations, stands for those of the `Variant`.

    The named cells are this cell with their variant filled in. `keras.layers.LSTMCell` is the
    parent for its dropout masks, which `keras.layers.RNN` draws once per sequence.

    Call it with `inputs` of shape `(batch, features)` and `states`, the list `[h, c]` of shape
    `(batch, units)` each, with a third state where gates are fed back; it returns `(h, states)`.

    {arguments}

    Examples:
        >>> blocks_of_2000 = Variant(gates=("i", "f", "o"), block_size=2)
        >>> layer = keras.layers.RNN(VariantLSTMCell(8, variant=blocks_of_2000))
        >>> tuple(layer(keras.ops.ones((3, 5, 4))).shape)
        (3, 8)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "variant",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool | str = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        *,
        variant: Variant | Config,
        peephole_initializer: Any = "zeros",
        peephole_regularizer: Any = None,
        peephole_constraint: Any = None,
        output_activation: Any = "variant",
        gate_bias: GateBias | None = None,
        **kwargs: Any,
    ) -> None:
        variant = _checks.to_variant(variant)
        if isinstance(activation, str) and activation == "variant":
            activation = variant.activation
        if isinstance(output_activation, str) and output_activation == "variant":
            output_activation = variant.output_activation
        given = {name: _values.checked(name, value) for name, value in collect(locals()).items()}
        check_names(self, kwargs, names(type(self)))
        _checks.check_block_size(given["units"], variant.block_size)
        _checks.check_use_bias(given["use_bias"], variant.gates)
        # Given to the parent, recurrent dropout would switch to one mask per gate; here one mask
        # covers r. The others are unknown there.
        own = {name: given.pop(name) for name in OWN}
        super().__init__(**given, autocast=False)  # c is float32 under every mixed precision policy
        for name, value in own.items():
            setattr(self, name, value)
        self.state_size = variant.state_sizes(self.units)
        self.recurrent_kernel = self.gate_kernel = self.peephole_kernel = self.bias = None

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets an attribute; what is an argument is checked as the constructor checks it."""
        _values.assign(self, name, value, super().__setattr__)

    @property
    def block_size(self) -> int:
        """Number of cells that share their gates."""
        return self.variant.block_size

    @property
    def gradient(self) -> str:
        """Which gradient: `"full"` or `"truncated"`."""
        return self.variant.gradient

    @property
    def recurrent(self) -> bool:
        """Whether anything is fed back."""
        return self.variant.feedback != "none"

    @property
    def equations(self) -> Equations:
        """The step of this cell, as the engines take it."""
        out = self.activation if self.output_activation == "same" else self.output_activation
        return Equations(self.variant, self.recurrent_activation, self.activation, out)

    @property
    def bias_widths(self) -> dict[str, int]:
        """Number of entries of `bias` for each net that has one."""
        widths = self.variant.widths(self.units)
        if self.use_bias == "gates":
            widths.pop("c")
        return widths if self.use_bias else {}

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Creates the weights.

        Args:
            input_shape: `(batch, features)`.
        """
        v, units = self.variant, self.units
        columns = sum(v.widths(units).values())
        self.kernel = self._add("kernel", (input_shape[-1], columns))
        if v.feedback != "none":
            gates = columns - units if v.gates_to_gates else 0
            rows = sum(v.feedback_widths(units).values()) - gates
            self.recurrent_kernel = self._add("recurrent_kernel", (rows, columns), "recurrent")
            if gates:
                self.gate_kernel = self._add("gate_kernel", (gates, gates), "recurrent")
        if v.peepholes and v.gates:
            self.peephole_kernel = self._add("peephole_kernel", (len(v.gates), units), "peephole")
        if self.bias_widths:
            self.bias = self.add_weight(
                shape=(sum(self.bias_widths.values()),),
                name="bias",
                initializer=self._initial_bias,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                autocast=False,
            )
        self.built = True

    def _add(self, name: str, shape: Sequence[int | None], kind: str = "kernel") -> Any:
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=getattr(self, f"{kind}_initializer"),
            regularizer=getattr(self, f"{kind}_regularizer"),
            constraint=getattr(self, f"{kind}_constraint"),
            autocast=False,  # `call` casts, and only where a product is in 16 bits
        )

    def _initial_bias(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        # Drawn in one piece: a seeded initializer would give every net the same numbers.
        drawn = self.bias_initializer(shape, dtype=dtype)

        def entries(net: str, width: int, start: int) -> Tensor:
            if self.gate_bias and net in self.gate_bias:
                value = ops.convert_to_tensor(self.gate_bias[net], dtype=dtype)
                return ops.broadcast_to(value, (width,))
            if net == "f" and self.unit_forget_bias:
                return ops.ones((width,), dtype=dtype)
            return drawn[start : start + width]

        starts = accumulate(self.bias_widths.values(), initial=0)
        nets = zip(self.bias_widths.items(), starts, strict=False)
        return ops.concatenate([entries(net, width, start) for (net, width), start in nets])

    def call(
        self, inputs: Tensor, states: Sequence[Tensor], training: bool = False
    ) -> tuple[Tensor, list[Tensor]]:
        """Computes one time step.

        Args:
            inputs: Tensor of shape `(batch, features)`.
            states: `[h, c]`, or `[h, c, gates]` where gates are fed back.
            training: Whether dropout applies.

        Returns:
            h, of shape `(batch, units)`, and the list of the new states.
        """
        x, c = ops.cast(inputs, self.compute_dtype), states[1]
        if training and self.dropout:
            x = x * ops.cast(self.get_dropout_mask(x), x.dtype)
        z = ops.matmul(x, ops.cast(self.kernel, x.dtype))
        if self.recurrent_kernel is not None:
            r = self.fed_back(states, training)
            z = z + ops.matmul(r, ops.cast(self.full_recurrent_kernel(), x.dtype))
        z = ops.cast(z, c.dtype) + ops.cast(self.full_bias(), c.dtype)
        p = None if self.peephole_kernel is None else ops.cast(self.peephole_kernel, c.dtype)
        h, c, nets = self.equations.step(z, c, p)
        h = ops.cast(h, states[0].dtype)
        if not self.variant.feeds_gates:
            return h, [h, c]
        gates = ops.concatenate([nets[k] for k in self.variant.gates], axis=-1)
        return h, [h, c, ops.cast(gates, states[2].dtype)]

    def fed_back(self, states: Sequence[Tensor], training: bool) -> Tensor:
        """The vector r that `recurrent_kernel` multiplies: h, and the gates where they are fed."""
        r = ops.cast(states[0], self.compute_dtype)
        if self.variant.feeds_gates:
            r = ops.concatenate([r, ops.cast(states[2], r.dtype)], axis=-1)
        if self.variant.truncated:
            r = ops.stop_gradient(r)
        if training and self.recurrent_dropout:
            r = r * ops.cast(self.get_recurrent_dropout_mask(states[0]), r.dtype)
        return r

    @property
    def has_own_step(self) -> bool:
        """Whether a subclass computes a step of its own, which only the loop over it knows."""
        ours, own = VariantLSTMCell, type(self)
        return own.call is not ours.call or own.fed_back is not ours.fed_back

    def full_recurrent_kernel(self) -> Tensor:
        """Rows for all that is fed back: with zeros where gates are seen by gates only."""
        if self.gate_kernel is None:
            return self.recurrent_kernel
        gates = ops.convert_to_tensor(self.gate_kernel)
        before = self.variant.columns(self.units)["c"].start
        zeros = ops.zeros((gates.shape[0], self.units), gates.dtype)
        rows = ops.concatenate([gates[:, :before], zeros, gates[:, before:]], axis=1)
        return ops.concatenate([ops.convert_to_tensor(self.recurrent_kernel), rows], axis=0)

    def full_bias(self) -> Tensor:
        """The bias of every column: `bias`, with zeros for nets that have none."""
        if self.bias is None:
            return 0.0
        if self.use_bias is True:
            return self.bias
        zeros = ops.zeros((self.units,), dtype=self.bias.dtype)
        before = self.bias_widths.get("i", 0) + self.bias_widths.get("f", 0)
        return ops.concatenate([self.bias[:before], zeros, self.bias[before:]])

    def get_recurrent_dropout_mask(self, step_input: Tensor) -> Tensor | None:
        """The multipliers of everything that is fed back, the same at every time step.

        Args:
            step_input: Tensor of shape `(batch, units)`.

        Returns:
            Tensor of shape `(batch, fed back)`, or None without recurrent dropout.
        """
        if not self.recurrent_dropout or self.variant.feedback == "none":
            return None
        fed = sum(self.variant.feedback_widths(self.units).values())
        return super().get_recurrent_dropout_mask(ops.tile(step_input[:, :1], (1, fed)))

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """Zeros.

        Args:
            batch_size: Number of rows.

        Returns:
            `[h, c]`, with the gates third where they are fed back; c is at least float32.
        """
        return [
            ops.zeros((batch_size, size), dtype=dtype)
            for size, dtype in zip(self.state_size, self.state_dtypes, strict=True)
        ]

    @property
    def state_dtypes(self) -> list[str]:
        """The compute dtype, but float32 for c where that is a 16 bit type."""
        dtype = self.compute_dtype
        c_dtype = "float32" if dtype in ("float16", "bfloat16") else dtype
        return [dtype, c_dtype] + [dtype] * (len(self.state_size) - 2)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assigns weights, all of them or none.

        Args:
            weights: Arrays in the order of `weights`.

        Raises:
            ValueError: If number or shapes differ from the cell's.
        """
        _checks.check_weights(weights, self)
        super().set_weights(weights)

    def load_own_variables(self, store: Any) -> None:
        """Takes the weights from a file; Keras' hook.

        Args:
            store: What the file has at the place of this cell.

        Raises:
            ValueError: If it has nothing there, or weights of another layer.
        """
        _checks.check_store(store, self)
        super().load_own_variables(store)

    def get_config(self) -> Config:
        """Every constructor argument, JSON-friendly."""
        return {**keras.Layer.get_config(self), **get_config(self)}
