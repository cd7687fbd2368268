"""The loop, the compilation and the gradient hook of `bptt` on TensorFlow."""

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_lstm_ext.engines.bptt import algorithm
from keras_lstm_ext.engines.bptt.algorithm import Arrays, Fixed, Kept, Plan

Tensor = Any

COMPILED_SHAPES = 8
"""So many shapes of one plan are compiled by XLA; any others run as a plain graph."""

FREE_AXES = (
    *Arrays(x=2, h=1, c=1, gates=1, W=0, R=0, p=0, b=0, n=0, s=0, P=0),
    *Fixed(mask=2, multiplier=1, zone_h=2, zone_c=2),
)
"""How many leading axes of each array are time and batch."""

Shape = tuple[int | None, ...]
Signature = tuple[Any, ...]

_calls: dict[Plan, dict[Signature, int]] = {}


def scan(body: Callable[..., Any], init: Any, xs: Any, reverse: bool) -> tuple[Any, Any]:
    """Runs `body` over the first axis of every tensor in `xs`, in a `tf.while_loop`.

    Args:
        body: Function of the state and one slice of `xs` that gives the new state and an output.
        init: The first state, a structure of tensors and None.
        xs: Structure of tensors and None.
        reverse: Whether to begin at the end.

    Returns:
        The last state, and the outputs stacked along a first axis.
    """
    slices = _present(xs)
    steps = slices[0].shape[0] or tf.shape(slices[0])[0]
    inputs = [tf.TensorArray(x.dtype, size=steps).unstack(x) for x in slices]

    def at(x: list[Tensor], state: list[Tensor]) -> tuple[Any, Any]:
        return body(_restore(init, state), _restore(xs, x))

    # Only its structure is used; what computes it is pruned.
    _, y_example = at([x[0] for x in slices], _present(init))
    outputs = [
        tf.TensorArray(y.dtype, size=steps, element_shape=y.shape) for y in _present(y_example)
    ]

    def step(count: Tensor, state: list[Tensor], outputs: list[Any]) -> Any:
        t = steps - 1 - count if reverse else count
        x = [tf.ensure_shape(i.read(t), x.shape[1:]) for i, x in zip(inputs, slices, strict=True)]
        new_state, y = at(x, state)
        outputs = [o.write(t, v) for o, v in zip(outputs, _present(y), strict=True)]
        return count + 1, _present(new_state), outputs

    _, state, outputs = tf.while_loop(
        lambda count, *_: count < steps,
        step,
        (tf.constant(0), _present(init), outputs),
        maximum_iterations=steps,
    )
    return _restore(init, state), _restore(y_example, [o.stack() for o in outputs])


def _present(structure: Any) -> list[Tensor]:
    return [leaf for leaf in tf.nest.flatten(structure) if leaf is not None]


def _restore(structure: Any, present: list[Tensor]) -> Any:
    leaves = iter(present)
    return tf.nest.map_structure(lambda old: None if old is None else next(leaves), structure)


@functools.cache
def _programs(plan: Plan, compiled: bool, signature: Signature) -> tuple[Any, Any, Any]:
    """The TensorFlow functions, shared by all layers of the same plan.

    They are the forward that keeps nothing, the one that keeps what the backward needs, and the
    backward.
    """

    def infer(a: Arrays, fixed: Fixed) -> tuple[Tensor, ...]:
        return algorithm.forward(plan, scan, a, fixed, keep=False)[0]

    def forward(a: Arrays, fixed: Fixed) -> tuple[tuple[Tensor, ...], Kept]:
        return algorithm.forward(plan, scan, a, fixed)

    def backward(a: Arrays, fixed: Fixed, kept: Kept, d: tuple[Tensor, ...]) -> Arrays:
        return algorithm.backward(plan, scan, a, fixed, kept, d)

    options = {"jit_compile": True} if compiled else {"reduce_retracing": True}
    infer, forward, backward = (tf.function(f, **options) for f in (infer, forward, backward))
    return infer, forward, backward


def _signature(a: Arrays, fixed: Fixed, compiled: bool) -> Signature:
    """What one program is made for: shapes and dtypes, without time and batch if not compiled."""
    return tuple(
        None if leaf is None else (leaf.dtype, *leaf.shape[0 if compiled else free :])
        for leaf, free in zip((*a, *fixed), FREE_AXES, strict=True)
    )


def compiles(plan: Plan, signature: Signature, shape: Shape, training: bool) -> bool:
    """Whether a call is compiled by XLA: its shape is known, and not too many were before.

    Args:
        plan: What is fixed.
        signature: The shapes and dtypes of the call.
        shape: `(timesteps, batch)` of the call.
        training: Whether it is a training step: then the batch size may be unknown, because
            `fit` has two of them, the last batch being smaller.

    Returns:
        Whether to compile.
    """
    steps, batch = shape
    if steps is None or (batch is None and not training):
        return False
    calls = _calls.setdefault(plan, {})
    if signature not in calls and len(calls) >= COMPILED_SHAPES:
        return False
    calls[signature] = calls.get(signature, 0) + 1
    # A trace is there to be run often. An eager call may be the only one of its shape.
    return calls[signature] > 1 or not tf.executing_eagerly()


def run(plan: Plan, a: Arrays, fixed: Fixed, training: bool) -> tuple[Tensor, ...]:
    """Runs the whole sequence, with the hand-written gradient.

    Args:
        plan: What is fixed.
        a: The arrays.
        fixed: Mask and dropout multiplier.
        training: Whether it is a training step.

    Returns:
        (h of every step or None, final h, final c, final gates or None).
    """
    compiled = compiles(plan, _signature(a, fixed, True), a.x.shape[:2], training)
    infer, forward, backward = _programs(plan, compiled, _signature(a, fixed, compiled))
    structure: list[Any] = []

    @tf.custom_gradient
    def sequence(*leaves: Tensor) -> tuple[list[Tensor], Callable[..., list[Tensor]]]:
        # Stopped, or an outer tape would build a second gradient, of the loop itself.
        arrays = _restore(a, [tf.stop_gradient(leaf) for leaf in leaves])
        if training:
            results, kept = forward(arrays, fixed)
        else:
            results, kept = infer(arrays, fixed), None
        structure[:] = [results]

        def gradient(*d_leaves: Tensor) -> list[Tensor]:
            @tf.custom_gradient
            def once(*watched: Tensor) -> Any:
                d = _restore(results, [tf.stop_gradient(leaf) for leaf in watched[len(leaves) :]])
                needed = forward(arrays, fixed)[1] if kept is None else kept
                return _present(
                    backward(arrays, fixed, needed, d)
                ), algorithm.refuse_second_derivative

            return once(*leaves, *d_leaves)

        return _present(results), gradient

    leaves = sequence(*_present(a))
    return _restore(structure[0], leaves)
