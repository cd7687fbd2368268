"""The site's data as files, JSON and CSV: the timeline, the claims, the equations, the runs."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import events
import lstm_equations
import lstm_experiments
import lstm_sources

Row = dict[str, Any]
TESTED = ("wrong", "of", "mean_error", "right_until")
"""What the tests of the tasks count; each has some of it."""

_CLAIM = re.compile(
    r"^\| \[(?P<claim>.+?)\]\(#(?P<id>claim-[\w-]+)\)\{: #(?P=id) \}"
    r" \| (?P<verdict>.+?) \| (?P<truth>.+?) \|(?P<sources>.*)\|$",
    re.MULTILINE,
)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)(?:\{[^}]*\})?")


def timeline() -> Iterator[Row]:
    """What happened in which year, the lane and whether it is a step of the cell; page, source."""
    for event in events.EVENTS:
        names = ("year", "lane", "what", "page", "key")
        yield {name: event[name] for name in names} | {"step": event.get("step", False)}


def claims() -> Iterator[Row]:
    """Common claims with their verdicts, what is true, and the keys of the sources."""
    text = (lstm_sources.SITE / "content" / "claims.md").read_text("utf-8")
    for match in _CLAIM.finditer(text):
        plain = {k: _LINK.sub(r"\1", v) for k, v in match.groupdict().items()}
        yield plain | {"sources": re.findall(r"@(\w+)", match["sources"])}


def equations() -> Iterator[Row]:
    """Each equation in TeX, with its number, permanent id, function, and where it was published."""
    for module in lstm_equations.MODULES:
        for shown in lstm_sources.equations(module):
            sources = [" ".join(filter(None, source.values())) for source in shown.sources]
            yield {
                "id": shown.id,
                "number": shown.label,
                "function": f"keras_lstm_ext.reference.{shown.name}",
                "tex": shown.tex,
                "sources": sources,
            }


def runs() -> Iterator[Row]:
    """Each trial of each network on each task, and with what version and commit it ran."""
    for path in sorted(lstm_experiments.RESULTS.glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        for network, row in content["rows"].items():
            for trial in row["trials"]:
                yield {
                    "record": path.name,
                    "task": content["task"],
                    "settings": ", ".join(f"{k}={v}" for k, v in content["settings"].items()),
                    "network": network,
                    "limit": row["limit"],
                    "trial": trial["trial"],
                    "solved": trial["solved"],
                    "sequences": trial["sequences"],
                    **{f"test_{k}": trial["test"].get(k) for k in TESTED},
                    "version": row["version"],
                    "commit": row["commit"],
                }


TABLES: dict[str, Callable[[], Iterator[Row]]] = {
    "timeline": timeline,
    "claims": claims,
    "equations": equations,
    "runs": runs,
}


def files() -> Iterator[tuple[str, bytes]]:
    """Each table as JSON and as CSV, by its address on the site."""
    for name, made in TABLES.items():
        rows = list(made())
        yield f"data/{name}.json", json.dumps(rows, ensure_ascii=False, indent=1).encode()
        yield f"data/{name}.csv", _csv(rows).encode()


def table() -> Iterator[str]:
    """A list of the tables, for a page at the top of the site."""
    yield from ("", "| data | files | columns |", "|---|---|---|")
    for name, made in TABLES.items():
        links = ", ".join(f'<a href="../data/{name}.{k}">{k.upper()}</a>' for k in ("json", "csv"))
        columns = ", ".join(f"`{column}`" for column in next(made()))
        words = " ".join((made.__doc__ or "").split())
        yield f"| *{name}*: {words[0].lower()}{words[1:].rstrip('.')} | {links} | {columns} |"
    yield ""


def _csv(rows: list[Row]) -> str:
    """The rows; a list is joined by `; `."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    for row in rows:
        joined = {k: "; ".join(map(str, v)) for k, v in row.items() if isinstance(v, list)}
        writer.writerow(row | joined)
    return out.getvalue()
