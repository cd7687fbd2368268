"""Compiles the native engine where there is a C++ compiler; pyproject.toml says all else."""

import filecmp
import os
import platform
import shutil
import sysconfig
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

FOLDER = Path("keras_lstm_ext/native")
RECORD = "not_built.txt"

# A release has the engine or is none.
REQUIRED = os.environ.get("KERAS_LSTM_EXT_NATIVE") == "required"

# The kernels with their C interface, which does nothing when it is loaded, and TensorFlow's ops,
# which register themselves and must therefore be loaded by TensorFlow, whoever came first.
LIBRARIES = {
    "lstm": (
        *("kernels", "lstm", "stream", "memory", "processor", "threads", "arrays", "plain"),
        *("xla", "online", "cuda"),
    ),
    "lstm_tensorflow": ("arrays", "op", "tensorflow"),
}

COMMON = [
    "-O3",
    "-g0",
    "-std=c++17",
    "-fvisibility=hidden",
    "-ffp-contract=fast",
    "-fno-math-errno",
]
AVX2 = ["-mavx2", "-mfma"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl"]

# Instruction set: floats in a vector, rows of a tile (as many as the registers hold), flags.
X86 = {
    "baseline": (4, 2, []),
    "avx2": (8, 3, AVX2),
    "avx512": (16, 6, [*AVX512, "-mprefer-vector-width=512"]),
}
OTHER = {"baseline": (4, 6, [])}

# What is built for: a cross build says it in the environment. Python for either kind of Mac builds
# for the one at hand.
PLATFORM = sysconfig.get_platform()
WINDOWS, MACOS = PLATFORM.startswith("win"), PLATFORM.startswith("macosx")
if PLATFORM.endswith("universal2"):
    PLATFORM = platform.machine()
    os.environ.setdefault("ARCHFLAGS", f"-arch {PLATFORM}")
ISAS = X86 if PLATFORM.endswith(("x86_64", "amd64")) else OTHER


class BuildNative(build_ext):
    """Compiles the kernels once per instruction set, or says in a file why it could not."""

    def get_ext_filename(self, fullname: str) -> str:
        """One library serves every Python: it knows nothing of Python."""
        return str(Path(*fullname.split(".")).with_suffix(".so"))

    def build_extension(self, ext: Extension) -> None:
        """Compiles and links; a failure is written down beside where the library would be."""
        library = Path(self.get_ext_fullpath(ext.name))
        library.parent.mkdir(parents=True, exist_ok=True)
        if self.editable_mode and is_built(ext, FOLDER / library.name):
            shutil.copy(FOLDER / library.name, library)
            return
        try:
            others = [] if library.name == "lstm.so" else [str(library.with_name("lstm.so"))]
            self.compiler.link_shared_object(
                [*self.objects(ext), *others],
                str(library),
                libraries=ext.libraries,
                extra_postargs=link_flags(self.compiler, library.name, self.build_temp),
                target_lang="c++",
            )
        except Exception as error:  # whatever it is: all else must install
            if REQUIRED:
                raise
            self.warn(f"the native engine is not built: {error}")
            library.with_name(RECORD).write_text(self.reason())

    def objects(self, ext: Extension) -> list[str]:
        """Compiles all sources, the kernels several times."""

        def compiled(source: str, folder: str, macros: list, flags: list) -> list[str]:
            return self.compiler.compile(
                [source],
                output_dir=str(Path(self.build_temp) / folder),
                macros=macros,
                extra_postargs=[*COMMON, *flags],
                depends=ext.depends,
            )

        found = []
        for source in ext.sources:
            if Path(source).stem != "kernels":
                found += compiled(source, "all", [], [])
                continue
            for isa, (lanes, rows, flags) in ISAS.items():
                macros = [("ISA", isa), ("LANES", str(lanes)), ("TILE_ROWS", str(rows))]
                found += compiled(source, isa, macros, flags)
        return found

    def reason(self) -> str:
        """What `explain` will say."""
        command = getattr(self.compiler, "compiler_so", None) or [""]
        found = "the C++ compiler failed" if shutil.which(command[0]) else "no C++ compiler found"
        return f"{found} when installing"

    def copy_extensions_to_source(self) -> None:
        """What was built, or why not, for an editable installation."""
        for name in (*(f"{library}.so" for library in LIBRARIES), RECORD):
            made = Path(self.build_lib) / FOLDER / name
            target = FOLDER / name
            if made.exists() and target.exists() and filecmp.cmp(made, target, shallow=False):
                target.touch()  # not replaced, since another environment may have it in use
                continue
            target.unlink(missing_ok=True)
            if made.exists():
                shutil.copy(made, target)


def is_built(ext: Extension, library: Path) -> bool:
    """Whether another environment's editable installation made it from the same sources."""
    sources = [*ext.sources, *ext.depends, __file__]
    return library.exists() and max(map(os.path.getmtime, sources)) < library.stat().st_mtime


def link_flags(compiler: Any, name: str, temporary: str) -> list[str]:
    """What lets one library find the other beside it, and what others find in it."""
    if WINDOWS:  # what a linker would read of it, which would land in the wheel
        return [f"-Wl,--out-implib,{Path(temporary) / name}.lib"]
    if not MACOS:
        exports = FOLDER / "exports.map"
        return [f"-Wl,-soname,{name}", "-Wl,-rpath,$ORIGIN", f"-Wl,--version-script={exports}"]
    for linker in ("linker_so", "linker_so_cxx"):  # a bundle cannot be linked to
        flags = getattr(compiler, linker, None) or []
        setattr(compiler, linker, ["-dynamiclib" if f == "-bundle" else f for f in flags])
    return [f"-Wl,-install_name,@rpath/{name}", "-Wl,-rpath,@loader_path"]


class Wheel(bdist_wheel):
    """A wheel for every Python on this platform."""

    def get_tag(self) -> tuple[str, str, str]:
        """The library does not depend on the version of Python."""
        return "py3", "none", super().get_tag()[2]


if __name__ == "__main__":  # tests read the tables above
    setup(
        ext_modules=[
            Extension(
                f"keras_lstm_ext.native.{name}",
                sources=[str(FOLDER / f"{source}.cpp") for source in sources],
                depends=sorted(map(str, FOLDER.glob("*.h"))),
                libraries=[] if WINDOWS else ["dl", "pthread"],
                optional=not REQUIRED,
            )
            for name, sources in LIBRARIES.items()
        ],
        cmdclass={"build_ext": BuildNative, "bdist_wheel": Wheel},
    )
