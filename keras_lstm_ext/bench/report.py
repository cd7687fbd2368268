"""Markdown tables of a record."""

from collections.abc import Iterable, Sequence
from statistics import geometric_mean, median
from typing import Any

Record = dict[str, Any]
Row = dict[str, Any]

MB = 1e6
NONE = "-"


def report(record: Record) -> str:
    """The whole record as Markdown: a table of medians and one of ratios per task, then details.

    Args:
        record: What `record.read` gives.

    Returns:
        Markdown.
    """
    parts = [heading(record)]
    for task in unique(row["task"] for row in record["results"]):
        rows = [row for row in record["results"] if row["task"] == task]
        if task == "memory":
            parts += [f"## {TITLES[task]}", memory(rows), MEMORY]
            continue
        parts += [f"## {TITLES[task]}", medians(rows), RATIOS, ratios(rows)]
        for shape in unique(tuple(row["shape"]) for row in rows):
            at = [row for row in rows if tuple(row["shape"]) == shape]
            parts += [f"### {TITLES[task]}: {name(shape)}", details(at, record["peak"])]
    if record["left_out"]:
        parts += ["## Left out", *left_out(record["left_out"])]
    return "\n\n".join(parts) + "\n"


TITLES = {
    "forward": "Forward",
    "steps": "One time step a call, all of them",
    "train": "Forward and backward",
    "fit": "One epoch of fit",
    "predict": "Predictions of one epoch",
    "memory": "Peak memory of forward and backward",
}

RATIOS = (
    "How many times as long the row takes as the column: in each round the ratio of the two, over "
    "the rounds the median, over the shapes the geometric mean."
)

MEMORY = (
    "Above the peak of two time steps in the same process. It includes what compiling for one more "
    "length takes: compare lengths with each other."
)


def heading(record: Record) -> str:
    """What was measured where, with what."""
    machine, settings, peak = record["machine"], record["settings"], record["peak"]
    lines = [
        f"* Suite `{record['suite']}`, measured {record['measured_at']} with version "
        f"{record['version']}, commit {record['commit']}",
        f"* {of_machine(machine)}; on the "
        f"{settings['device'].upper()} with {settings['threads']} threads, {record['precision']}",
    ]
    busy = machine["busy_share"]
    if busy is not None:
        lines.append(f"* Busy with something else before the run: {100 * busy:.0f} %")
    for backend, versions in record["versions"].items():
        listed = ", ".join(f"{package} {version}" for package, version in versions.items())
        lines.append(f"* Processes on {backend}: {listed}")
    measured = [f"{value:.0f} GFLOP/s ({how})" for how, value in peak.items()]
    if measured:
        lines.append(f"* Measured peak: {', '.join(measured)}")
    return "\n".join(lines)


def of_machine(machine: Record) -> str:
    """Processor, memory and operating system."""
    return (
        f"{machine['processor']}, {machine['processors']} processors, "
        f"{machine['memory_bytes'] / 1e9:.0f} GB; {machine['system']}"
    )


def share_of_peak(rows: Sequence[Row], peak: Record, who: str) -> str:
    """The most that a contender makes of what the machine can do at best."""
    rates = [row["gflop_per_s"] for row in rows if row["contender"] == who]
    return f"{100 * max(rates) / max(peak.values()):.0f} %" if rates and peak else NONE


def medians(rows: Sequence[Row]) -> str:
    """Medians of the times, contenders by shapes; the fastest of a shape is bold."""
    return matrix("milliseconds", {place(row): row["median_s"] * 1e3 for row in rows})


def memory(rows: Sequence[Row]) -> str:
    """Peak memory above that of two time steps, contenders by shapes; the least is bold."""
    return matrix("MB", {place(row): row["memory_bytes"] / MB for row in rows})


def place(row: Row) -> tuple[str, str]:
    """Where a row goes in a `matrix`."""
    return row["contender"], name(row["shape"])


def matrix(unit: str, values: dict[tuple[str, str], float]) -> str:
    """A table of one value per contender and shape."""
    contenders, shapes = (unique(keys) for keys in zip(*values, strict=True))
    best = {s: min(v for (_, at), v in values.items() if at == s) for s in shapes}

    def cell(contender: str, shape: str) -> str:
        value = values.get((contender, shape))
        if value is None:
            return NONE
        return f"**{digits(value)}**" if value == best[shape] else digits(value)

    body = [[contender, *(cell(contender, shape) for shape in shapes)] for contender in contenders]
    return table([unit, *shapes], body)


