"""The notebooks of the course are what its pages say, and can be opened where they are."""

import importlib.util
import json
import os
import re
import subprocess
import sys

import pytest

from tests.site.sources import CONTENT, ROOT

LESSONS = sorted(path.stem for path in (CONTENT / "course").glob("[0-9]*.md"))


def course(*arguments):
    if importlib.util.find_spec("markdown") is None:
        pytest.skip("the site's tools are not installed: pip install -e .[docs]")
    folders = os.pathsep.join([".", "site/extensions", "site/figures"])
    command = [sys.executable, *arguments]
    environment = os.environ | {"PYTHONPATH": folders}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_notebooks_are_made_from_the_pages(tmp_path):
    course("site/extensions/lstm_course.py", str(tmp_path))
    made = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert sorted(made) == [f"{name}.ipynb" for name in LESSONS]
    kept = {path.name: path.read_text("utf-8") for path in (CONTENT / "course").glob("*.ipynb")}
    assert kept == made, "run site/extensions/lstm_course.py"


@pytest.mark.parametrize("name", LESSONS)
def test_a_notebook_has_nothing_that_only_the_site_understands(name):
    notebook = json.loads((CONTENT / "course" / f"{name}.ipynb").read_text("utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(ids) == len(set(ids))
    prose = "".join(
        "".join(cell["source"]) + "\n"
        for cell in notebook["cells"]
        if cell["cell_type"] == "markdown"
    )
    assert re.findall(r"^::|\[@|\{:|^---|```|markdown=", prose, re.MULTILINE) == []
    assert [a for a in re.findall(r"\]\(([^)]*)\)", prose) if not a.startswith("http")] == []
    assert prose.count("<details>") == prose.count("</details>") == 1


@pytest.mark.parametrize("name", LESSONS)
def test_a_notebook_says_what_has_to_be_installed(name):
    text = (CONTENT / "course" / f"{name}.ipynb").read_text("utf-8")
    cells = json.loads(text)["cells"]
    keras = any("import keras\n" in c["source"] for c in cells if c["cell_type"] == "code")
    assert ("pip install" in "".join(cells[0]["source"])) == keras


def test_a_page_says_what_colab_needs_where_the_lesson_needs_it():
    said = course(
        "-c",
        "import os; os.environ['REPO_URL'] = 'https://github.com/a/b';"
        "import lstm_course as c;"
        "print(*(next(line for line in c.lesson(n) if line) for n in c.lessons()), sep='\\n')",
    ).splitlines()
    needs = {name for name, line in zip(LESSONS, said, strict=True) if "pip install" in line}
    assert all(f"of {len(LESSONS)}: " in line and "Colab" in line for line in said)
    assert needs == {"09-keras", "10-inside", "11-variants"}
    assert 'pip install "keras-lstm-ext[cpu] @ git+https://github.com/a/b"' in said[8]


def test_notebooks_on_github_open_in_colab():
    said = course(
        "-c",
        "import lstm_course as c;"
        "print(c.colab('https://github.com/a/b.c', '04-carousel'));"
        "print(c.colab('https://code.example/a/b', '04-carousel'))",
    )
    path = "a/b.c/blob/main/site/content/course/04-carousel.ipynb"
    assert said.splitlines() == [f"https://colab.research.google.com/github/{path}", ""]
