"""The built site, read as files: links, permanent ids, inventory, text versions."""

import ast
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, unquote, urldefrag, urljoin, urlsplit

import pytest

from tests.site.sources import ADDRESS, PAGES, REPOSITORY, ROOT, url

pytestmark = pytest.mark.slow

MOVED = {"equations/explorer/": "equations/comparison/"}
IDS = Path(__file__).with_name("equation_ids.txt").read_text("utf-8").split()


class Page(HTMLParser):
    """Collects the ids and the addresses that a page refers to."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loads = set(), [], []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in ("script", "img", "iframe", "source") and given.get("src"):
            self.loads.append(given["src"])
        if tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload", "preconnect"):
            self.loads.append(given["href"])


@pytest.fixture(scope="module")
def pages(built):
    return {
        path.relative_to(built).as_posix().removesuffix("index.html"): Page(path)
        for path in built.rglob("*.html")
    }


def test_every_source_becomes_a_page(pages):
    assert {url(page) for page in PAGES} | set(MOVED) == set(pages) - {"404.html"}


def test_an_older_address_links_to_the_page_that_has_what_it_had(pages):
    for older, page in MOVED.items():
        assert urljoin(f"https://site/{older}", pages[older].links[0]) == f"https://site/{page}"


def broken_links(built, pages):
    """The links of a built site that lead to no page of it, or to no place on one."""
    broken = []
    for here, page in pages.items():
        # The page for unknown addresses links from the root of the published site.
        links = page.links if here != "404.html" else []
        for link in links:
            target, anchor = urldefrag(urljoin(f"https://site/{here}", link))
            if urlsplit(target).netloc != "site":
                continue
            path = unquote(urlsplit(target).path).lstrip("/")
            if path.startswith("versions/"):
                continue  # kept beside this build, by mike
            exists = path in pages or (built / path).is_file()
            ids = pages[path].ids | {"__skip"} if path in pages else set()
            if not exists or (anchor and anchor not in ids):
                broken.append(f"{here}: {link}")
    return broken


def test_internal_links_and_anchors_resolve(built, pages):
    assert broken_links(built, pages) == []


def test_pages_load_nothing_from_another_host(pages):
    loads = {src for page in pages.values() for src in page.loads}
    assert [src for src in loads if urlsplit(src).netloc] == []


@pytest.mark.parametrize("address", IDS)
def test_equations_that_were_published_keep_their_address(pages, address):
    page, anchor = address.split("#")
    assert anchor in pages[page].ids


def test_every_equation_is_on_the_list_of_published_ones(pages):
    found = {
        f"{page}#{anchor}"
        for page, content in pages.items()
        for anchor in content.ids
        if anchor.startswith("eq-") and page.startswith("equations/")
    }
    assert found == set(IDS)


STATEMENTS = Path(__file__).with_name("ledger_ids.txt").read_text("utf-8").split()


def test_statements_and_claims_keep_their_address(pages):
    ids = pages["ledger/"].ids | {
        i for i in pages["claims/"].ids if i.startswith(("claim-", "err"))
    }
    assert sorted(set(STATEMENTS) - ids) == []
    assert {f"#{i}" for i in STATEMENTS if i.startswith("claim-")} <= set(pages["claims/"].links)


def test_citations_say_how_a_work_is_known(built):
    page = (built / "history/carousel/index.html").read_text("utf-8")
    titles = re.findall(r'bibliography/#\w+" title="([^"]+)"', page)
    assert len(titles) > 10
    assert [title for title in titles if "Read: " not in title] == []


WITH_EQUATIONS = ["cec", "original", "classic", "peephole", "gradients"]
WITH_EQUATIONS += ["coupled", "projected", "layer-norm", "zoneout"]


@pytest.mark.parametrize("page", WITH_EQUATIONS)
def test_equations_link_to_their_tests(pages, page):
    links = pages[f"equations/{page}/"].links
    addresses = [i.split("#") for i in IDS if i.startswith(f"equations/{page}/#")]
    functions = [anchor for _, anchor in addresses if anchor.count("-") > 1]
    assert functions
    assert sum(link.startswith("../tests/#") for link in links) >= len(functions)


def public_names():
    """What `keras_lstm_ext` exports."""
    tree = ast.parse((ROOT / "keras_lstm_ext" / "__init__.py").read_text("utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    names = {alias.asname or alias.name for node in imports for alias in node.names}
    return names - {"__version__"}


def test_the_inventory_has_every_public_name(built):
    inventory = (built / "objects.inv").read_bytes()
    body = zlib.decompress(inventory.split(b"zlib.\n", 1)[1]).decode()
    documented = {line.split(" ")[0] for line in body.splitlines()}
    assert {f"keras_lstm_ext.{name}" for name in public_names()} - documented == set()


LAYERS = ["cec", "original", "classic", "peephole", "variant", "coupled", "projected", "layer_norm"]


def groups():
    """The groups of arguments: their bases, and whether a class with them has the argument."""
    tree = ast.parse((ROOT / "keras_lstm_ext/layers/_groups.py").read_text("utf-8"))
    found = {}
    for node in (n for n in tree.body if isinstance(n, ast.ClassDef)):
        fields = {
            f.target.id: f.value.func.id == "argument"
            for f in node.body
            if isinstance(f, ast.AnnAssign)
        }
        found[node.name] = ([base.id for base in node.bases], fields)
    return found


def arguments(bases, known):
    merged = {}
    for base in reversed([base for base in bases if base in known]):
        merged |= arguments(known[base][0], known) | known[base][1]
    return merged


@pytest.mark.parametrize("layer", LAYERS)
def test_api_pages_say_what_differs_from_keras(built, layer):
    page = (built / "api" / layer.replace("_", "-") / "index.html").read_text("utf-8")
    assert "Differs from keras.layers.LSTM" in page


@pytest.mark.parametrize("layer", LAYERS)
def test_api_pages_describe_every_argument(built, layer):
    tree = ast.parse((ROOT / f"keras_lstm_ext/layers/{layer}.py").read_text("utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    page = (built / "api" / layer.replace("_", "-") / "index.html").read_text("utf-8")
    assert "{arguments}" not in page
    assert "{step}" not in page
    known = groups()
    assert classes
    for node in classes:
        has = arguments([base.id for base in node.bases], known)
        given = [name for name, is_there in has.items() if is_there]
        assert len(given) > 20
        section = page.split(f'id="keras_lstm_ext.{node.name}"')[1]
        assert [name for name in given if f"<code>{name}</code>" not in section] == []


def test_formulas_are_rendered_and_not_searched(built):
    page = (built / "equations/peephole/index.html").read_text("utf-8")
    assert page.count('class="katex"') > 10
    assert "\\(" not in re.sub(r"<annotation.*?</annotation>", "", page, flags=re.DOTALL)
    index = (built / "search/search_index.json").read_text("utf-8")
    assert "\\\\sigma" not in index
    assert "mathnormal" not in index


@pytest.mark.parametrize("name", ["llms.txt", "llms-full.txt"])
def test_text_versions_are_generated(built, name):
    text = (built / name).read_text("utf-8")
    assert "peephole" in text.lower()
    assert "katex" not in text


def test_the_full_text_version_has_formulas_as_tex(built):
    text = (built / "llms-full.txt").read_text("utf-8")
    assert r"c_t = f_t \odot c_{t-1} + i_t \odot g_t" in text


def test_nothing_of_this_machine_is_published(built):
    texts = [p for p in built.rglob("*") if p.suffix in {".html", ".json", ".txt", ".xml", ".md"}]
    assert [p.name for p in texts if str(ROOT) in p.read_text("utf-8")] == []


@pytest.mark.parametrize("page", [p for p in PAGES if p != "index.md"])
def test_pages_say_how_to_cite_them(built, page):
    text = (built / url(page) / "index.html").read_text("utf-8")
    assert "@misc{lstm-" in text
    assert ADDRESS + url(page) in text
    assert "&quot;type&quot;: &quot;webpage&quot;" in text or '"type": "webpage"' in text


@pytest.mark.parametrize("page", PAGES)
def test_an_error_can_be_reported_from_each_page(pages, page):
    (report,) = [link for link in pages[url(page)].links if "/issues/new?" in link]
    assert report.startswith(f"{REPOSITORY}/issues/new?")
    assert ADDRESS + url(page) in parse_qs(urlsplit(report).query)["body"][0]


def test_the_licence_of_text_and_figures_is_stated(pages):
    licence = "https://creativecommons.org/licenses/by/4.0/"
    assert [page for page, content in pages.items() if licence not in content.links] == []
    assert "license: CC-BY-4.0" in (ROOT / "CITATION.cff").read_text("utf-8")
