"""The programs that the site writes for a cell, run against the reference with random weights."""

import random
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_lstm_ext import CECLSTM, CoupledLSTM, reference
from keras_lstm_ext.citations import references
from keras_lstm_ext.diagram import drawing, tex
from keras_lstm_ext.reference import backward, forward
from keras_lstm_ext.variants import CEC, CLASSIC, COUPLED, ORIGINAL, PEEPHOLE, Variant
from tests import backends

sys.path.append(str(Path(__file__).parents[1] / "site" / "extensions"))
import lstm_sources
from lstm_forms import choices, code, gru, gru_picture, package, shared, tikz, weights
from lstm_forms.known import KNOWN

SIZES = {"features": 5, "units": 8, "projection": 3}
X, D = (np.random.default_rng(seed).normal(size=(2, 6, n)) for seed, n in ((5, 5), (6, 8)))
CHOSEN = [choices.choice(known.variant) for known in KNOWN.values()]
CHOSEN += random.Random(21).sample(sorted(choices.all_variants()), 8)
VARIANTS = [choices.all_variants()[choice] for choice in dict.fromkeys(CHOSEN)]
each = pytest.mark.parametrize("v", VARIANTS, ids=map(str, range(len(VARIANTS))))
on_tensorflow = pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="one backend will do")


def made(form: Any, v: Variant) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec("\n".join(form(v).values()), scope)
    return scope


def drawn(v: Variant) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    shapes = code.shapes(v)
    return {k: rng.normal(size=[eval(n, dict(SIZES)) for n in s]) for k, s in shapes.items()}


def oracle(v: Variant, w: dict[str, np.ndarray]) -> Any:
    """The outputs by the reference, and the derivatives of the weights."""
    if v.coupled and v.feeds_gates:
        pytest.skip("the reference has no such cell")
    w = dict(w)
    only_h = len(w["R_c"]) if "R_c" in w else 0
    if v.gates_to_gates:
        w["R_c"] = np.concatenate([w["R_c"], np.zeros((8 * len(v.gates), 8))])
    a, phi = (getattr(reference, name or "linear") for name in (v.activation, v.squashes_output))
    options = {"activation": a, "output_activation": phi, "gradient": v.gradient}
    run = forward("coupled" if v.coupled else "peephole", X, None, w, **options)
    d_w = backward(run, D[..., : run.outputs.shape[-1]])[2]
    return run.outputs, d_w | ({"R_c": d_w["R_c"][:only_h]} if only_h else {})


@each
def test_numpy(v: Variant) -> None:
    w = drawn(v)
    expected, _ = oracle(v, w)
    np.testing.assert_allclose(made(code.numpy, v)["lstm"](X, w), expected, rtol=1e-10, atol=1e-12)


@each
def test_pytorch_and_its_gradient(v: Variant) -> None:
    torch = pytest.importorskip("torch")
    w = drawn(v)
    expected, d_w = oracle(v, w)
    lstm = made(code.torch, v)["LSTM"](*([5, 8, 3] if v.projection else [5, 8])).double()
    lstm.w.load_state_dict({name: torch.tensor(value) for name, value in w.items()})
    outputs = lstm(torch.tensor(X))
    np.testing.assert_allclose(outputs.detach(), expected, rtol=1e-10, atol=1e-12)
    (outputs * torch.tensor(D[..., : outputs.shape[-1]])).sum().backward()
    for name, parameter in lstm.w.items():
        grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        np.testing.assert_allclose(grad, d_w[name], rtol=1e-8, atol=1e-10, err_msg=name)


