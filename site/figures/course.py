"""The drawings of the course: what the code of each lesson computes, run while the site is built.

The lessons that need Keras are drawn from a record of their run, which `record_course.py` makes.
"""

import re
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from typing import Any

import lanes
import lstm_sources
import numpy as np
from lanes import Lane

Values = dict[str, Any]
Drawn = tuple[str, str]
FOLDER = lstm_sources.SITE / "content" / "course"


def draw(name: str) -> Drawn:
    """The SVG of a lesson, and what is to be seen in it."""
    return LESSONS[name](run(name))


@cache
def run(name: str) -> Values:
    """What the code of a lesson has made when its exercise begins."""
    text = (FOLDER / f"{name}.md").read_text("utf-8").split("\n## Exercise\n")[0]
    values: Values = {}
    with redirect_stdout(StringIO()):
        for block in re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            exec(block, values)
    return values


def carousel(v: Values) -> Drawn:
    """The state of the carousel while it should only keep."""
    series = {f"sequence {k}": states for k, states in enumerate(v["c"][:3], 1)}
    picture = lanes.draw("carousel", "What a carousel holds", [Lane(series, high=150)])
    return picture, (
        "The state <i>c</i> with weight 1, in three sequences. It is to stay at the number of the "
        "first step. All numbers that follow are added to it as well."
    )


LESSONS: dict[str, Callable[[Values], Drawn]] = {
    "04-carousel": carousel,
}
