"""What the site and the example say of the conversion is so."""

import re
import runpy
from pathlib import Path

import pytest

from keras_lstm_ext.convert import LAYOUTS, Layout

ROOT = Path(__file__).parents[2]


def row(layout: Layout) -> str:
    peepholes = re.findall(r"p_(\w)", " ".join(layout.arrays.values()))
    added = "stored" if layout.forget_bias is None else f"adds {layout.forget_bias}"
    cells = [
        f"`{layout.name}`",
        layout.system,
        ", ".join(layout.order),
        ", ".join(peepholes) or "none",
        added,
        ", ".join(layout.states),
    ]
    return f"| {' | '.join(cells)} |"


def test_the_table_of_layouts() -> None:
    page = (ROOT / "site/content/api/convert.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [row(layout) for layout in LAYOUTS.values()]


@pytest.mark.slow
def test_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    difference, arrays = runpy.run_path(str(ROOT / "examples/load_old_weights.py"))["main"]()
    assert difference < 1e-5
    assert list(arrays) == ["W", "R", "B", "P"]
    assert "PeepholeLSTM accepts peepholes" in capsys.readouterr().out
