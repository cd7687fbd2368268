"""The members of the family as published, against the networks of the papers' experiments."""

from dataclasses import replace

import numpy as np
import pytest

from keras_lstm_ext import VariantLSTM
from keras_lstm_ext.citations import references
from keras_lstm_ext.reference import forward, linear
from keras_lstm_ext.reference.functions import centered_sigmoid_1, centered_sigmoid_2
from keras_lstm_ext.tasks import TASKS
from keras_lstm_ext.variants import FAMILY, ORIGINS

EXPERIMENTS = {
    "original": ("adding", "2 blocks of 2"),
    "classic": ("continual-reber", "forget gates"),
    "peephole": ("timed-spikes", "peepholes"),
}
"""A network of each paper, which the tasks describe on their own."""


def bare(variant):
    """A variant without what is no part of the cell's equations."""
    return replace(variant, sources=(), block_size=1)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_published_members_are_those_of_the_experiments(name):
    task, network = EXPERIMENTS[name]
    assert bare(ORIGINS[name].published) == bare(TASKS[task].networks[network].variant)


@pytest.mark.parametrize("name", FAMILY)
def test_every_difference_between_paper_and_default_has_a_source(name):
    default, origin = FAMILY[name].get_config(), ORIGINS[name]
    published = origin.published.get_config()
    differ = {field for field in default if default[field] != published[field]}
    assert differ - {"sources"} == set(origin.defaults)
    assert {key for key in origin.defaults.values() if key} <= references().keys()


@pytest.mark.parametrize("name", FAMILY)
def test_defaults_are_of_a_later_year_than_what_was_published(name):
    origin = ORIGINS[name]
    first = min(references()[key].text("year") for key in origin.published.sources)
    for key in filter(None, origin.defaults.values()):
        assert references()[key].text("year") > first


SQUASHERS = {
    "cec": (linear, linear),
    "original": (centered_sigmoid_2, centered_sigmoid_1),
    "classic": (centered_sigmoid_2, centered_sigmoid_1),
    "peephole": (linear, linear),
}


@pytest.mark.parametrize("name", FAMILY)
def test_a_layer_computes_what_was_published(name):
    some = {"bias_initializer": "glorot_normal", "peephole_initializer": "glorot_normal"}
    layer = VariantLSTM(4, variant=ORIGINS[name].published, **some)
    x = np.random.default_rng(3).normal(size=(2, 5, 3)).astype("float32")
    y = np.asarray(layer(x))
    assert layer.cell.gradient == ORIGINS[name].published.gradient
    squashers = dict(zip(("activation", "output_activation"), SQUASHERS[name], strict=True))
    weights = named(layer)
    np.testing.assert_allclose(
        y, forward(name, x, None, weights, **squashers).outputs[:, -1], atol=1e-5
    )


def named(layer):
    """The weights of a layer by the names of the reference."""
    variant, found = layer.cell.variant, {}
    arrays = {w.name: np.asarray(w) for w in layer.weights}
    for net, columns in variant.columns(4).items():
        found[f"W_{net}"] = arrays["kernel"][:, columns]
        if "recurrent_kernel" in arrays and variant.feedback != "none":
            found[f"R_{net}"] = arrays["recurrent_kernel"][:, columns]
        found[f"b_{net}"] = arrays["bias"][columns]
    for gate, row in zip(variant.gates, arrays.get("peephole_kernel", ()), strict=False):
        found[f"p_{gate}"] = row
    return found
