"""NVIDIA's run-time compiler and driver, as far as a kernel needs them, by their C interfaces."""

import ctypes
import functools
import hashlib
import importlib.util
from collections.abc import Mapping
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_size_t, c_uint32, c_void_p
from pathlib import Path
from typing import Any

from keras_lstm_ext.engines.cuda.layout import SIZES, WARPS, Card
from keras_lstm_ext.engines.native import packing

SOURCE = Path(__file__).parents[2] / "cuda" / "lstm.cu"

THREADS = 32 * WARPS
"""Of a block."""

LEAST_CAPABILITY = 90
"""Below which a GPU has no clusters."""

# Attributes of a device (CUdevice_attribute), and one of a function (CUfunction_attribute).
_MAJOR, _MINOR, _SHARED = 75, 76, 97
_MOST_SHARED_OF_FUNCTION = 8
_CLUSTER = 4  # CUlaunchAttributeID


class _Attribute(ctypes.Structure):
    _fields_ = (("id", c_int), ("padding", c_int), ("value", c_uint32 * 16))


class _Configuration(ctypes.Structure):
    _fields_ = (
        ("grid", c_uint32 * 3),
        ("block", c_uint32 * 3),
        ("shared", c_uint32),
        ("stream", c_void_p),
        ("attributes", POINTER(_Attribute)),
        ("count", c_uint32),
    )


class Kernel(ctypes.Structure):
    """What `lstm_cuda_add` of the library takes."""

    _fields_ = (
        ("function", c_void_p),
        ("launch", c_void_p),
        ("fill", c_void_p),
        ("blocks", c_uint32),
        ("cluster", c_uint32),
        ("threads", c_uint32),
        ("shared", c_uint32),
    )


@functools.cache
def why_not() -> str | None:
    """Gives None where kernels can be compiled and launched, or the reason why not."""
    if packing.why_not_built():
        return packing.why_not_built()
    try:
        capability = card().capability
        _compiler()
    except OSError as error:
        return str(error)
    except AttributeError as error:  # a function that only newer libraries have
        return f"NVIDIA's driver or run-time compiler is too old for it ({error})"
    if capability < LEAST_CAPABILITY:
        return (
            f"it needs compute capability {LEAST_CAPABILITY / 10}, and this card has "
            f"{capability / 10}"
        )
    return None


@functools.cache
def card(device: int = 0) -> Card:
    """What the driver says of a GPU.

    Args:
        device: Its number.

    Returns:
        The card.

    Raises:
        OSError: If there is no driver or no GPU.
    """
    library, found = _driver(), c_int()
    _check(library.cuDeviceGet(byref(found), device), "cuDeviceGet")

    def attribute(which: int) -> int:
        value = c_int()
        _check(library.cuDeviceGetAttribute(byref(value), which, found), "cuDeviceGetAttribute")
        return value.value

    capability, shared = 10 * attribute(_MAJOR) + attribute(_MINOR), attribute(_SHARED)
    if capability < LEAST_CAPABILITY:
        return Card(capability, shared, (0, 0, 0, 0))
    empty = _load_kernel(compiled('extern "C" __global__ void lstm() {}', {}, capability), shared)
    one, two, four, eight = (_clusters(empty, size, shared) for size in SIZES)
    return Card(capability, shared, (one, two, four, eight))


def add(macros: Mapping[str, Any], blocks: int, cluster: int, shared: int) -> int:
    """Compiles a kernel and gives it to the library.

    Args:
        macros: What `cuda/lstm.cu` is compiled with.
        blocks: Of a launch.
        cluster: Blocks of a cluster.
        shared: Bytes of shared memory of a block.

    Returns:
        The key that the library launches it by.

    Raises:
        OSError: If the compiler or the driver refuses it.
    """
    binary, library = compiled(SOURCE.read_text(), macros, card().capability), _driver()
    launch, fill = (
        ctypes.cast(f, c_void_p) for f in (library.cuLaunchKernelEx, library.cuMemsetD32Async)
    )
    kernel = Kernel(_load_kernel(binary, shared), launch, fill, blocks, cluster, THREADS, shared)
    key = int.from_bytes(hashlib.sha256(binary).digest()[:8], "little", signed=True)
    packing.LOADED.lstm_cuda_add(c_int64(key), byref(kernel))
    return key


