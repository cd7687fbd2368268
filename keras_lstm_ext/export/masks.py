"""Masks of any pattern around an ONNX `LSTM` node, which knows lengths only.

The valid steps of each row move to its front, the node reads that many, and every step gets back
the output of the last valid step that was read before it or at it.
"""

from typing import Any

Tensor = Any


class Packing:
    """The way there and back for one mask, as TensorFlow traces it.

    Args:
        mask: Of shape `(batch, timesteps)`, False where a step is skipped.
    """

    def __init__(self, mask: Tensor) -> None:
        import tensorflow as tf

        self.tf, self.mask = tf, tf.cast(mask, "bool")
        valid = tf.cast(self.mask, "int32")
        self.count = tf.cumsum(valid, axis=1)  # of valid steps up to each step
        self.before = self.count - valid
        self.lengths = tf.reduce_sum(valid, axis=1)
        self.order = tf.argsort(valid, axis=1, direction="DESCENDING", stable=True)

    def packed(self, x: Tensor) -> Tensor:
        """`(batch, timesteps, features)` with the valid steps in front."""
        return self.tf.gather(x, self.order, batch_dims=1)

    def unpacked(self, y: Tensor, backwards: bool, zeros: bool) -> Tensor:
        """Outputs of every step, of those of the node; masked ones are 0 or what was before."""
        index = self.before if backwards else self.count - 1
        seen = index < self.lengths[:, None] if backwards else index >= 0
        y = self.tf.gather(y, self.tf.where(seen, index, 0), batch_dims=1)
        return self.tf.where((self.mask if zeros else seen)[:, :, None], y, 0.0)

    def last(self, h: Tensor, backwards: bool, zeros: bool) -> Tensor:
        """The output of the step that is read last: h, or 0."""
        if not zeros:
            return h  # of a row without a valid step, the node's h is 0
        return self.tf.where(self.mask[:, 0 if backwards else -1, None], h, 0.0)

    def state(self, final: Tensor, initial: Tensor) -> Tensor:
        """A final state of the node; a row without a valid step keeps its initial one."""
        return self.tf.where(self.lengths[:, None] > 0, final, initial)
