"""The variant explorer in Chromium: one page, whose forms change together."""

import json
import re
from xml.etree import ElementTree

import pytest

from tests.site.sources import CONTENT

EXPLORER = "equations/comparison/"


@pytest.mark.slow
def test_all_forms_follow_the_choice(opened, built):
    page = opened(EXPLORER + "?cell=zaremba&show=torch&H=7&I=3")
    figure = page.locator("#explorer")
    page.wait_for_selector("#explorer[data-ready]")
    assert figure.locator(".changed").count() == 0
    assert figure.locator("[data-part=total]").inner_text() == str(4 * (3 * 7 + 7 * 7 + 7))
    assert figure.locator("[data-part=code]").inner_text().startswith("import torch")

    peepholes = figure.locator("[name=peepholes]")
    peepholes.focus()
    page.keyboard.press("y")
    assert page.evaluate("location.search") == "?cell=2005&show=torch&I=3&H=7"
    said = figure.locator("[role=status]").inner_text()
    assert "PeepholeLSTM. Sources: Graves and Schmidhuber 2005;" in said
    assert said.endswith("Changed: peepholes: yes.")
    assert figure.locator("[data-part=more]").inner_text() == f"(+{3 * 7})"
    assert figure.locator("svg .changed path.peephole").count() == 3
    assert figure.locator("[data-part=equations] .changed").count() >= 3
    code = figure.locator("[data-part=code] .changed").all_inner_texts()
    assert 'p_i"] * c + ' in "".join(code)
    assert r"p_o \odot c_t" in figure.locator("[data-copy=TeX]").get_attribute(
        "data-clipboard-text"
    )

    picture = figure.locator("[data-copy=SVG]").get_attribute("data-clipboard-text")
    described = ElementTree.fromstring(picture).findtext("{http://www.w3.org/2000/svg}desc")
    assert "the input and forget gates see the old cell state" in described

    figure.locator("[name=cell]").select_option("gru")
    assert page.evaluate("location.search") == "?cell=gru&show=torch&I=3&H=7"
    assert figure.locator("[role=status] a").last.get_attribute("href") == "#and-the-gru"
    assert page.locator("#and-the-gru").count() == 1
    assert "Sources: Cho et al. 2014. No" in figure.locator("[role=status]").inner_text()
    assert figure.locator("[data-part=total]").inner_text() == str(3 * (3 * 7 + 7 * 7 + 7))
    assert "class GRU(nn.Module)" in figure.locator("[data-part=code]").inner_text()
    assert r"R_g (r_t \odot h_{t-1})" in figure.locator("[data-copy=TeX]").get_attribute(
        "data-clipboard-text"
    )
    heads = figure.locator("svg path[marker-end]").evaluate_all(
        "lines => lines.map(line => line.getAttribute('marker-end').slice(5, -1))"
    )
    assert {*heads} == {figure.locator("svg marker").get_attribute("id")}
    figure.locator("[name=cell]").select_option("gru-after")
    assert figure.locator("[data-part=more]").inner_text() == f"(+{3 * 7})"
    assert figure.locator("[data-part=equations] li").count() == 4
    assert figure.locator("[data-part=equations] .katex-mathml").count() == 4
    address = page.evaluate("location.search")
    page.goto(page.evaluate("location.href"), wait_until="networkidle")
    assert page.evaluate("location.search") == address
    said = figure.locator("[role=status]").inner_text()
    assert said.startswith("Known as GRU of Keras and PyTorch, reset after. No choice of parts")
    figure.locator("[name=cell]").select_option("2005")
    assert "PeepholeLSTM" in figure.locator("[role=status]").inner_text()

    figure.locator("[name=kept]").select_option("2")
    assert "CIFG" in figure.locator("[role=status]").inner_text()
    assert figure.locator("[name=i] option").first.is_disabled(), "1 - i needs the input gate"
    figure.locator("[name=show][value=onnx]").check()
    assert '-w["W_i"]' in figure.locator("[data-part=code]").inner_text()
    figure.locator("[name=projection]").select_option("1")
    assert "There is no ONNX LSTM node" in figure.locator("[data-part=code]").inner_text()
    figure.locator("[name=gradient]").select_option("1")
    assert figure.locator("[name=cell]").input_value() == ""
    address = page.evaluate("location.search")
    page.goto(page.evaluate("location.href"), wait_until="networkidle")
    assert page.evaluate("location.search") == address
    assert figure.locator("[name=gradient]").input_value() == "1"

    # What the script looks up is what the tables are made of, for every name.
    data = json.loads((built / "assets/explorer.json").read_text("utf-8"))
    count = """async known => { const m = await import('/assets/explorer.js');
        const data = await (await fetch('/assets/explorer.json')).json();
        const sizes = data.fields.map(f => f[2].length);
        return known.map(k => m.count(m.pieces(data.forms.weights, k[2], sizes),
                                      {I: 5, H: 8, P: 3})) }"""
    known = [entry for entry in data["known"] if entry[2]]
    found = dict(zip([k[0] for k in known], page.evaluate(count, known), strict=True))
    assert found["carousel"] == 5 * 8 + 8
    assert found["FGR"] == 4 * (5 * 8 + 8 * 8 + 8) + 3 * 8 + 9 * 8 * 8
    assert found["1997"] == 3 * (5 * 8 + 3 * 8 * 8 + 8)
    assert found["lstmp"] == 4 * (5 * 8 + 3 * 8 + 8) + 3 * 8 + 8 * 3


