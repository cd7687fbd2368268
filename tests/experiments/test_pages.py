"""What the pages say of the runs, sentence by sentence, against the records.

Every sentence of a page of an experiment that speaks of ours is here, or it is not on the page.
"""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import keras_lstm_ext
from keras_lstm_ext.experiments import published, report, statistics, verdict
from keras_lstm_ext.experiments.runner import read

ROOT = Path(keras_lstm_ext.__file__).parents[1]
RESULTS = ROOT / "keras_lstm_ext/experiments/results"
PAGES = ROOT / "site/content/experiments"


class Row(NamedTuple):
    """A row of a file of results."""

    of: int
    limit: int
    needed: list[int]
    theirs: published.Published | None
    verdict: str

    @property
    def solved(self):
        return len(self.needed)

    @property
    def mean(self):
        return np.mean(self.needed)


def row(file, network):
    content = read(RESULTS / f"{file}.json")
    made = content["rows"][network]
    trials = made["trials"]
    theirs = published.published(content["task"], content["settings"], network)
    said = verdict.verdict(trials, made["limit"], theirs, made["paper_trials"])
    return Row(len(trials), made["limit"], report.needed_sequences(trials), theirs, said)
