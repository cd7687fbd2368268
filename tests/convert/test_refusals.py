"""What the conversion refuses: nothing is half-loaded, and the message says all it assumed."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import (
    CECLSTM,
    ClassicLSTM,
    CoupledLSTM,
    LayerNormLSTM,
    OriginalLSTM,
    PeepholeLSTM,
    ProjectedLSTM,
    Variant,
    VariantLSTM,
)
from keras_lstm_ext.convert import get_weights, set_weights
from tests.contract.family import randomize
from tests.convert.systems import random_arrays

Case = tuple[str, str, Callable[[dict[str, Any]], Any], tuple[str, ...]]


def changed(name: str, change: Callable[[np.ndarray], Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda arrays: arrays | {name: change(arrays[name])}


def without(*names: str) -> Callable[[dict[str, Any]], Any]:
    return lambda arrays: {k: v for k, v in arrays.items() if k not in names}


def swapped(one: str, other: str) -> Callable[[dict[str, Any]], Any]:
    return lambda arrays: arrays | {one: arrays[other], other: arrays[one]}


def with_entry(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def put(array: np.ndarray) -> np.ndarray:
        array = array.astype("float64")
        array.flat[3] = value
        return array

    return put


class OnAnotherDevice:
    """As a tensor on a GPU, or one that needs a gradient."""

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError("call .cpu() first")


KERNEL = ("`kernel`", "(5, 16)", "W_i W_f W_c W_o", "'keras'", "gate order i, f, c, o")
TORCH = ("`weight_hh_l0`", "(16, 4)", "R_i.T; R_f.T; R_c.T; R_o.T", "gate order i, f, c, o")
TF1 = ("`kernel`", "(9, 16)", "W_i W_c W_f W_o; R_i R_c R_f R_o", "gate order i, c, f, o")

CASES: list[Case] = [
    ("wrong order of arrays", "keras", swapped("kernel", "recurrent_kernel"),
     (*KERNEL, "shape (4, 16)", "5 features and 4 units")),
    ("a list", "keras", lambda arrays: list(arrays.values()), ("`arrays`", "dictionary", "list")),
    ("missing bias", "keras", without("bias"),
     ("`bias`", "(16,)", "b_i b_f b_c b_o", "nothing of that name in ['kernel', 'recurrent_k")),
    ("missing one of two biases", "pytorch", without("bias_hh_l0"), ("`bias_hh_l0`", "(16,)")),
    ("no array", "tf1", lambda arrays: {}, (*TF1, "nothing")),
    ("NaN", "keras", changed("kernel", with_entry(np.nan)),
     (*KERNEL, "finite", "shape (5, 16) with 1 entries NaN or infinite")),
    ("infinite", "pytorch", changed("weight_hh_l0", with_entry(-np.inf)), (*TORCH, "infinite")),
    ("too large for float32", "keras", changed("kernel", with_entry(1e300)), (*KERNEL, "1 entr")),
    ("transposed", "pytorch", changed("weight_hh_l0", np.transpose), (*TORCH, "shape (4, 16)")),
    ("not transposed", "onnx", changed("W", lambda a: a.transpose(0, 2, 1)),
     ("`W`", "(1, 16, 5)", "W_i.T; W_o.T; W_f.T; W_c.T", "gate order i, o, f, c", "(1, 5, 16)")),
    ("no direction axis", "onnx", changed("R", lambda a: a[0]), ("`R`", "(1, 16, 4)", "(16, 4)")),
    ("one bias for two", "onnx", changed("B", lambda a: a[:, :16]), ("`B`", "(1, 32)", "(1, 16)")),
    ("input weights alone", "tf1", changed("kernel", lambda a: a[:5]), (*TF1, "shape (5, 16)")),
    ("column vector", "tfa", changed("bias", lambda a: a[:, None]), ("`bias`", "(16,)", "(16, 1)")),
    ("integers", "keras", changed("kernel", lambda a: a.astype("int64")),
     (*KERNEL, "float array", "dtype int64")),
    ("complex", "keras", changed("kernel", lambda a: a.astype("complex64")), (*KERNEL, "complex")),
    ("text", "keras", changed("kernel", lambda a: "kernel.npy"), (*KERNEL, "dtype <U10")),
    ("ragged", "keras", changed("kernel", lambda a: [[1.0], [1.0, 2.0]]), (*KERNEL, "cannot read")),
    ("on another device", "keras", changed("kernel", lambda a: OnAnotherDevice()),
     (*KERNEL, "cannot read", "call .cpu() first")),
    ("projection", "pytorch", lambda arrays: arrays | {"weight_hr_l0": np.ones((2, 4))},
     ("`arrays`", "['weight_hr_l0']", "'weight_ih_l0'")),
    ("a second layer", "pytorch", lambda arrays: arrays | {"weight_ih_l1": np.ones((16, 4))},
     ("['weight_ih_l1']", "for these layers")),
    ("slots of an optimizer", "tf1", lambda arrays: arrays | {"kernel/Adam": arrays["kernel"]},
     ("['kernel/Adam']",)),
    ("missing peepholes", "tf1", without("w_i_diag", "w_f_diag", "w_o_diag"),
     ("`w_i_diag`", "(4,)", "p_i", "ClassicLSTM accepts")),
    ("missing one peephole", "lasagne", without("W_cell_to_outgate"), ("`W_cell_to_outgate`",)),
    ("no peephole columns", "dl4j", changed("RW", lambda a: a[:, :16]),
     ("`RW`", "(4, 19)", "shape (4, 16), which ClassicLSTM accepts")),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_bad_arrays(case: Case) -> None:
    _, layout, change, words = case
    cls = PeepholeLSTM if layout in ("tfa", "tf1", "lasagne", "dl4j", "onnx") else ClassicLSTM
    layer = randomize(cls(4))
    before = layer.get_weights()
    with pytest.raises(ValueError, match="Received: ") as caught:
        set_weights(layer, change(random_arrays(layout)), layout)
    missing = [word for word in words if word not in str(caught.value)]
    assert not missing, str(caught.value)
    assert all((a == b).all() for a, b in zip(layer.get_weights(), before, strict=True))


BLOCKS = Variant(gates=("i", "f", "o"), block_size=2)
GATES = ("input, forget and output gate", "ClassicLSTM and PeepholeLSTM accept")


@pytest.mark.parametrize(
    ("layer", "layout", "words"),
    [
        (OriginalLSTM(4), "keras", (*GATES, "OriginalLSTM with gates=('i', 'o')")),
        (CECLSTM(4), "pytorch", (*GATES, "CECLSTM with gates=()")),
        (VariantLSTM(4, variant=BLOCKS), "keras", (*GATES, "block_size=2")),
        (ClassicLSTM(4), "tf1", ("w_f_diag", "PeepholeLSTM accepts peepholes")),
        (ClassicLSTM(4), "dl4j", ("`RW`", "(4, 16)", "(4, 19), which PeepholeLSTM accepts")),
        (ClassicLSTM(4, use_bias=False), "keras", ("['bias']", "`use_bias=True` accepts biases")),
        (ClassicLSTM(4, use_bias="gates"), "keras", ("`use_bias=True`", "use_bias='gates'")),
        (ClassicLSTM(4, use_bias=False), "haiku", ("`use_bias=True`", "forget bias 1.0")),
        (CoupledLSTM(4), "keras", (*GATES, "coupled=True")),
        (PeepholeLSTM(4), "tf1_coupled", ("1 - i for forget gate", "CoupledLSTM accepts them")),
        (ClassicLSTM(4), "haste_layer_norm", ("epsilon=1e-05", "normalize_nets=False")),
        (LayerNormLSTM(4, epsilon=1e-3), "haste_layer_norm", ("LayerNormLSTM", "epsilon=0.001")),
        (LayerNormLSTM(4, normalize_output=False), "haste_layer_norm", ("normalize_output=False",)),
        (LayerNormLSTM(4), "keras", ("does not compute normalize_nets=True", "ClassicLSTM")),
        (ClassicLSTM(4, zoneout_h=0.5), "keras", ("does not compute zoneout_h=0.5",)),
        (ClassicLSTM(4, zoneout_c=0.5), "haste", ("does not compute zoneout_c=0.5",)),
        (ProjectedLSTM(4, projection=3), "keras", ("does not compute projection=3",)),
        (
            ProjectedLSTM(4, projection=3, nonrecurrent_projection=1),
            "pytorch",
            ("does not compute nonrecurrent_projection=1",),
        ),
        (keras.layers.LSTM(4), "keras", ("layers of this package", "LSTM, built=True")),
        (keras.layers.Bidirectional(ClassicLSTM(4)), "tf1", ("`forward_layer`", "Bidirectional")),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "name", ""),
)
def test_layers_that_do_not_fit(layer: Any, layout: str, words: tuple[str, ...]) -> None:
    randomize(layer)
    with pytest.raises(ValueError, match="Received: ") as caught:
        set_weights(layer, random_arrays(layout), layout)
    missing = [word for word in words if word not in str(caught.value)]
    assert not missing, str(caught.value)


def classic(units: int = 4, **options: Any) -> Any:
    return randomize(ClassicLSTM(units, **options))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: get_weights(classic(), "theano"), ("`layout`", "'lasagne'", "layout='theano'")),
        (lambda: get_weights(ClassicLSTM(4), "keras"), ("`layers`", "layer.build", "built=False")),
        (lambda: get_weights([classic(), classic()], "keras"), ("`layers`", "one layer", "2")),
        (lambda: get_weights([], "pytorch"), ("`layers`", "at least one layer", "0")),
        (lambda: get_weights(classic(), "keras", forget_bias=1.0),
         ("`forget_bias`", "'tf1'", "in 'keras' it is in the bias already")),
        (lambda: get_weights(randomize(PeepholeLSTM(4)), "pytorch"),
         ("'pytorch' has no place for peephole weights", "p_o")),
        (lambda: set_weights(classic(), random_arrays("keras"), "keras", prefix="lstm/"),
         ("`prefix`", "prefix='lstm/'", "'recurrent_kernel'")),
    ],
)  # fmt: skip
def test_bad_calls(call: Callable[[], Any], words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="Received: ") as caught:
        call()
    missing = [word for word in words if word not in str(caught.value)]
    assert not missing, str(caught.value)


def test_no_layer_is_loaded_if_one_does_not_fit() -> None:
    layers = [randomize(ClassicLSTM(4)), randomize(ClassicLSTM(4), features=4)]
    before = [layer.get_weights() for layer in layers]
    arrays = get_weights(layers, "pytorch")
    arrays = {name: array + 1 for name, array in arrays.items()}
    arrays["bias_hh_l1"] = arrays["bias_hh_l1"][:-1]
    with pytest.raises(ValueError, match="`bias_hh_l1` must be a finite float array of shape"):
        set_weights(layers, arrays, "pytorch")
    for layer, weights in zip(layers, before, strict=True):
        assert all((a == b).all() for a, b in zip(layer.get_weights(), weights, strict=True))
