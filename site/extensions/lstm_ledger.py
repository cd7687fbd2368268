"""The page of the ledger: every statement of the history with place and words of its sources."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Any

import lstm_citations
import lstm_sources

LONGEST = 90


@cache
def _table(name: str) -> dict[str, Any]:
    path = lstm_sources.SITE / "ledger" / f"{name}.toml"
    return tomllib.loads(path.read_text("utf-8"))


def ledger() -> Iterator[str]:
    """All statements, page by page."""
    for page, statements in groupby(_table("statements")["statement"], key=lambda s: s["page"]):
        of_page = list(statements)
        title = lstm_citations.titles()[page]
        yield from ("", f"## {title} {{: #{page.removesuffix('.md').replace('/', '-')} }}", "")
        yield f"[The page](/{page}), {len(of_page)} statements."
        yield from ("", '<div class="ledger" markdown>', "")
        for statement in of_page:
            yield from _statement(statement)
        yield from ("", "</div>", "")


def _statement(statement: dict[str, Any]) -> Iterator[str]:
    """A statement, by its address and the words it begins with, and what carries it."""
    page, name = statement["page"], statement["id"]
    words = _plain(_block(statement))
    # A claim has its address on its page, the others have it here.
    here = f"(#{name}){{: #{name} }}" if "begins" in statement else f"(/{page}#{name})"
    yield from ("", f"{words} [{name}]{here} {statement['date']}")
    for source in statement["sources"]:
        yield f":   {_passage(*source.split('/'))}"


def _passage(key: str, name: str) -> str:
    passage = _table("passages")[key][name]
    reference = lstm_citations.known(key)
    link = f"[{lstm_citations.labels()[key]}]({lstm_citations.PAGE}#{key})"
    quote = f" \u201c{passage['quote']}\u201d" if "quote" in passage else ""
    return f"{link}, {passage['place']}.{quote} *Read: {lstm_citations.known_how(reference)}.*"


def _block(statement: dict[str, Any]) -> str:
    """The paragraph, list item or row of a table that a statement is."""
    for block in _blocks(statement["page"]):
        begins = statement.get("begins")
        if block.startswith(begins) if begins else f"{{: #{statement['id']} }}" in block:
            return block
    raise ValueError(f"the ledger's {statement['id']} is not on {statement['page']}")


@cache
def _blocks(page: str) -> tuple[str, ...]:
    text = (lstm_sources.SITE / "content" / page).read_text("utf-8")
    parts = re.split(r"\n\s*\n|\n(?=\||\* )", text)
    return tuple(" ".join(part.split()) for part in parts)


def _plain(block: str) -> str:
    """The first words of a block, without its markup."""
    text = re.sub(r"\s*\[@[^\]]*\]|\{:[^}]*\}", "", block)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\$[^$]*\$", "\u2026", text)
    text = re.sub(r"\s*\|\s*", ", ", re.sub(r"[*`]", "", text)).strip(" ,")
    text = re.sub(r"[\[\]<>_\\]", " ", text)
    if len(text) > LONGEST:
        text = text[:LONGEST].rsplit(" ", 1)[0] + " \u2026"
    return text