@pytest.mark.slow
@each
def test_jax_and_its_gradient(v: Variant) -> None:
    jax = pytest.importorskip("jax")
    w = drawn(v)
    expected, d_w = oracle(v, w)
    lstm = made(code.jax, v)["lstm"]

    def loss(w: Any) -> Any:
        outputs = lstm(jax.numpy.asarray(X), w)
        return (outputs * D[..., : outputs.shape[-1]]).sum(), outputs

    given = {name: jax.numpy.asarray(value) for name, value in w.items()}
    with jax.disable_jit():
        found, outputs = jax.grad(loss, has_aux=True)(given)
    np.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=1e-4)
    for name in w:
        scale = np.abs(d_w[name]).max() + 1e-3
        np.testing.assert_allclose(found[name] / scale, d_w[name] / scale, atol=1e-3, err_msg=name)


def arrays(v: Variant, w: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights as a layer of the package has them."""

    def joined(letter: str, nets: Any = v.nets) -> np.ndarray:
        return np.concatenate([w[f"{letter}_{k}"] for k in nets], -1)

    found = {"kernel": joined("W"), "bias": joined("b")}
    if v.feedback != "none":
        rows = SIZES["projection"] if v.projection else SIZES["units"]
        if v.gates_to_gates:
            found["gate_kernel"] = joined("R", v.gates)[rows:]
            w = w | {f"R_{k}": w[f"R_{k}"][:rows] for k in v.gates}
        found["recurrent_kernel"] = np.concatenate([w[f"R_{k}"] for k in v.nets], 1)
    if v.peepholes and v.gates:
        found["peephole_kernel"] = np.stack([w[f"p_{k}"] for k in v.gates])
    if v.normalize_nets:
        letters = ["gW"] if v.feedback == "none" else ["gW", "gR"]
        found["norm_kernel"] = np.stack([joined(letter) for letter in letters])
    if v.normalize_output:
        found["state_norm_kernel"] = np.stack([w["gain"], w["shift"]])
    return found | ({"projection_kernel": w["P"]} if v.projection else {})


@pytest.mark.slow
@on_tensorflow
@each
def test_the_layer_and_its_number_of_weights(v: Variant) -> None:
    w = drawn(v)
    layer = made(package.layer, v)["layer"]
    layer.build((None, None, 5))
    given = arrays(v, w)
    layer.set_weights([given[variable.name] for variable in layer.weights])
    expected = made(code.numpy, v)["lstm"](X, w)
    np.testing.assert_allclose(layer(X.astype("float32")), expected, rtol=1e-3, atol=1e-4)
    assert (layer.cell.variant.gradient, layer.count_params()) == (
        v.gradient,
        weights.count(v, 5, 8, 3),
    )
    assert {k: len(shape) for k, shape in weights.arrays(v).items()} == {
        k: array.ndim for k, array in given.items()
    }


@pytest.mark.slow
@on_tensorflow
@each
def test_keras_alone(v: Variant) -> None:
    w = drawn(v)
    layer = made(code.keras, v)["layer"]
    layer.build((None, None, 5))
    for name, value in w.items():
        layer.cell.w[name].assign(value)
    expected = made(code.numpy, v)["lstm"](X, w)
    np.testing.assert_allclose(layer(X.astype("float32")), expected, rtol=1e-3, atol=1e-4)


@on_tensorflow
@pytest.mark.parametrize("name", ["1997", "2000", "zaremba"])
def test_the_gradient_of_keras_alone(name: str) -> None:
    tf = pytest.importorskip("tensorflow")
    v = KNOWN[name].variant
    w = drawn(v)
    layer = made(code.keras, v)["layer"]
    layer.build((None, None, 5))
    for key, value in w.items():
        layer.cell.w[key].assign(value)
    with tf.GradientTape() as tape:
        loss = keras.ops.sum(layer(X.astype("float32")) * D.astype("float32"))
    found = tape.gradient(loss, [layer.cell.w[key].value for key in w])
    _, d_w = oracle(v, w)
    for key, gradient in zip(w, found, strict=True):
        scale = np.abs(d_w[key]).max()
        np.testing.assert_allclose(gradient / scale, d_w[key] / scale, atol=1e-3, err_msg=key)


def of_onnx(node: Any, initializers: Any) -> Any:
    """The outputs of a node in onnxruntime, for X."""
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    value, FLOAT = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    ends = [value("X", FLOAT, (6, 2, 5))], [value("Y", FLOAT, (6, 1, 2, 8))]
    graph = onnx.helper.make_graph([node], "g", *ends, initializers)
    opset = [onnx.helper.make_opsetid("", 14)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    session = runtime.InferenceSession(model.SerializeToString())
    (y,) = session.run(None, {"X": X.astype("float32").swapaxes(0, 1)})
    return y[:, 0].swapaxes(0, 1)


@each
def test_onnx(v: Variant) -> None:
    if package.why_not(v):
        assert package.why_not(v) in package.onnx(v)["why"]
        return
    pytest.importorskip("onnx")
    w = drawn(v)
    node, initializers = made(package.onnx, v)["lstm_node"](w)
    given = of_onnx(node, initializers)
    np.testing.assert_allclose(given, oracle(v, w)[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "v"),
    {
        "cec": CEC,
        "original": ORIGINAL,
        "classic": CLASSIC,
        "peephole": PEEPHOLE,
        "coupled": COUPLED,
    }.items(),
)
def test_equations_are_those_of_the_reference(name: str, v: Variant) -> None:
    written = next(e.tex for e in lstm_sources.equations(name) if not e.function)
    expected = {re.sub(r"\\ |\s+", "", line) for line in written.split("\n")[1:-1]}
    squashers = tex.squash("sigmoid"), "a({})".format, r"\varphi({})".format
    lines = tex.Equations(replace(v, block_size=2), *squashers, v.nets).lines()
    found = {re.sub(r"\s+", "", line) for line in lines.values()}
    assert found == {line.removesuffix("\\\\") for line in expected}


@each
def test_a_picture_in_tikz_has_every_part(v: Variant) -> None:
    for part in drawing("cell", v, v, labelled=True).parts:
        line = tikz.tikz(part)
        assert line.isascii()
        assert line.count("{") == line.count("}")
        assert re.fullmatch(r"\\(draw|node)\[.*\] (?:at )?\(.*;", line)


def test_a_choice_makes_its_variant() -> None:
    for choice, v in choices.all_variants().items():
        assert choices.choice(v) == choice
    with pytest.raises(ValueError, match="cannot be chosen"):
        choices.choice(Variant(block_size=2))


def test_what_is_known_has_sources_and_the_years_of_its_title() -> None:
    years = {key: work.text("year") for key, work in references().items()}
    for known in KNOWN.values():
        assert set(known.variant.sources) <= years.keys()
        assert known.variant.block_size == 1
        if known.group == "As published" and not known.title.startswith("1991"):
            assert known.title[:4] in {years[key] for key in known.variant.sources}
    layers = {name: known.variant for name, known in KNOWN.items() if known.group == "Layers here"}
    assert layers["CECLSTM"] == CECLSTM.cell_class.member
    assert layers["CoupledLSTM"] == CoupledLSTM.cell_class.member


each_gru = pytest.mark.parametrize("kind", gru.KNOWN.values(), ids=list(gru.KNOWN))


def gru_weights(kind: gru.GRU) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(9)
    shapes = {"W": (5, 8), "R": (8, 8), "b": 8} | ({"d": 8} if kind.after else {})
    return {f"{letter}_{k}": rng.normal(size=n) for letter, n in shapes.items() for k in "rzg"}


def run_gru(form: Any, kind: gru.GRU) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    text = form(kind)
    assert "\n".join(gru.lines(text).values()) == text
    exec(text, scope)
    return scope


@each_gru
def test_gru_in_numpy_and_in_keras_is_the_layer_of_keras(kind: gru.GRU) -> None:
    w = gru_weights(kind)
    outputs = run_gru(gru.numpy, kind)["gru"](X, w)
    theirs = run_gru(gru.layer, kind)["layer"]
    theirs.build((None, None, 5))

    def packed(letter: str) -> np.ndarray:  # the order of Keras: z, r, h
        return np.concatenate([w[f"{letter}_{k}"] for k in "zrg"], -1)

    bias = np.stack([packed("b"), packed("d")]) if kind.after else packed("b")
    theirs.set_weights([packed("W"), packed("R"), bias])
    np.testing.assert_allclose(theirs(X.astype("float32")), outputs, rtol=1e-3, atol=1e-4)
    shapes = [tuple(shape.split("|")) for shape in gru.weights(kind).values()]
    sizes = {"I": 5, "H": 8, "3H": 24, "2": 2}
    assert [tuple(sizes[n] for n in shape) for shape in shapes] == [
        tuple(v.shape) for v in theirs.weights
    ]
    ours = run_gru(gru.keras, kind)["layer"]
    ours.build((None, None, 5))
    for name, value in w.items():
        ours.cell.w[name].assign(value)
    np.testing.assert_allclose(ours(X.astype("float32")), outputs, rtol=1e-3, atol=1e-4)


@each_gru
def test_gru_in_pytorch_and_jax_with_its_gradient(kind: gru.GRU) -> None:
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax")
    w = gru_weights(kind)
    ours = run_gru(gru.torch, kind)["GRU"](5, 8).double()
    ours.w.load_state_dict({name: torch.tensor(value) for name, value in w.items()})
    outputs = ours(torch.tensor(X))
    expected = run_gru(gru.numpy, kind)["gru"](X, w)
    np.testing.assert_allclose(outputs.detach(), expected, rtol=1e-10, atol=1e-12)
    (outputs * torch.tensor(D)).sum().backward()
    if kind.after:  # PyTorch has this kind only; its order is r, z, n
        theirs = torch.nn.GRU(5, 8, batch_first=True).double()
        names = {"weight_ih_l0": "W", "weight_hh_l0": "R", "bias_ih_l0": "b", "bias_hh_l0": "d"}
        packed = {
            name: torch.tensor(np.concatenate([w[f"{letter}_{k}"] for k in "rzg"], -1).T)
            for name, letter in names.items()
        }
        theirs.load_state_dict(packed)
        np.testing.assert_allclose(theirs(torch.tensor(X))[0].detach(), expected, rtol=1e-10)

    lstm = run_gru(gru.jax, kind)["gru"]
    given = {name: jax.numpy.asarray(value) for name, value in w.items()}
    found = jax.grad(lambda w: (lstm(jax.numpy.asarray(X), w) * D).sum())(given)
    for name, parameter in ours.w.items():
        scale = np.abs(parameter.grad.numpy()).max()
        np.testing.assert_allclose(
            found[name] / scale, parameter.grad / scale, atol=1e-3, err_msg=name
        )


@each_gru
def test_gru_in_onnx(kind: gru.GRU) -> None:
    pytest.importorskip("onnx")
    w = gru_weights(kind)
    node, initializers = run_gru(gru.onnx, kind)["gru_node"](w)
    expected = run_gru(gru.numpy, kind)["gru"](X, w)
    given = of_onnx(node, initializers)
    np.testing.assert_allclose(given, expected, rtol=1e-3, atol=1e-4)


@each_gru
def test_a_picture_of_the_gru_in_tikz(kind: gru.GRU) -> None:
    for part in gru_picture.drawing("cell", kind).parts:
        assert re.fullmatch(r"\\(draw|node)\[.*\] (?:at )?\(.*;", tikz.tikz(part))


def test_html_is_whole_again_with_its_shared_parts() -> None:
    span = '<span class="of a certain length">{}</span>'
    inner = span.format("x")
    texts = [span.format(inner + "1") + "a", span.format(inner + "2"), "b" + inner, inner]
    made, parts = shared.share(texts)

    def whole(text: str) -> str:
        return re.sub(r"@(\d+);", lambda m: whole(parts[int(m[1])]), text)

    assert parts == [inner]
    assert [whole(text) for text in made] == texts
    with pytest.raises(ValueError, match="@"):
        shared.share(["@1;"])
    with pytest.raises(ValueError, match="does not end"):
        shared.share(["<b>"])
