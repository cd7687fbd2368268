"""What a worker runs: a Keras layer over a whole sequence, forward or forward and backward.

A runner is a function of a `Problem`, the task and options that gives a `Program`; a contender
names one as `"module:function"`. Every runner returns its arrays in Keras' layout.
"""

import importlib
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from keras_lstm_ext import engines
from keras_lstm_ext.bench.problem import Arrays, Problem

Tensor = Any

ATTRIBUTES = {"W": "kernel", "R": "recurrent_kernel", "p": "peephole_kernel", "b": "bias"}
"""Where a cell has its weights."""


class Program(NamedTuple):
    """What a runner prepares."""

    call: Callable[[], Any]
    """Computes once, and returns when the result is there."""
    check: Callable[[Any], Arrays]
    """From what the first call returned, the arrays to compare with the reference."""
    engine: str | None = None
    """The engine that runs it, if the layer says."""


def resolve(name: str) -> Any:
    """Finds what `"module:attribute"` names."""
    module, attribute = name.split(":")
    return getattr(importlib.import_module(module), attribute)


def sequence(
    problem: Problem, task: str, layer: str, jit_compile: bool = False, **arguments: Any
) -> Program:
    """The runner of Keras layers, on TensorFlow, JAX and PyTorch.

    Args:
        problem: What to compute.
        task: `"forward"`, or `"train"` for forward and backward including dx.
        layer: The class, or a function that makes the layer, as `"module:attribute"`.
        jit_compile: Whether TensorFlow compiles the function with XLA; JAX always does.
        **arguments: Given to `layer`.

    Returns:
        The program.

    Raises:
        ValueError: If the Keras backend is none of these.
    """
    backend = keras.backend.backend()
    if backend not in _COMPUTE:
        raise ValueError(f"the backend must be one of {list(_COMPUTE)}. Received: {backend!r}")
    made = with_weights(layer, problem, return_sequences=True, return_state=True, **arguments)
    call = _COMPUTE[backend](made, problem, task, jit_compile)
    names = ["h", "dx", *(f"d{letter}" for letter in problem.weights)]

    def check(results: list[Tensor]) -> Arrays:
        arrays = map(keras.ops.convert_to_numpy, results)
        return dict(zip(names[: len(results)], arrays, strict=True))

    return Program(
        call, check if task == "train" else lambda r: check(r[:1]), engine(made, problem, task)
    )


def why_not(options: dict[str, Any]) -> str | None:
    """Gives None, or the reason why the engine that is named cannot run the layer here.

    Args:
        options: A contender's.

    Returns:
        What `explain` says of an engine that it does not take.
    """
    name = options.get("engine", "auto")
    if name == "auto" or "layer" not in options:
        return None
    own = {k: v for k, v in options.items() if k not in ("layer", "jit_compile")}
    layer = resolve(options["layer"])(4, **own)
    return engines.why_not(name, layer, engines.Call((2, 3, 4)))


def with_weights(layer: str, problem: Problem, **arguments: Any) -> Any:
    """Makes a layer that has the problem's weights."""
    made = resolve(layer)(problem.shape.units, **arguments)
    made.build((*problem.shape[:3],))
    for variable, array in zip(variables(made, problem), problem.weights.values(), strict=True):
        variable.assign(array)
    return made


def variables(layer: Any, problem: Problem) -> list[keras.Variable]:
    """The layer's weights, in the order of the problem's."""
    return [getattr(layer.cell, ATTRIBUTES[letter]) for letter in problem.weights]


def engine(layer: Any, problem: Problem, task: str) -> str | None:
    """The engine that a layer of this package takes; None for other layers."""
    if not hasattr(layer, "explain"):
        return None
    choice = layer.explain(problem.shape[:3], problem.mask, training=task == "train")
    return str(choice.engine)


def _tensorflow(layer: Any, problem: Problem, task: str, jit_compile: bool) -> Callable[[], Any]:
    import tensorflow as tf

    tf.config.experimental.enable_tensor_float_32_execution(False)
    x, dy = tf.constant(problem.x), tf.constant(problem.dy)
    mask = None if problem.mask is None else tf.constant(problem.mask)
    weights = [variable.value for variable in variables(layer, problem)]

    def forward(x: Tensor, dy: Tensor, mask: Tensor) -> list[Tensor]:
        y, _, c, *_ = layer(x, mask=mask)
        return [y, c]

    def train(x: Tensor, dy: Tensor, mask: Tensor) -> list[Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, *_ = layer(x, mask=mask, training=True)
        return [y, *tape.gradient(y, [x, *weights], output_gradients=dy)]

    function = tf.function(train if task == "train" else forward, jit_compile=jit_compile)

    def call() -> list[Tensor]:
        results = function(x, dy, mask)
        # The last is small: db, or the final c. Reading it waits for the function.
        results[-1].numpy()
        return list(results)

    return call


def _jax(layer: Any, problem: Problem, task: str, jit_compile: bool) -> Callable[[], Any]:
    import jax

    jax.config.update("jax_default_matmul_precision", "highest")
    x, dy = jax.device_put(problem.x), jax.device_put(problem.dy)
    mask = None if problem.mask is None else jax.device_put(problem.mask)
    weights = [jax.device_put(array) for array in problem.weights.values()]
    of_layer = variables(layer, problem)

    def forward(x: Tensor, weights: Any, dy: Tensor, mask: Tensor) -> list[Tensor]:
        with keras.StatelessScope(state_mapping=list(zip(of_layer, weights, strict=True))):
            y, _, c, *_ = layer(x, mask=mask, training=task == "train")
        return [y, c]

    def train(x: Tensor, weights: Any, dy: Tensor, mask: Tensor) -> list[Tensor]:
        y, back = jax.vjp(lambda x, weights: forward(x, weights, dy, mask)[0], x, weights)
        dx, d_weights = back(dy)
        return [y, dx, *d_weights]

    function = jax.jit(train if task == "train" else forward)
    return lambda: jax.block_until_ready(function(x, weights, dy, mask))


def _torch(layer: Any, problem: Problem, task: str, jit_compile: bool) -> Callable[[], Any]:
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    x, dy = map(keras.ops.convert_to_tensor, (problem.x, problem.dy))
    mask = None if problem.mask is None else keras.ops.convert_to_tensor(problem.mask)
    sources = [x.requires_grad_(task == "train"), *(v.value for v in variables(layer, problem))]

    @torch.inference_mode()
    def forward() -> list[Tensor]:
        y, _, c, *_ = layer(x, mask=mask)
        return [y, c]

    def train() -> list[Tensor]:
        y, *_ = layer(x, mask=mask, training=True)
        return [y.detach(), *torch.autograd.grad(y, sources, dy)]

    function = train if task == "train" else forward

    def call() -> list[Tensor]:
        results = function()
        if results[0].is_cuda:
            torch.cuda.synchronize()
        return results

    return call


_COMPUTE = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
