"""The native engine on PyTorch: what its transformations, compilers and exporters make of it."""

import copy
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import ClassicLSTM, PeepholeLSTM
from keras_lstm_ext.engines.native import packing
from tests import backends, processes
from tests.native import library as c
from tests.native.oracle import Problem

if backends.BACKEND != "torch" or packing.library() is None:
    pytest.skip("of the native engine on PyTorch", allow_module_level=True)

import torch

from keras_lstm_ext.engines.native import torch as native

UNITS, BATCH, TIME, FEATURES = 6, 3, 5, 4


def twins(**arguments: Any) -> tuple[Any, Any]:
    """A layer on `native`, and the same on `portable`."""
    layers = [
        PeepholeLSTM(UNITS, return_sequences=True, engine=engine, seed=1, **arguments)
        for engine in ("native", "portable")
    ]
    for layer in layers:
        layer.build((BATCH, TIME, FEATURES))
    layers[1].set_weights(layers[0].get_weights())
    return layers[0], layers[1]


def skip_where_keras_is_not_compiled() -> None:
    """PyTorch 2.7's compiler, for one, reads no layer of Keras 3.15 in one piece."""
    dense = keras.layers.Dense(1)
    dense.build((3, 2))
    torch._dynamo.reset()
    try:
        torch.compile(dense, fullgraph=True, backend="eager")(torch.ones(3, 2))
    except torch._dynamo.exc.Unsupported:
        pytest.skip(f"PyTorch {torch.__version__} does not compile keras.layers.Dense")
    torch._dynamo.reset()


def sequences(*shape: int) -> Any:
    return torch.randn(*(shape or (BATCH, TIME, FEATURES)), requires_grad=not shape)


def loss(layer: Any) -> Any:
    return lambda x: layer(x).sin().sum()


def gradients(layer: Any, x: Any, function: Any = None) -> list[np.ndarray]:
    read = [x, *(w.value for w in layer.weights)]
    return [d.numpy() for d in torch.autograd.grad((function or loss(layer))(x), read)]


def assert_same(given: Any, expected: Any) -> None:
    for g, e in zip(given, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-5, atol=1e-5)


def call_of(layer: Any) -> tuple[list[Any], list[int]]:
    """The arguments of the operator."""
    arrays = [torch.randn(BATCH, TIME, FEATURES), *torch.randn(2, BATCH, UNITS)]
    arrays += [w.value.detach() for w in (layer.kernel, layer.recurrent_kernel)]
    arrays += [w.value.detach() for w in (layer.peephole_kernel, layer.bias)]
    arrays += [torch.empty(0, 0), torch.empty((0, 0), dtype=torch.bool)]
    return arrays, list(packing.plan_of(layer, False, False, True, 1).words())


@pytest.mark.slow
def test_operators_are_what_they_say() -> None:
    arrays, words = call_of(twins()[0])
    torch.library.opcheck(native._forward, (*arrays, words))
    y, h, c, gates, cells = native._forward(*arrays, words)
    torch.library.opcheck(native._backward, (*arrays, y, gates, cells, y, h, c, words))


@pytest.mark.parametrize("k", range(9))
def test_a_wrong_shape_is_refused(k: int) -> None:
    arrays, words = call_of(twins()[0])
    arrays[k] = torch.zeros((*arrays[k].shape[:-1], arrays[k].shape[-1] + 1), dtype=arrays[k].dtype)
    with pytest.raises(ValueError, match=r"`\w+` must"):
        native._forward(*arrays, words)


def test_same_bits_as_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    problem = Problem("peephole", 3, 7, 5, 18, mask=True, multiplier=True)
    library, (inputs, errors) = c.load(), problem.arrays()
    plan = packing.plan_of(twins()[0], True, True, True, 1)
    arrays = [torch.from_numpy(inputs[name]) for name in packing.ARRAYS]
    y, h, state, gates, cells = native._forward(*arrays, list(plan.words()))
    kept = c.forward(library, problem.options(), inputs)
    for given, name in ((y, "y"), (h, "h"), (state, "c")):
        np.testing.assert_array_equal(given, kept[name])
    d = [torch.from_numpy(errors[name]) for name in "yhc"]
    given = native._backward(*arrays, y, gates, cells, *d, list(plan.words()))
    expected = c.backward(library, problem.options(), inputs, kept, errors)
    for d, name in zip(given, "xhcWRpb", strict=True):
        np.testing.assert_array_equal(d, expected[name])


def test_a_slice_is_read_as_it_is() -> None:
    ours, theirs = twins()
    x = torch.randn(FEATURES, TIME, BATCH * 2).permute(2, 1, 0)[::2]
    assert not x.is_contiguous()
    assert_same([ours(x).detach()], [theirs(x).detach()])


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients(compiled: bool) -> None:
    ours, theirs = twins()
    x = sequences()
    function = loss(ours)
    if compiled:
        skip_where_keras_is_not_compiled()
        function = torch.compile(function, fullgraph=True, backend="aot_eager")
    assert_same(gradients(ours, x, function), gradients(theirs, x))


def test_no_zeros_are_made_where_there_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    given, backward = [], native.Forward.backward

    def spied(ctx: Any, *d: Any) -> Any:
        given.append([error is None for error in d])
        return backward(ctx, *d)

    monkeypatch.setattr(native.Forward, "backward", staticmethod(spied))
    loss(twins()[0])(sequences()).backward()
    assert given == [[False, True, True, True, True]]


