"""What the tests know of the site's sources, read without the site's own extensions."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADDRESS = "https://lstm.example/"
REPOSITORY = "https://code.example/lstm/keras_lstm_ext"
CONTENT = ROOT / "site" / "content"
PAGES = sorted(path.relative_to(CONTENT).as_posix() for path in CONTENT.rglob("*.md"))


def url(page):
    """The address of a page, relative to the root of the site."""
    folder = re.sub(r"(^|/)index\.md$", r"\1", page)
    return folder if folder != page else page.removesuffix(".md") + "/"


def read(page):
    return (CONTENT / page).read_text("utf-8")


def bibliography_keys():
    source = (ROOT / "keras_lstm_ext" / "references.bib").read_text("utf-8")
    return re.findall(r"^@\w+\{([^,\s]+),", source, re.MULTILINE)


def cited_keys(text):
    citations = re.findall(r"\[(@[^\]]+)\]", text)
    return {key for citation in citations for key in re.findall(r"@(\w+)", citation)}
