"""The lessons of the course: a row of links and a drawing on the page, and the page as a notebook.

Each lesson is written once, as `site/content/course/NAME.md`. Its notebook lies beside it, so that
it can be opened at its address in the repository; a test checks that it is what this makes.

Run: PYTHONPATH=.:site/extensions:site/figures python site/extensions/lstm_course.py
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import course
import lstm_citations
import lstm_sources

from keras_lstm_ext.files import whole

FOLDER = lstm_sources.SITE / "content" / "course"
_KERAS = "from keras_lstm_ext import"
"""What a lesson that needs more than NumPy has in its code."""

_NEEDED = """\
This notebook needs `keras_lstm_ext` and TensorFlow. Where they are missing, first run
`%pip install "keras-lstm-ext[cpu] @ git+ADDRESS"`, with the address of the repository that the
notebook is from."""

_PART = re.compile(r"^```(python|output)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

Cell = dict[str, Any]


def lessons() -> list[str]:
    """The names of all lessons, in their order."""
    return sorted(path.stem for path in FOLDER.glob("[0-9]*.md"))


def lesson(name: str) -> Iterator[str]:
    """What stands below the title of a lesson: where its notebook is, and its drawing."""
    ways = [f"[the notebook of this lesson]({name}.ipynb)"]
    repository = os.environ.get("REPO_URL", "")
    if address := colab(repository, name):
        ways.append(f"[open it in Colab]({address})")
        if _KERAS in (FOLDER / f"{name}.md").read_text("utf-8"):
            need = f'%pip install "keras-lstm-ext[cpu] @ git+{repository}"'
            ways.append(f"where `{need}` comes first")
    yield from ("", f"Lesson {int(name[:2])} of {len(lessons())}: {', '.join(ways)}.", "")
    picture, caption = course.draw(name)
    yield from ('<figure class="lesson">', picture, f"<figcaption>{caption}</figcaption>")
    yield from ("</figure>", "")


def colab(repository: str, name: str) -> str:
    """The address at which Colab opens a notebook of a repository on GitHub, "" elsewhere."""
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", repository)
    path = f"blob/main/{(FOLDER / name).relative_to(lstm_sources.ROOT).as_posix()}.ipynb"
    return f"https://colab.research.google.com/github/{found[1]}/{path}" if found else ""


def overview() -> Iterator[str]:
    """The lessons as a list."""
    yield ""
    for name in lessons():
        text = (FOLDER / f"{name}.md").read_text("utf-8")
        title = lstm_citations.titles()[f"course/{name}.md"]
        description = text.partition("\ndescription: ")[2].partition("\n")[0]
        number, _, title = title.partition(". ")
        yield f"{number}. **[{title}]({name}.md)** {description}"
    yield ""


def notebook(name: str) -> dict[str, Any]:
    """A lesson as a notebook."""
    text = (FOLDER / f"{name}.md").read_text("utf-8")
    cells = [
        cell | {"id": f"{name}-{number}"} for number, cell in enumerate(_cells(_plain(text)), 1)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    language = {"name": "python"}
    metadata = {"kernelspec": kernel, "language_info": language}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _cells(text: str) -> Iterator[Cell]:
    """Prose and code by turns; the code of an answer is folded, as its prose is."""
    folded = False
    parts = _PART.split(text)
    for prose, kind, code in zip(parts[::3], [*parts[1::3], ""], [*parts[2::3], ""], strict=True):
        if kind == "output":
            assert not prose.strip(), "something is between a block and what it prints"
            continue
        opened = "<details" in prose
        folded = opened or (folded and "</details>" not in prose)
        words = re.sub(r"<details.*?>\n(<summary>.*?</summary>)", r"<details>\1", prose).strip()
        if opened and "</details>" not in prose:
            words += "\n\n</details>"
        elif not opened:
            words = words.removeprefix("</details>").strip()
        if words:
            yield {"cell_type": "markdown", "metadata": {}, "source": _lines(words)}
        if code:
            yield _code(code, folded)


def _code(code: str, folded: bool) -> Cell:
    hidden = {"jupyter": {"source_hidden": True}, "cellView": "form"} if folded else {}
    source = f"# @title Answer\n{code}" if folded else code
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": hidden,
        "outputs": [],
        "source": _lines(source),
    }


def _plain(text: str) -> str:
    """The text of a page without what only the site understands."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    need = _NEEDED if _KERAS in text else ""
    text = re.sub(r"^::lesson .*$", need, text, flags=re.MULTILINE)
    text = re.sub(r"^\{:.*\}\n", "", text, flags=re.MULTILINE)
    text = re.sub(lstm_citations.CITATION, _citation, text)
    return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]*\)", r"\1", text)


def _citation(match: re.Match[str]) -> str:
    links = []
    for key in re.findall(r"@(\w+)", match[1]):
        address = next(lstm_citations.addresses(lstm_citations.known(key)), "")
        label = lstm_citations.labels()[key]
        links.append(f"[{label}]({address})" if address else label)
    return f"({'; '.join(links)})"


def _lines(text: str) -> list[str]:
    return text.strip().splitlines(keepends=True)


def main(folder: Path) -> None:
    """Writes all notebooks."""
    for name in lessons():
        text = json.dumps(notebook(name), ensure_ascii=False, indent=1) + "\n"
        with whole(folder / f"{name}.ipynb") as path:
            path.write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
