"""The handle that the native library gives for one layer, one step at a time."""

import ctypes
from ctypes import byref, c_float, c_int32, c_int64, c_void_p
from typing import Any

import numpy as np

from keras_lstm_ext.engines.native import packing

Array = np.ndarray[Any, np.dtype[Any]]


class Options(ctypes.Structure):
    """As `Options` in lstm.h."""

    _fields_ = (
        [(name, c_int64) for name in ("batch", "time", "features", "units", "block_size")]
        + [(name, c_int32) for name in ("gates", "sigma", "activation", "output_activation")]
        + [(name, c_int32) for name in ("feedback", "peepholes", "truncated", "reverse")]
        + [("threads", c_int32), ("isa", c_int32), ("decay", c_float)]
    )


class Handle:
    """A layer that the library has open.

    Args:
        options: Of a call of one step.
        arrays: x, h, c and the weights, by their letters in lstm.h; `step` reads x and moves h and
            c on where they are.

    Raises:
        MemoryError: If there is none.
    """

    def __init__(self, options: Options, arrays: dict[str, Array]) -> None:
        library = ctypes.CDLL(str(packing.library()))
        library.lstm_open.restype = c_void_p
        letters = ("x", "h", "c", "W", "R", "p", "b", "multiplier", "mask")
        at = {name: array.ctypes.data for name, array in arrays.items()}
        inputs = (c_void_p * 9)(*(at.get(name) for name in letters))
        states = (c_void_p * 5)(None, at["h"], at["c"], None, None)
        self.arrays = arrays  # which live as long as their addresses are known
        self.h, self.c = arrays["h"], arrays["c"]
        self.close = library.lstm_close
        self.at = c_void_p(library.lstm_open(byref(options), inputs, states))
        if not self.at:
            raise MemoryError("there is no memory for the weights of a stream")
        self.run = library.lstm_step

    def step(self) -> None:
        """Computes one step."""
        self.run(self.at)

    def __del__(self) -> None:
        self.close(self.at)
