"""The tables: who takes part in which suite, and where."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from keras_lstm_ext.bench.contenders import ENGINES, SEQUENCE, Contender, Suite, keras_lstm, ours
from keras_lstm_ext.bench.problem import Shape
from keras_lstm_ext.engines.native import packing

SHAPES = (
    Shape(1, 100, 64, 128),
    Shape(8, 500, 32, 64),
    Shape(32, 100, 64, 128),
    Shape(128, 50, 128, 256),
    Shape(32, 100, 128, 512),
    Shape(32, 1000, 16, 32),
    Shape(64, 100, 256, 1024),
)

TRAINING_SHAPE = Shape(32, 100, 128, 512)
"""Where `fit` and masks are measured."""

LARGE = Shape(256, 200, 512, 1024)
"""Where a GPU has something to do."""

LENGTHS = (100, 1_000, 10_000, 100_000)
"""Time steps at which memory is measured."""

SHORT_STEPS = (Shape(1, 100, 16, 32), Shape(1, 100, 64, 128), Shape(1, 100, 128, 256))
"""Where threads that share the units meet after every few microseconds."""

TORCH = Contender("torch.nn.LSTM", "benchmarks.torch_lstm:sequence", backend="torch")

ONNX = Contender("ONNX Runtime LSTM", "benchmarks.onnx_lstm:sequence", tasks=("forward",))

ONNX_PEEPHOLES = replace(ONNX, name="ONNX Runtime LSTM, peepholes", variant="peephole")

FLASH = Contender("FlashRNN", "benchmarks.flash_rnn:sequence", backend="torch")

KERNELS = Contender("native, without TensorFlow", "benchmarks.native_kernels:sequence")

ONE_THREAD = replace(KERNELS, name=f"{KERNELS.name}, one thread", options={"threads": 1})

PLAIN_PEEPHOLES = Contender(
    "keras.layers.RNN, plain peephole cell",
    SEQUENCE,
    {"layer": "benchmarks.plain_peephole:plain_peephole_lstm"},
    variant="peephole",
)


def layers(backend: str) -> Suite:
    """The gated layers on every engine beside Keras' and PyTorch's.

    On TensorFlow also what else there is; it is not measured again on every backend.
    """
    gated = [ours(v, e, backend) for v in ("classic", "peephole") for e in ENGINES]
    rivals = [keras_lstm(backend), TORCH]
    if backend == "tensorflow":
        gated += [by_xla("classic", "native"), *(ours(v, "auto") for v in ("original", "cec"))]
        rivals += [keras_lstm(jit_compile=True), PLAIN_PEEPHOLES, ONNX, ONNX_PEEPHOLES, KERNELS]
    return Suite("layers", [*gated, *rivals], SHAPES)


def layers_on_gpu(backend: str) -> Suite:
    """The same on a card, where Keras' and PyTorch's layers are cuDNN's."""
    gated = [
        ours(v, e, backend) for v in ("classic", "peephole") for e in ("cuda", "bptt", "portable")
    ]
    rivals = [keras_lstm(backend), replace(PLAIN_PEEPHOLES, backend=backend), TORCH, FLASH]
    if backend == "tensorflow":
        gated += [by_xla("classic", "bptt"), by_xla("peephole", "bptt"), ours("classic", "cudnn")]
    return Suite("layers", [*gated, *rivals], (*SHAPES, LARGE))


def by_xla(variant: str, engine: str) -> Contender:
    """A layer of ours in a function that XLA compiles for TensorFlow."""
    plain = ours(variant, engine, options={"jit_compile": True})
    return replace(plain, name=f"{plain.name}, XLA")


def fit(backend: str, engines: Sequence[str] = ENGINES) -> Suite:
    """A whole epoch of `model.fit`."""
    changes: dict[str, Any] = {"runner": "benchmarks.fit:fit", "tasks": ("fit",)}
    contenders = [
        *(ours("classic", engine, backend, **changes) for engine in engines),
        ours("peephole", "auto", backend, **changes),
        keras_lstm(backend, name="keras.layers.LSTM, as fit runs it", **changes),
    ]
    if backend == "tensorflow":
        contenders.append(keras_lstm(jit_compile=True, **changes))
    return Suite("fit", contenders, [TRAINING_SHAPE], ["fit"])


def fit_on_gpu(backend: str) -> Suite:
    """The same on a card."""
    return fit(backend, ("cuda", "cudnn", "bptt", "portable"))


def mask(backend: str) -> Suite:
    """What a right-padded mask costs, and what peepholes cost."""
    plain = [ours(v, e, backend) for v in ("classic", "peephole") for e in ("native", "bptt")]
    plain.append(keras_lstm(backend))
    masked = [replace(c, name=f"{c.name}, masked", masked=True) for c in plain]
    return Suite("mask", [*plain, *masked], [TRAINING_SHAPE])


def prefix(backend: str) -> Suite:
    """The carousel without feedback, a running sum that needs no loop."""
    contenders = [
        replace(
            ours("cec", engine, backend, options={"recurrent": False}),
            name=f"CECLSTM(recurrent=False), {engine}",
            variant="cec, nothing fed back",
        )
        for engine in ("auto", "portable")
    ]
    return Suite("prefix", contenders, [Shape(8, 10_000, 16, 32)])


