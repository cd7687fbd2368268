"""The notebooks of the course run, and print what the pages say."""

import json
import re
from pathlib import Path

import pytest

from tests import backends

pytestmark = pytest.mark.skipif(
    backends.BACKEND != "tensorflow", reason="the course is written for the TensorFlow backend"
)

COURSE = Path(__file__).parents[1] / "site" / "content" / "course"
LESSONS = sorted(COURSE.glob("[0-9]*.md"))
BLOCK = re.compile(
    r"^```python\n(.*?)^```$(?:\n\n```output\n(.*?)^```$)?", re.DOTALL | re.MULTILINE
)
SLOW = {"06-forget-gate", "07-peepholes"}
"""Lessons that take more than a second."""


def code(lesson: Path) -> list[str]:
    notebook = json.loads(lesson.with_suffix(".ipynb").read_text("utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)
    return ["".join(cell["source"]) for cell in cells]


@pytest.mark.parametrize(
    "lesson",
    [
        pytest.param(lesson, id=lesson.stem, marks=[pytest.mark.slow] * (lesson.stem in SLOW))
        for lesson in LESSONS
    ],
)
def test_the_notebook_prints_what_the_page_says(
    lesson: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = BLOCK.findall(lesson.read_text("utf-8"))
    cells = code(lesson)
    assert len(cells) == len(blocks) >= 2
    namespace = {"__name__": "__main__"}
    for cell, (on_page, printed) in zip(cells, blocks, strict=True):
        assert cell.removeprefix("# @title Answer\n") == on_page.strip()
        exec(compile(cell, lesson.with_suffix(".ipynb"), "exec"), namespace)
        assert capsys.readouterr().out == printed


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_every_lesson_has_its_parts(lesson: Path) -> None:
    text = lesson.read_text("utf-8")
    assert f"\n# {int(lesson.stem[:2])}. " in text
    assert f"\n::lesson {lesson.stem}\n" in text
    assert text.count("```output") == len([b for b in BLOCK.findall(text) if b[1]]) >= 1
    for part in ("\n$$", "\n## The code\n", "\n## Exercise\n", "<summary>Answer</summary>"):
        assert part in text
    assert re.search(r"\[@\w+", text.split("\n## Who and when\n")[1])
