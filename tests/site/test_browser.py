"""The built site in Chromium: accessibility, privacy, weight, print, without JavaScript."""

import gzip

import pytest

from tests.site.sources import ADDRESS, PAGES, ROOT, url

pytestmark = pytest.mark.slow

PALETTES = {"light": "default", "dark": "slate"}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = {"runOnly": RULES, "resultTypes": ["violations"]}
VIOLATIONS = "found => found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).join(' '))"
INTERACTIVE = [
    "equations/comparison.md",
    "equations/gradient-flow.md",
    "equations/step-through.md",
    "experiments/1997-live.md",
]
LARGEST = dict.fromkeys(INTERACTIVE, 300_000)
ONCE = [(1280, "light"), (390, "dark")]
"""Where axe looks at every page; the parts that all pages have are those of the first one."""
EVERY_WAY = ["index.md", *INTERACTIVE]


class Visit:
    """A page that was loaded once, with what happened on the way, for all tests of it.

    Args:
        tab: Where it is shown.
        page: Its source.
        root: The address of the site.
    """

    def __init__(self, tab, page, root):
        self.tab, self.page = tab, page
        self.errors, self.requests, self.sizes = [], [], []
        tab.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        tab.on("pageerror", lambda error: self.errors.append(str(error)))
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.on("response", lambda response: self.sizes.append(transferred(response.body())))
        tab.goto(root + url(page), wait_until="networkidle")
        # Else colours would be measured while they change.
        tab.add_style_tag(content="*, ::before, ::after { transition: none !important }")

    def show(self, width, scheme="light", media="screen"):
        """Shows the page in another window or on paper."""
        self.tab.set_viewport_size({"width": width, "height": 900})
        self.tab.emulate_media(color_scheme=scheme, media=media)
        palette = f"document.body.dataset.mdColorScheme === '{PALETTES[scheme]}'"
        self.tab.wait_for_function(palette, polling=50)
        return self.tab


def transferred(body):
    return min(len(body), len(gzip.compress(body)))


@pytest.fixture(scope="module", params=PAGES)
def visit(request, served, browser):
    """A visit to each page in turn, with an empty cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    yield Visit(context.new_page(), request.param, served)
    context.close()


def test_page_is_private_quiet_and_light(served, visit):
    assert visit.errors == []
    assert [r for r in visit.requests if not r.startswith((served, "data:", "blob:"))] == []
    assert visit.tab.context.cookies() == []
    assert sum(visit.sizes) <= LARGEST.get(visit.page, 250_000)


@pytest.mark.parametrize("scheme", PALETTES)
@pytest.mark.parametrize("width", [1280, 390])
def test_page_is_accessible_and_fits(visit, axe, width, scheme):
    here = visit.show(width, scheme)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert here.evaluate(overflow) <= 0
    if (width, scheme) not in ONCE and visit.page not in EVERY_WAY:
        return
    if not here.evaluate("'axe' in window"):
        here.evaluate(axe)
    assert here.evaluate(f"axe.run(document, {AXE}).then({VIOLATIONS})") == []


def test_printed_formulas_are_not_clipped(visit):
    here = visit.show(718, media="print")  # the width of A4 between its margins, in CSS pixels
    clipped = here.evaluate(
        """[...document.querySelectorAll("div.math")]
           .filter(m => m.querySelector(".katex-html").getBoundingClientRect().right
                        > document.body.getBoundingClientRect().right + 1)
           .map(m => m.querySelector("annotation").textContent)"""
    )
    assert clipped == []
    if visit.page.startswith("equations/"):
        assert here.pdf(format="A4").startswith(b"%PDF")
    assert not here.locator(".md-header").is_visible()


CUT_OFF = """[...document.querySelectorAll(".md-content table")]
    .filter(table => table.offsetParent)
    .filter(table => {
      const page = table.closest(".md-content__inner").getBoundingClientRect();
      const { left, right } = table.getBoundingClientRect();
      return Math.max(right, left + table.scrollWidth) > page.right + 1;
    })
    .map(table => table.innerText.slice(0, 80))"""


@pytest.mark.parametrize(("width", "media"), [(390, "screen"), (718, "print")])
def test_no_column_is_cut_off(visit, width, media):
    assert visit.show(width, media=media).evaluate(CUT_OFF) == []


def test_paper_has_the_references_and_a_line_to_cite(visit):
    here = visit.show(718, media="print")
    labels = here.locator(".md-content .citation a").all_text_contents()
    references = here.locator(".references")
    assert references.count() == bool(labels)
    if labels:
        assert references.is_visible()
        listed = references.locator("b").all_text_contents()
        assert set(listed) == {f"{label}." for label in labels}
    assert not here.locator("details.cite").is_visible()
    if visit.page != "index.md":
        line = here.locator(".cite-line")
        assert line.is_visible()
        assert ADDRESS + url(visit.page) in line.inner_text()
        assert "CC BY 4.0" in line.inner_text()


def test_a_page_of_experiments_is_short(visit):
    if visit.page.startswith("experiments/"):
        here = visit.show(1280)
        assert here.evaluate("document.documentElement.scrollHeight") <= 6000
    if visit.page == "experiments/index.md":
        board = visit.tab.locator(".board").bounding_box()
        assert board["y"] + board["height"] <= 900, "more than one screen"


def test_the_screen_has_references_by_link_only(visit):
    here = visit.show(1280)
    assert not here.locator(".references:visible, .cite-line:visible").count()


@pytest.fixture(scope="module")
def axe():
    path = ROOT / "build/katex/node_modules/axe-core/axe.min.js"
    return path.read_text("utf-8")


@pytest.fixture(scope="module")
def plain(browser):
    """A tab without JavaScript."""
    context = browser.new_context(viewport={"width": 390, "height": 900}, java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("page", PAGES)
def test_page_is_readable_without_javascript(served, plain, page):
    plain.goto(served + url(page))
    assert plain.locator("h1").is_visible()
    for what in (".katex-html", "figure svg"):
        shown = plain.locator(f".md-content {what}")
        if shown.count():
            assert shown.first.is_visible()
            assert shown.first.bounding_box()["height"] > 10
    assert not plain.locator(".md-content button:visible").count()


COPIES = [
    ("Copy TeX", r"c_t = f_t \odot c_{t-1} + i_t \odot g_t"),
    ("Copy NumPy", "    return f * c + i * g"),
]


@pytest.mark.parametrize(("button", "expected"), COPIES)
def test_copying_an_equation(served, browser, button, expected):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    here = context.new_page()
    here.goto(served + "equations/peephole/", wait_until="networkidle")
    here.locator("#eq-peephole-cell-state button", has_text=button).click()
    assert here.evaluate("navigator.clipboard.readText()").splitlines()[-1] == expected
    context.close()