def memory(backend: str) -> Suite:
    """Peak memory against the length of a sequence."""
    plain = [ours("classic", engine, backend) for engine in ENGINES]
    # `portable` differentiates its loop: there is nothing to compute again.
    recompute = [
        replace(c, name=f"{c.name}, recompute", options=c.options | {"recompute": True})
        for c in plain[:-1]
    ]
    contenders = [*plain, *recompute]
    shapes = [Shape(1, length, 16, 32) for length in LENGTHS]
    return Suite("memory", [*contenders, keras_lstm(backend)], shapes, ["train"])


def processor(backend: str) -> Suite:
    """The kernels with each set of instructions that this processor has, and PyTorch's choice."""
    isas = [] if packing.why_not_built() else packing.processor()[0]
    plain = replace(KERNELS, backend=backend)
    kernels = [replace(plain, name=f"native kernels, {i}", options={"isa": i}) for i in isas]
    return Suite("processor", [*kernels, TORCH], SHAPES)


def load(backend: str) -> Suite:
    """The kernels with the threads that they choose and with one, beside a load and without."""
    contenders = [replace(c, backend=backend) for c in (ONE_THREAD, KERNELS)]
    return Suite("load", contenders, SHORT_STEPS)


def export(backend: str) -> Suite:
    """An exported layer in ONNX Runtime: one node against the loop of Keras' own export."""
    contenders = [
        replace(
            ours("peephole", "auto", backend),
            name=name,
            runner=f"benchmarks.export:{form}",
            options={"layer": "keras_lstm_ext:PeepholeLSTM"},
            tasks=("forward",),
        )
        for form, name in (("node", "export_onnx"), ("loop", "Keras' export to ONNX"))
    ]
    return Suite("export", contenders, [Shape(n, 100, 64, 128) for n in (1, 8, 32)], ["forward"])


def steps(backend: str) -> Suite:
    """One time step a call: the task is 100 of them."""
    rows: dict[str, tuple[str, dict[str, Any]]] = {
        "stream(PeepholeLSTM)": ("streamed", {"layer": "keras_lstm_ext:PeepholeLSTM"}),
        "stream(ClassicLSTM)": ("streamed", {"layer": "keras_lstm_ext:ClassicLSTM"}),
        "ClassicLSTM, stateful, tf.function": (
            "stateful",
            {"layer": "keras_lstm_ext:ClassicLSTM", "compiled": True},
        ),
        "keras.layers.LSTM, stateful, tf.function": (
            "stateful",
            {"layer": "keras.layers:LSTM", "compiled": True},
        ),
        "keras.layers.LSTM, stateful, called": (
            "stateful",
            {"layer": "keras.layers:LSTM", "compiled": False},
        ),
        "torch.nn.LSTMCell": ("torch_cell", {}),
    }
    contenders = [
        Contender(
            name,
            f"benchmarks.steps:{runner}",
            options,
            variant="peephole" if "Peephole" in name else "classic",
            tasks=("steps",),
            backend="torch" if "torch" in name else backend,
        )
        for name, (runner, options) in rows.items()
    ]
    shapes = [Shape(1, 100, 16, 32), Shape(1, 100, 64, 128), Shape(1, 100, 128, 512)]
    return Suite("steps", contenders, shapes, ["steps"])


def accelerate(backend: str) -> Suite:
    """Whole models before and after `accelerate`."""
    contenders = [
        Contender(
            f"{name}, {when}",
            "benchmarks.accelerate:model",
            {"model": name, "accelerated": when == "accelerated"},
            tasks=("fit", "predict"),
            backend=backend,
        )
        for name in ("forecaster", "tagger", "translator")
        for when in ("as it was", "accelerated")
    ]
    return Suite("accelerate", contenders, [Shape(32, 100, 64, 128)], ["fit", "predict"])


SUITES = {
    "layers": layers,
    "fit": fit,
    "mask": mask,
    "prefix": prefix,
    "memory": memory,
    "load": load,
    "processor": processor,
    "export": export,
    "steps": steps,
    "accelerate": accelerate,
}


ON_TORCH = ("layers", "fit", "mask", "prefix", "memory")
"""The suites whose contenders PyTorch can run."""


ON_GPU = {"layers": layers_on_gpu, "fit": fit_on_gpu}
"""The suites that have other contenders on a card."""


def suite(name: str, backend: str, device: str = "cpu") -> Suite:
    """A suite by name.

    Args:
        name: A key of `SUITES`.
        backend: Keras backend.
        device: `"cpu"` or `"gpu"`.

    Returns:
        The suite.

    Raises:
        ValueError: If PyTorch or a GPU has no such suite.
    """
    if backend == "torch" and name not in ON_TORCH:
        raise ValueError(f"on PyTorch `suite` must be one of {ON_TORCH}. Received: {name!r}")
    if device == "gpu" and name not in ON_GPU:
        raise ValueError(f"on a GPU `suite` must be one of {tuple(ON_GPU)}. Received: {name!r}")
    return (ON_GPU if device == "gpu" else SUITES)[name](backend)
