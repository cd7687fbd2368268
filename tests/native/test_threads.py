"""Threads: after a fork, beside others that want the processors, and how many a call gets."""

from typing import Any

import pytest

from keras_lstm_ext.engines import native
from tests import backends, processes
from tests.native import library as c
from tests.native.oracle import Problem

pytestmark = [
    pytest.mark.skipif(native.library() is None, reason="the library is not built"),
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
