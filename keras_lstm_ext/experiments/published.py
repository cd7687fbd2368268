"""What the papers report of their experiments, row by row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Published:
    """A row of a paper's table.

    Args:
        task: Key of `keras_lstm_ext.tasks.TASKS`.
        network: Key of the task's `networks`.
        table: Where it stands.
        sequences: Mean number of sequences or streams of the successful trials; None if not given.
        solved: Share of successful trials.
        settings: Arguments of the task that differ from its defaults.
        lowest_highest: The range of the number of sequences, where the paper gives it.
        wrong: Share of wrong sequences in the test.
    """

    task: str
    network: str
    table: str
    sequences: int | None
    solved: float = 1.0
    settings: dict[str, Any] = field(default_factory=dict)
    lowest_highest: tuple[int, int] | None = None
    wrong: float | None = None


_1997 = "1997, Table {}"
_PAIRS = "2 blocks of 2"
_CNTO = (
    ("no forget gates", None, 0.0),
    ("forget gates", 74_977, 0.24),
    ("forget gates, falling rate", 79_354, 0.37),
)
_2C: tuple[tuple[dict[str, int], int], ...] = (
    ({}, 30_000),
    ({"q": 100, "p": 100}, 31_000),
    ({"q": 200, "p": 200}, 33_000),
    ({"q": 500, "p": 500}, 38_000),
    ({"q": 1000, "p": 1000}, 49_000),
    ({"q": 1000, "p": 500}, 49_000),
    ({"q": 1000, "p": 200}, 75_000),
    ({"q": 1000, "p": 100}, 135_000),
    ({"q": 1000}, 203_000),
)
_3: tuple[tuple[str, dict[str, int], int, float], ...] = (
    ("3a", {}, 39_850, 0.000195),
    ("3a", {"N": 1}, 64_330, 0.000117),
    ("3a", {"T": 1000}, 452_460, 0.000078),
    ("3b", {}, 43_250, 0.00828),
    ("3b", {"N": 1}, 78_430, 0.01500),
    ("3b", {"T": 1000, "N": 1}, 485_080, 0.01207),
    ("3c", {}, 269_650, 0.00558),
    ("3c", {"N": 1}, 565_640, 0.00441),
)
LIMITS = {
    "lag-2a": 5_000_000,
    "lag-2b": 5_000_000,
    "lag-2c": 5_000_000,
    "continual-reber": 30_000,
    "continual-order": 100_000,
    "spike-delays": 100_000_000,
    "timed-spikes": 10_000_000,
    "periodic-function": 10_000_000,
}
"""Sequences or streams after which a paper gave a trial up; the other tasks have none in print."""

_CERG = (
    ("no forget gates, resets", 7_441, 0.74),
    ("no forget gates", None, 0.0),
    ("no forget gates, state decay 0.9", None, 0.0),
    ("forget gates", 18_889, 0.18),
    ("forget gates, falling rate", 14_087, 0.62),
)

PUBLISHED = (
    Published("reber", "4 blocks of 1, rate 0.1", _1997.format(1), 39_740),
    Published("reber", "3 blocks of 2, rate 0.1", _1997.format(1), 21_730),
    Published("reber", "3 blocks of 2, rate 0.2", _1997.format(1), 14_060, 0.97),
    Published("reber", "4 blocks of 1, rate 0.5", _1997.format(1), 9_500, 0.97),
    Published(
        "reber",
        "3 blocks of 2, rate 0.5",
        _1997.format(1),
        8_440,
        lowest_highest=(3_800, 24_100),
    ),
    Published("lag-2a", "one cell", _1997.format(2), 5_040),
    Published("lag-2b", "one cell", "1997, section 5.2", 5_680),
    *(
        Published("lag-2c", "2 blocks of 1", _1997.format(3), n, settings=settings)
        for settings, n in _2C
    ),
    *(
        Published(
            f"two-sequence-{task}",
            "3 blocks of 1",
            _1997.format(4 + "abc".index(task[1])),
            n,
            settings=settings,
            wrong=wrong,
        )
        for task, settings, n, wrong in _3
    ),
    Published("adding", _PAIRS, _1997.format(7), 74_000, wrong=1 / 2560),
    Published("adding", _PAIRS, _1997.format(7), 209_000, settings={"T": 500}, wrong=0.0),
    Published(
        "adding",
        _PAIRS,
        _1997.format(7),
        853_000,
        settings={"T": 1000},
        lowest_highest=(370_000, 2_020_000),
        wrong=1 / 2560,
    ),
    Published(
        "multiplication",
        _PAIRS,
        _1997.format(8),
        482_000,
        settings={"n_seq": 140},
        wrong=139 / 2560,
    ),
    Published("multiplication", _PAIRS, _1997.format(8), 1_273_000, wrong=14 / 2560),
    Published("order-6a", "2 blocks of 2", _1997.format(9), 31_390, wrong=1 / 2560),
    Published("order-6b", "3 blocks of 2", _1997.format(9), 571_100, wrong=2 / 2560),
    *(
        Published("continual-reber", network, "2000, Table 2", n, solved)
        for network, n, solved in _CERG
    ),
    *(
        Published("continual-order", network, "1999 report, Table 3", n, solved)
        for network, n, solved in _CNTO
    ),
)
"""Where a table has a number; sequences of 3a and 3b are those of its criterion ST2."""


@dataclass(frozen=True)
class Claim:
    """What a paper says of two kinds of networks on a task.

    Args:
        task: Key of `keras_lstm_ext.tasks.TASKS`.
        network: Key of the task's `networks`.
        other: The same of the other kind.
        says: What the paper says.
    """

    task: str
    network: str
    other: str
    says: str


CLAIMS = tuple(
    Claim(task, "peepholes", "no peepholes", says)
    for task, says in (
        ("spike-delays", "peepholes are not mandatory"),
        ("timed-spikes", "only networks with peepholes learn the task"),
        ("periodic-function", "without peepholes only the cosine with F = 10 is learned, slowly"),
    )
)
"""What the paper of 2002 says of peepholes; each is tested as a hypothesis."""

READINGS = {
    "reber": ("targets",),
    "lag-2a": ("added",),
    "lag-2b": ("added", "only_end"),
    "lag-2c": ("factor",),
    "adding": ("squared",),
    "multiplication": ("factor", "squared"),
    "continual-reber": ("shortcut",),
}
"""By task the settings that read the same row of a paper in another way."""


def published(task: str, settings: Mapping[str, Any], network: str) -> Published | None:
    """Finds what a paper reports of a network on a task.

    Args:
        task: Key of `keras_lstm_ext.tasks.TASKS`.
        settings: Arguments of the task that differ from its defaults.
        network: Key of its `networks`.

    Returns:
        The row, or None.

    Examples:
        >>> published("adding", {"T": 500}, "2 blocks of 2").sequences
        209000
    """
    readings = READINGS.get(task, ())
    of_paper = {key: value for key, value in settings.items() if key not in readings}
    for row in PUBLISHED:
        if (row.task, row.settings, row.network) == (task, of_paper, network):
            return row
    return None
