"""The two interactive figures: their arithmetic and what they show, against the reference."""

import json

import numpy as np
import pytest

from tests.site.sources import CONTENT

FLOW, STEPS = "equations/gradient-flow/", "equations/step-through/"
DEFAULTS = {"w": 0.9, "x": 0.1, "i": 0.5, "f": 0.9, "p": 0.1, "T": 60}
SETTINGS = [
    DEFAULTS,
    DEFAULTS | {"x": 0.0, "w": 1.1, "f": 0.99},
    DEFAULTS | {"x": 0.5, "w": -1.7, "i": 0.93, "f": 0.31, "p": -0.75},
    DEFAULTS | {"x": -0.85, "w": 0.35, "i": 0.07, "f": 0.96, "p": 0.3, "T": 20},
    DEFAULTS | {"x": 0.2, "w": 2.0, "i": 0.62, "f": 0.88, "p": 0.55, "T": 200},
]
GATES = ("i", "f", "g", "o")


def flow(reference, name, s, t):
    """State t, the factor of the next step, and the derivative of state T by state t."""
    gates = {f"{letter}_{k}": 0.0 for letter in "WR" for k in "if"}
    gates |= {f"b_{k}": np.log(s[k] / (1 - s[k])) for k in "if"}
    variant, given, options = {
        "recurrent": ("classic", {"R_c": s["w"]}, {"decay": 0.0}),
        "carousel": ("cec", {}, {}),
        "forget": ("classic", gates, {}),
        "peephole": ("peephole", gates | {"p_i": s["p"], "p_f": s["p"]}, {}),
    }[name]
    weights = {
        key: np.full((1, 1) if key[0] in "WR" else 1, value)
        for key, value in ({"W_c": 1.0} | given).items()
    }
    carrier = 0 if name == "recurrent" else 1

    def run(steps, state):
        x = np.full((1, steps, 1), s["x"])
        return reference.forward(
            variant, x, state, weights, output_activation=reference.linear, **options
        )

    def derivative(steps, state):
        d_states = tuple(np.full((1, 1), float(n == carrier)) for n in (0, 1))
        _, d_state, _ = reference.backward(run(steps, state), np.zeros((1, steps, 1)), d_states)
        return d_state[carrier].item()

    # Without feedback nothing but the carrier goes on; the reference would also follow h.
    reached = run(t, None).states
    return reached[carrier].item(), derivative(1, reached), derivative(s["T"] - t, reached)


@pytest.mark.slow
@pytest.mark.parametrize("settings", SETTINGS)
def test_gradients_flow_as_in_the_reference(reference, opened, settings):
    source = "async s => { const m = await import('/assets/gradient-flow.js');"
    source += "return Object.fromEntries(Object.keys(m.networks).map(n => [n, m.flow(n, s)])); }"
    flows = opened(FLOW).evaluate(source, settings)
    assert set(flows) == {"recurrent", "carousel", "forget", "peephole"}
    for name, made in flows.items():
        assert made["derivatives"][settings["T"]] == 1.0
        for t in (0, 1, 7, settings["T"] - 1):
            shown = [made[key][t] for key in ("states", "factors", "derivatives")]
            np.testing.assert_allclose(shown, flow(reference, name, settings, t), rtol=1e-9)


def random_layer():
    """Weights of four units and inputs of seven steps."""
    rng = np.random.default_rng(11)
    shapes = {"W": (1, 4), "R": (4, 4), "b": (4,), "p": (4,)}
    names = [f"{letter}_{k}" for letter in "WRb" for k in "ifco"] + ["p_i", "p_f", "p_o"]
    return rng.normal(size=7), {name: rng.normal(size=shapes[name[0]]) for name in names}


def terms(trace, letter, w):
    """The terms of a net and their sum, by unit."""
    k = "c" if letter == "g" else letter
    seen = {"i": trace.c_prev, "f": trace.c_prev, "o": trace.c}.get(letter)
    peephole = 0.0 * trace.c if seen is None else w[f"p_{k}"] * seen
    parts = [trace.x @ w[f"W_{k}"], trace.r @ w[f"R_{k}"], peephole, w[f"b_{k}"][None]]
    return np.concatenate([*parts, sum(parts)]).T


@pytest.mark.slow
def test_steps_are_those_of_the_reference(reference, opened):
    x, w = random_layer()
    source = "async ([x, w]) => (await import('/assets/step-through.js')).run(x, w)"
    made = opened(STEPS).evaluate(source, [x.tolist(), {k: v.tolist() for k, v in w.items()}])
    run = reference.forward("peephole", x[None, :, None], None, w)
    for step, trace in zip(made, run.trace, strict=True):
        for letter in ("i", "f", "g", "c_prev", "c", "o", "h"):
            expected = getattr(trace, letter)[0]
            np.testing.assert_allclose(step[letter], expected, rtol=1e-9, atol=1e-12)
        for letter in GATES:
            shown = np.array(step["nets"][letter], float)  # null, where there is no term, is NaN
            np.testing.assert_allclose(np.nan_to_num(shown), terms(trace, letter, w), atol=1e-9)


def number(text):
    return float(text.replace("\u2212", "-"))


def cells(page, row):
    return page.locator(f"#{row} td").all_inner_texts()


