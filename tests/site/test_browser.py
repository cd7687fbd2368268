"""The built site in Chromium: accessibility, privacy, weight, search, print, without JavaScript."""

import gzip
import re

import pytest

from tests.site.sources import PAGES, ROOT, url

pytestmark = pytest.mark.slow

MODES = [(1280, "light"), (390, "light"), (1280, "dark"), (390, "dark")]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LARGEST = 250_000

SEARCHES = [
    ("who invented lstm", "who-invented-lstm/"),
    ("perceptron", "history/before/"),
    ("forget gate", "history/forget-gate/"),
    ("peephole_initializer", "api/peephole/"),
    ("PeepholeLSTM", "api/peephole/"),
    ("constant error carousel", "history/carousel/"),
    ("vanishing gradient", "history/vanishing-gradient/"),
    ("cuDNN", "history/hardware/"),
    ("stateful", "guides/long-sequences/"),
    ("masking", "guides/masking/"),
    ("mixed precision", "guides/precision/"),
    ("bidirectional CTC", "history/full-gradient/"),
    ("quick start", "guides/quick-start/"),
    ("save model", "guides/saving/"),
    ("peephole equation", "equations/peephole/"),
    ("truncated gradient", "equations/gradients/"),
    ("gate order", "equations/"),
    ("speech recognition", "history/speech/"),
    ("machine translation", "history/translation/"),
    ("citing", "citing/"),
]


@pytest.fixture(scope="module")
def axe():
    path = ROOT / "build/katex/node_modules/axe-core/axe.min.js"
    return path.read_text("utf-8")


@pytest.fixture
def tab(browser):
    """Opens tabs that are closed after the test."""
    contexts = []

    def opened(width=1280, scheme="light", **options):
        viewport = {"width": width, "height": 900}
        contexts.append(browser.new_context(viewport=viewport, color_scheme=scheme, **options))
        return contexts[-1].new_page()

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("page", PAGES)
def test_page_is_private_quiet_and_light(served, tab, page):
    here = tab()
    errors, requests, sizes = [], [], []
    here.on("console", lambda message: message.type == "error" and errors.append(message.text))
    here.on("pageerror", lambda error: errors.append(str(error)))
    here.on("request", lambda request: requests.append(request.url))
    here.on("response", lambda response: sizes.append(transferred(response.body())))
    here.goto(served + url(page), wait_until="networkidle")
    assert errors == []
    assert [r for r in requests if not r.startswith((served, "data:", "blob:"))] == []
    assert here.context.cookies() == []
    assert sum(sizes) <= LARGEST


def transferred(body):
    return min(len(body), len(gzip.compress(body)))


@pytest.mark.parametrize("page", PAGES)
def test_page_is_accessible_and_fits(served, axe, tab, page):
    for width, scheme in MODES:
        here = tab(width, scheme)
        here.goto(served + url(page))
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert here.evaluate(overflow) <= 0, f"scrolls sideways at {width} pixels"
        assert violations(here, axe) == [], f"{width} pixels, {scheme}"
        here.context.close()


def violations(page, axe):
    run = f"{axe}; axe.run(document, {{runOnly: {RULES}}}).then(found => found.violations.map("
    return page.evaluate(run + "v => v.id + ': ' + v.nodes.map(n => n.html).join(' ')))")


@pytest.fixture(scope="module")
def search(served, browser):
    """Gives the address of the first result of a search."""
    here = browser.new_context().new_page()
    here.goto(served, wait_until="networkidle")

    def first(query):
        here.fill(".md-search__input", query)
        here.press(".md-search__input", "End")
        here.wait_for_timeout(300)
        result = here.locator(".md-search-result__item a").first
        address = result.get_attribute("href", timeout=5000)
        return re.sub(r"[?#].*", "", address).removeprefix(served)

    yield first
    here.context.close()


@pytest.mark.parametrize(("query", "page"), SEARCHES)
def test_search_finds_the_page_first(search, query, page):
    assert search(query) == page


@pytest.mark.parametrize("page", ["equations/peephole.md", "equations/comparison.md"])
def test_formulas_are_readable_without_javascript(served, tab, page):
    here = tab(390, java_script_enabled=False)
    here.goto(served + url(page))
    formula = here.locator(".md-content .katex-html").first
    assert formula.is_visible()
    assert formula.bounding_box()["height"] > 10
    assert not here.locator(".md-content button:visible").count()
    assert here.locator("figure.cell svg").first.is_visible()


def test_copying_tex(served, tab):
    here = tab()
    here.context.grant_permissions(["clipboard-read", "clipboard-write"])
    here.goto(served + "equations/peephole/", wait_until="networkidle")
    here.locator("#eq-peephole-cell-state button", has_text="Copy TeX").click()
    copied = here.evaluate("navigator.clipboard.readText()")
    assert copied == r"c_t = f_t \odot c_{t-1} + i_t \odot g_t"


@pytest.mark.parametrize("page", [p for p in PAGES if p.startswith("equations/")])
def test_printed_formulas_are_not_clipped(served, tab, page):
    here = tab(718)  # the width of A4 between its margins, in CSS pixels
    here.emulate_media(media="print")
    here.goto(served + url(page), wait_until="networkidle")
    clipped = here.evaluate(
        """[...document.querySelectorAll("div.math")]
           .filter(m => m.querySelector(".katex-html").getBoundingClientRect().right
                        > document.body.getBoundingClientRect().right + 1)
           .map(m => m.querySelector("annotation").textContent)"""
    )
    assert clipped == []
    assert here.pdf(format="A4").startswith(b"%PDF")
    assert not here.locator(".md-header").is_visible()
