"""Equations on the site: TeX, number, source and code of a function of the reference."""

import re
from collections.abc import Iterator

import lstm_sources
from lstm_sources import Equation

MODULES = (
    "functions",
    "cec",
    "original",
    "classic",
    "peephole",
    "coupled",
    "projected",
    "normalized",
    "zoneout",
    "nets",
    "truncated",
)
"""The modules with equations, in the order in which the site shows them."""

TESTS = {
    "layers": "the layers compared with the reference",
    "differences": "the way back compared with finite differences",
    "truncated": "the truncated gradient computed in two ways",
    "zoneout": "layers with zoneout compared with the reference",
}
"""Sections of the page with the tests, and what each of them shows."""

PAGES = {
    "functions": "index",
    "nets": "gradients",
    "truncated": "gradients",
    "normalized": "layer-norm",
}
"""Pages of the modules that have none of their own."""


def equation(name: str) -> Iterator[str]:
    """The Markdown of one equation, by a name such as `peephole.output_gate`."""
    shown = lstm_sources.equation(name)
    yield from ("", f'<div class="equation" id="{shown.id}" markdown>', "")
    yield from ("$$", shown.tex, "$$", "")
    yield _copy("TeX", shown.tex)
    yield f'<a class="equation-number" href="#{shown.id}">({shown.label})</a> {_source(shown)}'
    yield ""
    if shown.code:
        yield from (f'```python title="keras_lstm_ext.reference.{shown.name}"', shown.code, "```")
        yield from ("", _copy("NumPy", shown.code), f"Tested: {_tests(shown)}.")
    yield from ("", "</div>", "")


def equations(module: str) -> Iterator[str]:
    """All equations of a module, each under a heading of its own."""
    for shown in lstm_sources.equations(module):
        if shown.function:
            anchor = re.sub(r"[._]", "-", shown.function)
            yield from ("", f"## {shown.title} {{: #{anchor} }}", "")
            yield from (shown.summary, "")
            yield from equation(shown.name)


def index() -> Iterator[str]:
    """A table of every equation with its number and function."""
    yield from ("", "| number | equation | function |", "|---|---|---|")
    for module in MODULES:
        for shown in lstm_sources.equations(module):
            if shown.function:
                function = f"`{shown.name}`"
                yield f"| {link(shown.name)} | {shown.summary.rstrip('.')} | {function} |"
    yield ""


def concordance() -> Iterator[str]:
    """A table of the 1997 paper's equations with their numbers in journal and preprint."""
    yield from ("", "| journal | preprint | equation | here |", "|---|---|---|---|")
    for found in lstm_sources.concordance():
        here = link(found["here"]) if "here" in found else ""
        preprint = found.get("preprint", "not compared")
        yield f"| {found['journal']} | {preprint} | {found['what']} | {here} |"
    yield ""


def link(name: str) -> str:
    """A Markdown link to an equation, with its number as text."""
    shown = lstm_sources.equation(name)
    page = PAGES.get(shown.module, shown.module)
    return f"[({shown.label})](/equations/{page}.md#{shown.id})"


def tests(path: str) -> Iterator[str]:
    """The source of a file with tests."""
    text = (lstm_sources.ROOT / path).read_text("utf-8")
    yield from ("", f'```python title="{path}"', text.rstrip(), "```", "")


def _tests(shown: Equation) -> str:
    names = [shown.module if shown.module in TESTS else "layers"]
    if shown.function.endswith("backward"):
        names.append("differences")
    return ", ".join(f"[{TESTS[name]}](/equations/tests.md#{name})" for name in names)


def _copy(what: str, text: str) -> str:
    return f'<button type="button" data-clipboard-text="{_attribute(text)}">Copy {what}</button>'


def _source(shown: Equation) -> str:
    cited = [f"[@{s['key']}]{_place(s)}" for s in shown.sources]
    return "; ".join(cited) + "."


def _place(source: dict[str, str]) -> str:
    where = source.get("where", "")
    if source["key"] == "hochreiter1997long":
        where = lstm_sources.with_preprint(where)
    return where and f", {where}"


def _attribute(text: str) -> str:
    """Text for an attribute: nothing in it may mean anything to Markdown."""
    return re.sub(r"[^a-zA-Z0-9 ]", lambda match: f"&#{ord(match[0])};", text)
