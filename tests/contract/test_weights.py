"""Weights: how they start, that penalties and constraints act, and whose weights they can be."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import CECLSTM, ClassicLSTM, OriginalLSTM, PeepholeLSTM, Variant, VariantLSTM
from keras_lstm_ext.variants import FAMILY as MEMBERS
from tests.contract.family import (
    BATCH,
    FAMILY,
    FEATURES,
    TIME,
    UNITS,
    Make,
    assert_close,
    each_layer,
    normal,
    random_states,
    randomize,
    run,
)

X = normal(BATCH, TIME, FEATURES)
MASK = np.array([[0, 1, 1, 0, 1, 0, 0], [0] * 7, [1, 1, 0, 0, 1, 1, 0]], dtype=bool)
KINDS = ("kernel", "recurrent", "peephole", "bias")


def weight_of(layer: Any, kind: str) -> Any:
    return getattr(layer, f"{kind}_kernel" if kind in ("recurrent", "peephole") else kind)


def with_option(make: Make, kind: str, option: str, value: Any) -> Any:
    """A layer with one regularizer, constraint or initializer, or a skip where it has no such."""
    if kind == "peephole" and not make(UNITS).variant.peepholes:
        pytest.skip("no peepholes")
    layer = make(UNITS, **{f"{kind}_{option}": value})
    layer.build(X.shape)
    return layer


@each_layer
@pytest.mark.parametrize("kind", KINDS)
def test_regularizers_act(make: Make, kind: str) -> None:
    layer = randomize(with_option(make, kind, "regularizer", keras.regularizers.L1(0.5)))
    expected = 0.5 * np.abs(weight_of(layer, kind).numpy()).sum()
    assert_close([keras.ops.convert_to_numpy(loss) for loss in layer.losses], [expected])


@each_layer
def test_the_activity_regularizer_acts(make: Make) -> None:
    layer = randomize(make(UNITS, activity_regularizer=keras.regularizers.L2(0.5)))
    [h] = run(layer, X)
    # Keras 3.12 adds up the batch where later versions take the mean.
    kerases = keras.layers.ActivityRegularization(l2=0.5)
    kerases(h)
    given, expected = (keras.ops.convert_to_numpy(of.losses[0]) for of in (layer, kerases))
    assert_close([given], [expected])
    assert given > 0


@each_layer
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_constraints_act(make: Make, kind: str) -> None:
    layer = randomize(with_option(make, kind, "constraint", keras.constraints.NonNeg()))
    assert weight_of(layer, kind).numpy().min() < 0
    model = keras.Sequential([keras.Input((TIME, FEATURES)), layer])
    model.compile(keras.optimizers.SGD(1e-3), "mse")
    model.train_on_batch(X, normal(BATCH, UNITS))
    assert weight_of(layer, kind).numpy().min() == 0


@each_layer
@pytest.mark.parametrize("kind", KINDS)
def test_initializers_act(make: Make, kind: str) -> None:
    layer = with_option(make, kind, "initializer", keras.initializers.Constant(0.125))
    values = weight_of(layer, kind).numpy()
    free = np.ones_like(values, bool)
    if kind == "bias" and "f" in layer.variant.gates:
        free[layer.variant.columns(UNITS)["f"]] = False
    assert (values[free] == 0.125).all()
    assert (values[~free] == 1.0).all()


@each_layer
def test_the_initial_biases_of_two_nets_differ(make: Make) -> None:
    layer = make(UNITS, bias_initializer="random_normal")
    layer.build(X.shape)
    values = layer.bias.numpy()
    values = values[values != 1.0]
    assert len(np.unique(values)) == len(values)


def test_gate_bias_sets_blocks() -> None:
    layer = OriginalLSTM(6, block_size=3, use_bias="gates", gate_bias={"i": [-1, -2], "o": -0.5})
    layer.build(X.shape)
    np.testing.assert_array_equal(layer.bias.numpy(), [-1, -2, -0.5, -0.5])


@each_layer
def test_use_bias(make: Make) -> None:
    zero_bias, none = (make(UNITS, use_bias=use_bias) for use_bias in (True, False))
    randomize(zero_bias), randomize(none)
    *weights, bias = zero_bias.get_weights()
    assert [w.shape for w in weights] == [w.shape for w in none.get_weights()]
    zero_bias.set_weights([*weights, np.zeros_like(bias)])
    none.set_weights(weights)
    assert_close(run(none, X), run(zero_bias, X))
    if zero_bias.variant.gates:
        gates = randomize(make(UNITS, use_bias="gates"))
        keep = np.ones(bias.size, bool)
        keep[zero_bias.variant.columns(UNITS)["c"]] = False
        zero_bias.set_weights([*weights, np.where(keep, bias, 0.0)])
        gates.set_weights([*weights, bias[keep]])
        assert_close(run(gates, X), run(zero_bias, X))


def started(mask: np.ndarray) -> np.ndarray:
    """Where a row has had a valid step."""
    return np.cumsum(mask, axis=1) > 0


@pytest.mark.parametrize("backwards", [False, True], ids=("forward", "backward"))
@pytest.mark.parametrize("mask", [None, MASK], ids=("whole", "masked"))
@pytest.mark.parametrize("use_bias", [True, False], ids=("bias", "no bias"))
def test_weights_of_keras_lstm_are_those_of_classic_lstm(
    backwards: bool, mask: Any, use_bias: bool
) -> None:
    options = {
        "go_backwards": backwards, "use_bias": use_bias, "recurrent_activation": "hard_sigmoid",
        "activation": "softsign", "return_sequences": True, "return_state": True,
    }  # fmt: skip
    theirs = keras.layers.LSTM(UNITS, use_cudnn=False, **options)
    theirs.build(X.shape)
    ours = randomize(ClassicLSTM(UNITS, **options))
    states = random_states(ours)
    theirs.set_weights(ours.get_weights())
    expected = run(theirs, X, initial_state=states, mask=mask)
    given = run(ours, X, initial_state=states, mask=mask)
    shown = slice(None) if mask is None else started(mask[:, ::-1] if backwards else mask)
    # Before a row's first valid step Keras shows the initial h under JAX, and 0 elsewhere.
    assert_close([given[0][shown], *given[2:]], [expected[0][shown], *expected[2:]])
    ours.set_weights([0 * w for w in ours.get_weights()])
    ours.set_weights(theirs.get_weights())
    assert_close(run(ours, X, initial_state=states, mask=mask), given)


def test_the_same_seeds_start_like_keras_lstm() -> None:
    options: dict[str, Any] = {
        "kernel_initializer": keras.initializers.GlorotUniform(seed=1),
        "recurrent_initializer": keras.initializers.Orthogonal(seed=2),
        "bias_initializer": keras.initializers.RandomNormal(seed=3),
        "unit_forget_bias": False,
    }
    layers = keras.layers.LSTM(UNITS, **options), ClassicLSTM(UNITS, **options)
    for layer in layers:
        layer.build(X.shape)
    assert_close(layers[1].get_weights(), layers[0].get_weights(), tolerance=0.0)
    assert [w.name for w in layers[1].weights] == [w.name for w in layers[0].weights]


@pytest.mark.parametrize("block_size", [1, 2])
def test_zero_peepholes_make_a_classic_lstm(block_size: int) -> None:
    options = {"block_size": block_size, "return_sequences": True, "return_state": True}
    classic = randomize(ClassicLSTM(UNITS, **options))
    peephole = PeepholeLSTM(UNITS, **options)
    peephole.build(X.shape)
    kernel, recurrent_kernel, bias = classic.get_weights()
    zeros = peephole.get_weights()[2]
    assert zeros.shape == (3, UNITS)
    assert (zeros == 0).all()
    peephole.set_weights([kernel, recurrent_kernel, zeros, bias])
    states = random_states(classic)
    for mask in (None, MASK):
        expected = run(classic, X, initial_state=states, mask=mask)
        assert_close(run(peephole, X, initial_state=states, mask=mask), expected)


def test_a_block_is_cells_with_equal_gates() -> None:
    """A layer of blocks computes what single cells compute whose gate weights are repeated."""
    blocks = randomize(VariantLSTM(UNITS, variant=Variant(block_size=2)))
    single = ClassicLSTM(UNITS)
    single.build(X.shape)
    columns = blocks.variant.columns(UNITS)

    def repeated(w: np.ndarray) -> np.ndarray:
        parts = [(w[..., columns[k]], 1 if k == "c" else 2) for k in blocks.variant.nets]
        return np.concatenate([np.repeat(part, n, axis=-1) for part, n in parts], axis=-1)

    single.set_weights([repeated(w) for w in blocks.get_weights()])
    assert_close(run(single, X), run(blocks, X))


@pytest.mark.parametrize("name", MEMBERS)
def test_a_variant_brings_its_squashers(name: str) -> None:
    """`VariantLSTM` of a named member computes what the named layer computes."""
    variant = MEMBERS[name]
    named = randomize(FAMILY[name](UNITS, block_size=1) if variant.gates else CECLSTM(UNITS))
    layer = randomize(VariantLSTM(UNITS, variant=variant))
    layer.set_weights(named.get_weights())
    assert_close(run(layer, X), run(named, X))
