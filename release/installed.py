"""Refuses an installed wheel whose engine does not run here: `python -m release.installed`.

The engine must be chosen, with the best instructions that the processor has, and give the numbers
of the reference.
"""

import os
import sys
from pathlib import Path

import numpy as np

EXPECTED = {"avx512f": "AVX-512", "avx2": "AVX2"}


def main() -> None:
    """Ends with what is wrong."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from keras_lstm_ext import ClassicLSTM
    from keras_lstm_ext.engines.native import packing

    layer = ClassicLSTM(20, return_sequences=True)
    choice = layer.explain((4, 30, 8))
    if choice.engine != "native":
        sys.exit(f"native does not run here:\n{choice}")
    isas, _ = packing.processor()
    flags = Path("/proc/cpuinfo")
    known = flags.read_text().split() if flags.exists() else []
    best = next((isa for flag, isa in EXPECTED.items() if flag in known), isas[0])
    if isas[0] != best:
        sys.exit(f"the processor has {best}, and the library takes {isas[0]}")
    x = np.random.default_rng(1997).normal(size=(4, 30, 8)).astype("float32")
    y = np.asarray(layer(x))
    other = ClassicLSTM(20, return_sequences=True, engine="portable")
    other.build(x.shape)
    other.set_weights(layer.get_weights())
    error = float(np.max(np.abs(y - np.asarray(other(x)))))
    if not error < 1e-5:
        sys.exit(f"native differs from portable by {error:.1e}")
    print(f"native runs, with {isas[0]}; it differs from portable by {error:.1e}")


if __name__ == "__main__":
    main()
