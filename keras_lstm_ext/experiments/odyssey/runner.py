"""Random search and seeds for each of the nine networks, into one JSON file.

What becomes of a network is a function of the seed, its row and its number. So networks learn side
by side, one per processor, and a run that was killed goes on and ends as if nothing had happened.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_lstm_ext.bench import record
from keras_lstm_ext.engines.native.packing import processors
from keras_lstm_ext.experiments.odyssey import chorales as data
from keras_lstm_ext.experiments.odyssey.network import UNITS, Network
from keras_lstm_ext.experiments.odyssey.report import SEARCH, SEEDS, best
from keras_lstm_ext.experiments.odyssey.training import How, State, epoch
from keras_lstm_ext.experiments.runner import where_run
from keras_lstm_ext.variants import ODYSSEY

Record = dict[str, Any]

FORMAT = 1
"""Number of the file's format."""

RATES, MOMENTA = (-6.0, -2.0), (-2.0, 0.0)
"""Powers of ten between which the rate, and 1 - momentum, are drawn."""

DRAWN = 2
"""What random numbers are for beside the two parts of a row."""


@dataclass(frozen=True)
class Budget:
    """How much is trained.

    Args:
        runs: Networks of each kind in the random search.
        seeds: Networks of each kind with the best rate and momentum.
        epochs: Of one network, at most.
        patience: Epochs without a better validation after which a network has no more; it has
            no more either if after so many it does not beat constant probabilities.
    """

    runs: int = 12
    seeds: int = 10
    epochs: int = 20
    patience: int = 5


class Job(NamedTuple):
    """One network."""

    row: str
    part: str
    run: int
    how: How


def drawn(seed: int, run: int) -> tuple[float, float]:
    """Rate and momentum of a run of the random search, the same in every row."""
    rng = np.random.default_rng((seed, DRAWN, run))
    return float(10 ** rng.uniform(*RATES)), float(1 - 10 ** rng.uniform(*MOMENTA))


def reproduce(
    path: Path,
    out: Path,
    networks: Sequence[str] = (),
    budget: Budget | None = None,
    seed: int = 1997,
    checkpoint_seconds: float = 10.0,
    verbose: bool = True,
) -> Record:
    """Trains the networks.

    Args:
        path: `JSB_Chorales.mat`.
        out: The JSON file. What it has already is kept; what it lacks is run. While it grows,
            checkpoints lie beside it.
        networks: Some of `keras_lstm_ext.variants.ODYSSEY`; all if none is given.
        budget: How much is trained; default: `Budget()`.
        seed: Of all random numbers.
        checkpoint_seconds: How much work of each network a kill may cost.
        verbose: Whether to show a progress bar.

    Returns:
        What the file has.

    Raises:
        ValueError: If an argument is not accepted, or the file is of another budget.
    """
    for row in networks:
        if row not in ODYSSEY:
            raise ValueError(f"`network` must be one of {tuple(ODYSSEY)}. Received: {row!r}")
    budget = budget or Budget()
    chorales = data.load(path)
    rows = {row: Network(v) for row, v in ODYSSEY.items() if row in (networks or ODYSSEY)}
    with _one_thread_each():
        return _run(rows, chorales, out, budget, seed, checkpoint_seconds, verbose)


def _run(
    rows: dict[str, Network],
    chorales: data.Chorales,
    out: Path,
    budget: Budget,
    seed: int,
    checkpoint_seconds: float,
    verbose: bool,
) -> Record:
    content = _open(out, budget, seed, chorales)
    for row in rows:
        new = {"weights": int(rows[row].learned.sum()), "commit": record.commit()}
        content["rows"].setdefault(row, new | {SEARCH: [], SEEDS: []})
    content["rows"] = {row: content["rows"][row] for row in ODYSSEY if row in content["rows"]}
    bar = _bar(len(rows) * (budget.runs + budget.seeds)) if verbose else None
    for jobs in (_searches, _seeds):
        todo = jobs(content, rows, budget, seed)
        if bar:
            bar.update(_done(content, rows))
        for job, ended in _side_by_side(todo, rows, chorales, out, checkpoint_seconds):
            part = content["rows"][job.row][job.part]
            part.append(ended)
            part.sort(key=lambda run: run["run"])
            record.write(content, out)
            _checkpoint(out, job).unlink(missing_ok=True)
            if bar:
                shown = [] if ended["validation"] is None else [(job.row, ended["validation"])]
                bar.update(_done(content, rows), shown)
    record.write(content, out)
    return content


def _searches(content: Record, rows: Any, budget: Budget, seed: int) -> list[Job]:
    """What the random search lacks: the same number of runs of each network, one after another."""
    jobs = []
    for run in range(budget.runs):
        for row in rows:
            how = _how(content, drawn(seed, run), _seed(seed, SEARCH, row, run))
            jobs.append(Job(row, SEARCH, run, how))
    return [job for job in jobs if job.run not in _ended(content, job)]


