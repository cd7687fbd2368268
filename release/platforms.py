"""The platforms that wheels are made for, and what a file of each looks like."""

import shlex
import sys
from dataclasses import dataclass

ELF, MACH_O, DOS = b"\x7fELF", b"\xcf\xfa\xed\xfe", b"MZ"


@dataclass(frozen=True)
class Platform:
    """One wheel.

    Args:
        tag: Of the wheel.
        host: What Python there calls the platform, from which setuptools makes the tag.
        target: Zig's name.
        magic: How its libraries begin.
        compile: Flags of the compiler.
        link: Flags of the linker.
        resolver: What uv calls it.
    """

    tag: str
    host: str
    target: str
    magic: bytes
    compile: tuple[str, ...]
    link: tuple[str, ...]
    resolver: str

    def environment(self) -> dict[str, str]:
        """What makes setuptools build for it, with Zig as the only compiler."""
        zig = f"{shlex.quote(sys.executable)} -m ziglang c++ -target {self.target}"
        link = " ".join([zig, "-shared", *self.link])
        return {
            "CC": zig,
            "CXX": zig,
            "CFLAGS": " ".join(self.compile),
            "LDSHARED": link,
            "LDCXXSHARED": link,
            "_PYTHON_HOST_PLATFORM": self.host,
            "KERAS_LSTM_EXT_NATIVE": "required",
        }


# "-s": without symbols a library is a tenth of its size.
PLATFORMS = {
    platform.tag: platform
    for platform in (
        Platform(
            "manylinux_2_17_x86_64",
            "manylinux_2_17_x86_64",
            "x86_64-linux-gnu.2.17",
            ELF,
            ("-fPIC",),
            ("-s", "-Wl,--gc-sections"),
            "x86_64-manylinux_2_28",
        ),
        Platform(
            "manylinux_2_17_aarch64",
            "manylinux_2_17_aarch64",
            "aarch64-linux-gnu.2.17",
            ELF,
            ("-fPIC",),
            ("-s", "-Wl,--gc-sections"),
            "aarch64-manylinux_2_28",
        ),
        Platform(
            "macosx_12_0_arm64",
            "macosx-12.0-arm64",
            "aarch64-macos.12.0",
            MACH_O,
            ("-fPIC",),
            ("-s",),
            "aarch64-apple-darwin",
        ),
        Platform(
            "win_amd64",
            "win-amd64",
            "x86_64-windows-gnu",
            DOS,
            (),
            ("-s",),
            "x86_64-pc-windows-msvc",
        ),
    )
}
"""By the tag of the wheel."""
