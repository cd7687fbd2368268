"""The pages of the experiments, read as files: board, tasks, networks, curves."""

import ast
import re
from itertools import combinations

import pytest

from tests.site.sources import PAGES, ROOT, url

pytestmark = pytest.mark.slow


def test_learning_curves_are_few_and_their_names_do_not_cover_each_other(built):
    pictures = [
        picture
        for page in sorted(built.glob("experiments/*/index.html"))
        for picture in re.findall(r"<svg (?:(?!</svg>).)*curves-.*?</svg>", page.read_text("utf-8"))
    ]
    assert len(pictures) >= 15
    for picture in pictures:
        curves = re.findall(r'<path class="trial (\w+)"', picture)
        names = re.findall(r'<text class="end (\w+)" x="(\d+)" y="(\d+)">(.+?)</text>', picture)
        assert [name[0] for name in names] == curves
        assert 1 <= len(curves) <= 5
        assert set(curves) <= {"paper", "variation", "today"}
        assert "paper" in curves
        for (_, x, y, name), (_, a, b, other) in combinations(names, 2):
            assert name != other
            assert x == a
            assert abs(int(y) - int(b)) >= 11
        assert max(int(y) for _, _, y, _ in names) <= 200, "on the axis"


def test_the_board_has_every_row_of_the_papers(built):
    page = (built / "experiments/index.html").read_text("utf-8")
    board = page.split('class="board"')[1].split("</div>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", board.split("<tbody>", 1)[1], re.DOTALL)
    source = (ROOT / "keras_lstm_ext/experiments/published.py").read_text("utf-8")
    tables = ["_2C", "_3", "_CERG", "_CNTO"]
    written = {
        node.target.id if isinstance(node, ast.AnnAssign) else node.targets[0].id: node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign | ast.Assign)
    }
    loops = sum(len(written[name].elts) for name in tables)
    alone = [e for e in written["PUBLISHED"].elts if isinstance(e, ast.Call)]
    of_2002 = 2 * 3
    rows = [row for row in rows if "<thead>" not in row and "verdict</th>" not in row]
    assert len(rows) == loops + len(alone) + of_2002
    verdicts = {re.search(r"<span class='[\w-]+'>(.*?)</span>", row)[1] for row in rows}
    stopped = {said for said in verdicts if re.fullmatch(r"stopped after [\d,]+", said)}
    assert stopped
    assert {"within the paper's range", "better", "worse"} <= verdicts - stopped
    assert verdicts - stopped <= {
        "within the paper's range",
        "better",
        "worse",
        "not run",
        "no number to compare",
    }
    for row in rows:
        assert ("trials solved it" in row) == ("not run" not in row)


TASKS = [p for p in PAGES if p.startswith("experiments/") and not re.search(r"\d{4}|index", p)]


@pytest.mark.parametrize("page", TASKS)
def test_a_page_of_an_experiment_has_task_network_procedure_and_runs(built, page):
    text = (built / url(page) / "index.html").read_text("utf-8")
    name = page.removeprefix("experiments/").removesuffix(".md")
    assert f'aria-labelledby="sample-{name}-title' in text
    assert f'aria-labelledby="network-{name}-title' in text
    counted = re.search(r"Weights: (.*?); together ([\d,]+)\.", text)
    parts = [int(n.replace(",", "")) for n in re.findall(r" (\d[\d,]*)(?=,|$)", counted[1])]
    assert sum(parts) == int(counted[2].replace(",", "")) > 0
    assert "initial weights" in text
    assert 'id="runs"' in text


def test_there_is_a_page_for_each_task():
    source = (ROOT / "keras_lstm_ext/tasks/__init__.py").read_text("utf-8")
    tasks = re.findall(r'^    "([\w-]+)": \w+\(', source, re.MULTILINE)
    assert len(tasks) == 16
    assert sorted(f"experiments/{task}.md" for task in tasks) == TASKS