def test_only_the_last_output() -> None:
    ours, theirs = twins()
    ours.return_sequences = theirs.return_sequences = False
    x = sequences()
    assert_same(gradients(ours, x), gradients(theirs, x))


def test_compiled_inference() -> None:
    skip_where_keras_is_not_compiled()
    ours, theirs = twins()
    compiled, x = torch.compile(ours, fullgraph=True, backend="aot_eager"), sequences(3, 5, 4)
    with torch.no_grad():
        assert_same([compiled(x)], [theirs(x)])


def test_functional_transformations() -> None:
    ours, theirs = twins()
    x, xs = sequences(BATCH, TIME, FEATURES), sequences(2, BATCH, TIME, FEATURES)
    expected = [torch.func.grad(loss(theirs))(x).detach() for x in (x, *xs)]
    assert_same([torch.func.grad(loss(ours))(x).detach()], expected[:1])
    assert_same([torch.func.vjp(loss(ours), x)[1](torch.tensor(1.0))[0].detach()], expected[:1])
    assert_same(torch.func.vmap(torch.func.grad(loss(ours)))(xs).detach(), expected[1:])
    of_all = torch.func.grad(lambda xs: torch.func.vmap(loss(ours))(xs).sum())
    assert_same(of_all(xs).detach(), expected[1:])
    mapped = torch.func.vmap(ours)(xs).detach()
    assert_same(mapped, [theirs(x).detach() for x in xs])
    with torch.no_grad():
        np.testing.assert_array_equal(torch.func.vmap(ours)(xs), mapped)


def test_checkpoint() -> None:
    from torch.utils.checkpoint import checkpoint

    ours, theirs = twins()
    x = sequences()
    kept = gradients(ours, x, lambda x: checkpoint(loss(ours), x, use_reentrant=False))
    assert_same(kept, gradients(theirs, x))


def second(layer: Any, x: Any) -> Any:
    (d,) = torch.autograd.grad(loss(layer)(x), [x], create_graph=True)
    return torch.autograd.grad((d**2).sum(), [x])


def dual(layer: Any, x: Any) -> Any:
    from torch.autograd import forward_ad

    with torch.no_grad(), forward_ad.dual_level():
        return layer(forward_ad.make_dual(x, x))


@pytest.mark.parametrize(
    "derivative",
    [
        second,
        dual,
        lambda layer, x: torch.func.jvp(layer, (x.detach(),), (x.detach(),)),
        lambda layer, x: torch.no_grad()(torch.func.jvp)(layer, (x.detach(),), (x.detach(),)),
        lambda layer, x: torch.no_grad()(torch.func.jacfwd(layer))(x.detach()),
        lambda layer, x: torch.func.hessian(loss(layer))(x.detach()),
    ],
    ids=["second", "dual", "jvp", "jvp without gradients", "jacfwd", "hessian"],
)
def test_other_derivatives_are_refused(derivative: Any) -> None:
    with pytest.raises(NotImplementedError, match="engine='portable'"):
        derivative(twins()[0], sequences())


def model() -> keras.Model:
    return keras.Sequential([keras.Input((TIME, FEATURES)), PeepholeLSTM(UNITS)])


def test_an_export_of_pytorch_holds_the_operator() -> None:
    skip_where_keras_is_not_compiled()
    made, x = model(), sequences(BATCH, TIME, FEATURES)
    program = torch.export.export(made, (x,))
    assert "keras_lstm_ext.forward.default" in [str(n.target) for n in program.graph.nodes]
    assert_same([program.module()(x).detach()], [made(x).detach()])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_recording_runs_without_the_package() -> None:
    made, x = model(), sequences(BATCH, TIME, FEATURES)
    recorded = torch.jit.trace(made, (x,))
    assert "keras_lstm_ext::" not in str(recorded.inlined_graph)
    assert_same([recorded(x).detach()], [made(x).detach()])


def test_says_why_not_on_another_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_default_device", lambda: torch.device("cuda", 0))
    assert "are on cuda:0" in ClassicLSTM(4).explain((2, 5, 3)).declined["native"]


def test_threads_follow_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays, words = call_of(twins()[0])
    asked = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    monkeypatch.setattr(packing, "call", lambda _, words, arrays: asked.append(words))
    native._run_forward(*arrays, words)
    assert asked[0][packing.WORDS["threads"]] == 3


def test_weights_changed_before_the_backward_are_noticed() -> None:
    ours, x = twins()[0], sequences()
    total = loss(ours)(x)
    with torch.no_grad():
        ours.kernel.value.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


CONCURRENT = """
import concurrent.futures, os
import numpy as np, torch
from keras_lstm_ext import ClassicLSTM, PeepholeLSTM
layers = [ClassicLSTM(48), PeepholeLSTM(33)]
x = torch.randn(8, 40, 16)

def run(k):
    xs = x.clone().requires_grad_()
    y = layers[k % 2](xs)
    return y.detach(), torch.autograd.grad(y.sum(), [xs])[0]

expected = [run(k) for k in range(2)]
with concurrent.futures.ThreadPoolExecutor(6) as pool:
    for k, given in enumerate(pool.map(run, range(18))):
        for g, e in zip(given, expected[k % 2]):
            assert torch.equal(g, e)
print("same")
"""


@pytest.mark.slow
def test_six_threads_and_two_models_at_once() -> None:
    assert processes.run(CONCURRENT).strip().endswith("same")


def test_a_copy_of_a_layer_is_another() -> None:
    made = model()
    other = copy.deepcopy(made)
    x = sequences(BATCH, TIME, FEATURES)
    np.testing.assert_array_equal(made(x).detach(), other(x).detach())
