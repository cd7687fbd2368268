"""What machines read of the built pages: each format is parsed as its readers do."""

import json
import os
import re
import struct
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from tests.site.sources import ADDRESS, CONTENT, PAGES, REPOSITORY, ROOT, read, url

pytestmark = pytest.mark.slow

ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


class Head(HTMLParser):
    """The meta elements, links and data of a page."""

    def __init__(self, text):
        super().__init__()
        self.meta, self.links, self.things, self.is_data = {}, {}, [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "meta":
            self.meta[given.get("name") or given.get("property")] = given.get("content")
        if tag == "link":
            self.links[given["rel"]] = given["href"]
        self.is_data = given.get("type") == "application/ld+json"

    def handle_data(self, data):
        if self.is_data:
            self.things.append(json.loads(data))
            self.is_data = False


@pytest.fixture(scope="module")
def heads(built):
    return {p: Head((built / url(p) / "index.html").read_text("utf-8")) for p in PAGES}


def last_commit(page):
    """The day of the last commit to a page, "" where git has not the whole history."""

    def git(*arguments):
        done = subprocess.run(["git", *arguments], cwd=CONTENT, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    if git("rev-parse", "--is-shallow-repository") != "false":
        return ""
    return git("log", "-1", "--format=%cs", "--", page)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_an_address_and_can_be_cited(heads, page):
    head, day = heads[page], last_commit(page)
    assert head.links["canonical"] == ADDRESS + url(page)
    assert head.meta["citation_public_url"] == head.meta["og:url"] == ADDRESS + url(page)
    assert head.meta["citation_title"] == head.meta["og:title"] != ""
    assert head.meta["citation_author"] == "The keras_lstm_ext developers"
    assert re.fullmatch(r"\d{4}/\d{2}/\d{2}", head.meta["citation_publication_date"])
    assert head.meta.get("citation_online_date", "") == day.replace("-", "/")
    assert head.meta["og:description"] == head.meta["description"]
    assert head.meta["og:type"] == ("website" if page == "index.md" else "article")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_a_card_of_its_own(built, heads, page):
    image = heads[page].meta["og:image"]
    assert image.startswith(f"{ADDRESS}assets/cards/")
    content = (built / image.removeprefix(ADDRESS)).read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) == (1200, 630)
    assert len(content) < 150_000


def test_cards_differ(built):
    cards = [path.read_bytes() for path in (built / "assets/cards").iterdir()]
    assert len(cards) == len(PAGES) == len(set(cards))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_an_article(heads, page):
    (article,) = [t for t in heads[page].things if t["@type"] == "TechArticle"]
    assert article["url"] == ADDRESS + url(page)
    assert article["image"] == heads[page].meta["og:image"]
    assert article["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert article.get("dateModified", "") == last_commit(page)


def test_the_answers_are_data(heads):
    (faq,) = [t for t in heads["faq.md"].things if t["@type"] == "FAQPage"]
    questions = re.findall(r"^## (.+)$", read("faq.md"), re.MULTILINE)
    assert [q["name"] for q in faq["mainEntity"]] == [q.replace("`", "") for q in questions]
    answers = [q["acceptedAnswer"]["text"] for q in faq["mainEntity"]]
    assert [answer for answer in answers if len(answer) < 40 or "\\(" in answer] == []


def test_the_claims_are_data(heads):
    reviews = [t for t in heads["claims.md"].things if t["@type"] == "ClaimReview"]
    ids = re.findall(r"\{: #(claim-[\w-]+) \}", read("claims.md"))
    assert [r["url"] for r in reviews] == [f"{ADDRESS}claims/#{i}" for i in ids]
    ratings = {"wrong": 1, "imprecise": 3, "right": 5, "open": None, "opinion": None}
    for review in reviews:
        rating = review["reviewRating"]
        assert rating.get("ratingValue") == ratings[rating["alternateName"]]
        assert review["claimReviewed"]
        assert review["reviewBody"]


def test_the_software_is_data(heads):
    (software,) = [t for t in heads["index.md"].things if t["@type"] == "SoftwareSourceCode"]
    assert software["codeRepository"] == REPOSITORY


def test_the_records_of_the_runs_are_data(built, heads):
    sets = [t for head in heads.values() for t in head.things if t["@type"] == "Dataset"]
    files = [d["contentUrl"].removeprefix(ADDRESS) for s in sets for d in s["distribution"]]
    results = ROOT / "keras_lstm_ext/experiments/results"
    published = {p.name for folder in ("", "odyssey") for p in (results / folder).glob("*.json")}
    assert {file.rpartition("/")[2] for file in files} == published
    for file in files:
        assert json.loads((built / file).read_text("utf-8"))["rows"]


def test_the_sitemap_has_every_page_with_its_date(built):
    pages = {
        entry.find(f"{SITEMAP}loc").text: entry.findtext(f"{SITEMAP}lastmod", "")
        for entry in ElementTree.parse(built / "sitemap.xml").iter(f"{SITEMAP}url")
    }
    assert pages == {ADDRESS + url(page): last_commit(page) for page in PAGES}


def test_robots_find_the_sitemap(built):
    lines = (built / "robots.txt").read_text("utf-8").splitlines()
    assert lines == ["User-agent: *", "Allow: /", f"Sitemap: {ADDRESS}sitemap.xml"]


def test_the_feed_has_changes_and_corrections(built, heads):
    feed = ElementTree.parse(built / "feed.xml").getroot()
    entries = feed.findall(f"{ATOM}entry")
    names = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(names) == len(set(names))
    days = [entry.findtext(f"{ATOM}updated") for entry in entries]
    assert days == sorted(days, reverse=True)
    assert feed.findtext(f"{ATOM}updated") == days[0]
    corrections = re.findall(r"^## (.+)$", read("corrections.md"), re.MULTILINE)
    titles = [entry.findtext(f"{ATOM}title") for entry in entries]
    assert [t for t in titles if t.startswith("Corr")] == [
        f"Corrections of {c}" for c in corrections
    ]
    assert any(t.startswith("Pages changed") for t in titles) == bool(last_commit("index.md"))
    assert all(head.links["alternate"].endswith("feed.xml") for head in heads.values())


@pytest.mark.parametrize("page", ["index.md", "history/carousel.md"])
def test_a_page_says_when_it_was_changed_and_has_other_versions(built, page):
    text = (built / url(page) / "index.html").read_text("utf-8")
    assert ("Last changed" in text) == bool(last_commit(page))
    depth = "../" * url(page).count("/")
    assert re.search(rf'<a href="(\./)?{re.escape(depth)}versions/0.0.9/">0.0.9</a>', text)


def test_the_record_for_zenodo_agrees_with_the_citation_file():
    record = json.loads((ROOT / ".zenodo.json").read_text("utf-8"))
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    for field in ("title", "version", "license"):
        assert re.search(rf'^{field}: "?{re.escape(record[field])}"?$', citation, re.MULTILINE)
    assert f"name: {record['creators'][0]['name']}" in citation
    for related in record["related_identifiers"]:
        assert f"doi: {related['identifier']}" in citation
    page = (ROOT / "site/content/citing.md").read_text("utf-8")
    assert f"version = {{{record['version']}}}" in page


SAYS = """
import logging
logging.basicConfig(level=logging.INFO)
import lstm_machines
from mkdocs.config import load_config
lstm_machines.on_config(load_config("mkdocs.yml"))
"""


@pytest.mark.parametrize("missing", ["SITE_URL", "REPO_URL"])
def test_a_build_without_an_address_says_so_once(missing):
    pytest.importorskip("mkdocs")
    given = {"SITE_URL": ADDRESS, "REPO_URL": REPOSITORY} | {missing: ""}
    path = os.pathsep.join(["site/extensions", "site/figures"])
    environment = os.environ | given | {"PYTHONPATH": path, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-c", SAYS]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr.count("is not set") == done.stderr.count(f"{missing} is not set") == 1
