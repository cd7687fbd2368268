"""What users have weights in, modules, models, variables, tensors; and where they put them."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, ClassicLSTMCell, PeepholeLSTM, PeepholeLSTMCell
from keras_lstm_ext.convert import get_weights, set_weights
from tests.contract.family import randomize
from tests.convert.systems import H, I, random_arrays

Arrays = dict[str, Any]
Wrap = Callable[[Arrays], Any]

TORCH, TFA, TF1, KERAS = (random_arrays(k) for k in ("pytorch", "tfa", "tf1", "keras"))
FC = {"fc.weight": np.ones((2, H), "float32"), "fc.bias": np.ones(2, "float32")}


def with_prefix(prefix: str, arrays: Arrays) -> Arrays:
    return {f"{prefix}{name}": array for name, array in arrays.items()}


class Named:
    """A variable with a name, in a list of variables."""

    def __init__(self, name: str, array: np.ndarray) -> None:
        self.name, self.array = name, array
        self.shape = array.shape

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        return self.array


SMALLER = with_prefix("decoder.", {k: a[:8] for k, a in TORCH.items()})
CASES: dict[str, tuple[str, Arrays, Wrap]] = {
    "a whole model": ("pytorch", TORCH, lambda a: FC | with_prefix("encoder.lstm.", a)),
    "in parallel": (
        "pytorch", TORCH, lambda a: with_prefix("module.", with_prefix("rnn.", a) | FC),
    ),
    "a checkpoint": (
        "pytorch", TORCH, lambda a: {"epoch": 3, "state_dict": with_prefix("lstm.", a) | FC},
    ),
    "another of another size": (
        "pytorch", TORCH, lambda a: with_prefix("encoder.", a) | SMALLER,
    ),
    "lists of numbers": ("pytorch", TORCH, lambda a: {k: v.tolist() for k, v in a.items()}),
    "with a path": (
        "tfa", TFA, lambda a: {f"rnn/peephole_lstm_cell/{k}:0": v for k, v in a.items()},
    ),
    "a list of variables": (
        "tfa", TFA, lambda a: [Named(f"peephole_lstm_cell/{k}:0", v) for k, v in a.items()],
    ),
    "beside a Dense": (
        "tf1", TF1,
        lambda a: with_prefix("rnn/lstm_cell/", a)
        | {"dense/kernel": np.ones((H, 2)), "dense/bias": np.ones(2)},
    ),
    "variables of Keras": (
        "keras", KERAS,
        lambda a: [keras.Variable(v, name=k) for k, v in a.items()],
    ),
    "the names of Keras 1": (
        "keras_1", random_arrays("keras_1"), lambda a: with_prefix("lstm_7_", a),
    ),
    "names of a cell": (
        "pytorch", TORCH, lambda a: {k.removesuffix("_l0"): v for k, v in a.items()},
    ),
    "a model with a cell": (
        "pytorch", TORCH,
        lambda a: FC | {f"cell.{k.removesuffix('_l0')}": v for k, v in a.items()},
    ),
}  # fmt: skip


def new(layout: str) -> Any:
    cls = PeepholeLSTM if layout in ("tfa", "tf1") else ClassicLSTM
    layer = cls(H)
    layer.build((None, None, I))
    return layer


@pytest.mark.parametrize("case", CASES)
def test_what_is_unambiguous_is_taken(case: str) -> None:
    layout, arrays, wrap = CASES[case]
    given, expected = new(layout), new(layout)
    set_weights(expected, arrays, layout)
    set_weights(given, wrap(arrays), layout)
    for a, b in zip(given.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


REFUSED: dict[str, tuple[str, Any, tuple[str, ...]]] = {
    "two of one size": (
        "pytorch", with_prefix("encoder.", TORCH) | with_prefix("decoder.", TORCH),
        ("`prefix` must say", "['encoder.', 'decoder.']"),
    ),
    "two that do not fit": (
        "pytorch", SMALLER | with_prefix("b.", {k: a[:4] for k, a in TORCH.items()}),
        ("`prefix` must say", "['decoder.', 'b.']"),
    ),
    "one that is not whole": (
        "pytorch",
        FC | with_prefix("lstm.", {k: v for k, v in TORCH.items() if k != "bias_hh_l0"}),
        ("`bias_hh_l0`", "nothing of that name in", "weight_hh_l0"),
    ),
    "arrays without names": (
        "tfa", list(TFA.values()), ("dict(zip(names, arrays))", "'input_gate_peephole_weights'"),
    ),
    "twice the same name": (
        "keras", [Named("kernel", a) for a in KERAS.values()], ("different names", "list"),
    ),
    "another layout of the same names": (
        "keras", random_arrays("cudnn_lstm"), ("`bias`", "(32,)", "the layout 'cudnn_lstm' has"),
    ),
    "another layout": ("keras", TORCH, ("`arrays` must have", "'weight_ih_l0'")),
    "a second layer": (
        "pytorch", with_prefix("m.", TORCH | {"weight_ih_l1": np.ones((16, 4))}),
        ("['weight_ih_l1']",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_could_be_several_things_is_refused(case: str) -> None:
    layout, arrays, words = REFUSED[case]
    layer = new(layout)
    before = layer.get_weights()
    with pytest.raises(ValueError, match="Received: ") as caught:
        set_weights(layer, arrays, layout)
    assert not [word for word in words if word not in str(caught.value)], str(caught.value)
    for a, b in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_pytorch_modules() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)

    class Model(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, lstm: Any) -> None:
            super().__init__()
            self.lstm, self.fc = lstm, torch.nn.Linear(H, 2)

    module = torch.nn.LSTM(I, H)
    model, half = Model(module), Model(torch.nn.LSTM(I, H)).bfloat16()
    cell = torch.nn.LSTMCell(I, H)
    cases = [
        (module, module), (model, module), (model.state_dict(), module),
        (dict(module.named_parameters()), module), (dict(model.named_parameters()), module),
        (half, half.lstm), (cell, cell), (dict(cell.named_parameters()), cell),
    ]  # fmt: skip
    for given, source in cases:
        layer = new("pytorch")
        set_weights(layer, given, "pytorch")
        w_ih, w_hh, b_ih, b_hh = (p.detach().float().numpy() for p in source.parameters())
        for ours, theirs in zip(layer.get_weights(), (w_ih.T, w_hh.T, b_ih + b_hh), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)
    with pytest.raises(ValueError, match=r"`weight_ih_l0`.*shape \(12, 5\)"):
        set_weights(new("pytorch"), torch.nn.GRU(I, H), "pytorch")
    with pytest.raises(ValueError, match=r"Received: also \['weight_hr_l0'\]"):
        set_weights(new("pytorch"), torch.nn.LSTM(I, H, proj_size=2), "pytorch")


TENSORS: dict[str, Callable[[Any], Callable[[np.ndarray], Any]]] = {
    "torch": lambda torch: lambda a: torch.tensor(a, requires_grad=True),
    "jax": lambda jax: jax.numpy.asarray,
    "tensorflow": lambda tf: tf.Variable,
    "keras": lambda keras: keras.Variable,
}


@pytest.mark.slow
@pytest.mark.parametrize("library", TENSORS)
def test_tensors_of_any_library(library: str) -> None:
    make = TENSORS[library](pytest.importorskip(library))
    given, expected = new("keras"), new("keras")
    set_weights(given, {k: make(a) for k, a in KERAS.items()}, "keras")
    set_weights(expected, KERAS, "keras")
    for a, b in zip(given.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_cells_in_a_keras_rnn() -> None:
    rnn = keras.layers.RNN(PeepholeLSTMCell(H))
    rnn.build((None, None, I))
    set_weights(rnn, TFA, "tfa")
    for name, array in get_weights(rnn, "tfa").items():
        np.testing.assert_array_equal(array, TFA[name])
    both = keras.layers.Bidirectional(keras.layers.RNN(ClassicLSTMCell(H)))
    both.build((None, None, I))
    arrays = get_weights(randomize(keras.layers.Bidirectional(ClassicLSTM(H))), "pytorch")
    set_weights(both, arrays, "pytorch")
    for name, array in get_weights(both, "pytorch").items():
        np.testing.assert_allclose(array, arrays[name], atol=1e-7)
    stack = keras.layers.RNN([ClassicLSTMCell(H), ClassicLSTMCell(3)])
    stack.build((None, None, I))
    arrays = get_weights(
        [randomize(ClassicLSTM(H)), randomize(ClassicLSTM(3), features=H)], "pytorch"
    )
    set_weights(stack, arrays, "pytorch")
    np.testing.assert_array_equal(stack.cell.cells[1].kernel, arrays["weight_ih_l1"].T)
    with pytest.raises(
        ValueError, match=r"`layers`.*keras\.layers\.RNN around them.*Received: RNN"
    ):
        set_weights(randomize(keras.layers.RNN(keras.layers.GRUCell(H))), KERAS, "keras")
