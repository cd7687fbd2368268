"""The papers' forward-running learning rule against the truncated backward pass."""

import numpy as np
import pytest

from keras_lstm_ext.reference import backward, forward, truncated
from tests.reference.cases import MEMBERS, MEMBERS_AND_BLOCK_SIZES, make_case

SITUATIONS = ["plain", "backwards", "multipliers"]


def both(name, block_size, situation):
    """The truncated gradient computed forward in time, and a function of the mode of `backward`."""
    case = make_case(name, block_size, situation)
    arguments = (case.variant, case.x, case.state, case.weights)
    forward_in_time = truncated.gradients(forward(*arguments, **case.options), case.d_outputs)

    def back_in_time(gradient):
        run = forward(*arguments, gradient=gradient, **case.options)
        return backward(run, case.d_outputs)[2]

    return forward_in_time, back_in_time


def largest_difference(left, right):
    assert left.keys() == right.keys()
    return np.max([np.abs(left[k] - right[k]).max() / np.abs(left[k]).max() for k in left])


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize(("name", "block_size"), MEMBERS_AND_BLOCK_SIZES)
def test_forward_in_time_equals_back_in_time(name, block_size, situation):
    forward_in_time, back_in_time = both(name, block_size, situation)
    assert largest_difference(forward_in_time, back_in_time("truncated")) < 1e-9


@pytest.mark.parametrize(("name", "block_size"), MEMBERS_AND_BLOCK_SIZES)
def test_differs_from_the_full_gradient_where_something_is_cut(name, block_size):
    forward_in_time, back_in_time = both(name, block_size, "plain")
    difference = largest_difference(forward_in_time, back_in_time("full"))
    if MEMBERS[name].fed_back == "nothing":
        assert difference < 1e-9
    else:
        assert difference > 1e-2


def test_peepholes_alone_are_cut_too():
    """Nothing is fed back, so only what passes through the peepholes can make the difference."""
    case = make_case("peephole", 2)
    weights = {k: w for k, w in case.weights.items() if k[0] != "R"}
    full, cut = (
        backward(
            forward(case.variant, case.x, case.state, weights, gradient=mode, **case.options),
            case.d_outputs,
        )
        for mode in ("full", "truncated")
    )
    assert largest_difference(full[2], cut[2]) > 1e-2
    assert np.abs(full[2]["p_o"] - cut[2]["p_o"]).max() < 1e-12


def test_refuses_a_mask():
    case = make_case("classic", 1, "holes")
    run = forward(case.variant, case.x, case.state, case.weights, **case.options)
    with pytest.raises(ValueError, match="masked"):
        truncated.gradients(run, case.d_outputs)


@pytest.mark.parametrize("name", ["cec, normalised", "peephole, projected", "classic"])
def test_refuses_what_is_more_than_a_variant(name):
    case = make_case(name, 1, "zoneout, backwards" if name == "classic" else "plain")
    run = forward(case.variant, case.x, case.state, case.weights, **case.options)
    with pytest.raises(ValueError, match="normalised, projected or zoned out"):
        truncated.gradients(run, case.d_outputs)
