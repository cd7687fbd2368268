"""What the drawings of the history pages say, against counts made in another way."""

import json
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from tests.site.sources import ROOT

ASK = """
import json, sys
sys.path[:0] = [".", "site/extensions", "site/figures"]
import lstm_sources
import history, history_curves as c, history_networks as n, history_records as r
from keras_lstm_ext.variants import FAMILY
print(json.dumps({
    "drawn": {name: draw() for name, (draw, _) in history.DRAWINGS.items()},
    "paths": r.paths().tolist(), "labels": r.LABELS, "frames": r.FRAMES,
    "recalled": (r.recall()[1] == r.stored()[1]).tolist(),
    "factors": {w: c.factor(w) for w in (1.0, 4.0, 6.0, 11.0)},
    "fires": [t.o.item() for t in c.timer().trace], "period": c.PERIOD,
    "weights": c.weights_of(FAMILY["peephole"], 5, 3),
    "far": [n.distance(n.translator(a), "e1", "d3") for a in (False, True)],
    "ticks": max(n.ticks().values()),
}))
"""


@pytest.fixture(scope="module")
def said():
    """What the modules of the figures compute, in a process that does without Keras."""
    if subprocess.run([sys.executable, "-c", "import mkdocs"], check=False).returncode:
        pytest.skip("the site's tools are not installed: pip install -e .[docs]")
    command = [sys.executable, "-c", ASK]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_drawings_have_a_text_alternative(said):
    for name, svg in said["drawn"].items():
        assert "<title" in svg, name
        assert len(svg.split("<desc")[1].split("</desc>")[0]) > 40, name


def collapsed(path):
    """What a path of CTC means: repeated symbols are one, blanks are nothing."""
    kept = [s for n, s in enumerate(path) if n == 0 or s != path[n - 1]]
    return "".join(s for s in kept if s != "-")


def test_the_paths_are_those_that_collapse_to_the_labels(said):
    labels, frames = said["labels"], said["frames"]
    ways = [p for p in product(labels + "-", repeat=frames) if collapsed(p) == labels]
    through = np.array(said["paths"])
    assert (through.sum(axis=0) == len(ways)).all()
    assert len(ways) == 210, "the caption says so"
    for row, label in enumerate(labels):
        uses = [sum(p[t] == label for p in ways) for t in range(frames)]
        assert through[2 * row + 1].tolist() == uses


def test_a_larger_weight_is_no_way_out(said):
    factors = {float(w): f for w, f in said["factors"].items()}
    assert factors[1.0] == 0.25
    assert factors[4.0] == 1.0
    # Where it rests is a fixed point, so that the slope can be had from it in another way.
    for w in (6.0, 11.0):
        near = np.linspace(0.51, 1, 400_001)
        y = near[np.argmin(np.abs(1 / (1 + np.exp(w * (0.5 - near))) - near))]
        np.testing.assert_allclose(factors[w], w * y * (1 - y), atol=1e-3)
    assert factors[11.0] < factors[6.0] < 0.5


def test_the_cell_fires_at_every_period_and_at_no_other_step(said):
    fires = [n for n, o in enumerate(said["fires"], 1) if o > 0.5]
    assert fires == list(range(said["period"], len(said["fires"]) + 1, said["period"]))


def test_counts(said):
    assert all(said["recalled"])
    assert said["weights"] == 4 * (3 * 5 + 5 * 5 + 5) + 3 * 5
    assert said["far"] == [6, 1]
    assert said["ticks"] == 3 + 6 - 1
