"""The ledger of statements against the pages, the bibliography and the texts of the sources."""

import os
import re
import tomllib
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from tests.site import fingerprints
from tests.site.sources import PAGES, ROOT, bibliography_keys, cited_keys, read

OTHERS = ("index.md", "claims.md", "faq.md", "who-invented-lstm.md", "what-is-lstm.md")
OTHERS += ("experiments/1997-live.md", "experiments/2017.md")
AUDITED = [page for page in PAGES if page.startswith("history/") or page in OTHERS]
IDS = Path(__file__).with_name("ledger_ids.txt").read_text("utf-8").split()


def table(name):
    return tomllib.loads((ROOT / "site" / "ledger" / f"{name}.toml").read_text("utf-8"))


STATEMENTS = table("statements")["statement"]
PASSAGES = {
    f"{key}/{name}": passage
    for key, of_key in table("passages").items()
    for name, passage in of_key.items()
}
QUOTED = {name: passage["quote"] for name, passage in PASSAGES.items() if "quote" in passage}


@cache
def blocks(page):
    """Paragraphs, list items and rows of tables of a page, each on one line."""
    text = re.sub(r"\A---\n.*?\n---\n", "", read(page), flags=re.DOTALL)
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    parts = re.split(r"\n\s*\n|\n(?=\||\* )", text)
    return [" ".join(part.split()) for part in parts if part.strip()]


def found(statement):
    """The blocks of its page that a statement of the ledger may mean."""
    if "begins" in statement:
        return [b for b in blocks(statement["page"]) if b.startswith(statement["begins"])]
    return [b for b in blocks(statement["page"]) if f"{{: #{statement['id']} }}" in b]


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: s["id"])
def test_a_statement_is_on_its_page_with_its_sources(statement):
    (block,) = found(statement)
    assert cited_keys(block) == {source.split("/")[0] for source in statement["sources"]}
    assert set(statement["sources"]) <= PASSAGES.keys()
    assert date(2026, 11, 26) <= statement["date"]


@pytest.mark.parametrize("page", AUDITED)
def test_every_statement_with_a_source_is_in_the_ledger(page):
    recorded = [b for s in STATEMENTS if s["page"] == page for b in found(s)]
    assert [b for b in blocks(page) if cited_keys(b) and b not in recorded] == []
    assert len(recorded) == len(set(recorded))


def test_ids_are_permanent():
    ids = [statement["id"] for statement in STATEMENTS]
    assert len(ids) == len(set(ids))
    assert sorted(set(IDS) - set(ids)) == [], "a statement may change, its id may not disappear"
    assert sorted(set(ids) - set(IDS)) == [], "add new ids to ledger_ids.txt"


@pytest.mark.parametrize("name", PASSAGES)
def test_a_passage_is_of_a_known_work_and_used(name):
    assert name.split("/")[0] in bibliography_keys()
    assert PASSAGES[name]["place"]
    assert any(name in statement["sources"] for statement in STATEMENTS)


@pytest.mark.parametrize("name", QUOTED)
def test_a_quotation_is_short_and_in_its_text(name):
    key, quote = name.split("/")[0], QUOTED[name]
    assert len(quote.split()) < 25
    kept = fingerprints.known(key)
    assert kept is not None, f"no fingerprints of {key}: quote only what can be looked up"
    groups = fingerprints.groups(quote, key)
    assert len(groups) >= 3, "too short to be told from other words"
    assert groups <= kept


@pytest.mark.parametrize("name", ["hochreiter1997long/naive", "gers1999report/degenerate"])
def test_a_misquotation_is_found(name):
    key, quote = name.split("/")[0], QUOTED[name]
    words = quote.split()
    for at in range(4, len(words) - 4):
        wrong = " ".join([*words[:at], "not", *words[at:]])
        assert not fingerprints.groups(wrong, key) <= fingerprints.known(key)
    assert not fingerprints.groups(quote, key) <= fingerprints.known("sutskever2014sequence")


def test_quotations_are_in_the_texts_themselves():
    folder = os.environ.get("LSTM_TEXTS")
    if not folder:
        pytest.skip("LSTM_TEXTS is not set: a folder with the works as KEY.txt or KEY.pdf")
    found = [path for path in Path(folder).iterdir() if path.suffix in (".txt", ".pdf")]
    texts = {path.stem: fingerprints.text_of(path) for path in found}
    assert texts
    for key, text in texts.items():
        assert fingerprints.groups(text, key) == fingerprints.known(key)
        quotes = [quote for name, quote in QUOTED.items() if name.split("/")[0] == key]
        plain = fingerprints.letters(text, key)
        assert [quote for quote in quotes if fingerprints.letters(quote, key) not in plain] == []
