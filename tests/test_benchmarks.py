import itertools
import json
import os
import signal
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import contenders, load, readme
from keras_lstm_ext.bench import driver, process, programs, record, report
from keras_lstm_ext.bench.contenders import Contender, Suite, keras_lstm, ours, short
from keras_lstm_ext.bench.problem import VARIANTS, Problem, Shape, digests, disagreement
from keras_lstm_ext.bench.process import Settings, Worker, WorkerError
from keras_lstm_ext.bench.worker import Session
from keras_lstm_ext.engines.native import packing

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="workers choose their own backend"
)
NEEDS = {contenders.ONNX.runner: "onnxruntime", contenders.TORCH.runner: "torch"}

TWO_PROCESSORS = pytest.mark.skipif(len(load.processors()) < 2, reason="needs two processors")

TINY = Shape(2, 5, 3, 4)
QUICK = Settings(rounds=3, seconds=0.001, warm_up=1)
ROW = {
    "contender": str,
    "variant": str,
    "masked": bool,
    "shape": list,
    "task": str,
    "engine": (str, type(None)),
    "calls": int,
    "median_s": float,
    "quartiles_s": list,
    "round_medians_s": list,
    "gflop_per_s": float,
    "first_call_s": float,
    "peak_memory_bytes": int,
    "idle_cpu_share": float,
}


def wrong(problem: Problem, task: str) -> programs.Program:
    """A contender with the columns of i and f swapped."""
    made = programs.with_weights("keras.layers:LSTM", problem, return_sequences=True)
    i, f, c, o = np.split(problem.weights["W"], 4, axis=1)
    made.cell.kernel.assign(np.concatenate([f, i, c, o], axis=1))
    return programs.Program(lambda: made(problem.x), lambda h: {"h": np.asarray(h)})


def sleeper(problem: Problem, task: str) -> programs.Program:
    """A contender that its test kills."""
    return programs.Program(lambda: None, lambda _: {})


WRONG = Contender("wrong", "tests.test_benchmarks:wrong", tasks=("forward",))
SLEEPER = Contender("sleeper", "tests.test_benchmarks:sleeper")


def prepared(contender: Contender, task: str, shape: Shape = TINY) -> dict[str, Any]:
    problem = QUICK.problem(contender, shape)
    request = {"runner": contender.runner, "problem": asdict(problem), "task": task}
    return Session().answer(
        {"do": "prepare", "options": contender.options, "warm_up": 0, **request}
    )


