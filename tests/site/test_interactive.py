"""The interactive figures, gradient flow and a cell at work, against the reference."""

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
def record(built):
    """What the page of the cell at work holds."""
    page = (built / STEPS / "index.html").read_text("utf-8")
    return json.loads(page.split('<script type="application/json">')[1].split("</script>")[0])


def layers():
    """The committed layers: inputs, targets, weights of the layer, readout."""
    spots = json.loads((CONTENT / "assets/step-through.json").read_text("utf-8"))
    counts = np.array(spots["sunspots"]) / spots["scale"]
    w = {k: np.array(v) for k, v in spots["weights"].items()}
    readout = w.pop("v")[:, None], w.pop("b")
    yield "sunspots", counts[:-1, None], counts[1:, None].tolist(), w, readout
    others = json.loads((CONTENT / "assets/cell-at-work.json").read_text("utf-8"))
    for name in ("adding", "reber"):
        w = {k: np.array(v) for k, v in others[name]["weights"].items()}
        readout = w.pop("v"), w.pop("d")
        yield name, np.array(others[name]["inputs"]), others[name]["targets"], w, readout


def columns(record, name, mode):
    """What is recorded, by name `(timesteps, units)`."""
    names = record["forward" if mode == "forward" else "backward"]
    made = np.array([unit[mode] for unit in record["sequences"][name]["units"]])
    return dict(zip(names, made.transpose(2, 1, 0), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("gradient", ["full", "truncated"])
def test_the_cell_at_work_is_that_of_the_reference(reference, record, gradient):
    for name, x, targets, w, (v, d) in layers():
        run = reference.forward("peephole", x[None], None, w, gradient=gradient)
        shown = columns(record, name, "forward")
        for letter in "ifgcoh":
            expected = [getattr(t, letter)[0] for t in run.trace]
            np.testing.assert_allclose(shown[letter], expected, rtol=6e-3, atol=1e-9)
        y = run.outputs[0] @ v + d
        errors = [np.zeros(len(d)) if t is None else a - t for a, t in zip(y, targets, strict=True)]
        d_out = (np.array(errors) @ v.T)[None]
        back = columns(record, name, gradient)
        _, _, d_w = reference.backward(run, d_out)
        nets = {"b_c": "left", "b_i": "di", "b_f": "df", "b_o": "do"}
        for bias, of_net in nets.items():
            size = np.abs(back[of_net]).sum(axis=0)
            assert (np.abs(back[of_net].sum(axis=0) - d_w[bias]) <= 6e-3 * size + 1e-9).all()
        # What goes on is the derivative by the state before, all later steps run anew.
        for at in (1, len(x) // 2, len(x) - 1):
            before = tuple(np.array([getattr(run.trace[at - 1], k)[0]]) for k in "hc")
            rest = reference.forward("peephole", x[None, at:], before, w, gradient=gradient)
            _, d_state, _ = reference.backward(rest, d_out[:, at:])
            np.testing.assert_allclose(back["on"][at], d_state[1][0], rtol=6e-3, atol=1e-9)
            np.testing.assert_allclose(back["on"][at], back["later"][at - 1], rtol=1e-9)


def test_the_years_shown_were_not_learned_from():
    data = json.loads((CONTENT / "assets/step-through.json").read_text("utf-8"))
    assert data["first_year"] >= 1700 + 0.8 * (2008 - 1700 + 1)
    assert data["first_year"] + len(data["sunspots"]) - 1 == 2008
    assert {"keras", "numpy", "tensorflow"} <= set(data["versions"])


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_the_cell_at_work_by_keyboard_and_address(opened, record, width):
    page = opened(STEPS, viewport={"width": width, "height": 900})
    figure = page.locator("#cell-at-work")
    assert figure.bounding_box()["height"] <= 840, "more than one screen"
    figure.locator("[name=sequence]").focus()
    page.keyboard.press("ArrowDown")
    for _ in range(2):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "way"
    page.keyboard.press("ArrowDown")
    figure.locator("[name=step]").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    last = len(record["sequences"]["adding"]["said"])
    address = f"sequence=adding&unit=1&way=backward&gradient=full&step={last - 1}"
    page.wait_for_function("end => location.search === end", arg=f"?{address}")
    truncated = opened(f"{STEPS}?{address.replace('full', 'truncated')}")
    for shown, gradient in ((page, "full"), (truncated, "truncated")):
        step = dict(
            zip(
                record["backward"],
                record["sequences"]["adding"]["units"][0][gradient][last - 2],
                strict=True,
            )
        )
        text = shown.locator("#cell-at-work [data-number=c]").text_content()
        assert number(text) == pytest.approx(step["dc"], rel=0.06)
        assert "goes on to the step before" in shown.locator("#cell-at-work p").inner_text()


@pytest.mark.slow
def test_what_is_not_accepted_in_the_address_of_the_cell_is_as_usual(opened):
    page = opened(f"{STEPS}?sequence=x&unit=9&way=y&step=-1")
    form = page.locator("#cell-at-work form")
    shown = [form.locator(f"[name={n}]").input_value() for n in ("sequence", "unit", "way", "step")]
    assert shown == ["sunspots", "1", "forward", "12"]


@pytest.mark.slow
@pytest.mark.parametrize("address", [FLOW, STEPS])
def test_the_static_figure_is_what_the_script_begins_with(opened, address):
    without, scripted = opened(address, java_script_enabled=False), opened(address)
    assert not without.locator(".interactive form").is_visible()
    assert scripted.locator(".interactive form").is_visible()
    for page in (without, scripted):
        assert page.locator(".interactive svg").first.is_visible()
        assert page.locator(".interactive table").count() == (address == FLOW)
    for part in ("svg", "table", "b", "p[role=status]"):
        pictures = [
            [part_of.inner_html() for part_of in page.locator(f".interactive {part}").all()]
            for page in (without, scripted)
        ]
        assert pictures[0] == pictures[1]
    moving = "document.querySelector('.interactive').getAnimations({subtree: true}).length"
    assert scripted.evaluate(moving) == 0


@pytest.mark.parametrize("name", ["gradient-flow.js", "cell-at-work.js"])
def test_scripts_are_small_and_need_no_other(name):
    source = (CONTENT / "assets" / name).read_bytes()
    assert len(source) < 15_000
    assert b"http" not in source
