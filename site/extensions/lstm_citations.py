"""Citations, `[@gers1999learning; @gers2000learning]`, and the bibliography page."""

import html
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from xml.etree import ElementTree

import lstm_sources
from markdown import Extension, Markdown
from markdown.inlinepatterns import InlineProcessor

from keras_lstm_ext.citations import Reference, references

CITATION = r"\[(@[a-z0-9]+(?:\s*;\s*@[a-z0-9]+)*)\]"
PAGE = "/bibliography.md"


def authors(reference: Reference) -> list[str]:
    """Names as `Family, Given`."""
    return [name.strip() for name in reference.text("author").split(" and ")]


def short(reference: Reference) -> str:
    """`Gers, Schmidhuber and Cummins 2000`."""
    families = [name.split(",")[0] for name in authors(reference)]
    if len(families) > 3 or families[-1] == "others":
        who = f"{families[0]} et al."
    else:
        who = " and ".join([", ".join(families[:-1]), families[-1]] if families[1:] else families)
    return f"{who} {reference.text('year')}"


@cache
def labels() -> dict[str, str]:
    """The short forms by key; of equal ones, all but a journal article get a letter."""
    alike: dict[str, list[Reference]] = {}
    for reference in references().values():
        alike.setdefault(short(reference), []).append(reference)
    lettered = {}
    for label, group in alike.items():
        plain = [r for r in group if len(group) == 1 or r.kind == "article"][:1]
        others = [r for r in group if r not in plain]
        lettered |= {r.key: label for r in plain}
        lettered |= {r.key: label + letter for r, letter in zip(others, "abcdefgh", strict=False)}
    return lettered


def addresses(reference: Reference) -> Iterator[str]:
    """Where the work can be found, what is free to read last; nothing where nothing is known."""
    if "doi" in reference.fields:
        yield f"https://doi.org/{reference.fields['doi']}"
    if "url" in reference.fields:
        yield reference.fields["url"]
    if _eprint(reference):
        yield f"https://arxiv.org/abs/{_eprint(reference)}"


def known_how(reference: Reference) -> str:
    """How the work is known here, with works in place of their keys."""
    return re.sub(r"\b[a-z]+\d{4}[a-z]+\b", lambda m: labels()[m[0]], reference.read)


def _eprint(reference: Reference) -> str:
    return reference.fields.get("eprint", "")


def full(reference: Reference) -> str:
    """The reference as a line of plain text."""
    names = "; ".join("and others" if name == "others" else name for name in authors(reference))
    parts = [f"{names} ({reference.text('year')})", reference.text("title"), *_place(reference)]
    return ". ".join(parts).replace("?.", "?") + "."


def _place(reference: Reference) -> Iterator[str]:
    for field in ("journal", "booktitle", "school", "institution", "publisher"):
        if field in reference.fields:
            yield ", ".join([reference.text(field), *_numbers(reference)])
            break
    else:
        if _eprint(reference):
            yield f"arXiv:{_eprint(reference)}"
    if reference.kind in ("mastersthesis", "phdthesis"):
        yield reference.text("type") or {"phdthesis": "PhD thesis"}.get(reference.kind, "Thesis")
    if "note" in reference.fields:
        yield reference.text("note")


def _numbers(reference: Reference) -> Iterator[str]:
    volume, number = reference.text("volume"), reference.text("number")
    if reference.kind == "techreport":
        yield f"{reference.text('type') or 'Technical report'} {number}".strip()
    elif volume:
        yield f"{volume}({number})" if number else volume
    if pages := reference.text("pages"):
        yield f"pages {pages}"


class CitationProcessor(InlineProcessor):
    """Renders a citation as links to the bibliography, the reference as their title."""

    def handleMatch(  # type: ignore[override]
        self, m: re.Match[str], data: str
    ) -> tuple[ElementTree.Element, int, int]:
        """Called by Python-Markdown."""
        span = ElementTree.Element("span", {"class": "citation"})
        span.text = "("
        keys = [key.strip().lstrip("@") for key in m[1].split(";")]
        cited(self.md).update(dict.fromkeys(keys))
        for key in keys:
            link = ElementTree.SubElement(span, "a", {"href": f"{PAGE}#{key}"})
            link.set("title", f"{full(known(key))} Read: {known_how(known(key))}.")
            link.text = labels()[key]
            link.tail = "; "
        link.tail = ")"
        return span, m.start(0), m.end(0)


def cited(md: Markdown) -> dict[str, None]:
    """The keys that a page has cited so far; every page has a `Markdown` of its own."""
    return vars(md).setdefault("lstm_cited", {})


def known(key: str) -> Reference:
    """The reference of a key, or an error that names it."""
    if key not in references():
        raise ValueError(f"[@{key}]: there is no such key in references.bib")
    return references()[key]


@cache
def uses() -> dict[str, list[tuple[str, str]]]:
    """For each key the pages that cite it, as source path and title."""
    found: dict[str, list[tuple[str, str]]] = {}
    for page, title in titles().items():
        for key in sorted(_keys((lstm_sources.SITE / "content" / page).read_text("utf-8"))):
            found.setdefault(key, []).append((page, title))
    return found


@cache
def titles() -> dict[str, str]:
    """The titles of all pages, by source path."""
    content = lstm_sources.SITE / "content"
    found = {}
    for page in sorted(content.rglob("*.md")):
        title = re.search(r"^# (.+?)(?: *\{.*\})?$", page.read_text("utf-8"), re.MULTILINE)
        name = title[1].replace("`", "") if title else page.stem
        found[page.relative_to(content).as_posix()] = name
    return found


def _keys(text: str) -> set[str]:
    """The keys that a page cites itself, and through the equations that it shows."""
    keys = {k for m in re.findall(CITATION, text) for k in re.findall(r"@(\w+)", m)}
    for plural, name in re.findall(r"^::equation(s?) +(\S+)", text, re.MULTILINE):
        shown = lstm_sources.equations(name) if plural else [lstm_sources.equation(name)]
        keys |= {source["key"] for equation in shown for source in equation.sources}
    return keys


def bibliography() -> Iterator[str]:
    """The lines of the bibliography page, oldest work first."""
    ordered = sorted(references().values(), key=lambda r: (r.text("year"), short(r)))
    for reference in ordered:
        yield from ("", f'<div class="reference" id="{reference.key}" markdown>', "")
        links = "".join(f" [{re.sub('https?://', '', a)}]({a})" for a in addresses(reference))
        yield f"**{html.escape(labels()[reference.key])}.** {html.escape(full(reference))}{links}"
        pages = [f"[{title}](/{path})" for path, title in uses().get(reference.key, [])]
        # Nobody searches for these words, which every page would load for its search.
        yield from ("", "<div data-search-exclude markdown>", "")
        yield from (f"Read: {html.escape(known_how(reference))}.", "")
        yield from (f"Cited on: {', '.join(pages)}." if pages else "Cited on no page.", "")
        yield from ('??? quote "BibTeX"', "", "    ```bibtex")
        yield from (f"    {line}" for line in reference.bibtex.splitlines())
        yield from ("    ```", "", "</div>", "", "</div>")


class CitationExtension(Extension):
    """Registers the inline processor before that of links."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Called by Python-Markdown."""
        md.inlinePatterns.register(CitationProcessor(CITATION, md), "lstm_citations", 175)


def makeExtension(**options: Any) -> CitationExtension:
    """Called by Python-Markdown."""
    return CitationExtension(**options)
