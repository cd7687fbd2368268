"""A process that runs one contender on request: `python -m keras_lstm_ext.bench.worker MODULE`.

It reads a JSON object a line and answers with one. Between requests it waits on the pipe.
"""

import gc
import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from keras_lstm_ext import devices
from keras_lstm_ext.bench.problem import Problem, Shape, digests
from keras_lstm_ext.bench.programs import Program, resolve, why_not

Message = dict[str, Any]

PACKAGES = (
    "keras", "numpy", "tensorflow", "tensorflow-cpu", "jax", "jaxlib", "torch", "onnxruntime",
)  # fmt: skip


def main() -> None:
    """Answers requests until there are no more."""
    importlib.import_module(sys.argv[1])
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    # Whatever a framework prints must not get between the replies.
    os.dup2(2, 1)
    session = Session()
    print(json.dumps({"versions": versions()}), file=replies)
    for line in sys.stdin:
        print(json.dumps(session.answer(json.loads(line))), file=replies)


class Session:
    """One program at a time, and what is measured of it.

    Examples:
        >>> Session().answer({"do": "dance"})
        {'error': "KeyError: 'dance'"}
    """

    def __init__(self) -> None:
        self.program: Program | None = None
        self.left_at = time.perf_counter(), time.process_time()

    def answer(self, request: Message) -> Message:
        """Does what is asked; an exception becomes an `"error"`."""
        actions: dict[str, Callable[..., Message]]
        actions = {
            "why_not": self.why_not,
            "prepare": self.prepare,
            "run": self.run,
            "release": self.release,
        }
        try:
            return actions[request.pop("do")](**request)
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}
        finally:
            self.left_at = time.perf_counter(), time.process_time()

    def why_not(self, options: Message) -> Message:
        """Says why the engine in a contender's options cannot run here, if it cannot."""
        return {"reason": why_not(options)}

    def prepare(
        self, runner: str, problem: Message, task: str, options: Message, warm_up: int
    ) -> Message:
        """Makes a program, runs it for the first time and warms it up.

        Args:
            runner: `"module:function"`.
            problem: Fields of a `Problem`.
            task: What the runner shall do.
            options: Its other arguments.
            warm_up: Number of calls after the first.

        Returns:
            Seconds of the first and of the last call, digests of the results, the engine, and the
            peak memory of this process in bytes.
        """
        self.release()
        reset_peak_memory()
        shape = Shape(*problem.pop("shape"))
        self.program = resolve(runner)(Problem(shape, **problem), task, **options)
        start = time.perf_counter()
        results = self.program.call()
        first = time.perf_counter() - start
        times = self.run(warm_up)["times"] or [first]
        return {
            "first_call_s": first,
            "call_s": times[-1],
            "peak_memory": peak_memory(),
            "digests": digests(self.program.check(results)),
            "engine": self.program.engine,
        }

    def run(self, calls: int) -> Message:
        """Measures so many calls; also how busy the process was since it answered last."""
        (wall, cpu), (left_wall, left_cpu) = self._now(), self.left_at
        if self.program is None:
            raise ValueError("`run` needs a program: `prepare` one first")
        times = []
        for _ in range(calls):
            start = time.perf_counter()
            self.program.call()
            times.append(time.perf_counter() - start)
        return {"times": times, "idle_s": wall - left_wall, "idle_cpu_s": cpu - left_cpu}

    def release(self) -> Message:
        """Lets go of the program and its arrays."""
        self.program = None
        gc.collect()
        return {}

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), time.process_time()


def versions() -> dict[str, str]:
    """Versions of Python and of the frameworks beside it, and the GPU if this process sees one."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    card = {"gpu": devices.gpu()}
    card |= {"gpu driver": devices.driver()} if card["gpu"] else {}
    return found | {name: said for name, said in card.items() if said}


def peak_memory() -> int:
    """The most memory that this process held since the last reset, in bytes.

    Not `ru_maxrss` where Linux has better: that begins with what the parent process held.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def reset_peak_memory() -> None:
    """Starts `peak_memory` again, where the system can; elsewhere it is that of the process."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


if __name__ == "__main__":
    main()
