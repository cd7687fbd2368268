"""The nine networks of Greff 2017: what each has, and that no engine computes another one."""

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_lstm_ext import VariantLSTM
from keras_lstm_ext.engines import ENGINES, Call
from keras_lstm_ext.export import export_onnx
from keras_lstm_ext.variants import ODYSSEY, PEEPHOLE, Variant
from tests.contract.family import BATCH, FEATURES, TIME, UNITS, normal, randomize, run

N, M = UNITS, FEATURES
NET = N * M + N * N + N
WEIGHTS = {
    "V": 4 * NET + 3 * N,
    "NIG": 3 * NET + 2 * N,
    "NFG": 3 * NET + 2 * N,
    "NOG": 3 * NET + 2 * N,
    "NIAF": 4 * NET + 3 * N,
    "NOAF": 4 * NET + 3 * N,
    "CIFG": 3 * NET + 2 * N,
    "NP": 4 * NET,
    "FGR": 4 * NET + 3 * N + 9 * N * N,
}

each_network = pytest.mark.parametrize("name", ODYSSEY)


def network(name: str, **options: object) -> VariantLSTM:
    return randomize(VariantLSTM(UNITS, variant=ODYSSEY[name], return_sequences=True, **options))


@each_network
def test_the_weights_that_the_paper_gives_it(name: str) -> None:
    assert network(name).count_params() == WEIGHTS[name]


@each_network
def test_no_other_function_is_computed(name: str) -> None:
    """What each lacks is written in the weights of the plain network, as far as they can say it."""
    x = normal(BATCH, TIME, FEATURES)
    given, closed = network(name), {"NIG": "i", "NFG": "f", "NOG": "o"}.get(name)
    (theirs,) = run(network(name, engine="portable"), x)
    np.testing.assert_allclose(run(given, x)[0], theirs, rtol=1e-5, atol=1e-6)
    if closed is None:
        return
    plain = VariantLSTM(UNITS, variant=PEEPHOLE, return_sequences=True)
    plain.build(x.shape)
    columns = PEEPHOLE.columns(N)
    kept = np.delete(np.arange(4 * N), np.arange(4 * N)[columns[closed]])
    W, R, p, b = (np.zeros(w.shape, "float32") for w in plain.weights)
    for full, part in zip(
        (W, R, b), (given.kernel, given.recurrent_kernel, given.bias), strict=True
    ):
        full[..., kept] = keras.ops.convert_to_numpy(part)
    b[columns[closed]] = 100.0
    p[[k != closed for k in PEEPHOLE.gates]] = keras.ops.convert_to_numpy(given.peephole_kernel)
    plain.set_weights([W, R, p, b])
    np.testing.assert_allclose(run(given, x)[0], run(plain, x)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["CIFG", "FGR"])
def test_engines_that_lack_it_say_so(name: str, tmp_path: Path) -> None:
    layer = network(name)
    declined = layer.explain((BATCH, TIME, FEATURES)).declined
    if "cudnn" in declined:
        with pytest.raises(ValueError, match="`engine='cudnn'` cannot run"):
            network(name, engine="cudnn")(normal(BATCH, TIME, FEATURES))
    assert layer.explain().engine != "cudnn"
    if keras.backend.backend() == "tensorflow" and name == "FGR":
        with pytest.raises(ValueError, match=r"gates are fed back"):
            export_onnx(keras.Sequential([keras.Input((7, M)), layer]), tmp_path / "x.onnx")


@pytest.mark.parametrize("name", ["CIFG", "FGR"])
def test_it_comes_back_from_a_file(name: str, tmp_path: Path) -> None:
    x = normal(BATCH, TIME, FEATURES)
    model = keras.Sequential([keras.Input((TIME, FEATURES)), network(name)])
    model.layers[0].set_weights([w + 0.1 for w in model.layers[0].get_weights()])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))


def test_what_is_dropped_of_fed_back_gates_is_the_same_on_every_engine() -> None:
    x = normal(BATCH, TIME, FEATURES)
    results = []
    for engine in ("portable", "bptt", "native"):
        layer = network("FGR", recurrent_dropout=0.5, seed=3, engine=engine)
        if ENGINES[engine].why_not(layer, Call()) is None:
            results.append(keras.ops.convert_to_numpy(layer(x, training=True)))
    assert len(results) > 1 or keras.backend.backend() == "torch"
    for given in results[1:]:
        np.testing.assert_allclose(given, results[0], rtol=1e-5, atol=1e-6)
    assert np.abs(results[0] - run(network("FGR"), x)[0]).max() > 1e-2


def test_a_squasher_that_is_taken_away_leaves_the_other() -> None:
    assert (ODYSSEY["NIAF"].activation, ODYSSEY["NIAF"].squashes_output) == (None, "tanh")
    assert (ODYSSEY["NOAF"].activation, ODYSSEY["NOAF"].squashes_output) == ("tanh", None)


def test_what_a_coupled_gate_cannot_be() -> None:
    for fields in ({}, {"gates": ("o",)}, {"gates": ("i",), "decay": 0.5}):
        with pytest.raises(ValueError, match=r"`coupled=True` needs an input gate"):
            Variant(coupled=True, **fields)
    with pytest.raises(ValueError, match=r"`without` accepts .* Received: 'f'"):
        ODYSSEY["CIFG"].without("f")
