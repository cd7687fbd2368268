"""What the papers report of their experiments, row by row."""

from dataclasses import dataclass, field
from typing import Any

from keras_lstm_ext.experiments.runner import task_named
from keras_lstm_ext.tasks import Network, Task


@dataclass(frozen=True)
class Published:
    """A row of a paper's table.

    Args:
        task: Key of `keras_lstm_ext.tasks.TASKS`.
        network: Key of the task's `networks`, None for the only one.
        table: Where it stands.
        sequences: Mean number of sequences or streams of the successful trials; None if not given.
        solved: Share of successful trials.
        settings: Arguments of the task that differ from its defaults.
        lowest_highest: The range of the number of sequences, where the paper gives it.
        wrong: Share of wrong sequences in the test.
    """

    task: str
    network: str | None
    table: str
    sequences: int | None
    solved: float = 1.0
    settings: dict[str, Any] = field(default_factory=dict)
    lowest_highest: tuple[int, int] | None = None
    wrong: float | None = None


_1997 = "1997, Table {}"
_2C = (
    (50, 50, 30_000),
    (100, 100, 31_000),
    (200, 200, 33_000),
    (500, 500, 38_000),
    (1000, 1000, 49_000),
    (1000, 500, 49_000),
    (1000, 200, 75_000),
    (1000, 100, 135_000),
    (1000, 50, 203_000),
)
_3 = (
    ("3a", 100, 3, 39_850, 0.000195),
    ("3a", 100, 1, 64_330, 0.000117),
    ("3a", 1000, 3, 452_460, 0.000078),
    ("3b", 100, 3, 43_250, 0.00828),
    ("3b", 100, 1, 78_430, 0.01500),
    ("3b", 1000, 1, 485_080, 0.01207),
    ("3c", 100, 3, 269_650, 0.00558),
    ("3c", 100, 1, 565_640, 0.00441),
)
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
    Published("lag-2a", None, _1997.format(2), 5_040),
    Published("lag-2b", None, "1997, section 5.2", 5_680),
    *(Published("lag-2c", None, _1997.format(3), n, settings={"q": q, "p": p}) for q, p, n in _2C),
    *(
        Published(
            f"two-sequence-{task}",
            None,
            _1997.format(4 + "abc".index(task[1])),
            n,
            settings={"T": T, "N": N},
            wrong=wrong,
        )
        for task, T, N, n, wrong in _3
    ),
    Published("adding", None, _1997.format(7), 74_000, wrong=1 / 2560),
    Published("adding", None, _1997.format(7), 209_000, settings={"T": 500}, wrong=0.0),
    Published(
        "adding",
        None,
        _1997.format(7),
        853_000,
        settings={"T": 1000},
        lowest_highest=(370_000, 2_020_000),
        wrong=1 / 2560,
    ),
    Published(
        "multiplication",
        None,
        _1997.format(8),
        482_000,
        settings={"n_seq": 140},
        wrong=139 / 2560,
    ),
    Published("multiplication", None, _1997.format(8), 1_273_000, wrong=14 / 2560),
    Published("order-6a", None, _1997.format(9), 31_390, wrong=1 / 2560),
    Published("order-6b", None, _1997.format(9), 571_100, wrong=2 / 2560),
    *(
        Published("continual-reber", network, "2000, Table 2", n, solved)
        for network, n, solved in _CERG
    ),
)
"""Where a table has a number; sequences of 3a and 3b are those of its criterion ST2."""


def published(task: Task, network: Network) -> Published | None:
    """Finds what a paper reports of a network on a task.

    Args:
        task: The task.
        network: One of its networks.

    Returns:
        The row, or None.

    Examples:
        >>> from keras_lstm_ext.tasks import TASKS
        >>> task = TASKS["adding"]
        >>> published(task, task.network).sequences
        74000
    """
    for row in PUBLISHED:
        its_task = task_named(row.task, row.settings)
        its_network = its_task.networks[row.network] if row.network else its_task.network
        if its_task == task and its_network == network:
            return row
    return None