def _load_kernel(binary: bytes, shared: int) -> c_void_p:
    """The function `lstm` on all devices, with so many bytes of shared memory for a block."""
    library, module, function, devices = _driver(), c_void_p(), c_void_p(), c_int()
    none = [None, None, 0]
    _check(library.cuLibraryLoadData(byref(module), binary, *none, *none), "cuLibraryLoadData")
    _check(library.cuLibraryGetKernel(byref(function), module, b"lstm"), "cuLibraryGetKernel")
    _check(library.cuDeviceGetCount(byref(devices)), "cuDeviceGetCount")
    for device in range(devices.value):
        status = library.cuKernelSetAttribute(_MOST_SHARED_OF_FUNCTION, shared, function, device)
        _check(status, "cuKernelSetAttribute")
    return function


def _clusters(function: c_void_p, size: int, shared: int) -> int:
    """How many clusters of a size the first GPU holds at once."""
    library, device, context, most = _driver(), c_int(), c_void_p(), c_int()
    _check(library.cuDeviceGet(byref(device), 0), "cuDeviceGet")
    _check(library.cuDevicePrimaryCtxRetain(byref(context), device), "cuDevicePrimaryCtxRetain")
    _check(library.cuCtxPushCurrent_v2(context), "cuCtxPushCurrent")
    try:
        attribute = _Attribute(_CLUSTER, 0, (c_uint32 * 16)(size, 1, 1))
        sizes = ((c_uint32 * 3)(n, 1, 1) for n in (size, THREADS))
        how = _Configuration(*sizes, shared, None, ctypes.pointer(attribute), 1)
        ask = library.cuOccupancyMaxActiveClusters
        _check(ask(byref(most), function, byref(how)), "cuOccupancyMaxActiveClusters")
    finally:
        library.cuCtxPopCurrent_v2(byref(c_void_p()))
    return most.value


def compiled(source: str, macros: Mapping[str, Any], capability: int) -> bytes:
    """Machine code of a kernel.

    Args:
        source: CUDA C++.
        macros: Defined before it.
        capability: Compute capability of the GPU.

    Returns:
        The code.

    Raises:
        OSError: If the compiler refuses it; the message is the compiler's.
    """
    library, program, size = _compiler(), c_void_p(), c_size_t()
    create = library.nvrtcCreateProgram
    _check(create(byref(program), source.encode(), b"lstm.cu", 0, None, None), "nvrtcCreateProgram")
    options = [f"--gpu-architecture=sm_{capability}", "--std=c++17"]
    options += [f"-D{name}={value}" for name, value in macros.items()]
    given = (c_char_p * len(options))(*(option.encode() for option in options))
    if library.nvrtcCompileProgram(program, len(options), given):
        library.nvrtcGetProgramLogSize(program, byref(size))
        log = ctypes.create_string_buffer(size.value)
        library.nvrtcGetProgramLog(program, log)
        raise OSError(f"NVRTC cannot compile the kernel: {log.value.decode()}")
    _check(library.nvrtcGetCUBINSize(program, byref(size)), "nvrtcGetCUBINSize")
    binary = ctypes.create_string_buffer(size.value)
    _check(library.nvrtcGetCUBIN(program, binary), "nvrtcGetCUBIN")
    library.nvrtcDestroyProgram(byref(program))
    return binary.raw


@functools.cache
def _driver() -> Any:
    library = _load("NVIDIA's driver", ["libcuda.so.1", "nvcuda.dll"])
    _check(library.cuInit(0), "cuInit")
    return library


@functools.cache
def _compiler() -> Any:
    places: list[Path] = []
    found = importlib.util.find_spec("nvidia")  # packages of wheels
    for folder in (found.submodule_search_locations or []) if found else []:
        places += Path(folder).glob("*/lib/libnvrtc.so.*")
    names = [str(place) for place in sorted(places, reverse=True)]
    return _load("NVRTC, NVIDIA's run-time compiler", [*names, "libnvrtc.so.13", "libnvrtc.so.12"])


def _load(what: str, names: list[str]) -> Any:
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise OSError(f"{what} is not found here")


def _check(status: int, what: str) -> None:
    if status:
        raise OSError(f"{what} of CUDA fails with error {status}")