def ratios(rows: Sequence[Row]) -> str:
    """Every contender's time over every other's."""
    names = unique(row["contender"] for row in rows)
    numbers = [f"{k}" for k in range(1, len(names) + 1)]
    body = [
        [f"{k}. {a}", *("" if a == b else maybe(ratio(rows, a, b)) for b in names)]
        for k, a in zip(numbers, names, strict=True)
    ]
    return table(["", *numbers], body)


def ratio(rows: Sequence[Row], a: str, b: str) -> float | None:
    """How many times as long `a` takes as `b`, pair by pair.

    Args:
        rows: Results of one task.
        a: A contender.
        b: Another.

    Returns:
        The geometric mean over the shapes that have both of the median over the rounds; None where
        there is no such shape.
    """
    rounds = {(row["contender"], *row["shape"]): row["round_medians_s"] for row in rows}
    shapes = unique(tuple(row["shape"]) for row in rows)
    pairs = [
        zip(rounds[a, *shape], rounds[b, *shape], strict=True)
        for shape in shapes
        if (a, *shape) in rounds and (b, *shape) in rounds
    ]
    return geometric_mean([median(s / t for s, t in pair) for pair in pairs]) if pairs else None


def before_and_after(record: Record) -> str:
    """The suite `accelerate`: a row per model, a column per task."""
    rows, tasks = record["results"], unique(row["task"] for row in record["results"])
    times = {(row["contender"], row["task"]): row["median_s"] * 1e3 for row in rows}
    body = []
    for model in unique(row["contender"].split(",")[0] for row in rows):
        was, now = f"{model}, as it was", f"{model}, accelerated"
        cells = [model]
        for task in tasks:
            faster = ratio([row for row in rows if row["task"] == task], was, now)
            values = [times.get((who, task)) for who in (was, now)]
            cells += [NONE if value is None else digits(value) for value in values]
            cells.append(maybe(faster))
        body.append(cells)
    parts = (", ms", " accelerated, ms", ": times as fast")
    return table(["model", *(f"{task}{part}" for task in tasks for part in parts)], body)


def details(rows: Sequence[Row], peak: Record) -> str:
    """All that is known of the contenders at one shape and task."""
    top = max(peak.values(), default=None)
    body = [
        [
            row["contender"],
            row["engine"] or NONE,
            digits(row["median_s"] * 1e3),
            " to ".join(digits(quartile * 1e3) for quartile in row["quartiles_s"]),
            digits(row["gflop_per_s"]),
            f"{100 * row['gflop_per_s'] / top:.0f} %" if top else NONE,
            digits(row["first_call_s"]),
            f"{row['peak_memory_bytes'] / MB:.0f}",
            f"{100 * row['idle_cpu_share']:.0f} %",
        ]
        for row in rows
    ]
    return table(COLUMNS, body)


COLUMNS = (
    "contender",
    "engine",
    "median, ms",
    "quartiles, ms",
    "GFLOP/s",
    "of peak",
    "first call, s",
    "peak memory of the process, MB",
    "busy while waiting",
)


def left_out(rows: Sequence[Row]) -> list[str]:
    """Who has no row, where, and why."""
    lines = []
    for row in rows:
        where = f" ({row['task']} at {name(row['shape'])})" if "shape" in row else ""
        lines.append(f"* {row['contender']}{where}: {row['reason']}")
    return ["\n".join(lines)]


def table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers.

    Examples:
        >>> print(table(["who", "ms"], [["ours", "1.5"]]))
        | who | ms |
        | :-- | --: |
        | ours | 1.5 |
    """
    align = [":--", *["--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, align, *body))


def digits(value: float) -> str:
    """Three significant digits.

    Examples:
        >>> [digits(value) for value in (0.012345, 1.2345, 123.45, 12345.0)]
        ['0.0123', '1.23', '123', '12345']
    """
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def maybe(value: float | None) -> str:
    """Two decimals, or a dash."""
    return NONE if value is None else f"{value:.2f}"


def name(shape: Sequence[int]) -> str:
    """A shape as `batch,time,features,units`."""
    return ",".join(map(str, shape))


def unique(items: Iterable[Any]) -> list[Any]:
    """Without repetitions, in the order of first appearance."""
    return list(dict.fromkeys(items))