@pytest.mark.slow
def test_the_tables_are_those_that_the_forms_are_made_of(opened, built):
    data = json.loads((built / "assets/explorer.json").read_text("utf-8"))
    page = opened(EXPLORER)
    put = "([t, s]) => import('/assets/explorer.js').then(m => m.whole(t, s))"
    for tex, text in data["html"].items():
        html = page.evaluate(put, [text, data["shared"]])
        shown = ElementTree.fromstring(html).find(".//{*}annotation").text
        assert shown == tex.replace("&", "").replace("\u00a0", " ")
        assert "@" not in html


@pytest.mark.slow
def test_an_older_address_leads_to_the_explorer(opened):
    page = opened("equations/explorer/?cell=1997#and-the-gru")
    page.wait_for_selector("#explorer[data-ready]")
    assert page.url.endswith(EXPLORER + "?cell=1997#and-the-gru")
    assert page.locator("#explorer [name=cell]").input_value() == "1997"
    plain = opened("equations/explorer/", java_script_enabled=False)
    plain.wait_for_url(f"**/{EXPLORER}")


@pytest.mark.slow
def test_the_table_stays_where_there_is_no_javascript(opened):
    for scripted in (True, False):
        page = opened(EXPLORER, java_script_enabled=scripted)
        assert page.locator("#explorer form.choice").is_visible() == scripted
        assert page.locator("#side-by-side").is_visible() != scripted
        assert page.locator("#side-by-side table").count() == 2 * (not scripted)
        assert page.locator("#side-by-side figure.cell").count() == 4 * (not scripted)


@pytest.mark.slow
def test_what_the_script_loads_is_at_most_300_kb_unpacked(built):
    sizes = [(built / "assets" / name).stat().st_size for name in ("explorer.js", "explorer.json")]
    assert sum(sizes) <= 300_000


def test_the_script_is_small_and_needs_no_other():
    source = (CONTENT / "assets/explorer.js").read_bytes()
    assert len(source) < 25_000
    assert source.count(b"http") == source.count(b"http://www.w3.org/2000/svg")


@pytest.mark.slow
def test_cells_of_the_timeline_are_known_to_the_explorer(built):
    known = {
        entry[0] for entry in json.loads((built / "assets/explorer.json").read_text())["known"]
    }
    page = (built / "history/index.html").read_text("utf-8")
    linked = re.findall(r'href="\.\./equations/comparison/\?cell=([\w-]+)"', page)
    assert linked == ["1997", "1999", "2000", "lstmp", "layer-norm"]
    assert set(linked) <= known
