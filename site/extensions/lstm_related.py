"""Links between a page of the history, its equations, its figures and its runs, from one table."""

import tomllib
from collections.abc import Iterator
from functools import cache

import lstm_citations
import lstm_sources

KINDS = {"equations": "Equations", "figures": "To be moved", "runs": "Run again"}


@cache
def table() -> dict[str, dict[str, list[str]]]:
    """By page of the history, the pages of each kind that belong to it."""
    return tomllib.loads((lstm_sources.SITE / "includes" / "related.toml").read_text("utf-8"))


def related(page: str) -> Iterator[str]:
    """The list items of a page: what belongs to it, or which history it belongs to."""
    if page in table():
        for kind, name in KINDS.items():
            if pages := table()[page].get(kind):
                yield f"* {name}: {_links(pages)}"
    else:
        pages = [
            told
            for told, by_kind in table().items()
            if any(page in pages for pages in by_kind.values())
        ]
        yield f"* History: {_links(pages)}"


def _links(pages: list[str]) -> str:
    if not pages:
        raise ValueError("::related: the page is not in related.toml")
    return ", ".join(f"[{lstm_citations.titles()[page]}](/{page})" for page in pages)
