"""Tables of the benchmark records in `benchmarks/results`."""

from collections.abc import Iterable, Iterator, Sequence

import lstm_sources

from benchmarks import readme
from keras_lstm_ext.bench import report
from keras_lstm_ext.bench.record import kept

RIVALS = {
    "layers": "keras.layers.LSTM, graph",
    "mask": "keras.layers.LSTM, graph",
    "fit": "keras.layers.LSTM, as fit runs it",
    "prefix": "CECLSTM(recurrent=False), portable",
    "export": "Keras' export to ONNX",
    "steps": "keras.layers.LSTM, stateful, tf.function",
}
"""Whom each suite is compared with on TensorFlow."""


def benchmark(
    suite: str, task: str, backend: str = "tensorflow", device: str = "cpu"
) -> Iterator[str]:
    """A task of a suite: medians by shape, and how many times as fast as the rival."""
    record = newest(suite, backend, device)
    if record is None:
        yield from ("", f"No run is recorded: `python -m benchmarks {suite} --backend {backend}`.")
        return
    rows = [row for row in record["results"] if row["task"] == task and steady(row)]
    rival = RIVALS[suite].replace("graph", "graph" if backend == "tensorflow" else backend)
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
    yield from share_of_peak(rows, record["peak"])
    yield (
        "Columns: batch, time steps, features, units. Medians; a dash where the quartiles are more "
        f"than a factor 2 apart. Times as fast: as {rival}, geometric mean over the shapes."
    )
    yield from ("", *provenance(record))


def share_of_peak(rows: Sequence[report.Row], peak: report.Record) -> Iterator[str]:
    """What the fastest of a table makes of the processor, where that was measured."""
    if peak and rows:
        best = max(rows, key=lambda row: row["gflop_per_s"])
        sizes = report.name(best["shape"]).replace(",", ", ")
        share = report.share_of_peak([best], peak, best["contender"])
        yield f"Most of the processor's peak: {share}, {best['contender']} at {sizes}. "


def steady(row: report.Row) -> bool:
    """Whether a result is not blurred by what else the machine did."""
    low, high = row["quartiles_s"]
    return high < 2 * low


def memory() -> Iterator[str]:
    """Peak memory against the length of the sequences."""
    record = newest("memory")
    assert record is not None
    yield from ("", report.memory(record["results"]), "", report.MEMORY, "", *provenance(record))


def processors() -> Iterator[str]:
    """Every record of the layers, side by side."""
    yield from ("", *readme.layers().splitlines(), "")


def accelerate() -> Iterator[str]:
    """Whole models before and after `accelerate`; nothing where that was not measured."""
    record = newest("accelerate")
    if record is None:
        return
    yield from ("", report.before_and_after(record), "", BEFORE_AND_AFTER, "", *provenance(record))


BEFORE_AND_AFTER = (
    "Medians of an epoch of 8 batches of 32 sequences with 100 steps, 64 features and 128 units. "
    "The forecaster has two LSTMs and a Dense, the tagger reads padded words in both directions, "
    "the translator has an encoder, and a decoder with attention."
)


def provenance(record: report.Record) -> Iterator[str]:
    """What was measured where, folded away."""
    yield from folded(report.heading(record).splitlines())


def folded(lines: Iterable[str], title: str = "Machine, versions, commit") -> Iterator[str]:
    """What few readers want to see at once."""
    yield f'??? note "{title}"'
    yield from (f"    {line}" for line in ("", *lines, ""))


def newest(suite: str, backend: str = "tensorflow", device: str = "cpu") -> report.Record | None:
    """What `python -m benchmarks` wrote last, on whatever processor or card."""
    records = kept(lstm_sources.ROOT / "benchmarks/results", suite, backend, device)
    return next(iter(records), None)


def tests_on_cards() -> Iterator[str]:
    """Which tests ran on which card, and how they ended."""
    body, failed = [], []
    for backend in ("jax", "tensorflow", "torch"):
        for made in kept(lstm_sources.ROOT / "benchmarks/results", "tests", backend, "gpu"):
            counts = (str(made["outcomes"].get(how, 0)) for how in ("passed", "failed", "skipped"))
            found = made["versions"][backend]
            where = f"{found['gpu']}, driver {found['gpu driver']}; {made['commit'][:7]}"
            body.append([backend, *counts, where])
            failed += made["failed"]
    yield from ("", report.table(["backend", "passed", "failed", "skipped", "on"], body), "")
    if failed:
        yield f"Failed: {', '.join(f'`{name}`' for name in failed)}."
