"""Arrays as matrices of blocks: their shapes, and the way into blocks and back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_lstm_ext.convert.layouts import Layout

Array = np.ndarray[Any, Any]
Blocks = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Place:
    """Where the weights of one layer and direction stand, in the arrays of a layout.

    Args:
        layout: The layout.
        features: Size of the input.
        units: Number of memory cells.
        kinds: First letters of the blocks that the layer has, some of `"WRbp"`.
        level: Number of the layer, from 0.
        direction: 0 forward, 1 backward.
        directions: How many there are.
    """

    layout: Layout
    features: int
    units: int
    kinds: str
    level: int = 0
    direction: int = 0
    directions: int = 1

    @property
    def arrays(self) -> dict[str, Blocks]:
        """The arrays by their full names, each with the blocks that the layer has."""
        reverse = "_reverse" if self.direction else ""
        arrays = {}
        for name, text in self.layout.arrays.items():
            rows = [tuple(b for b in row.split() if b[0] in self.kinds) for row in text.split(";")]
            if any(rows):
                arrays[name.format(level=self.level, reverse=reverse)] = tuple(rows)
        return arrays

    def shape(self, blocks: Blocks) -> tuple[int, ...]:
        """The shape of an array, as it is stored."""
        rows, columns = self.matrix_shape(blocks)
        vector = blocks[0][0][0] in "bp" and rows == 1 and not self.layout.row_vectors
        first = (self.directions,) if self.layout.directions else ()
        return (*first, columns) if vector else (*first, rows, columns)

    def matrix_shape(self, blocks: Blocks) -> tuple[int, int]:
        """The shape of the matrix of blocks."""
        rows = sum(self.block_shape(row[0])[0] for row in blocks)
        return rows, sum(self.block_shape(block)[1] for block in blocks[0])

    def block_shape(self, block: str) -> tuple[int, int]:
        """The shape of one block."""
        rows = {"W": self.features, "R": self.units}.get(block[0], 1)
        return (self.units, rows) if block.endswith(".T") else (rows, self.units)

    def split(self, matrix: Array, blocks: Blocks) -> Iterator[tuple[str, Array]]:
        """The blocks of a matrix by name, none of them transposed."""
        top = 0
        for row in blocks:
            left = 0
            for block in row:
                height, width = self.block_shape(block)
                part = matrix[top : top + height, left : left + width]
                if block.endswith(".T"):
                    part = part.T
                elif block.endswith(".F"):
                    part = part.ravel().reshape(part.shape, order="F")
                yield block[:3], part
                left += width
            top += height

    def join(self, parts: dict[str, Array], blocks: Blocks) -> Array:
        """The inverse of `split`. It takes the blocks out of `parts`: what is not there is zero."""

        def part(block: str) -> Array:
            found = parts.pop(block[:3], np.zeros(self.block_shape(block[:3])))
            if block.endswith(".F"):
                return found.ravel(order="F").reshape(found.shape)
            return found.T if block.endswith(".T") else found

        return np.block([[part(block) for block in row] for row in blocks])
