"""What the library says of the processor, against what Linux says."""

import ctypes
from pathlib import Path

import pytest

from keras_lstm_ext.engines.native import packing
from tests.native import library as c

CPU = Path("/proc/cpuinfo")
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")

pytestmark = pytest.mark.skipif(packing.library() is None, reason="the library is not built")

NEEDED = {
    "avx2": {"avx2", "fma"},
    "avx512": {"avx2", "fma", "avx512f", "avx512dq", "avx512bw", "avx512vl"},
}


@pytest.mark.skipif(not CPU.exists(), reason="of Linux")
def test_instruction_sets() -> None:
    flags = {word for line in CPU.read_text().splitlines() for word in line.split()}
    library = c.load()
    assert library.lstm_supports(c.ISAS["baseline"])
    for isa, needed in NEEDED.items():
        assert bool(library.lstm_supports(c.ISAS[isa])) == (needed <= flags)
    assert not library.lstm_supports(99)


def size_of_cache() -> int | None:
    for cache in CACHES.glob("index*"):
        level, kind, size = (
            (cache / name).read_text().strip() for name in ("level", "type", "size")
        )
        if level == "2" and kind != "Instruction":
            return int(size.removesuffix("K")) * 1024
    return None


@pytest.mark.skipif(size_of_cache() is None, reason="this machine does not show its caches")
def test_second_level_cache() -> None:
    library = c.load()
    library.lstm_cache.restype = ctypes.c_int64
    assert library.lstm_cache() == size_of_cache() == packing.processor()[1]
