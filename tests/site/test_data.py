"""The data files of the built site, against counts made in another way."""

import csv
import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.site.sources import ROOT, bibliography_keys, read

pytestmark = pytest.mark.slow

RESULTS = ROOT / "keras_lstm_ext" / "experiments" / "results"


@pytest.fixture(scope="module")
def data(built):
    names = ("timeline", "claims", "equations", "runs")
    return {n: json.loads((built / f"data/{n}.json").read_text("utf-8")) for n in names}


def as_text(value):
    if isinstance(value, list):
        return "; ".join(f"{entry}" for entry in value)
    return "" if value is None else f"{value}"


def test_csv_and_json_have_the_same_rows(built, data):
    for name, rows in data.items():
        with (built / f"data/{name}.csv").open(encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file))
        assert found == [{k: as_text(v) for k, v in row.items()} for row in rows]


def test_nothing_is_left_out(data):
    ids = Path(__file__).with_name("equation_ids.txt").read_text("utf-8").split()
    written = re.findall(r"\{: #(claim-[\w-]+)", read("claims.md"))
    trials = [
        len(row["trials"])
        for path in RESULTS.glob("*.json")
        for row in json.loads(path.read_text("utf-8"))["rows"].values()
    ]
    events = tomllib.loads((ROOT / "site/figures/events.toml").read_text("utf-8"))["event"]
    assert [claim["id"] for claim in data["claims"]] == written
    assert sorted(e["id"] for e in data["equations"]) == sorted(i.split("#")[1] for i in ids)
    assert len(data["runs"]) == sum(trials)
    assert len(data["timeline"]) == len(events)


def test_sources_are_in_the_bibliography(data):
    keys = {event["key"] for event in data["timeline"]}
    keys |= {key for claim in data["claims"] for key in claim["sources"]}
    keys |= {s.split()[0] for equation in data["equations"] for s in equation["sources"]}
    assert keys <= set(bibliography_keys())
    assert {claim["verdict"] for claim in data["claims"] if not claim["sources"]} <= {"opinion"}
