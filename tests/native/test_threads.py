"""Threads: after a fork, beside others that want the processors, and how many a call gets."""

import os
import platform
from typing import Any

import numpy as np
import pytest

from keras_lstm_ext.engines.native import packing
from tests import backends, processes
from tests.native import library as c
from tests.native.oracle import Problem

pytestmark = [
    pytest.mark.skipif(packing.library() is None, reason="the library is not built"),
    pytest.mark.skipif(backends.BACKEND != "tensorflow", reason="once is enough"),
]

FORK = """
import multiprocessing, os, signal, threading, traceback
import numpy as np
from tests.native import library as c
from tests.native.oracle import Problem

library = c.load()
PROBLEMS = [Problem("peephole", batch, 20, 30, 90) for batch in (3, 8)]  # panels split, and rows

def results(threads):
    found = []
    for problem in PROBLEMS:
        (inputs, errors), o = problem.arrays(), problem.options(threads)
        kept = c.forward(library, o, inputs)
        found += [*kept.values(), *c.backward(library, o, inputs, kept, errors).values()]
    return found

def check(*_):
    for threads, right in expected.items():
        for a, b in zip(results(threads), right, strict=True):
            np.testing.assert_array_equal(a, b)
    return True

def child(work):
    pid = os.fork()
    if pid:
        return pid
    signal.alarm(20)  # which ends a child that hangs
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)

def all_end_well(*pids):
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * len(pids)

expected = {threads: results(threads) for threads in (1, 2, 4)}
all_end_well(child(check))
several = [child(check) for _ in range(4)]
check()
all_end_well(*several)
all_end_well(child(lambda: (check(), all_end_well(child(check)))))

def keep_calling():
    while not stop.is_set():
        results(4)

stop = threading.Event()
callers = [threading.Thread(target=keep_calling) for _ in range(2)]
for caller in callers:
    caller.start()
for _ in range(10):
    all_end_well(child(check))
stop.set()
for caller in callers:
    caller.join()

with multiprocessing.get_context("fork").Pool(3) as pool:
    assert pool.map_async(check, range(6)).get(timeout=20) == [True] * 6
check()
print("all of them")
"""


@pytest.mark.slow
def test_forked_children_compute() -> None:
    """Of any generation, also where other threads were inside a call; and so does the parent."""
    assert processes.run(FORK) == "all of them\n"


@pytest.mark.parametrize(
    ("size", "threads"),
    [
        ((1, 1, 8, 8), 1),  # the whole call is not worth it
        ((1, 100, 16, 32), 1),  # nor is a step, after which threads meet
        ((1, 100_000, 16, 32), 1),
        ((1, 100, 64, 128), 3),
        ((1, 100, 128, 256), 4),
        ((8, 500, 32, 64), 4),  # rows are split: threads do not meet
        ((32, 100, 64, 128), 4),
    ],
)
def test_threads_are_worth_waking(size: Any, threads: int) -> None:
    o = Problem("classic", *size).options(4)
    assert c.load().lstm_threads(c.byref(o)) == threads


def both(problem: Problem, **options: int) -> list[Any]:
    """All results and gradients."""
    library, (inputs, errors), o = c.load(), problem.arrays(), problem.options()
    for name, value in options.items():
        setattr(o, name, value)
    kept = c.forward(library, o, inputs)
    d = c.backward(library, o, inputs, kept, errors)
    return [kept["y"], kept["h"], kept["c"], *d.values()]


@pytest.mark.parametrize("threads", [0, -1, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("batch", [3, 40])
def test_any_number_of_threads(batch: int, threads: int) -> None:
    """Panels split, and rows; gradients are sums over the rows of each thread."""
    problem = Problem("peephole", batch, 7, 5, 90)
    for given, right in zip(both(problem, threads=threads), both(problem), strict=True):
        np.testing.assert_allclose(given, right, rtol=1e-3, atol=1e-4)
    o = problem.options(threads)
    assert c.load().lstm_threads(c.byref(o)) >= 1


def test_the_choice_of_threads_knows_any_size() -> None:
    o = Problem("classic", 1, 1, 1, 1).options(4)
    o.batch = o.time = o.features = o.units = 2**31
    assert c.load().lstm_threads(c.byref(o)) == 4


NO_THREADS = """
import ctypes, threading
import numpy as np
from tests.native.oracle import Problem
from tests.native.test_threads import both

def stacks(size):
    libc, attributes = ctypes.CDLL(None), (ctypes.c_char * 256)()
    assert libc.pthread_attr_init(attributes) == 0
    assert libc.pthread_attr_setstacksize(attributes, ctypes.c_size_t(size)) == 0
    assert libc.pthread_setattr_default_np(attributes) == 0

def one_more():
    threading.Thread(target=lambda: None).start()

problem = Problem("peephole", 3, 20, 30, 90)
both(problem)  # whatever the framework starts at its first call is there
stacks(2**47)
try:
    one_more()
    print("the system has threads")
except RuntimeError:
    print("no threads")
alone = both(problem, threads=4)
stacks(2**23)
one_more()
for a, b in zip(alone, both(problem, threads=4), strict=True):
    np.testing.assert_array_equal(a, b)
print("same bits")
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc")
def test_a_call_does_without_threads_where_the_system_gives_none() -> None:
    assert processes.run(NO_THREADS) == "no threads\nsame bits\n"


KEPT = """
import os, threading
import numpy as np
from tests.native import library as c
from tests.native.oracle import Problem

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

library, problem = c.load(), Problem("classic", 8_000, 1, 1, 256)
inputs, o = problem.arrays()[0], problem.options()
arrays = [{n: np.ones((8_000, 256), "float32") for n in "hc"} for _ in range(8)]
results = [c.filled(c.Results, a) for a in arrays]
given, before = c.filled(c.Inputs, inputs), resident()
together = threading.Barrier(8)

def call(out):
    together.wait()
    assert library.lstm_forward(c.byref(o), c.byref(given), c.byref(out)) == 0

threads = [threading.Thread(target=call, args=(out,)) for out in results]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(resident() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="of Linux")
def test_memory_that_calls_leave_behind_is_limited() -> None:
    """Eight calls at the same time work in 57 MiB each."""
    assert float(processes.run(KEPT)) < 300
