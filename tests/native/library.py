"""The plain C interface of the native library through ctypes, NumPy arrays in and out."""

import ctypes
from ctypes import POINTER, byref, c_float, c_int32, c_int64, c_void_p
from typing import Any

import numpy as np

from keras_lstm_ext.engines.native import packing
from keras_lstm_ext.variants import Variant

SQUASHERS = ("sigmoid", "tanh", "linear", "centered_sigmoid_2", "centered_sigmoid_1")
ISAS = {"baseline": 1, "avx2": 2, "avx512": 3}
Arrays = dict[str, Any]


class Options(ctypes.Structure):
    """As `Options` in lstm.h."""

    _fields_ = (
        [(name, c_int64) for name in ("batch", "time", "features", "units", "block_size")]
        + [(name, c_int32) for name in ("gates", "sigma", "activation", "output_activation")]
        + [(name, c_int32) for name in ("feedback", "coupled", "peepholes", "truncated", "reverse")]
        + [(name, c_int32) for name in ("normalize_nets", "normalize_output", "threads", "isa")]
        + [("decay", c_float), ("epsilon", c_float)]
    )


def pointers(names: str) -> type[ctypes.Structure]:
    """A structure of pointers."""
    return type(
        "Pointers", (ctypes.Structure,), {"_fields_": [(n, c_void_p) for n in names.split()]}
    )


Inputs = pointers("x h c W R p b multiplier mask")
Results = pointers("y h c gates cells")
Errors = pointers("y h c")
Gradients = pointers("x h c W R p b")


def filled(structure: type[ctypes.Structure], arrays: Arrays) -> ctypes.Structure:
    """The structure with the addresses of those arrays that there are."""
    found = {name: arrays.get(name) for name, _ in structure._fields_}
    assert all(a is None or a.flags.c_contiguous for a in found.values())
    made = structure(**{name: a.ctypes.data for name, a in found.items() if a is not None})
    made.arrays = found  # which live as long as their addresses are known
    return made


def load() -> ctypes.CDLL:
    """The library."""
    library = ctypes.CDLL(str(packing.library()))
    library.lstm_kept.argtypes = [c_void_p, POINTER(c_int64), POINTER(c_int64)]
    return library


def options(
    variant: Variant, x: np.ndarray, units: int, threads: int = 1, isa: int = 0, **more: Any
) -> Options:
    """The options of a call."""
    output = variant.output_activation
    output = variant.activation if output == "same" else output
    given = {
        "batch": x.shape[0],
        "time": x.shape[1],
        "features": x.shape[2],
        "units": units,
        "block_size": variant.block_size,
        "gates": sum(bit for k, bit in (("i", 1), ("f", 2), ("o", 4)) if k in variant.gates),
        "activation": SQUASHERS.index(variant.activation or "linear"),
        "output_activation": SQUASHERS.index(output or "linear"),
        "feedback": 2 if variant.feeds_gates else variant.feedback != "none",
        "coupled": variant.coupled,
        "peepholes": variant.peepholes,
        "truncated": variant.truncated,
        "normalize_nets": variant.normalize_nets,
        "normalize_output": variant.normalize_output,
        "decay": variant.decay,
        "epsilon": variant.epsilon,
        "threads": threads,
        "isa": isa,
    }
    return Options(**given | more)


def forward(library: Any, o: Options, inputs: Arrays, keep: bool = True) -> Arrays:
    """y, h, c and, if they are kept, gates and cells."""
    gates, cells = c_int64(), c_int64()
    library.lstm_kept(byref(o), byref(gates), byref(cells))
    out: Arrays = {
        "y": np.full((o.batch, o.time, o.units), np.nan, "float32"),
        "h": np.full_like(inputs["h"], np.nan),
        "c": np.full((o.batch, o.units), np.nan, "float32"),
    }
    if keep:
        out["gates"] = np.full(gates.value, np.nan, "float32")
        out["cells"] = np.full(cells.value, np.nan, "float32")
    status = library.lstm_forward(
        byref(o), byref(filled(Inputs, inputs)), byref(filled(Results, out))
    )
    assert status == 0
    return out


def backward(library: Any, o: Options, inputs: Arrays, kept: Arrays, errors: Arrays) -> Arrays:
    """The gradient of each input that has one."""
    d = {
        name: np.full_like(inputs[name], np.nan)
        for name, _ in Gradients._fields_
        if inputs.get(name) is not None
    }
    status = library.lstm_backward(
        byref(o),
        byref(filled(Inputs, inputs)),
        byref(filled(Results, kept)),
        byref(filled(Errors, errors)),
        byref(filled(Gradients, d)),
    )
    assert status == 0
    return d
