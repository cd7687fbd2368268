"""Writes which functions of TensorFlow's C API a wheel of it has, and in which file.

pip download --no-deps --only-binary :all: --platform win_amd64 tensorflow==2.21.0
pip install lief
python -m tests.elsewhere.exports WHEEL ...
"""

import struct
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

FOLDER = Path(__file__).with_name("tensorflow")
ENDINGS = (".so.2", ".dylib", ".dll", ".pyd")


def exported(content: bytes) -> set[str]:
    if content.startswith(b"MZ"):
        return exported_by_windows(content)
    import lief

    library = lief.parse(list(content))
    names = {function.name for function in library.exported_functions}
    return {name.removeprefix("_") for name in names} if ".MachO" in str(type(library)) else names


def exported_by_windows(content: bytes) -> set[str]:
    """From the table of a DLL, which may be longer than what libraries for this read."""

    def words(at: int, kind: str) -> tuple[int, ...]:
        return struct.unpack_from("<" + kind, content, at)

    (header,) = words(0x3C, "I")
    sections, optional = words(header + 6, "H")[0], words(header + 20, "H")[0]
    table = [words(header + 32 + optional + 40 * k, "4I") for k in range(sections)]

    def place(address: int) -> int:
        for size, start, packed, raw in table:
            if start <= address < start + max(size, packed):
                return address - start + raw
        raise ValueError(f"no section holds {address:#x}")

    (directory,) = words(header + 24 + 112, "I")
    if not directory:
        return set()
    (count,) = words(place(directory) + 24, "I")
    (names,) = words(place(directory) + 32, "I")
    starts = [place(address) for address in words(place(names), f"{count}I")]
    return {content[start : content.index(b"\0", start)].decode() for start in starts}


def files(wheel: Path) -> Iterator[tuple[str, list[str]]]:
    """Names of files, as a loader knows them, and of what they have of the C API."""
    with zipfile.ZipFile(wheel) as file:
        for name in sorted(file.namelist()):
            base = PurePosixPath(name).name
            known = "framework" in base or "_pywrap_tensorflow_" in base
            if known and base.endswith(ENDINGS):
                found = exported(file.read(name))
                yield base, sorted(n for n in found if n.startswith("TF_"))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for wheel in map(Path, sys.argv[1:]):
        name, version, *_, platform = wheel.stem.split("-")
        pairs = ((base, function) for base, has in files(wheel) for function in has or ["-"])
        lines = list(dict.fromkeys(map(" ".join, pairs)))
        out = FOLDER / f"{name}-{version}-{platform}.txt"
        out.write_text("\n".join(lines) + "\n")
        print(out.name, len(lines))


if __name__ == "__main__":
    main()
