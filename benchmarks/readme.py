"""The tables of `README.md`, from the records that exist: `python -m benchmarks.readme`."""

import re
from collections.abc import Iterator
from pathlib import Path
from statistics import geometric_mean

from benchmarks.__main__ import RESULTS
from keras_lstm_ext.bench import record, report
from keras_lstm_ext.bench.contenders import ENGINES
from keras_lstm_ext.files import whole

README = Path(__file__).parents[1] / "README.md"
PLACE = re.compile(r"(<!-- from benchmarks/results: (\w+) -->\n).*?(<!-- end -->\n)", re.DOTALL)

RIVALS = {"tensorflow": "graph", "jax": "jax", "torch": "torch"}
"""What the names of Keras' layer end with, by backend."""


def layers() -> str:
    """How many times as fast as Keras' layer on the same backend, and on which machine."""
    header = ["backend", "engine", "forward", "forward and backward", "of the peak", "measured on"]
    return report.table(header, list(rows())) + "\n"


def accelerate() -> str:
    """Models before and after; nothing where that was not measured."""
    found = record.kept(RESULTS, "accelerate", "tensorflow")
    if not found:
        return ""
    made = found[0]
    where = f"{report.of_machine(made['machine'])}; commit {made['commit']}"
    return f"\n{report.before_and_after(made)}\n\nMeasured on {where}.\n\n"


def rows() -> Iterator[list[str]]:
    """A row for each backend and processor with a record."""
    for backend, how in RIVALS.items():
        for made in record.kept(RESULTS, "layers", backend):
            measured = made["results"]
            names = {row["contender"] for row in measured}
            engine = next(e for e in ENGINES if f"ClassicLSTM, {e}" in names)
            pair = f"keras.layers.LSTM, {how}", f"ClassicLSTM, {engine}"
            faster = [
                range_of([row for row in measured if row["task"] == task], *pair)
                for task in ("forward", "train")
            ]
            share = report.share_of_peak(measured, made["peak"], pair[1])
            where = f"{record.processor_of(made)}, {made['settings']['threads']} threads"
            yield [backend, f"`{engine}`", *faster, share, f"{where}; {made['commit'][:7]}"]


def range_of(measured: list[report.Row], rival: str, ours: str) -> str:
    """The geometric mean over the shapes, with the least and the most."""
    shapes = report.unique(tuple(row["shape"]) for row in measured)
    at = [[row for row in measured if tuple(row["shape"]) == shape] for shape in shapes]
    ratios = [r for rows in at if (r := report.ratio(rows, rival, ours)) is not None]
    least, most = (f"{bound(ratios):.1f}" for bound in (min, max))
    return f"{geometric_mean(ratios):.1f} ({least} to {most})"


TABLES = {"layers": layers, "accelerate": accelerate}


def with_tables(text: str) -> str:
    """The README with the tables that the records give."""
    return PLACE.sub(lambda place: place[1] + TABLES[place[2]]() + place[3], text)


if __name__ == "__main__":
    with whole(README) as temporary:
        temporary.write_text(with_tables(README.read_text("utf-8")), "utf-8")