@pytest.mark.parametrize("task", ["forward", "train"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("variant", ["classic", "peephole", "original", "cec"])
@pytest.mark.slow
def test_our_layers_agree_with_the_reference(variant: str, masked: bool, task: str) -> None:
    contender = ours(variant, "portable", masked=masked)
    reply = prepared(contender, task)
    expected = QUICK.problem(contender, TINY).expected(task)
    assert set(reply["digests"]) == set(expected)
    assert disagreement(reply["digests"], expected) is None
    assert reply["engine"] == "portable"


@pytest.mark.slow
@pytest.mark.parametrize(
    "contender",
    [
        keras_lstm(),
        contenders.PLAIN_PEEPHOLES,
        contenders.ONNX,
        contenders.ONNX_PEEPHOLES,
        contenders.TORCH,
        pytest.param(
            contenders.KERNELS,
            marks=pytest.mark.skipif(packing.library() is None, reason="the library is not built"),
        ),
    ],
    ids=lambda contender: contender.name,
)
def test_rivals_agree_with_the_reference(
    contender: Contender, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(NEEDS.get(contender.runner, "keras"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for task in contender.tasks:
        expected = QUICK.problem(contender, TINY).expected(task)
        assert disagreement(prepared(contender, task)["digests"], expected) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fit", "prefix", "mask", "accelerate"])
def test_contenders_of_the_suites_agree_with_the_reference(name: str) -> None:
    suite = contenders.suite(name, "tensorflow")
    for contender in suite.contenders:
        if contender.why_not() is None:
            task = suite.tasks[-1]
            expected = QUICK.problem(contender, TINY).expected(task)
            assert disagreement(prepared(contender, task)["digests"], expected) is None


def test_a_swapped_gate_is_seen() -> None:
    expected = QUICK.problem(WRONG, TINY).expected("forward")
    said = disagreement(prepared(WRONG, "forward")["digests"], expected)
    assert said is not None
    assert "h differs" in said


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({}, "inf"),
        ({"h": [1.0]}, "inf"),
        ({"h": [1.0, 2.002]}, "0.001"),
        ({"h": [1.0, float("nan")]}, "nan"),
    ],
)
def test_what_is_wrong_is_refused(given: Any, word: str) -> None:
    said = disagreement(given, {"h": [1.0, 2.0 - 1e-5]})
    assert said is not None
    assert word in said


def test_what_is_right_passes() -> None:
    array = np.random.default_rng(1).normal(size=(3, 4))
    nearly = array * (1 + 1e-5)
    assert disagreement(digests({"h": nearly, "more": array}), digests({"h": array})) is None


def test_one_wrong_entry_in_a_hundred_is_seen() -> None:
    array = np.random.default_rng(1).normal(size=(10, 10))
    changed = array.copy()
    changed[3, 7] += 1.0
    assert disagreement(digests({"h": changed}), digests({"h": array})) is not None


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,0", "1,2,3,-4", "1,2,3,x", "1,2,3,4,5"])
def test_bad_shape(text: str) -> None:
    with pytest.raises(ValueError, match=r"four positive integers.*Received"):
        Shape.parse(text)


def test_operations_are_those_of_the_textbook() -> None:
    batch, time, features, units = TINY
    forward = 2 * batch * time * (features + units) * 4 * units
    assert Problem(TINY).flops("forward") == forward
    assert Problem(TINY).flops("train") == 3 * forward


def test_everything_comes_from_the_seed() -> None:
    first, again, other = Problem(TINY), Problem(TINY), Problem(TINY, seed=2)
    np.testing.assert_array_equal(first.x, again.x)
    assert not np.array_equal(first.x, other.x)
    assert not np.array_equal(first.weights["W"][:, :4], first.weights["R"][:3, :4])


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        *itertools.product(contenders.SUITES, ("tensorflow", "jax")),
        *((name, "torch") for name in contenders.ON_TORCH),
    ],
)
def test_suites_are_sound(name: str, backend: str) -> None:
    suite = contenders.suite(name, backend)
    names = [contender.name for contender in suite.contenders]
    assert len(set(names)) == len(names)
    for contender in suite.contenders:
        assert contender.variant in VARIANTS
        assert set(contender.tasks) & set(suite.tasks)
        assert contender.backend in (backend, "torch")
        if contender.runner not in NEEDS:
            assert callable(programs.resolve(contender.runner))
            layer = contender.options.get("layer", contender.runner)
            assert callable(programs.resolve(layer))


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_layers_are_measured_beside_keras_and_pytorch(backend: str) -> None:
    names = [contender.name for contender in contenders.suite("layers", backend).contenders]
    rival = f"keras.layers.LSTM, {readme.RIVALS[backend]}"
    assert {"ClassicLSTM, native", "PeepholeLSTM, portable", rival, "torch.nn.LSTM"} <= {*names}


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
@pytest.mark.parametrize("name", contenders.ON_GPU)
def test_suites_on_a_gpu_are_sound(name: str, backend: str) -> None:
    suite = contenders.suite(name, backend, "gpu")
    names = [contender.name for contender in suite.contenders]
    assert len(set(names)) == len(names)
    assert not any("native" in name for name in names)
    beside = readme.RIVALS[backend] if name == "layers" else "as fit runs it"
    assert {"ClassicLSTM, bptt", f"keras.layers.LSTM, {beside}"} <= {*names}
    assert ("ClassicLSTM, cudnn" in names) == (backend == "tensorflow" or name == "fit")


def test_a_gpu_has_no_suite_of_processors() -> None:
    with pytest.raises(ValueError, match=r"on a GPU `suite` must be one of .* Received: 'mask'"):
        contenders.suite("mask", "jax", "gpu")


@pytest.mark.skipif(packing.library() is None, reason="the library is not built")
def test_each_set_of_instructions_is_measured() -> None:
    *kernels, torch = contenders.suite("processor", "tensorflow").contenders
    assert [c.options["isa"] for c in kernels] == packing.processor()[0]
    assert torch is contenders.TORCH


@pytest.mark.parametrize("starts", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_nothing_measured_is_no_record(
    starts: bool, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not starts:  # a process that imports PyTorch, to find that there is no more

        def start(worker: Worker) -> None:
            raise WorkerError("no such module", missing=True)

        monkeypatch.setattr(Worker, "start", start)
    path = tmp_path / "record.json"
    arguments = ["layers", "--device", "gpu", "--contenders", "FlashRNN", "--no-peak"]
    with pytest.raises(SystemExit):
        command.main([*arguments, "--json", str(path)])
    said = capsys.readouterr().err
    assert "no contender of the suite can run here" in said
    assert "left out: FlashRNN: " in said
    assert not path.exists()


def test_pytorch_has_no_suite_of_tensorflows() -> None:
    with pytest.raises(ValueError, match=r"on PyTorch `suite` must be one of .* Received: 'steps'"):
        contenders.suite("steps", "torch")


def test_the_tables_of_the_readme_are_those_of_the_records() -> None:
    text = readme.README.read_text("utf-8")
    assert readme.with_tables(text) == text, "run python -m benchmarks.readme"
    assert [place[2] for place in readme.PLACE.finditer(text)] == list(readme.TABLES)
    assert "| tensorflow | `native` |" in readme.layers()


def test_short_suite_measures_every_engine() -> None:
    names = {contender.options.get("engine") for contender in short("tensorflow").contenders}
    assert {"bptt", "portable"} < names


def test_an_unknown_engine_is_left_out() -> None:
    left_out = driver.LeftOut(say=lambda line: None)
    with driver.started([ours("classic", "steam")], QUICK, left_out) as workers:
        assert workers == []
    (row,) = left_out.rows
    assert "'steam'" in row["reason"]
    assert not row["failed"]


def made_up() -> dict[str, Any]:
    """Results of two contenders; b takes twice as long as a in each round, at each shape."""
    rows = []
    for scale, shape in ((1.0, TINY), (3.0, Shape(3, 6, 5, 8))):
        for name, factor in (("a", 1.0), ("b", 2.0)):
            times = [scale * factor * drift for drift in (1e-3, 5e-3, 2e-3)]
            rows.append(
                {
                    "contender": name,
                    "variant": "classic",
                    "masked": False,
                    "shape": list(shape),
                    "task": "train",
                    "engine": None,
                    "calls": 3,
                    "median_s": sorted(times)[1],
                    "quartiles_s": [min(times), max(times)],
                    "round_medians_s": times,
                    "gflop_per_s": 50.0,
                    "first_call_s": 1.0,
                    "peak_memory_bytes": 10**8,
                    "idle_cpu_share": 0.0,
                }
            )
    gone = {"contender": "c", "reason": "refused: h differs", "failed": True}
    measured = {"results": rows, "left_out": [gone], "versions": {"torch": {"python": "3.11"}}}
    return record.record("layers", QUICK, record.machine(), measured, {"multiply-adds": 100.0})


def test_ratios_are_pair_by_pair() -> None:
    rows = made_up()["results"]
    assert report.ratio(rows, "b", "a") == pytest.approx(2.0)
    assert report.ratio(rows, "a", "b") == pytest.approx(0.5)
    assert report.ratio(rows[:1] + rows[3:], "a", "b") is None


def before_and_after() -> dict[str, Any]:
    made = made_up()
    names = {"a": "tagger, accelerated", "b": "tagger, as it was"}
    for row in made["results"]:
        row["contender"] = names[row["contender"]]
    made["results"] = made["results"][:2] + [
        row | {"task": "predict", "median_s": 3 * row["median_s"]} for row in made["results"][:1]
    ]
    return made


def test_models_before_and_after() -> None:
    header, _, row = report.before_and_after(before_and_after()).splitlines()
    assert header.startswith("| model | train, ms | train accelerated, ms | train: times as fast |")
    assert row == "| tagger | 4.00 | 2.00 | 2.00 | - | 6.00 | - |"


def test_the_readme_shows_models_before_and_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readme, "RESULTS", tmp_path)
    assert readme.accelerate() == ""
    made = before_and_after() | {"suite": "accelerate"}
    record.write(made, record.place(made, "tensorflow", tmp_path))
    shown = readme.accelerate()
    assert "| tagger | 4.00 | 2.00 | 2.00 |" in shown
    assert "commit" in shown
    text = readme.with_tables("a<!-- from benchmarks/results: accelerate -->\nold<!-- end -->\nz")
    assert text == f"a<!-- from benchmarks/results: accelerate -->\n{shown}<!-- end -->\nz"


def test_records_are_kept_by_processor(tmp_path: Path) -> None:
    places = []
    for isa, when in (("AVX2", "2026-02-01"), ("AVX-512", "2026-03-01"), ("AVX-512", "2026-04-01")):
        made = made_up() | {"measured_at": when, "peak": {f"multiply-adds, {isa}": 1.0}}
        made["machine"]["processor"] = "Some  CPU (R)"
        places.append(record.place(made, "jax", tmp_path))
        record.write(made, places[-1])
    assert places[0].name == "layers-jax-cpu-some-cpu-r-avx2.json"
    assert places[1] == places[2] != places[0]
    kept = record.kept(tmp_path, "layers", "jax")
    assert [made["measured_at"] for made in kept] == ["2026-04-01", "2026-02-01"]
    assert not record.kept(tmp_path, "layers", "jax", "gpu")
    card = made_up() | {"versions": {"jax": {"gpu": "NVIDIA H100"}}}
    card["settings"]["device"] = "gpu"
    assert record.place(card, "jax", tmp_path).name == "layers-jax-gpu-nvidia-h100.json"


def test_share_of_the_peak() -> None:
    rows = made_up()["results"]
    assert report.share_of_peak(rows, {"a": 40.0, "b": 100.0}, "a") == "50 %"
    assert report.share_of_peak(rows, {}, "a") == report.share_of_peak(rows, {"a": 1}, "z") == "-"


def test_tables_render(tmp_path: Path) -> None:
    path = tmp_path / "new" / "made-up.json"
    record.write(made_up(), path)
    assert [p.name for p in path.parent.iterdir()] == ["made-up.json"]
    text = report.report(record.read(path))
    lines = text.splitlines()
    assert "| milliseconds | 2,5,3,4 | 3,6,5,8 |" in lines
    assert "| a | **2.00** | **6.00** |" in lines
    assert "| b | 4.00 | 12.0 |" in lines
    assert "| 2. b | 2.00 |  |" in lines
    assert "50 %" in text
    assert "* c: refused: h differs" in lines
    for before, line in itertools.pairwise(lines):
        if before.startswith("|") and line.startswith("|"):
            assert before.count("|") == line.count("|")


@pytest.mark.parametrize("content", ["[]", '{"format": 99}'])
def test_a_file_of_another_format_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"format=1\. Received: format="):
        record.read(path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--shapes", "1,2,3"], "four positive integers"),
        (["--contenders", "nobody"], "keras.layers.LSTM"),
        (["--rounds", "0"], "positive integer"),
        (["dance"], "layers"),
        (["--report", "nowhere.json"], "nowhere.json"),
    ],
)
def test_bad_arguments(
    arguments: list[str], words: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_measures_and_writes(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.setattr(process.os, "sched_setaffinity", lambda *_: None, raising=False)
    path = tmp_path / "layers.json"
    shapes, who = ["--shapes", str(TINY)], ["--contenders", "LSTM, graph", "PeepholeLSTM, portable"]
    options = ["--no-peak", "--rounds", "2", "--seconds", "0.001", "--json", str(path)]
    assert command.main([*shapes, *who, *options]) == 0
    made = json.loads(path.read_text())
    assert made["format"] == record.FORMAT
    assert made["suite"] == "layers"
    assert {"processor", "processors", "memory_bytes", "system"} <= set(made["machine"])
    assert {"python", "keras", "numpy"} <= set(made["versions"]["tensorflow"])
    assert str(Path.home()) not in path.read_text()
    assert {row["task"] for row in made["results"]} == {"forward", "train"}
    for row in made["results"]:
        assert set(row) == set(ROW)
        for name, kind in ROW.items():
            assert isinstance(row[name], kind), name
        assert len(row["round_medians_s"]) == 2
        assert 0 < row["quartiles_s"][0] <= row["median_s"] <= row["quartiles_s"][1]
    assert "keras.layers.LSTM, graph" in {row["contender"] for row in made["results"]}
    assert capsys.readouterr().out == report.report(made) + "\n"


@TWO_PROCESSORS
def test_the_load_takes_one_processor_while_it_is_wanted() -> None:
    with load.spinning() as process:
        assert os.sched_getaffinity(process.pid) == {load.processors()[-1]}
        assert process.poll() is None
    assert process.returncode == -signal.SIGKILL


def test_a_load_needs_a_second_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    with (
        pytest.raises(ValueError, match=r"at least two processors\. Received: 1"),
        load.spinning(),
    ):
        pass


@pytest.mark.slow
@pytest.mark.skipif(packing.library() is None, reason="the library is not built")
@TWO_PROCESSORS
def test_load_measures_both_beside_it_and_without() -> None:
    suite = replace(contenders.suite("load", "tensorflow"), shapes=[TINY], tasks=["train"])
    measured = load.measure(suite, QUICK)
    assert measured["left_out"] == []
    names = [contender.name for contender in suite.contenders]
    assert [row["contender"] for row in measured["results"]] == [
        *names,
        *(f"{name}, beside a load" for name in names),
    ]


@pytest.mark.slow
def test_a_wrong_contender_is_refused_and_the_others_stay() -> None:
    suite = Suite("test", [WRONG, keras_lstm()], [TINY], ["forward"])
    measured = driver.measure(suite, QUICK)
    assert [row["contender"] for row in measured["results"]] == ["keras.layers.LSTM, graph"]
    (row,) = measured["left_out"]
    assert row["contender"] == "wrong"
    assert row["reason"].startswith("refused: h differs")
    assert row["failed"]


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "cannot"), [("jax", "unroll"), ("torch", "bptt")])
def test_other_backends_agree_with_the_reference(backend: str, cannot: str) -> None:
    pytest.importorskip(backend)
    mine = ours("peephole", "bptt", backend, masked=True)
    if cannot == "unroll":
        mine = replace(mine, options=mine.options | {"unroll": True})
    rivals = [ours("peephole", "portable", backend, masked=True), keras_lstm(backend)]
    measured = driver.measure(Suite("test", [mine, *rivals], [TINY]), QUICK)
    done = [(row["contender"], row["task"]) for row in measured["results"]]
    assert done == [(c.name, task) for task in ("forward", "train") for c in rivals]
    (row,) = measured["left_out"]
    assert row["contender"] == mine.name
    assert ("unrolled loop" if cannot == "unroll" else "this is torch") in row["reason"]
    assert not row["failed"]


