"""The file that a run leaves: what was measured, on which machine, with which versions."""

import json
import os
import platform
import re
import subprocess
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keras_lstm_ext.bench.process import ROOT, Settings
from keras_lstm_ext.files import whole
from keras_lstm_ext.version import __version__

Record = dict[str, Any]

FORMAT = 1
"""Number of the file's format."""


def record(
    suite: str, settings: Settings, machine: Record, measured: Record, peak: Record | None = None
) -> Record:
    """Puts together what is written.

    Args:
        suite: Name of the suite.
        settings: How it was measured.
        machine: What `machine` said before.
        measured: What `driver.measure` returned.
        peak: What the machine can do at best, if that was measured.

    Returns:
        JSON-friendly, in the order in which a reader wants it.
    """
    how = asdict(settings)
    del how["pythons"]
    return {
        "format": FORMAT,
        "suite": suite,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "commit": commit(),
        "machine": machine,
        "precision": "float32, TF32 off",
        "settings": how,
        "peak": peak or {},
        **measured,
    }


def machine() -> Record:
    """Processor, memory, operating system, and how busy it is; before a benchmark, not after."""
    return {
        "processor": processor(),
        "processors": os.cpu_count(),
        "memory_bytes": _memory(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "busy_share": busy_share(),
    }


def busy_share(seconds: float = 0.5) -> float | None:
    """Which part of the processors' time goes to something else at the moment.

    Args:
        seconds: How long to look.

    Returns:
        From 0 to 1; None where the system does not say.
    """
    before = _processor_times()
    time.sleep(seconds)
    spent = [end - start for start, end in zip(before, _processor_times(), strict=True)]
    # The fourth and fifth are idle time and waiting for input and output.
    return 1.0 - sum(spent[3:5]) / sum(spent) if any(spent) else None


def _processor_times() -> list[int]:
    statistics = Path("/proc/stat")
    if not statistics.exists():
        return []
    return [int(ticks) for ticks in statistics.read_text().splitlines()[0].split()[1:9]]


def _memory() -> int | None:
    """In bytes; None on Windows, which is asked in another way."""
    if not hasattr(os, "sysconf"):
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def processor() -> str:
    """The name of the processor, as far as the system tells it.

    Returns:
        What its maker calls it, or its kind.
    """
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return platform.processor() or platform.machine()


def commit() -> str | None:
    """The commit of this checkout, `+changes` if files differ from it; None outside of one."""
    try:
        # What other runs wrote changes nothing that is measured.
        changes = _git("status", "--porcelain", "--", ".", ":!*/results/*")
        return _git("rev-parse", "HEAD") + ("+changes" if changes else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def processor_of(made: Record) -> str:
    """What computed: the card, or the processor with the instructions that gave its peak.

    Args:
        made: A record.

    Returns:
        For example `"AMD EPYC, AVX2"`: clouds tell no more than the first half.
    """
    if made["settings"]["device"] == "gpu":
        return next(v["gpu"] for v in made["versions"].values() if "gpu" in v)
    isas = [how.split(", ")[1] for how in made["peak"] if how.startswith("multiply-adds, ")]
    return ", ".join([made["machine"]["processor"], *isas])


def place(made: Record, backend: str, folder: Path) -> Path:
    """Where a record belongs: one file for each suite, backend and processor.

    Args:
        made: A record.
        backend: Keras backend of its layers.
        folder: Of all records.

    Returns:
        The file.
    """
    what = made["suite"], backend, made["settings"]["device"], processor_of(made)
    return folder / f"{re.sub('[^a-z0-9]+', '-', '-'.join(what).lower()).strip('-')}.json"


def kept(folder: Path, suite: str, backend: str, device: str = "cpu") -> list[Record]:
    """The records of a suite, one for each processor.

    Args:
        folder: Of all records.
        suite: Name of the suite.
        backend: Keras backend.
        device: `"cpu"` or `"gpu"`.

    Returns:
        Newest first.
    """
    found = map(read, folder.glob(f"{suite}-{backend}-{device}-*.json"))
    return sorted(found, key=lambda made: str(made["measured_at"]), reverse=True)


NUMBERS = re.compile(r"\[\n([^\[\]{}\"]+)\n *\]")
"""A list of numbers in indented JSON."""


def write(content: Record, path: Path) -> None:
    """Writes a record as JSON, whole or not at all, a list of numbers on a line.

    Args:
        content: The record.
        path: The file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as temporary:
        text = json.dumps(content, indent=1, allow_nan=False)
        # No line break in a string is one in the file: these are lists of numbers only.
        temporary.write_text(
            NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"
        )


def read(path: Path, key: str = "format", number: int = FORMAT) -> Record:
    """Reads what `write` wrote.

    Args:
        path: The file.
        key: What kind of record it is; the number of its format stands there.
        number: That number.

    Returns:
        The record.

    Raises:
        ValueError: If the file is no JSON, or of another kind or format.
    """
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except ValueError as error:
        raise ValueError(
            f"{path} must be a record that this command wrote, and is not JSON: give another file, "
            "or delete this one"
        ) from error
    found = content.get(key) if isinstance(content, dict) else None
    if found != number:
        raise ValueError(f"{path} must be a record with {key}={number}. Received: {key}={found!r}")
    return dict(content)
