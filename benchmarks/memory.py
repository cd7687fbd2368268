"""The suite `memory`: peak memory of one forward and backward, each in a fresh process."""

from dataclasses import replace
from typing import Any

from keras_lstm_ext.bench.contenders import Contender, Suite
from keras_lstm_ext.bench.driver import LeftOut, started, tell
from keras_lstm_ext.bench.problem import Shape, disagreement
from keras_lstm_ext.bench.process import Settings, WorkerError

Row = dict[str, Any]

CHECKED = 10_000
"""Up to so many steps the result is compared with the reference, which takes its time."""


def measure(suite: Suite, settings: Settings) -> Row:
    """Like `driver.measure`, with `"memory_bytes"` in place of times."""
    left_out = LeftOut()
    results: list[Row] = []
    versions: dict[str, dict[str, str]] = {}
    for contender in suite.contenders:
        for shape in suite.shapes:
            tell(f"{suite.name}: {contender.name} at {shape}")
            with started([contender], replace(settings, warm_up=0), left_out) as workers:
                if not workers:
                    break
                versions[contender.backend] = workers[0].versions
                try:
                    results.append(row(workers[0], contender, shape))
                except WorkerError as error:
                    left_out.add(contender, str(error), shape=list(shape), task="memory")
    return {"results": results, "left_out": left_out.rows, "versions": versions}


def row(worker: Any, contender: Contender, shape: Shape) -> Row:
    """The peak of the first call, less the peak of the same program over two steps."""
    baseline = worker.prepare(shape._replace(time=2), "train")["peak_memory"]
    reply = worker.prepare(shape, "train")
    if shape.time <= CHECKED:
        problem = worker.settings.problem(contender, shape)
        wrong = disagreement(reply["digests"], problem.expected("train"))
        if wrong:
            raise WorkerError(f"refused: {wrong}", alive=True)
    return {
        "contender": contender.name,
        "variant": contender.variant,
        "shape": list(shape),
        "task": "memory",
        "engine": reply["engine"],
        "baseline_bytes": baseline,
        "memory_bytes": reply["peak_memory"] - baseline,
        "first_call_s": reply["first_call_s"],
    }
