"""Tables of the benchmark records in `benchmarks/results`."""

import json
from collections.abc import Iterable, Iterator

import lstm_sources

from keras_lstm_ext.bench import report

RIVALS = {
    "layers": "keras.layers.LSTM, graph",
    "mask": "keras.layers.LSTM, graph",
    "fit": "keras.layers.LSTM, as fit runs it",
    "prefix": "CECLSTM(recurrent=False), portable",
    "export": "Keras' export to ONNX",
    "steps": "keras.layers.LSTM, stateful, tf.function",
}
"""Whom each suite is compared with."""


def benchmark(suite: str, task: str) -> Iterator[str]:
    """A task of a suite: medians by shape, and how many times as fast as the rival."""
    record = read(suite)
    rows = [row for row in record["results"] if row["task"] == task and steady(row)]
    rival = RIVALS[suite]
    shapes = report.unique(report.name(row["shape"]) for row in rows)
    times = {report.place(row): report.digits(row["median_s"] * 1e3) for row in rows}
    body = []
    engines = {row["contender"]: row["engine"] for row in rows}
    for who in report.unique(row["contender"] for row in rows):
        faster = report.maybe(report.ratio(rows, rival, who))
        # Which engine "auto" took is what a reader wants to know, and it changes.
        name = who.replace(", auto", f", {engines[who]}")
        body.append([name, faster, *(times.get((who, shape), report.NONE) for shape in shapes)])
    sizes = [shape.replace(",", ", ") for shape in shapes]  # may break, which keeps columns narrow
    yield from ("", report.table(["milliseconds", "times as fast", *sizes], body), "")
    yield (
        "Columns: batch, time steps, features, units. Medians; a dash where the quartiles are more "
        f"than a factor 2 apart. Times as fast: as {rival}, geometric mean over the shapes."
    )
    yield from ("", *provenance(record))


def steady(row: report.Row) -> bool:
    """Whether a result is not blurred by what else the machine did."""
    low, high = row["quartiles_s"]
    return high < 2 * low


def memory() -> Iterator[str]:
    """Peak memory against the length of the sequences."""
    record = read("memory")
    yield from ("", report.memory(record["results"]), "", report.MEMORY, "", *provenance(record))


def provenance(record: report.Record) -> Iterator[str]:
    """What was measured where, folded away."""
    yield from folded(report.heading(record).splitlines())


def folded(lines: Iterable[str]) -> Iterator[str]:
    """Machine and versions, which few readers want to see at once."""
    yield '??? note "Machine, versions, commit"'
    yield from (f"    {line}" for line in ("", *lines, ""))


def read(suite: str) -> report.Record:
    """What `python -m benchmarks` wrote."""
    path = lstm_sources.ROOT / f"benchmarks/results/{suite}-tensorflow-cpu.json"
    return json.loads(path.read_text())
