"""Measures a suite: every contender in its own process, all of them in turn, shape by shape."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

import numpy as np

from keras_lstm_ext.bench.contenders import Contender, Suite
from keras_lstm_ext.bench.problem import Digests, Problem, Shape, disagreement
from keras_lstm_ext.bench.process import Settings, Worker, WorkerError

Row = dict[str, Any]

PAUSE = 0.02
"""Seconds between two turns: threads of the contender before spin for some milliseconds."""

MOST_CALLS = 1000
"""Calls of a turn."""


def tell(line: str) -> None:
    """Reports progress on stderr."""
    print(line, file=sys.stderr, flush=True)


class LeftOut:
    """Who is not in the results, and why.

    Args:
        say: Takes a line for each, as it happens.
    """

    def __init__(self, say: Callable[[str], None] = tell) -> None:
        self.rows: list[Row] = []
        self.say = say

    def add(self, contender: Contender, reason: str, failed: bool = True, **where: Any) -> None:
        """Notes one.

        Args:
            contender: Who.
            reason: Why.
            failed: Whether something went wrong; otherwise it could not take part here.
            **where: Shape and task, if not everywhere.
        """
        row = {"contender": contender.name, "reason": reason, "failed": failed, **where}
        self.rows.append(row)
        self.say(f"left out: {contender.name}: {reason}")


def measure(suite: Suite, settings: Settings) -> Row:
    """Measures a suite.

    Args:
        suite: What to measure.
        settings: How.

    Returns:
        `"results"`, a row per contender, shape and task; `"left_out"`; and `"versions"` by backend.
    """
    results: list[Row] = []
    left_out = LeftOut()
    with started(suite.contenders, settings, left_out) as workers:
        versions = {worker.contender.backend: worker.versions for worker in workers}
        for shape in suite.shapes:
            for task in suite.tasks:
                tell(f"{suite.name}: {task} at {shape}")
                results += measure_case(workers, shape, task, left_out)
    return {"results": results, "left_out": left_out.rows, "versions": versions}


@contextmanager
def started(
    contenders: Sequence[Contender], settings: Settings, left_out: LeftOut
) -> Iterator[list[Worker]]:
    """The workers of those contenders that can take part; they end with the context."""
    with ExitStack() as stack:
        workers = []
        for contender in contenders:
            reason = contender.why_not()
            if reason:
                left_out.add(contender, reason, failed=False)
            else:
                workers.append(stack.enter_context(Worker(contender, settings)))
        for worker in workers[:]:
            try:
                worker.start()
                reason, failed = worker.why_not(), False
            except WorkerError as error:
                reason, failed = str(error), not error.missing
            if reason:
                left_out.add(worker.contender, reason, failed=failed)
                workers.remove(worker)
        yield workers


def measure_case(workers: list[Worker], shape: Shape, task: str, left_out: LeftOut) -> list[Row]:
    """Measures all workers at one shape and task.

    Args:
        workers: Those alive; one that dies is taken out of the list.
        shape: The size.
        task: What they do.
        left_out: Takes who has no row.

    Returns:
        A row per contender.
    """
    where: Row = {"shape": list(shape), "task": task}
    answers: dict[Problem, Digests] = {}
    rows: dict[Worker, Row] = {}

    def attempt(worker: Worker, action: Callable[..., None], *arguments: Any) -> None:
        try:
            action(worker, *arguments)
        except WorkerError as error:
            left_out.add(worker.contender, str(error), **where)
            rows.pop(worker, None)
            if not error.alive:
                workers.remove(worker)

    def prepare(worker: Worker) -> None:
        row = worker.prepare(shape, task)
        problem = worker.settings.problem(worker.contender, shape)
        if problem not in answers:
            answers[problem] = problem.expected(task)
        wrong = disagreement(row.pop("digests"), answers[problem])
        if wrong:
            worker.release()
            raise WorkerError(f"refused: {wrong}", alive=True)
        rows[worker] = row | {"rounds": [], "idle_s": 0.0, "idle_cpu_s": 0.0}

    for worker in workers[:]:
        if task in worker.contender.tasks:
            attempt(worker, prepare)
    for turn in range(max((w.settings.rounds for w in rows), default=0)):
        order = list(rows)
        first = turn % len(order) if order else 0
        for worker in order[first:] + order[:first]:
            attempt(worker, take_turn, rows[worker])
    for worker in list(rows):
        attempt(worker, Worker.release)
    return [finished(w, row, shape, task) for w, row in rows.items()]


def take_turn(worker: Worker, row: Row) -> None:
    """Adds one round to a worker's row."""
    time.sleep(PAUSE)
    calls = round(worker.settings.seconds / row["call_s"])
    reply = worker.run(min(max(calls, 1), MOST_CALLS))
    row["rounds"].append(reply["times"])
    row["idle_s"] += reply["idle_s"]
    row["idle_cpu_s"] += reply["idle_cpu_s"]


def finished(worker: Worker, row: Row, shape: Shape, task: str) -> Row:
    """What is reported of a contender at one shape and task; times in seconds."""
    contender = worker.contender
    times = np.concatenate(row["rounds"])
    flops = worker.settings.problem(contender, shape).flops(task)
    return {
        "contender": contender.name,
        "variant": contender.variant,
        "masked": contender.masked,
        "shape": list(shape),
        "task": task,
        "engine": row["engine"],
        "calls": len(times),
        "median_s": float(np.median(times)),
        "quartiles_s": [float(q) for q in np.percentile(times, (25, 75))],
        "round_medians_s": [median(turn) for turn in row["rounds"]],
        "gflop_per_s": flops / float(np.median(times)) / 1e9,
        "first_call_s": row["first_call_s"],
        "peak_memory_bytes": row["peak_memory"],
        "idle_cpu_share": row["idle_cpu_s"] / row["idle_s"],
    }
