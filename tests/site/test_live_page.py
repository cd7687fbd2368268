"""The page where networks learn in the browser: record, controls, address; and the moving cell."""

import json
import re

import numpy as np
import pytest

from tests.site.sources import CONTENT
from tests.site.test_live import RUN, node

LIVE = "experiments/1997-live/"
RECORD = json.loads((CONTENT / "assets/live.json").read_text("utf-8"))


def test_the_record_is_a_run_of_this_learner():
    race = {k: RECORD[k] for k in ("task", "T", "seed")}
    made = node(RUN, {"race": race, "n": 1000})
    np.testing.assert_allclose(made["points"], RECORD["points"][:2], rtol=1e-3)
    assert made["shown"]["marks"] == RECORD["shown"]["marks"]
    assert made["weights"] == RECORD["weights"] == [93, 97]
    assert RECORD["sequences"] == 100_000 == 500 * len(RECORD["points"])


@pytest.mark.slow
def test_it_learns_in_the_browser_by_keyboard_and_keeps_it_in_the_address(opened):
    page = opened(LIVE + "?task=adding&T=20&seed=3")
    figure = page.locator("#live")
    assert figure.locator("[name=T]").input_value() == "20"
    figure.locator("[name=go]").focus()
    page.keyboard.press("Enter")
    assert figure.locator("[name=go]").inner_text() == "Pause"
    chosen = page.evaluate("location.search")
    assert chosen == "?task=adding&T=20&seed=3&speed=Infinity&run"
    page.wait_for_function("+document.getElementById('live').dataset.sequences >= 25000")
    page.keyboard.press("Space")
    page.wait_for_function("!location.search.includes('run')")
    page.wait_for_function("document.querySelector('[data-part=said]').textContent > '2'")
    rows = figure.locator("tbody tr")
    (lstm, other) = (row.locator("td").all_inner_texts() for row in rows.all())
    assert (lstm[0], other[0]) == ("93", "97")
    assert float(lstm[1]) < 0.06 < 0.12 < float(other[1])
    assert "met after" in lstm[4]
    assert "met after" not in lstm[3] + other[3] + other[4]
    # What is drawn: the curve falls, the cells fill at the marks.
    curve = figure.locator("[data-part=lstm]").get_attribute("d")
    first, last = (float(curve[1:].split("L")[n].split(" ")[1]) for n in (0, -1))
    assert last > first + 50


@pytest.mark.slow
def test_other_tasks_and_speeds(opened):
    page = opened(LIVE)
    figure = page.locator("#live")
    figure.locator("[name=speed]").select_option("100")
    for task in ("lag-2c", "order-6a", "timed-spikes"):
        figure.locator("[name=task]").select_option(task)
        assert f"task={task}" in page.evaluate("location.search")
        page.wait_for_function("document.getElementById('live').dataset.sequences === '0'")
        figure.locator("[name=go]").click()
        page.wait_for_function("+document.getElementById('live').dataset.sequences >= 20")
        figure.locator("[name=again]").click()
        page.wait_for_function("document.getElementById('live').dataset.sequences === '0'")
        lanes = figure.locator("[data-part=f-curves] path").first.get_attribute("d")
        assert (lanes == "M0 0") == (task != "timed-spikes")
        marks = [
            text for text in figure.locator("[data-part=names] text").all_text_contents() if text
        ]
        assert len(marks) == {"lag-2c": 1, "order-6a": 2, "timed-spikes": 0}[task]
        name = figure.locator("tbody th").last.inner_text()
        assert name == {"timed-spikes": "without peepholes"}.get(task, "simple recurrent network")


@pytest.mark.slow
def test_what_is_not_accepted_in_the_address_is_as_usual(opened):
    page = opened(LIVE + "?task=nothing&T=3&seed=-1&speed=fast")
    values = [
        page.locator(f"#live [name={k}]").input_value() for k in ("task", "T", "seed", "speed")
    ]
    assert values == ["adding", "100", str(RECORD["seed"]), "Infinity"]


@pytest.mark.slow
def test_without_javascript_there_is_the_recorded_run(opened):
    page = opened(LIVE, java_script_enabled=False)
    assert not page.locator("#live form").is_visible()
    assert page.locator("#live svg").count() == 2
    cells = [row.locator("td").all_inner_texts() for row in page.locator("#live tbody tr").all()]
    for n, row in enumerate(cells):
        assert row[:2] == [str(RECORD["weights"][n]), f"{RECORD['points'][-1][n]:.3f}"]
    curve = page.locator("#live [data-part=lstm]").get_attribute("d")
    assert curve.count("L") == len(RECORD["points"]) - 1
    text = page.locator("article").inner_text()
    assert "0.04" in text
    assert "74,000" in text


def test_the_code_of_the_example_prints_what_it_says(capsys):
    text = (CONTENT / "what-is-lstm.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(import numpy.*?)^```", text, re.DOTALL | re.MULTILINE)
    exec(compile(code, "what-is-lstm.md", "exec"), {})
    assert capsys.readouterr().out.strip() == re.search(r"# (\S+), a plural", code)[1]


@pytest.mark.slow
def test_the_cell_moves_by_keyboard(opened):
    page = opened("what-is-lstm/")
    figure = page.locator("#moving-cell")
    assert figure.locator(".now").inner_text() == "keys"
    figure.locator("[name=back]").focus()
    page.keyboard.press("Enter")
    assert figure.locator(".now").inner_text() == "The"
    assert figure.locator("[name=back]").is_disabled()
    figure.locator("[name=on]").focus()
    for _ in range(6):
        page.keyboard.press("Enter")
    assert figure.locator(".now").inner_text() == "are"
    shown = {
        e.get_attribute("data-number"): e.text_content()
        for e in figure.locator("[data-number]").all()
    }
    assert shown["o"] == "0.99"
    row = page.locator("table tr", has_text="are").last.locator("td").all_inner_texts()
    assert row[-1] == "\u22120.721", "what the code on the page prints"
    for letter, value in zip("ifgcoh", row[1:], strict=True):
        assert abs(number(value) - number(shown[letter])) <= 0.0051
    wide = figure.locator("[data-wire=h]").evaluate("wire => parseFloat(wire.style.strokeWidth)")
    assert wide == pytest.approx(1 + 8 * 0.721, abs=0.01)
    assert "negative" in figure.locator("[data-wire=h]").get_attribute("class")


def number(text):
    return float(text.replace("\u2212", "-"))


def test_the_script_of_the_moving_cell_is_small_and_needs_no_other():
    source = (CONTENT / "assets/moving-cell.js").read_bytes()
    assert len(source) < 3_000
    assert b"http" not in source
