"""Citations and layout of the site's sources: quick checks that need no build."""

import re
import subprocess
import tomllib

import pytest

from tests.site.sources import CONTENT, PAGES, ROOT, bibliography_keys, cited_keys, read

HISTORY = [page for page in PAGES if page.startswith("history/")]


@pytest.mark.parametrize("page", PAGES)
def test_citations_are_in_the_bibliography(page):
    assert cited_keys(read(page)) <= set(bibliography_keys())


def test_sources_of_equations_and_timeline_are_in_the_bibliography():
    tables = [ROOT / "site/includes/sources.toml", ROOT / "site/figures/events.toml"]
    for table in tables:
        entries = [e for group in tomllib.loads(table.read_text("utf-8")).values() for e in group]
        assert {entry["key"] for entry in entries} <= set(bibliography_keys())


RELATED = tomllib.loads((ROOT / "site/includes/related.toml").read_text("utf-8"))


def test_history_equations_figures_and_runs_link_each_other():
    assert set(RELATED) == set(HISTORY)
    there = {page for by_kind in RELATED.values() for pages in by_kind.values() for page in pages}
    assert there <= set(PAGES) - set(HISTORY)
    written = {page: re.findall(r"^::related (.+)$", read(page), re.MULTILINE) for page in PAGES}
    expected = {page: [page] if page in RELATED or page in there else [] for page in PAGES}
    assert written == expected


def test_each_page_of_the_history_has_a_drawing():
    drawn = r"^::(drawing|cell|timeline)\b"
    assert [page for page in HISTORY if not re.search(drawn, read(page), re.MULTILINE)] == []


CITED_1997 = re.compile(r"\b(?:A\.\d+|eqs? \(\d+\)|equations? \d+)")


def test_equations_of_1997_have_their_numbers_in_journal_and_preprint():
    table = tomllib.loads((ROOT / "site/includes/concordance.toml").read_text("utf-8"))["equation"]
    assert [e["journal"] for e in table] == ["3.1", "3.2", *(f"A.{n}" for n in range(1, 40))]
    assert [e.get("preprint") for e in table] == [*range(1, 29), *[None] * 13]
    numbers = {e["journal"] for e in table}
    code = [ROOT / "keras_lstm_ext/activations.py"]
    code += [*(ROOT / "keras_lstm_ext/reference").glob("*.py")]
    code += [*(ROOT / "keras_lstm_ext/layers").glob("*.py")]
    for path in code:
        text = path.read_text("utf-8")
        # A number of the preprint would send whoever follows the DOI astray.
        assert set(CITED_1997.findall(text)) <= numbers, path


def test_every_reference_is_cited_on_some_page():
    cited = set().union(*(cited_keys(read(page)) for page in PAGES))
    assert sorted(set(bibliography_keys()) - cited) == []


def test_keys_are_unique():
    assert len(bibliography_keys()) == len(set(bibliography_keys()))


def paragraphs(text):
    """The paragraphs of prose of a page; lists, tables, formulas and "See also" are none."""
    body = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    body = re.sub(r"^```.*?^```", "", body, flags=re.DOTALL | re.MULTILINE)
    body = re.split(r"^## See also", body, flags=re.MULTILINE)[0]
    for block in re.split(r"\n\s*\n", body):
        if block.strip() and not re.match(r"\s*(#|\||\$\$|<|::|\* |- |\d+\. |!!!|\?\?\?)", block):
            yield block.strip()


@pytest.mark.parametrize("page", HISTORY)
def test_paragraphs_of_the_history_cite_a_source(page):
    uncited = [
        paragraph
        for paragraph in paragraphs(read(page))
        if not cited_keys(paragraph) and not paragraph.endswith("{: .uncited }")
    ]
    assert uncited == []


@pytest.mark.parametrize("page", PAGES)
def test_pages_have_a_description_and_one_title(page):
    text = re.sub(r"^```.*?^```", "", read(page), flags=re.DOTALL | re.MULTILINE)
    assert re.match(r"---\n(.*\n)*?description: .{20,}", text)
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8").split("\nnav:\n")[1]
    assert sorted(re.findall(r"[\w/-]+\.md", navigation)) == PAGES


def test_the_output_folder_is_not_the_folder_of_the_sources():
    configuration = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert "\nsite_dir: build/site\n" in configuration
    assert "\ndocs_dir: site/content\n" in configuration


def test_pages_are_cited_with_the_date_of_the_release():
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    released = re.search(r"^date-released: (\S+)", citation, re.MULTILINE)[1]
    assert f'released: "{released}"' in (ROOT / "mkdocs.yml").read_text("utf-8")


def test_sources_are_not_ignored_by_git_and_output_is():
    def ignored(path):
        command = ["git", "check-ignore", "--quiet", path]
        return subprocess.run(command, cwd=ROOT, check=False).returncode == 0

    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    assert not ignored("site/content/bibliography.md")
    assert ignored("build/site/index.html")
    assert ignored("site/content/assets/katex/katex.min.css")


def test_nothing_in_site_is_a_package():
    assert list(CONTENT.parent.rglob("__init__.py")) == []
