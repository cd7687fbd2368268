"""Trains the small layers of the figure "a cell at work" on two tasks of 1997, and writes them.

A peephole layer with a linear readout learns the adding problem with sequences of 20 steps, and the
embedded Reber grammar, by the package's reference and Adam. The layer that forecasts sunspots is
that of `train_step_through.py`.

Run: python site/figures/train_cell_at_work.py
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from keras_lstm_ext.files import whole
from keras_lstm_ext.reference import backward, forward
from keras_lstm_ext.tasks import TASKS, Adding

TARGET = Path(__file__).parents[1] / "content" / "assets" / "cell-at-work.json"
SEED, BATCH, RATE = 1997, 96, 0.03
UPDATES = {"adding": 700, "reber": 400}
UNITS = {"adding": 2, "reber": 4}


def fresh(features: int, units: int, outputs: int, rng: np.random.Generator) -> dict[str, Any]:
    """Random weights; forget gates begin open, and the readout is `v`, `d`."""
    shapes = {"W": (features, units), "R": (units, units)}
    made = {f"{letter}_{k}": rng.normal(0, 0.3, shapes[letter]) for letter in "WR" for k in "ifco"}
    made |= {f"b_{k}": np.full(units, 2.0 * (k == "f")) for k in "ifco"}
    made |= {f"p_{k}": np.zeros(units) for k in "ifo"}
    return made | {"v": rng.normal(0, 0.3, (units, outputs)), "d": np.zeros(outputs)}


def learn(name: str, task: Any) -> dict[str, Any]:
    """Trains on new sequences in each update."""
    rng = np.random.default_rng(SEED)
    w = fresh(task.features, UNITS[name], task.outputs, rng)
    first, second = ({k: np.zeros_like(x) for k, x in w.items()} for _ in range(2))
    for update in range(1, UPDATES[name] + 1):
        x, target, mask = task.sample(seed=rng, n=BATCH)
        x, layer = np.asarray(x, "float64"), {k: x for k, x in w.items() if k not in "vd"}
        run = forward("peephole", x, None, layer)
        error = (run.outputs @ w["v"] + w["d"] - target) * mask[..., None] / BATCH
        _, _, d_w = backward(run, error @ w["v"].T)
        d_w |= {"v": np.einsum("btn,bto->no", run.outputs, error), "d": error.sum((0, 1))}
        for k, d in d_w.items():
            first[k] += 0.1 * (d - first[k])
            second[k] += 0.001 * (d**2 - second[k])
            size = np.sqrt(second[k] / (1 - 0.999**update)) + 1e-8
            w[k] = w[k] - RATE * first[k] / (1 - 0.9**update) / size
        if update % 100 == 0:
            mean = np.abs(error).sum() * BATCH / mask.sum() / task.outputs
            print(f"{name}: update {update}, mean absolute error {mean:.4f}")
    return w


def recorded(name: str, task: Any) -> dict[str, Any]:
    """The weights, and a sequence that was not learned from."""
    w = learn(name, task)
    x, target, mask = (array[0] for array in task.sample(seed=SEED + 1, n=1))
    end = int(np.flatnonzero(mask.any(axis=-1) if mask.ndim > 1 else mask)[-1]) + 1
    targets = [row.tolist() if m else None for row, m in zip(target[:end], mask[:end], strict=True)]
    return {
        "inputs": np.round(np.asarray(x[:end], "float64"), 4).tolist(),
        "targets": [t and [round(float(v), 4) for v in t] for t in targets],
        "weights": {k: np.round(v, 4).tolist() for k, v in w.items()},
    }


def main() -> None:
    """Trains and writes."""
    tasks = {"adding": Adding(T=20), "reber": TASKS["reber"]}
    made = {
        "made_by": "site/figures/train_cell_at_work.py",
        "versions": {name: version(name) for name in ("keras-lstm-ext", "numpy")},
        "seed": SEED,
        **{name: recorded(name, task) for name, task in tasks.items()},
    }
    with whole(TARGET) as path:
        path.write_text(json.dumps(made) + "\n", "utf-8")


if __name__ == "__main__":
    main()
