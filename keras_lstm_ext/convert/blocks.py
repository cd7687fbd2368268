"""Arrays as matrices of blocks: their shapes, and the way into blocks and back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_lstm_ext.convert.layouts import Layout

Array = np.ndarray[Any, Any]
Blocks = tuple[tuple[str, ...], ...]
KINDS = "WRbpPgs"


def name(block: str) -> str:
    """The name of a block, without what is done to it."""
    return block.removeprefix("-").partition(".")[0]


def kind(block: str) -> str:
    """The first letter of its name."""
    return name(block)[0]


@dataclass(frozen=True)
class Place:
    """Where the weights of one layer and direction stand, in the arrays of a layout.

    Args:
        layout: The layout.
        features: Size of the input.
        units: Number of memory cells.
        kinds: First letters of the blocks that the layer has, some of `KINDS`.
        level: Number of the layer, from 0.
        direction: 0 forward, 1 backward.
        directions: How many there are.
        outputs: Size of the output where it is a projection.
    """

    layout: Layout
    features: int
    units: int
    kinds: str
    level: int = 0
    direction: int = 0
    directions: int = 1
    outputs: int | None = None

    @property
    def arrays(self) -> dict[str, Blocks]:
        """The arrays by their full names, each with the blocks that the layer has."""
        reverse = "_reverse" if self.direction else ""
        arrays = {}
        for name, text in self.layout.arrays.items():
            rows = [
                tuple(b for b in row.split() if kind(b) in self.kinds) for row in text.split(";")
            ]
            if any(rows):
                arrays[name.format(level=self.level, reverse=reverse)] = tuple(rows)
        return arrays

    def shape(self, blocks: Blocks) -> tuple[int, ...]:
        """The shape of an array, as it is stored."""
        rows, columns = self.matrix_shape(blocks)
        vector = kind(blocks[0][0]) in "bps" and rows == 1 and not self.layout.row_vectors
        first = (self.directions,) if self.layout.directions else ()
        return (*first, columns) if vector else (*first, rows, columns)

    def matrix_shape(self, blocks: Blocks) -> tuple[int, int]:
        """The shape of the matrix of blocks."""
        rows = sum(self.block_shape(row[0])[0] for row in blocks)
        return rows, sum(self.block_shape(block)[1] for block in blocks[0])

    def block_shape(self, block: str) -> tuple[int, int]:
        """The shape of one block."""
        outputs = self.outputs or self.units
        rows = {"W": self.features, "R": outputs, "P": self.units}.get(kind(block), 1)
        columns = outputs if kind(block) == "P" else self.units
        return (columns, rows) if block.endswith(".T") else (rows, columns)

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
                yield name(block), -part if block.startswith("-") else part
                left += width
            top += height

    def join(self, parts: dict[str, Array], blocks: Blocks) -> Array:
        """The inverse of `split`. It takes the blocks out of `parts`: what is not there is zero."""

        def part(block: str) -> Array:
            found = parts.pop(name(block), np.zeros(self.block_shape(name(block))))
            if block.startswith("-"):
                found = -found
            if block.endswith(".F"):
                return found.ravel(order="F").reshape(found.shape)
            return found.T if block.endswith(".T") else found

        return np.block([[part(block) for block in row] for row in blocks])
