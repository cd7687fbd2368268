"""What an engine must know of the trace that it is part of, and that Keras has no flag for."""

import importlib
import sys
from types import FrameType

EXPORTERS = (
    "jax._src.export",
    "jax.experimental.jax2tf",
    "keras.src.export",
    "tensorflow.lite",
    "tensorflow.python.saved_model",
    "tf2onnx",
)
"""Modules whose presence on the call stack means that a model is being exported."""


def exporting() -> bool:
    """Whether the current trace ends up in a file that must load without this package.

    Returns:
        Whether one of `EXPORTERS` is on the call stack.

    Examples:
        >>> exporting()
        False
    """
    return called_from(*EXPORTERS)


def called_from(*modules: str) -> bool:
    """Whether a module whose name begins so is on the call stack."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(modules):
            return True
        frame = frame.f_back
    return False


def in_old_graph() -> bool:
    """Whether this is a TensorFlow graph that belongs to no `tf.function`."""
    import tensorflow as tf

    graph = tf.compat.v1.get_default_graph()
    return not tf.executing_eagerly() and not graph.building_function


def recorded_by_torch() -> bool:
    """Whether PyTorch records this call for a file: `torch.jit.trace`, or an export to ONNX.

    `torch.export` as such does not count: its programs may hold operators of other packages.
    """
    import torch

    if torch.jit.is_tracing():
        return True
    if torch.compiler.is_dynamo_compiling() or not torch.compiler.is_compiling():
        return False
    return exporting() or called_from("torch.onnx")


def watched_by_tensorflow() -> bool:
    """Whether a tape or a forward accumulator of TensorFlow may record what runs now.

    There is no public way to ask. Where the private one is gone, everything counts as watched.
    """
    try:
        record = importlib.import_module("tensorflow.python.eager.record")
        return bool(record.could_possibly_record())
    except (ImportError, AttributeError):
        return True


def under_xla() -> bool:
    """Whether XLA will compile the TensorFlow graph that is being traced.

    There is no public way to ask. Where the private one is gone, every graph counts as one that XLA
    compiles: an engine that XLA cannot compile then runs eagerly only.
    """
    import tensorflow as tf

    if tf.executing_eagerly():
        return False
    try:
        util = importlib.import_module("tensorflow.python.ops.control_flow_util")
        return bool(util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))
    except (ImportError, AttributeError):
        return True
