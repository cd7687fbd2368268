"""What the machine can do at best: multiply-adds in registers, and large matrix products."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_lstm_ext.bench.contenders import Contender
from keras_lstm_ext.bench.driver import LeftOut, started, tell
from keras_lstm_ext.bench.problem import Problem, Shape
from keras_lstm_ext.bench.process import Settings
from keras_lstm_ext.bench.programs import Program

SIZE = 2048
"""Rows and columns of the matrices."""


def measure(backend: str, settings: Settings, left_out: LeftOut) -> dict[str, float]:
    """Measures in GFLOP/s whatever this machine has the software for.

    Args:
        backend: Keras backend whose product is measured, beside NumPy's and PyTorch's.
        settings: Threads and device.
        left_out: Takes the frameworks that are missing.

    Returns:
        By what was measured; the largest is the peak.
    """
    frameworks = {"numpy": backend, backend: backend, "torch": "torch"}
    if settings.device == "gpu":
        del frameworks["numpy"]
    rates = multiply_adds(settings.threads) if settings.device == "cpu" else {}
    for framework, process in frameworks.items():
        contender = Contender(
            f"matrix product, {framework}",
            "benchmarks.peak:product",
            {"framework": framework},
            backend=process,
        )
        with started([contender], settings, left_out) as workers:
            for worker in workers:
                worker.prepare(Shape(1, 1, 1, 1), "product")
                rates[contender.name] = 2 * SIZE**3 / min(worker.run(10)["times"]) / 1e9
    return rates


def multiply_adds(threads: int) -> dict[str, float]:
    """Builds and runs `peak.cpp`; empty where there is no compiler that can."""
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        return {}
    source = Path(__file__).with_name("peak.cpp")
    flags = ["-O3", "-march=native", "-ffp-contract=fast", "-pthread"]
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "peak"
        try:
            subprocess.run([compiler, *flags, str(source), "-o", str(program)], check=True)
        except subprocess.CalledProcessError:
            tell(f"{compiler} cannot build {source.name}: multiply-adds are not measured")
            return {}
        said = subprocess.run(
            [str(program), str(threads)], check=True, capture_output=True, text=True
        ).stdout
    name, rate = said.rsplit(maxsplit=1)
    return {f"multiply-adds, {name}": float(rate)}


def product(problem: Problem, task: str, framework: str) -> Program:
    """The runner: one square matrix product."""
    a = np.random.default_rng(problem.seed).standard_normal((SIZE, SIZE), dtype="float32")
    return Program(_PRODUCTS[framework](a), lambda _: {"product": np.zeros(1)})


def _numpy(a: np.ndarray) -> Callable[[], Any]:
    return lambda: a @ a


def _tensorflow(a: np.ndarray) -> Callable[[], Any]:
    import tensorflow as tf

    tf.config.experimental.enable_tensor_float_32_execution(False)
    tensor = tf.constant(a)
    return lambda: tf.reduce_max(tf.linalg.matmul(tensor, tensor)[0]).numpy()


def _jax(a: np.ndarray) -> Callable[[], Any]:
    import jax

    multiply = jax.jit(lambda a: jax.numpy.matmul(a, a, precision="highest"))
    array = jax.device_put(a)
    return lambda: multiply(array).block_until_ready()


def _torch(a: np.ndarray) -> Callable[[], Any]:
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.backends.cuda.matmul.allow_tf32 = False
    tensor = torch.from_numpy(a).to("cuda" if torch.cuda.is_available() else "cpu")
    return lambda: (tensor @ tensor)[0, 0].item()


_PRODUCTS = {"numpy": _numpy, "tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
