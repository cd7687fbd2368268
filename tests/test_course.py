"""The notebooks of the course run, and print what the pages say."""

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

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
SLOW = {
    "06-forget-gate",
    "07-peepholes",
    "08-full-gradient",
    "09-keras",
    "10-inside",
    "11-variants",
}
"""Lessons that take more than a second."""
RECORDER = Path(__file__).parents[1] / "site" / "figures" / "record_course.py"


def recorder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record_course", RECORDER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell, (on_page, printed) in zip(cells, blocks, strict=True):
        assert cell.removeprefix("# @title Answer\n") == on_page.strip()
        exec(compile(cell, lesson.with_suffix(".ipynb"), "exec"), namespace)
        assert capsys.readouterr().out == printed
    if lesson.stem in recorder().KEPT:
        assert_recorded(lesson.stem, namespace)


def assert_recorded(name: str, namespace: dict[str, Any]) -> None:
    """What was recorded is what the run has made, but for what roundings of float32 grow to."""
    made, drawn = recorder().kept(name, namespace), recorded()[name]
    assert made.keys() == drawn.keys()
    for now, then in zip(numbers(made), numbers(drawn), strict=True):
        assert now == pytest.approx(then, rel=0.02, abs=2e-3)


def numbers(tree: Any) -> Iterator[float]:
    """All numbers of what is recorded, in their order."""
    if isinstance(tree, float):
        yield tree
    elif not isinstance(tree, str):
        for branch in tree.values() if isinstance(tree, dict) else tree:
            yield from numbers(branch)


def recorded() -> dict[str, Any]:
    values: dict[str, Any] = json.loads(recorder().TARGET.read_text("utf-8"))
    return values


def test_what_is_drawn_was_recorded_from_the_code_that_a_lesson_has() -> None:
    """After a change: python site/figures/record_course.py."""
    needs = {lesson.stem for lesson in LESSONS if "import keras\n" in recorder().code(lesson.stem)}
    assert needs == set(recorder().KEPT)
    for name in needs:
        assert recorded()[name]["code"] == recorder().fingerprint(name), name


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_every_lesson_has_its_parts(lesson: Path) -> None:
    text = lesson.read_text("utf-8")
    assert f"\n# {int(lesson.stem[:2])}. " in text
    assert f"\n::lesson {lesson.stem}\n" in text
    assert text.count("```output") == len([b for b in BLOCK.findall(text) if b[1]]) >= 1
    for part in ("\n$$", "\n## The code\n", "\n## Exercise\n", "<summary>Answer</summary>"):
        assert part in text
    assert re.search(r"\[@\w+", text.split("\n## Who and when\n")[1])