@pytest.mark.slow
def test_gradient_flow_by_keyboard(reference, opened):
    page = opened(FLOW)
    form = page.locator("#gradient-flow form")
    form.locator("[name=w]").focus()
    keys = {"w": ["ArrowRight"] * 3, "x": ["Home"], "f": ["ArrowLeft"] * 9, "i": ["ArrowRight"]}
    keys |= {"p": ["ArrowRight"] * 2, "T": ["ArrowLeft"], "t": ["End"] + ["ArrowLeft"] * 30}
    for name, pressed in keys.items():
        assert page.evaluate("document.activeElement.name") == name
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        for key in pressed:
            page.keyboard.press(key)
        page.keyboard.press("Tab")
    settings = {name: float(form.locator(f"[name={name}]").input_value()) for name in keys}
    expected = {"w": 1.05, "x": -1.0, "f": 0.81, "i": 0.51, "p": 0.2, "T": 40, "t": 9}
    assert settings == expected
    settings["T"] = int(settings["T"])
    for name in ("recurrent", "carousel", "forget", "peephole"):
        state, factor, derivative = flow(reference, name, settings, 9)
        shown = [number(text) for text in cells(page, f"flow-{name}")]
        assert shown == [float(f"{v:.3g}") for v in (state, factor, abs(derivative))]
    assert page.locator("#gradient-flow .tick").all_text_contents() == ["0", "10", "20", "30", "40"]


@pytest.fixture(scope="module")
def committed(reference):
    """The layer of the figure, and what the reference makes of its years."""
    data = json.loads((CONTENT / "assets/step-through.json").read_text("utf-8"))
    data["weights"] = {name: np.array(w) for name, w in data["weights"].items()}
    layer = {name: w for name, w in data["weights"].items() if name not in ("v", "b")}
    x = np.array(data["sunspots"][:-1]) / data["scale"]
    return data, reference.forward("peephole", x[None, :, None], None, layer)


def test_the_years_shown_were_not_learned_from(committed):
    data, run = committed
    assert data["first_year"] >= 1700 + 0.8 * (2008 - 1700 + 1)
    assert data["first_year"] + len(run.trace) == 2008
    assert {"keras", "numpy", "tensorflow"} <= set(data["versions"])


def assert_shown(page, committed, t, unit):
    """The figure shows the step t, from 0, of a unit."""
    data, run = committed
    trace = run.trace[t]
    for letter in GATES:
        *shown, value = [number(text or "0") for text in cells(page, f"step-{letter}")]
        assert shown == np.round(terms(trace, letter, data["weights"])[unit], 3).tolist()
        assert value == round(getattr(trace, letter)[0, unit], 3)
    i, f, g, c_prev, c, o, h = (
        f"{getattr(trace, k)[0, unit]:z.3f}".replace("-", "\u2212")
        for k in ("i", "f", "g", "c_prev", "c", "o", "h")
    )
    made, value = cells(page, "step-c")
    assert made.endswith(f"{f} \u00d7 {c_prev} + {i} \u00d7 {g}")
    assert value == c
    made, value = cells(page, "step-h")
    assert made.endswith(f"{o} \u00d7 tanh {c}")
    assert value == h
    forecast = data["scale"] * (run.outputs[0, t] @ data["weights"]["v"] + data["weights"]["b"][0])
    year = data["first_year"] + t
    said = page.locator("#step-through [role=status]").inner_text()
    assert said.startswith(f"{year}: {data['sunspots'][t]:.1f} sunspots.")
    assert f"{year + 1}: {forecast:z.1f}; ".replace(": -", ": \u2212") in said
    assert said.endswith(f"{data['sunspots'][t + 1]:.1f}.")


@pytest.mark.slow
def test_step_through_by_keyboard(opened, committed):
    page = opened(STEPS)
    last = len(committed[1].trace) - 1
    assert_shown(page, committed, 11, 0)
    page.locator("#step-through [name=step]").focus()
    page.keyboard.press("Home")
    assert_shown(page, committed, 0, 0)
    page.keyboard.press("End")
    assert_shown(page, committed, last, 0)
    page.keyboard.press("Tab")  # to Back, as Next is disabled at the end
    for t in (last - 1, last - 2, last - 3):
        page.keyboard.press("Enter")
        assert_shown(page, committed, t, 0)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert_shown(page, committed, last - 2, 0)
    page.keyboard.press("Tab")
    for unit in (1, 2):
        page.keyboard.press("ArrowRight")
        assert_shown(page, committed, last - 2, unit)
        assert page.locator("#step-through g.unit:visible").count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("address", [FLOW, STEPS])
def test_the_static_figure_is_what_the_script_begins_with(opened, address):
    without, scripted = opened(address, java_script_enabled=False), opened(address)
    assert not without.locator(".interactive form").is_visible()
    assert scripted.locator(".interactive form").is_visible()
    for page in (without, scripted):
        assert page.locator(".interactive table").is_visible()
    for part in ("svg", "table", "b", "p[role=status]"):
        pictures = [
            [part_of.inner_html() for part_of in page.locator(f".interactive {part}").all()]
            for page in (without, scripted)
        ]
        assert pictures[0] == pictures[1]
    moving = "document.querySelector('.interactive').getAnimations({subtree: true}).length"
    assert scripted.evaluate(moving) == 0


@pytest.mark.parametrize("name", ["gradient-flow.js", "step-through.js"])
def test_scripts_are_small_and_need_no_other(name):
    source = (CONTENT / "assets" / name).read_bytes()
    assert len(source) < 15_000
    assert b"http" not in source
