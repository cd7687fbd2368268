"""What all cells share: weights by the variant's layout, one step, serialisation."""

import inspect
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from operator import attrgetter
from typing import Any, ClassVar

import keras
from keras import ops

from keras_lstm_ext.engines.norm import normalize, zone_out
from keras_lstm_ext.engines.step import Equations
from keras_lstm_ext.layers import _checks, _values
from keras_lstm_ext.layers._arguments import Config, declared, get_config, names
from keras_lstm_ext.layers._groups import Gated, Normalized, Peepholes, Projected
from keras_lstm_ext.layers._spellings import check_names
from keras_lstm_ext.variants import Variant

Tensor = Any
OF_KERAS = {*inspect.signature(keras.layers.LSTMCell.__init__).parameters} - {"recurrent_dropout"}
"""The arguments that Keras' cell gets.

Given to it, recurrent dropout would switch to one mask per gate; here one mask covers r.
"""
OPTIONS = {
    name: parameter.default
    for group in (Gated, Peepholes, Normalized, Projected)
    for name, parameter in declared(group).items()
}
"""What a cell has whose class has no such argument."""


class RecurrentCell(keras.layers.LSTMCell):
    """One step of a member of the family; base class of the public cells.

    `keras.layers.LSTMCell` is the parent for its dropout masks, which `keras.layers.RNN` draws once
    per sequence.
    """

    member: ClassVar[Variant]

    def __init__(self, **given: Any) -> None:
        variant = self._variant(given)
        check_names(self, given, names(type(self)))
        given = {name: _values.checked(name, value) for name, value in (OPTIONS | given).items()}
        _checks.check_block_size(given["units"], variant.block_size)
        _checks.check_use_bias(given["use_bias"], variant.gates)
        known = {*names(type(self)), *OPTIONS} - OF_KERAS
        ours = [name for name in given if name in known]
        own = {"variant": variant} | {name: given.pop(name) for name in ours}
        super().__init__(**given, autocast=False)  # c is float32 under every mixed precision policy
        for name, value in own.items():
            setattr(self, name, value)
        self.state_size = variant.state_sizes(self.units)
        self.output_size = variant.outputs(self.units)
        for name in [*_values.WEIGHTS][1:]:
            setattr(self, name, None)

    def _variant(self, given: Config) -> Variant:
        """The variant that the arguments describe; those that are its fields are taken out."""
        fields = {k: _values.checked(k, given.pop(k)) for k in _values.VARIED if k in given}
        variant = _checks.to_variant(given.pop("variant") if "variant" in given else self.member)
        if not fields.pop("recurrent", True):
            fields["feedback"] = "none"
        for name in ("activation", "output_activation"):
            if isinstance(given[name], str) and given[name] == "variant":
                given[name] = getattr(variant, name)
        return replace(variant, **fields)

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets an attribute; what is an argument is checked as the constructor checks it."""
        _values.assign(self, name, value, super().__setattr__)

    @property
    def recurrent(self) -> bool:
        """Whether anything is fed back."""
        return self.variant.feedback != "none"

    @property
    def equations(self) -> Equations:
        """The step of this cell, as the engines take it."""
        out = self.activation if self.output_activation == "same" else self.output_activation
        squashers = (self.recurrent_activation, self.activation, out)
        return Equations(self.variant, *squashers, self.zoneout)

    @property
    def has(self) -> dict[str, Any]:
        """What not every engine, file and system knows of a cell; what it lacks is falsy."""
        names = (
            "normalize_nets",
            "normalize_output",
            "projection",
            "nonrecurrent_projection",
        )
        zoneout = {"zoneout_h": self.zoneout_h, "zoneout_c": self.zoneout_c}
        return {name: getattr(self.variant, name) for name in names} | zoneout

    def more(self, *known: str) -> str:
        """What a cell has of `has`, but for what is known, in words; empty if there is nothing."""
        more = {k: v for k, v in self.has.items() if v and k not in known}
        return " and ".join(f"{name}={value!r}" for name, value in more.items())

    @property
    def zoneout(self) -> tuple[float, float]:
        """How much is kept of the old h and c."""
        return self.zoneout_h, self.zoneout_c

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
        if v.normalize_nets:
            rows = 1 if self.recurrent_kernel is None else 2
            self.norm_kernel = self.add_weight(
                (rows, columns), self.gain_initializer, name="norm_kernel", autocast=False
            )
        if v.normalize_output:
            self.state_norm_kernel = self.add_weight(
                (2, units), self._gain_and_shift, name="state_norm_kernel", autocast=False
            )
        if v.projection is not None:
            self.projection_kernel = self._add(
                "projection_kernel", (units, v.outputs(units)), "projection"
            )
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

    def _gain_and_shift(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        gain = self.gain_initializer((1, shape[1]), dtype=dtype)
        return ops.concatenate([gain, ops.zeros_like(gain)], axis=0)

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
        x, zones = self._with_zones(x, states, training)
        if training and self.dropout:
            x = x * ops.cast(self.get_dropout_mask(x), x.dtype)
        z = self._product(x, self.kernel, 0, c.dtype)
        if self.recurrent_kernel is not None:
            r = self.fed_back(states, training)
            z = z + self._product(r, self.full_recurrent_kernel(), 1, c.dtype)
        z = ops.cast(z, c.dtype) + ops.cast(self.full_bias(), c.dtype)
        p, s = (
            w if w is None else ops.cast(w, c.dtype)
            for w in (self.peephole_kernel, self.state_norm_kernel)
        )
        h, new_c, nets = self.equations.step(z, c, p, s)
        h = ops.cast(h, states[0].dtype)
        if self.projection_kernel is not None:
            h = ops.matmul(h, ops.cast(self.projection_kernel, h.dtype))
        h = h if zones[0] is None else zone_out(h, states[0], zones[0])
        c = new_c if zones[1] is None else zone_out(new_c, c, zones[1])
        if not self.variant.feeds_gates:
            return h, [h, c]
        gates = ops.concatenate([nets[k] for k in self.variant.gates], axis=-1)
        return h, [h, c, ops.cast(gates, states[2].dtype)]

    def _product(self, x: Tensor, kernel: Any, row: int, dtype: str) -> Tensor:
        """W x or R r; normalised, and times its gains, if the variant has it so."""
        y = ops.matmul(x, ops.cast(kernel, x.dtype))
        if self.norm_kernel is None:
            return y
        u, _ = normalize(ops.cast(y, dtype), self.variant.epsilon)
        return u * ops.cast(self.norm_kernel[row], dtype)

    def zones(self, shape: Sequence[Any]) -> list[Tensor | None]:
        """Draws which entries of h and of c keep their old values: 1 for those, else 0.

        Args:
            shape: All axes before the last, for example `(batch, timesteps)`.

        Returns:
            A tensor for h and one for c, None where that zoneout is 0.
        """
        return [
            ops.cast(keras.random.uniform((*shape, size), seed=self.seed_generator) < rate, "int8")
            if rate
            else None
            for rate, size in zip(self.zoneout, self.state_size, strict=False)
        ]

    def _with_zones(
        self, x: Tensor, states: Sequence[Tensor], training: bool
    ) -> tuple[Tensor, list[Any]]:
        """The inputs, and the shares of the old h and c, which an engine brings beside them."""
        if not training or not any(self.zoneout):
            return x, [rate or None for rate in self.zoneout]
        features = self.kernel.shape[0]
        if x.shape[-1] == features:  # a cell by itself
            if keras.backend.backend() == "jax":  # in a compiled loop all steps would have one draw
                raise NotImplementedError(
                    "On JAX a cell by itself draws no zoneout for each step: use the layer instead "
                    f"of keras.layers.RNN. Received: zoneout_h={self.zoneout_h}, "
                    f"zoneout_c={self.zoneout_c}"
                )
            zones = self.zones(ops.shape(x)[:1])
        else:
            widths = [
                n if rate else 0 for rate, n in zip(self.zoneout, self.state_size[:2], strict=True)
            ]
            parts = ops.split(x, [features, features + widths[0]], axis=-1)
            x, zones = (
                parts[0],
                [part if n else None for part, n in zip(parts[1:], widths, strict=True)],
            )
        both = zip(zones, states[:2], strict=True)
        return x, [z if z is None else ops.cast(z, state.dtype) for z, state in both]

    def fed_back(self, states: Sequence[Tensor], training: bool) -> Tensor:
        """The vector r that `recurrent_kernel` multiplies: h, and the gates where they are fed."""
        r = ops.cast(self.variant.recurrent_part(states[0]), self.compute_dtype)
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
        ours, own = RecurrentCell, type(self)
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


for _name in _values.VARIED[:-1]:
    setattr(RecurrentCell, _name, property(attrgetter(f"variant.{_name}")))
