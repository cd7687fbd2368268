"""The wheels of a release and its sdist, from one Linux machine, each checked: `make wheels`.

    python -m release.wheels [--dist FOLDER] [PLATFORM ...]

Zig, which PyPI has, is the only compiler. The same commit gives the same bytes.
"""

import argparse
import gzip
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from release import check
from release.platforms import PLATFORMS, Platform

ROOT = Path(__file__).parents[1]
AT_ONCE = 2  # as many as there are processors, mostly


def main(argv: Sequence[str] | None = None) -> None:
    """Makes them.

    Args:
        argv: The arguments of the command. Default: those of the process.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="default: dist")
    parser.add_argument("platforms", nargs="*", metavar="PLATFORM", help=", ".join(PLATFORMS))
    arguments = parser.parse_args(argv)
    wrong = sorted(set(arguments.platforms) - set(PLATFORMS))
    if wrong:
        parser.error(f"PLATFORM must be one of {', '.join(PLATFORMS)}. Received: {wrong[0]}")
    dist = arguments.dist.resolve()
    dist.mkdir(parents=True, exist_ok=True)
    for made_before in (*dist.glob("*.whl"), *dist.glob("*.tar.gz")):
        made_before.unlink()
    os.environ.setdefault("SOURCE_DATE_EPOCH", commit_time())
    start = time.monotonic()
    archive = sdist(dist)
    report(archive, start)
    chosen = [PLATFORMS[tag] for tag in arguments.platforms or PLATFORMS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for made in pool.map(lambda platform: wheel(archive, platform, dist), chosen):
            check.wheel(made)
    check.descriptions(sorted(dist.iterdir()))


def commit_time() -> str:
    """Seconds, of the last commit; of 2026 where there is no repository."""
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "1767225600"


def sdist(dist: Path) -> Path:
    """The source distribution, whose files have the time of the commit and no owner.

    Args:
        dist: The folder where it goes.

    Returns:
        The file.
    """
    run(["-m", "build", "--sdist", "--no-isolation", "--outdir", dist, ROOT])
    (made,) = dist.glob("*.tar.gz")
    when = int(os.environ["SOURCE_DATE_EPOCH"])
    again = made.with_suffix(".part")
    with (
        tarfile.open(made) as given,
        again.open("wb") as file,
        gzip.GzipFile("", "wb", mtime=when, fileobj=file) as packed,
        tarfile.open(fileobj=packed, mode="w") as taken,
    ):
        for member in sorted(given.getmembers(), key=lambda member: member.name):
            member.mtime, member.uid, member.gid = when, 0, 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            taken.addfile(member, given.extractfile(member) if member.isfile() else None)
    again.replace(made)
    check.sdist(made)
    return made


def wheel(archive: Path, platform: Platform, dist: Path) -> Path:
    """One wheel.

    Args:
        archive: The sdist, from which alone it is made.
        platform: Where it will run.
        dist: The folder where it goes.

    Returns:
        The file.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as given:
            given.extractall(folder, filter="data")
        (source,) = Path(folder).iterdir()
        add_licences(source)
        command = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        run([*command, "--wheel-dir", dist, source], platform.environment())
    (made,) = dist.glob(f"*{platform.tag}.whl")
    report(made, start)
    return made


def add_licences(source: Path) -> None:
    """Puts the licences of what Zig links in beside ours.

    Args:
        source: The unpacked sdist.
    """
    import ziglang

    zig = Path(ziglang.__file__).parent
    texts = {
        "zig": zig / "LICENSE",
        "libcxx": zig / "lib/libcxx/LICENSE.TXT",
        "libcxxabi": zig / "lib/libcxxabi/LICENSE.TXT",
        "libunwind": zig / "lib/libunwind/LICENSE.TXT",
        "mingw-w64": zig / "lib/libc/mingw/COPYING",
    }
    folder = source / "licenses"
    folder.mkdir()
    for name, text in texts.items():
        (folder / f"{name}.txt").write_bytes(text.read_bytes())
    project = source / "pyproject.toml"
    ours = 'license-files = ["LICENSE"]'
    written = project.read_text()
    assert ours in written
    project.write_text(written.replace(ours, 'license-files = ["LICENSE", "licenses/*.txt"]'))


def run(arguments: Sequence[object], environment: dict[str, str] | None = None) -> None:
    """Runs this Python; what it says is shown if it fails.

    Args:
        arguments: Of the command line.
        environment: What it has beside the one of this process.
    """
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}\n`python {' '.join(map(str, arguments))}` failed")


def report(made: Path, start: float) -> None:
    """Prints a line about a file.

    Args:
        made: The file.
        start: When its making began, on the monotonic clock.
    """
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    seconds = time.monotonic() - start
    print(f"{digest}  {made.name}  {made.stat().st_size // 1024} kB, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
