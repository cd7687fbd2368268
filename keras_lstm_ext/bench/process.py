"""The driver's end of a worker."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from keras_lstm_ext.bench.contenders import Contender
from keras_lstm_ext.bench.problem import Problem, Shape

ROOT = Path(__file__).parents[2]
"""What a worker must have on its path to import this package."""


class WorkerError(RuntimeError):
    """A worker did not start, failed, or died.

    Args:
        message: What happened.
        missing: Whether all that happened is that a framework or the GPU is not there.
        alive: Whether the worker can do something else.
    """

    def __init__(self, message: str, missing: bool = False, alive: bool = False) -> None:
        super().__init__(message)
        self.missing = missing
        self.alive = alive


@dataclass(frozen=True)
class Settings:
    """How everything is measured.

    Args:
        threads: Processors, and threads of each framework.
        rounds: How often each contender has its turn.
        seconds: About how long a turn is; at least one call.
        warm_up: Calls after the first, before measuring.
        device: `"cpu"` or `"gpu"`.
        seed: Of inputs and weights.
        pythons: Interpreter for a Keras backend, where it is not that of the driver.
    """

    threads: int = os.cpu_count() or 1
    rounds: int = 10
    seconds: float = 0.2
    warm_up: int = 2
    device: str = "cpu"
    seed: int = 1997
    pythons: tuple[tuple[str, str], ...] = ()

    def problem(self, contender: Contender, shape: Shape) -> Problem:
        """What a contender has to compute."""
        return Problem(shape, contender.variant, contender.masked, self.seed)


class Worker:
    """One contender's process.

    Args:
        contender: Who runs in it.
        settings: Threads, device, interpreter.

    Raises:
        WorkerError: From `start`, `prepare` and `run`, if the process fails or dies.
    """

    def __init__(self, contender: Contender, settings: Settings) -> None:
        self.contender = contender
        self.settings = settings
        self.versions: dict[str, str] = {}
        self.said = tempfile.TemporaryFile("w+")  # noqa: SIM115 (`close` does)
        python = dict(settings.pythons).get(contender.backend, sys.executable)
        module = contender.runner.split(":")[0]
        self.process = subprocess.Popen(
            [python, "-m", "keras_lstm_ext.bench.worker", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.said,
            text=True,
            env=environment(contender.backend, settings),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Waits until the process has imported what it needs."""
        reply = self._read("start")
        self.versions = reply["versions"]
        if self.settings.device == "gpu" and "gpu" not in self.versions:
            message = f"the worker of {self.contender.name!r} sees no GPU"
            raise WorkerError(message, missing=True, alive=True)

    def why_not(self) -> str | None:
        """Gives None, or the reason why the engine that is named cannot run in this process."""
        return self.ask("why_not", options=self.contender.options)["reason"]

    def prepare(self, shape: Shape, task: str) -> dict[str, Any]:
        """Sets up a problem: see `worker.Session.prepare`."""
        contender, settings = self.contender, self.settings
        return self.ask(
            "prepare",
            runner=contender.runner,
            problem=asdict(settings.problem(contender, shape)),
            task=task,
            options=contender.options,
            warm_up=settings.warm_up,
        )

    def run(self, calls: int) -> dict[str, Any]:
        """Measures so many calls: see `worker.Session.run`."""
        return self.ask("run", calls=calls)

    def release(self) -> None:
        """Lets go of the problem's arrays."""
        self.ask("release")

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Sends a request and waits for the answer."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._death(do) from None
        reply = self._read(do)
        if "error" in reply:
            message = f"the worker of {self.contender.name!r} could not {do}: {reply['error']}"
            raise WorkerError(message, alive=True)
        return reply

    def close(self) -> None:
        """Ends the process."""
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            # What is still in the pipe of a dead process has no reader.
            try:
                pipe.close()
            except BrokenPipeError:
                continue
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.said.close()

    def _read(self, do: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.endswith("\n"):
            raise self._death(do)
        return dict(json.loads(line))

    def _death(self, do: str) -> WorkerError:
        status = self.process.wait()
        self.said.seek(0)
        words = self.said.read().strip().splitlines()
        last = words[-1] if words else "nothing"
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return WorkerError(
            f"the worker of {self.contender.name!r} {how} when asked to {do}; "
            f"its last words: {last}",
            missing=last.startswith("ModuleNotFoundError"),
        )


def environment(backend: str, settings: Settings) -> dict[str, str]:
    """The environment of a worker.

    No waiting policy of a thread pool is changed: how long its threads spin between two products is
    part of how fast a framework is. The driver measures instead that idle workers do not compute.

    Args:
        backend: Keras backend.
        settings: Threads and device.

    Returns:
        All variables.
    """
    names = ("OMP", "MKL", "OPENBLAS")
    threads = {f"{name}_NUM_THREADS": str(settings.threads) for name in names}
    cpu = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    path = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        **threads,
        "TF_NUM_INTRAOP_THREADS": str(settings.threads),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        # Several processes share the GPU.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        **(cpu if settings.device == "cpu" else {}),
    }


def limit_processors(threads: int) -> None:
    """Keeps this process and its children on so many processors, where the system can.

    JAX has no setting for its threads: it makes one for each processor that it may use.

    Args:
        threads: Number of processors.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:threads]))
