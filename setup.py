"""Compiles the native engine where there is a C++ compiler; pyproject.toml says all else."""

import platform
import shutil
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

FOLDER = Path("keras_lstm_ext/native")
RECORD = "not_built.txt"

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
    "baseline": (4, 3, []),
    "avx2": (8, 3, AVX2),
    "avx512": (16, 6, [*AVX512, "-mprefer-vector-width=512"]),
}
OTHER = {"baseline": (4, 6, [])}
ISAS = X86 if platform.machine().lower() in ("x86_64", "amd64") else OTHER


class BuildNative(build_ext):
    """Compiles the kernels once per instruction set, or says in a file why it could not."""

    def get_ext_filename(self, fullname: str) -> str:
        """One library serves every Python: it knows nothing of Python."""
        return str(Path(*fullname.split(".")).with_suffix(".so"))

    def build_extension(self, ext: Extension) -> None:
        """Compiles and links; a failure is written down beside where the library would be."""
        library = Path(self.get_ext_fullpath(ext.name))
        library.parent.mkdir(parents=True, exist_ok=True)
        try:
            objects = self.objects(ext)
            self.compiler.link_shared_object(
                objects, str(library), libraries=ext.libraries, target_lang="c++"
            )
        except Exception as error:  # whatever it is: all else must install
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

        kernels, *sources = ext.sources
        found = [o for source in sources for o in compiled(source, "all", [], [])]
        for isa, (lanes, rows, flags) in ISAS.items():
            macros = [("ISA", isa), ("LANES", str(lanes)), ("TILE_ROWS", str(rows))]
            found += compiled(kernels, isa, macros, flags)
        return found

    def reason(self) -> str:
        """What `explain` will say."""
        command = getattr(self.compiler, "compiler_so", None) or [""]
        found = "the C++ compiler failed" if shutil.which(command[0]) else "no C++ compiler found"
        return f"{found} when installing"

    def copy_extensions_to_source(self) -> None:
        """What was built, or why not, for an editable installation."""
        for name in ("lstm.so", RECORD):
            made = Path(self.build_lib) / FOLDER / name
            (FOLDER / name).unlink(missing_ok=True)
            if made.exists():
                shutil.copy(made, FOLDER / name)


class Wheel(bdist_wheel):
    """A wheel for every Python on this platform."""

    def get_tag(self) -> tuple[str, str, str]:
        """The library does not depend on the version of Python."""
        return "py3", "none", super().get_tag()[2]


setup(
    ext_modules=[
        Extension(
            "keras_lstm_ext.native.lstm",
            sources=[
                str(FOLDER / f"{name}.cpp")
                for name in ("kernels", "lstm", "stream", "memory", "threads", "op", "tensorflow")
            ],
            depends=sorted(map(str, FOLDER.glob("*.h"))),
            libraries=[] if platform.system() == "Windows" else ["dl", "pthread"],
            optional=True,
        )
    ],
    cmdclass={"build_ext": BuildNative, "bdist_wheel": Wheel},
)