def _seeds(content: Record, rows: Any, budget: Budget, seed: int) -> list[Job]:
    """What the networks with the best pair lack; those of a pair that was the best no longer go."""
    pairs = {}
    for row in rows:
        of_row = content["rows"][row]
        if found := best(of_row):
            pair = pairs[row] = found["rate"], found["momentum"]
            of_row[SEEDS] = [run for run in of_row[SEEDS] if (run["rate"], run["momentum"]) == pair]
    jobs = []
    for run in range(budget.seeds):
        for row, pair in pairs.items():
            how = _how(content, pair, _seed(seed, SEEDS, row, run))
            jobs.append(Job(row, SEEDS, run, how))
    return [job for job in jobs if job.run not in _ended(content, job)]


def _seed(seed: int, part: str, row: str, run: int) -> tuple[int, ...]:
    return seed, (SEARCH, SEEDS).index(part), list(ODYSSEY).index(row), run


def _how(content: Record, pair: tuple[float, float], seed: tuple[int, ...]) -> How:
    ends = content["epochs"], content["patience"], content["constant"]["validation"]
    return How(*pair, seed, *ends)


def _ended(content: Record, job: Job) -> set[int]:
    return {run["run"] for run in content["rows"][job.row][job.part]}


def _done(content: Record, rows: Any) -> int:
    return sum(len(content["rows"][row][part]) for row in rows for part in (SEARCH, SEEDS))


def _side_by_side(
    jobs: Sequence[Job],
    rows: dict[str, Network],
    chorales: data.Chorales,
    out: Path,
    checkpoint_seconds: float,
) -> Iterator[tuple[Job, Record]]:
    """One network per processor; yields each that has ended."""
    stop = threading.Event()

    def learn(job: Job) -> tuple[Job, Record]:
        made = _learn(job, rows[job.row], chorales, _checkpoint(out, job), checkpoint_seconds, stop)
        return job, made

    pool = ThreadPoolExecutor(processors())
    try:
        for future in as_completed([pool.submit(learn, job) for job in jobs]):
            yield future.result()
    finally:
        stop.set()  # after Ctrl-C nobody waits for the epochs that are left
        pool.shutdown(cancel_futures=True)


def _one_thread_each() -> Any:
    """NumPy's products stay on their thread: they are small, and theirs would take processors."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise ValueError("threadpoolctl counts threads: pip install scipy threadpoolctl") from error
    return threadpool_limits(1, user_api="blas")


def _learn(
    job: Job,
    network: Network,
    chorales: data.Chorales,
    checkpoint: Path,
    seconds: float,
    stop: threading.Event,
) -> Record:
    state = State.load(checkpoint) if checkpoint.exists() else State.start(network, job.how)
    saved = time.monotonic()
    while not state.ended(job.how) and not stop.is_set():
        state = epoch(network, chorales, job.how, state)
        if stop.is_set() or time.monotonic() - saved > seconds:
            state.save(checkpoint)
            saved = time.monotonic()
    epochs, diverged = state.best_epoch, state.best_epoch == 0
    curve = [[_short(value) for value in point] for point in state.curve]
    return {
        "run": job.run,
        "rate": job.how.rate,
        "momentum": job.how.momentum,
        "epochs": len(state.curve),
        "best_epoch": epochs,
        "validation": None if diverged else float(state.curve[epochs - 1, 1]),
        "test": None if diverged else network.cost(state.best, chorales.test),
        "curve": curve,
    }


def _short(value: float) -> float | None:
    return float(f"{value:.5g}") if np.isfinite(value) else None


def _checkpoint(out: Path, job: Job) -> Path:
    return out.with_suffix(f".{job.row}.{job.part}.{job.run}.npz")


def read(path: Path) -> Record:
    """Reads what `reproduce` wrote.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        ValueError: If it is of another format.
    """
    return record.read(path, "odyssey", FORMAT)


def _open(out: Path, budget: Budget, seed: int, chorales: data.Chorales) -> Record:
    """The file, or the beginning of one; how many networks it is to have may change."""
    what = {"seed": seed, "units": UNITS, "epochs": budget.epochs, "patience": budget.patience}
    if out.exists():
        content = read(out)
        for key, value in what.items():
            if content.get(key) != value:
                raise ValueError(f"{out} has {key}={content.get(key)!r}. Received: {key}={value!r}")
    else:
        for checkpoint in out.parent.glob(f"{out.stem}.*.npz"):
            checkpoint.unlink()
        constant = data.constant_cost(chorales)
        content = {"odyssey": FORMAT} | what | {"constant": constant} | where_run() | {"rows": {}}
    content |= {"runs": budget.runs, "seeds": budget.seeds}
    record.write(content, out)
    return content


def _bar(networks: int) -> keras.utils.Progbar:
    metrics = list(ODYSSEY)
    print("odyssey: the last validation of each kind, in nats a step")
    return keras.utils.Progbar(
        networks, stateful_metrics=metrics, unit_name="network", interval=1.0
    )
