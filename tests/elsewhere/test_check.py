"""What `make wheels` refuses to call a wheel."""

import zipfile
from pathlib import Path

import pytest

from release import check
from release.platforms import PLATFORMS

NAME = "keras_lstm_ext-0.2.0-py3-none-win_amd64.whl"


def wheel(folder: Path, **changed: bytes | None) -> Path:
    """One for Windows, with other contents, or without a file where there are none."""
    path = folder / NAME
    files: dict[str, bytes | None] = {name: b"MZ" for name in check.LIBRARIES} | changed
    with zipfile.ZipFile(path, "w") as file:
        for name, content in files.items():
            if content is not None:
                file.writestr(name, content)
    return path


def test_what_is_right(tmp_path: Path) -> None:
    check.wheel(wheel(tmp_path))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({check.LIBRARIES[0]: None}, "lstm.so is missing"),
        ({check.LIBRARIES[1]: b"\x7fELF"}, "of another system"),
        ({"keras_lstm_ext/native/not_built.txt": b"no compiler"}, "does not belong"),
        ({"keras_lstm_ext/native/arrays.lib": b""}, "does not belong"),
        ({check.LIBRARIES[0]: b"MZ\0/home/me/lstm.o\0"}, "holds '/home/me/lstm.o'"),
        ({"keras_lstm_ext/large": bytes(2_000_000)}, "more than 1000000 bytes"),
    ],
)
def test_what_is_refused(changed: dict[str, bytes | None], why: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=why):
        check.wheel(wheel(tmp_path, **changed))


def test_a_platform_is_its_tag() -> None:
    for tag, platform in PLATFORMS.items():
        assert platform.host.replace("-", "_").replace(".", "_") == tag
