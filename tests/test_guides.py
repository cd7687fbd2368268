"""The Python of the guides, of the site's other pages and of README runs, page by page.

A block that needs something that is not everywhere says so in its title, ```` ```python
title="needs PyTorch" ````; its page then runs twice, without such blocks and with them.
"""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import backends

pytestmark = pytest.mark.skipif(
    backends.BACKEND != "tensorflow", reason="the guides are written for the TensorFlow backend"
)

ROOT = Path(__file__).parents[1]
CONTENT = ROOT / "site" / "content"
# The course runs in test_course.py.
PAGES = [p for p in sorted(CONTENT.rglob("*.md")) if p.parent.name != "course"]
PAGES = [ROOT / "README.md", *PAGES]
BLOCK = re.compile(r"^```python(.*)\n((?s:.*?))^```$", re.MULTILINE)
NEEDS = re.compile(r'title="needs (.+?)"')
MODULES = {"JAX": "jax", "ONNX": "onnx", "ONNX Runtime": "onnxruntime", "PyTorch": "torch"}


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """What each block needs, if anything, and its code on the lines that it has in the page."""
    text = page.read_text("utf-8")
    for block in BLOCK.finditer(text):
        need = NEEDS.search(block[1])
        yield need[1] if need else "", "\n" * text.count("\n", 0, block.start(2)) + block[2]


def cases() -> Iterator[object]:
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        needs = {need for need, _ in blocks(page)}
        slow = [pytest.mark.slow] if page.parent.name == "guides" else []
        if needs:
            yield pytest.param(page, "", id=name, marks=slow)
        for need in sorted(needs - {""}):
            missing = importlib.util.find_spec(MODULES[need]) is None
            skip = pytest.mark.skipif(missing, reason=f"{need} is not installed")
            yield pytest.param(page, need, id=f"{name} with {need}", marks=[*slow, skip])


@pytest.mark.parametrize(("page", "available"), list(cases()))
def test_page_runs(
    page: Path, available: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a guide may write files
    namespace = {"__name__": "__main__"}
    for need, code in blocks(page):
        if need in ("", available):
            exec(compile(code, page, "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_python_block_is_found(page: Path) -> None:
    assert len(list(blocks(page))) == len(re.findall(r"(?m)^ *```+ *py", page.read_text("utf-8")))