@pytest.mark.slow
def test_a_killed_worker_is_a_clear_error() -> None:
    with Worker(SLEEPER, QUICK) as worker:
        worker.start()
        worker.prepare(TINY, "forward")
        os.kill(worker.process.pid, signal.SIGKILL)
        with pytest.raises(
            WorkerError, match=r"'sleeper' was killed by signal 9 when asked to run"
        ):
            worker.run(1)


@pytest.mark.slow
def test_an_error_in_a_worker_leaves_it_alive() -> None:
    with Worker(replace(SLEEPER, options={"engine": "auto"}), QUICK) as worker:
        worker.start()
        with pytest.raises(WorkerError, match=r"could not prepare: TypeError.*'engine'") as caught:
            worker.prepare(TINY, "forward")
        assert caught.value.alive
        worker.release()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("contender", "settings", "words"),
    [
        (replace(SLEEPER, runner="no_such_framework:run"), QUICK, "no_such_framework"),
        (SLEEPER, replace(QUICK, device="gpu"), "sees no GPU"),
    ],
    ids=["framework", "gpu"],
)
def test_what_is_missing_is_said(contender: Contender, settings: Settings, words: str) -> None:
    left_out = driver.LeftOut(say=lambda line: None)
    cpu = process.environment("tensorflow", QUICK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "environment", lambda *_: cpu)
        with driver.started([contender], settings, left_out) as workers:
            assert workers == []
    (row,) = left_out.rows
    assert words in row["reason"]
    assert not row["failed"]


def test_workers_run_on_the_interpreter_of_their_backend() -> None:
    settings = replace(QUICK, pythons=(("torch", sys.executable),), threads=1)
    with Worker(contenders.TORCH, settings) as worker:
        assert worker.process.args[0] == sys.executable
        worker.process.kill()
    assert process.environment("torch", settings)["OMP_NUM_THREADS"] == "1"
