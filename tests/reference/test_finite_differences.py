"""The hand-derived backward against central differences of another forward pass.

That other pass, `oracle`, knows no blocks: each cell has gates of its own, with the weights of its
block. For the truncated gradient, what is fed back and what peepholes see is taken from the
unperturbed pass, as constants.
"""

from typing import Any

import numpy as np
import pytest

from keras_lstm_ext.reference import backward, forward
from tests.reference.cases import (
    BATCH,
    EXTENDED_CASES,
    PLAIN_CASES,
    TIMESTEPS,
    UNITS,
    Case,
    make_case,
)

every_case = pytest.mark.parametrize(
    ("name", "block_size", "situation"), [*PLAIN_CASES, *EXTENDED_CASES]
)


def squashers(case: Case) -> tuple[Any, Any]:
    a = phi = np.tanh
    if case.variant == "original":
        a, phi = lambda x: 2.0 * np.tanh(x / 2.0), lambda x: np.tanh(x / 2.0)
    a = case.options["activation"].value if "activation" in case.options else a
    phi = case.options["output_activation"].value if "output_activation" in case.options else phi
    return a, phi


def oracle(case, x, state, w, frozen=None):
    """Outputs, final states and what was read; any argument may have a leading axis of copies."""
    a, phi = squashers(case)
    S, options = case.options["block_size"], case.options
    same_block = np.kron(np.eye(UNITS // S), np.ones((S, S)))
    gates_present = [k for k in "ifo" if f"W_{k}" in w]

    def normed(parts, gains):
        n = sum(part.shape[-1] for part in parts)
        mean = sum(part.sum(axis=-1, keepdims=True) for part in parts) / n
        squares = sum(((part - mean) ** 2).sum(axis=-1, keepdims=True) for part in parts)
        factor = (squares / n + 1e-5) ** -0.5
        return [(y - mean) * factor * g[..., None, :] for y, g in zip(parts, gains, strict=True)]

    def products(letter, x):
        names = [name for name in w if name.startswith(f"{letter}_")]
        parts = [x @ w[name] for name in names]
        if f"g{letter}_c" in w:
            parts = normed(parts, [w[f"g{name}"] for name in names])
        return {name[-1]: part for name, part in zip(names, parts, strict=True)}

    def net(k, x_t, r, c):
        z = products("W", x_t)[k]
        if f"R_{k}" in w:
            z = z + products("R", r)[k]
        if f"b_{k}" in w:
            z = z + w[f"b_{k}"][..., None, :]
        if k != "c":
            z = np.repeat(z, S, axis=-1)
        if f"p_{k}" in w:
            z = z + c @ (w[f"p_{k}"][..., :, None] * same_block)
        return z

    def gate(k, *read, absent=1.0):
        return 0.5 + 0.5 * np.tanh(net(k, *read) / 2.0) if f"W_{k}" in w else absent

    copies = np.broadcast_shapes(
        x.shape[:-3],
        *(s.shape[:-2] for s in state),
        *(value.shape[: -len(case.weights[name].shape)] for name, value in w.items()),
    )
    h, c, *gates = (np.broadcast_to(s, copies + s.shape[-2:]) for s in state)
    mask = options.get("mask", np.ones((BATCH, TIMESTEPS), bool))
    order = range(TIMESTEPS)
    last, outputs, reads = np.zeros_like(h), [], []
    for step, t in enumerate(reversed(order) if options.get("go_backwards") else order):
        valid = mask[:, t, None]
        x_t = x[..., t, :] * options.get("input_multiplier", 1.0)
        r, c_old = np.concatenate([h[..., : w["P"].shape[-1] if "Q" in w else None], *gates], -1), c
        if frozen:
            r, c_old = (np.broadcast_to(v, copies + v.shape[-2:]) for v in frozen[step][:2])
        r_m = r * options.get("feedback_multiplier", 1.0)
        i = gate("i", x_t, r_m, c_old)
        kept = 1.0 - i if case.variant == "coupled" else options.get("decay", 1.0)
        f = gate("f", x_t, r_m, c_old, absent=kept)
        new_c = f * c + i * a(net("c", x_t, r_m, None))
        o = gate("o", x_t, r_m, frozen[step][2] if frozen else new_c)
        new_h = new_c
        if "gain" in w:
            new_h = normed([new_c], [w["gain"]])[0] + w["shift"][..., None, :]
        new_h = o * phi(new_h)
        if "P" in w:
            new_h = np.concatenate([new_h @ w[name] for name in "PQ" if name in w], axis=-1)
        reads.append((r, c_old, new_c))
        if "zoneout" in options:
            d_h, d_c = (d[:, t] for d in options["zoneout"])
            new_h, shown_c = d_h * h + (1.0 - d_h) * new_h, new_c
            new_c = d_c * c + (1.0 - d_c) * shown_c
        made = [{"i": i, "f": f, "o": o}[k][..., ::S] for k in gates_present]
        gates = [np.where(valid, np.concatenate(made, axis=-1), old) for old in gates]
        h, c = np.where(valid, new_h, h), np.where(valid, new_c, c)
        last = np.where(valid, new_h, 0.0 if options.get("zero_output_for_mask") else last)
        outputs.append(last)
    return np.stack(outputs, axis=-2), (h, c, *gates), reads


def central_differences(case: Case, gradient: str) -> dict[str, np.ndarray]:
    """By name: x, the states as s0, s1, s2, and every weight."""
    frozen = None
    if gradient == "truncated":
        frozen = oracle(case, case.x, case.state, case.weights)[2]
    arguments = {"x": case.x, **{f"s{k}": s for k, s in enumerate(case.state)}, **case.weights}

    def loss(values):
        state = tuple(values[f"s{k}"] for k in range(len(case.state)))
        w = {name: values[name] for name in case.weights}
        outputs, states, _ = oracle(case, values["x"], state, w, frozen)
        total = (outputs * case.d_outputs).sum(axis=(-3, -2, -1))
        return total + sum(
            (s * d).sum(axis=(-2, -1)) for s, d in zip(states, case.d_states, strict=True)
        )

    # One pass for all: two copies of every argument for each entry of any, which is nudged there.
    sizes = [value.size for value in arguments.values()]
    ends, total, eps = np.cumsum(sizes), sum(sizes), 1e-5
    copies = {}
    for (name, value), end in zip(arguments.items(), ends, strict=True):
        nudges = np.zeros((total, value.size))
        nudges[end - value.size : end] = eps * np.eye(value.size)
        nudges = nudges.reshape(total, *value.shape)
        copies[name] = np.concatenate([value + nudges, value - nudges])
    up, down = np.split(loss(copies), 2)
    slopes = np.split((up - down) / (2 * eps), ends[:-1])
    of_each = zip(arguments.items(), slopes, strict=True)
    return {name: slope.reshape(value.shape) for (name, value), slope in of_each}


@every_case
def test_forward_equals_the_oracle(name, block_size, situation):
    case = make_case(name, block_size, situation)
    run = forward(case.variant, case.x, case.state, case.weights, **case.options)
    outputs, states, _ = oracle(case, case.x, case.state, case.weights)
    np.testing.assert_allclose(run.outputs, outputs, rtol=0, atol=1e-13)
    for made, expected in zip(run.states, states, strict=True):
        np.testing.assert_allclose(made, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("gradient", ["full", "truncated"])
@every_case
def test_backward_equals_central_differences(name, block_size, situation, gradient):
    case = make_case(name, block_size, situation)
    run = forward(case.variant, case.x, case.state, case.weights, gradient=gradient, **case.options)
    d_x, d_state, d_w = backward(run, case.d_outputs, case.d_states)
    derived = {"x": d_x, **{f"s{k}": d for k, d in enumerate(d_state)}, **d_w}
    numeric = central_differences(case, gradient)
    assert derived.keys() == numeric.keys()
    for argument, expected in numeric.items():
        assert derived[argument].shape == expected.shape
        error = np.abs(derived[argument] - expected).max()
        assert error <= 1e-7 * np.abs(expected).max(), argument
