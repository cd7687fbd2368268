"""What must hold of a file before anybody may install it. Everything here ends the command."""

import getpass
import re
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from release.platforms import ELF, PLATFORMS

ROOT = Path(__file__).parents[1]
LIBRARIES = ("keras_lstm_ext/native/lstm.so", "keras_lstm_ext/native/lstm_tensorflow.so")
MOST_BYTES = 1_000_000


def wheel(made: Path) -> None:
    """Refuses a wheel that would not run where its name says.

    Args:
        made: The wheel.

    Raises:
        SystemExit: With what is wrong.
    """
    platform = PLATFORMS[made.stem.split("-")[-1]]
    if made.stat().st_size > MOST_BYTES:
        refuse(made, f"it has more than {MOST_BYTES} bytes")
    with zipfile.ZipFile(made) as file:
        names = file.namelist()
        for name in LIBRARIES:
            if name not in names:
                refuse(made, f"{name} is missing")
            if not file.read(name).startswith(platform.magic):
                refuse(made, f"{name} is of another system")
        native = [name for name in names if name.startswith("keras_lstm_ext/native/")]
        strange = sorted(set(native) - set(LIBRARIES))
        if strange:
            refuse(made, f"{strange[0]} does not belong into it")
        for name in names:
            found = traces(file.read(name)) if name.endswith(".so") else None
            if found:
                refuse(made, f"{name} holds {found!r}, which is of the machine that built it")
    if platform.magic == ELF:
        symbols(made, platform.tag)


def traces(content: bytes) -> str | None:
    """What a library says of the machine that built it, or None.

    Args:
        content: The library.

    Returns:
        The first trace.
    """
    names = {str(Path.home()), str(ROOT), socket.gethostname(), getpass.getuser()} - {"/", ""}
    # A short name may be found anywhere: it counts as a part of a path only.
    patterns = [re.escape(n) if n.startswith("/") else f"[/@]{re.escape(n)}[/.]" for n in names]
    patterns += ["/tmp/[^ ]*", "/home/[^ ]*"]
    for pattern in patterns:
        if match := re.search(pattern.encode(), content):
            return match.group().split(b"\0")[0].decode(errors="replace")
    return None


def symbols(made: Path, tag: str) -> None:
    """Refuses a wheel for Linux whose symbols are newer than its name says.

    Args:
        made: The wheel.
        tag: What it promises.

    Raises:
        SystemExit: With what auditwheel says.
    """
    command = [sys.executable, "-m", "auditwheel", "show", str(made)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = " ".join(done.stdout.split())
    if f'platform tag: "{tag}"' not in said:
        refuse(made, f"auditwheel says: {said or done.stderr}")


def sdist(made: Path) -> None:
    """Refuses a source distribution that lacks a file of the repository.

    Args:
        made: The archive.

    Raises:
        SystemExit: With the names of those that are missing.
    """
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=False
    ).stdout.splitlines()
    with tarfile.open(made) as file:
        packed = {name.partition("/")[2] for name in file.getnames()}
    missing = [name for name in listed if (ROOT / name).exists() and name not in packed]
    if missing:
        refuse(made, f"it lacks {', '.join(missing)}; MANIFEST.in says what is in it")


def descriptions(files: Sequence[Path]) -> None:
    """Refuses what an index would refuse.

    Args:
        files: All that would be uploaded.

    Raises:
        SystemExit: With what twine says.
    """
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def refuse(made: Path, why: str) -> None:
    """Ends the command.

    Args:
        made: The file.
        why: What is wrong with it.

    Raises:
        SystemExit: Always.
    """
    raise SystemExit(f"{made.name}: {why}")
