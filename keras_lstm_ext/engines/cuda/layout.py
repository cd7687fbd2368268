"""How a kernel of `cuda/lstm.cu` divides its work: the macros that it is compiled with."""

from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

MOST_ROWS = 128
"""Of a launch; more rows are as many launches as it takes."""

CLUSTERS = (2, 4, 8, 1)
"""Blocks that share the nets of their units, the best first."""

SIZES = (1, 2, 4, 8)
"""Of clusters."""

WARPS = 8
"""Of a block."""


class Card(NamedTuple):
    """What of a GPU the division depends on.

    Args:
        capability: Compute capability, 90 for 9.0.
        shared: Bytes of shared memory that a block can have.
        clusters: For each of `SIZES`, how many clusters it holds at once, each block on a processor
            of its own. They do not cross groups of processors, whose sizes differ.
    """

    capability: int
    shared: int
    clusters: tuple[int, int, int, int]


@dataclass(frozen=True)
class Layout:
    """Sizes of a kernel's parts: macros of `cuda/lstm.cu`, in lower case.

    Args:
        own: Units of a cluster.
        cluster: Blocks of a cluster.
        tiles_m: Tiles of 16 products that a warp has.
        tiles_n: Tiles of 8 rows that a warp has.
        warps_m: Warps beside each other along the products.
        warps_n: Warps beside each other along the rows.
        warps_k: Warps that share the sums of the same products.
        chunk: Columns that are brought to shared memory at a time.
        stages: Chunks that are there or under way.
        slice: Columns that a block multiplies.
    """

    own: int
    cluster: int
    tiles_m: int
    tiles_n: int
    warps_m: int
    warps_n: int
    warps_k: int
    chunk: int
    stages: int
    slice: int

    @property
    def shared(self) -> int:
        """Bytes of shared memory of a block."""
        return self.weights + max(self.sums, self.stages * self.bytes_of_chunk)

    @property
    def weights(self) -> int:
        """Bytes of the weights of a block."""
        return 4 * self.warps_m * self.tiles_m * 16 * self.slice

    @property
    def sums(self) -> int:
        """Bytes of the sums of a block; chunks have gone when they come."""
        rows, width = self.warps_n * self.tiles_n * 8, self.warps_m * self.tiles_m * 16
        return 4 * self.warps_k * rows * (width + 4)

    @property
    def bytes_of_chunk(self) -> int:
        """Bytes of a chunk of all rows."""
        return 4 * self.warps_n * self.tiles_n * 8 * (self.chunk + 16)

    def macros(self) -> dict[str, int]:
        """The fields under the names that the kernel has for them."""
        return {name.upper(): size for name, size in asdict(self).items()}

    def blocks(self, units: int) -> int:
        """Blocks of a launch."""
        return -(-units // self.own) * self.cluster


def layouts(card: Card, batch: int, units: int, nets: int, backward: bool) -> list[Layout]:
    """The ways to divide a product whose weights fit into shared memory, the best first.

    Args:
        card: The GPU.
        batch: Rows of a launch, at most `MOST_ROWS`.
        units: Number of units.
        nets: Nets of a unit.
        backward: Whether errors of all nets are multiplied, or outputs of all units.

    Returns:
        None, one or several.
    """
    columns = nets * units if backward else units
    found = [
        _layout(card, batch, units, nets, backward, cluster)
        for cluster in CLUSTERS
        if cluster == 1 or columns >= 64 * cluster
    ]
    return [layout for layout in found if layout is not None]


def _layout(
    card: Card, batch: int, units: int, nets: int, backward: bool, cluster: int
) -> Layout | None:
    most = card.clusters[SIZES.index(cluster)]
    if not most:
        return None
    own = 16 * -(-units // (16 * most))
    columns, products = (nets * units, own) if backward else (units, nets * own)
    tiles_n = min(4, -(-batch // 8))
    warps_n = -(-batch // (8 * tiles_n))
    tiles = products // 16
    possible = [n for n in range(1, 9) if tiles % n == 0 and tiles // n * warps_n <= WARPS]
    if not possible:
        return None
    tiles_m = next((n for n in possible if n > 1), possible[0])
    warps_m = tiles // tiles_m
    for warps_k in (8, 4, 2, 1):
        chunk = max(64, 16 * warps_k)
        chunks = -(-columns // (cluster * chunk))
        warps = (tiles_m, tiles_n, warps_m, warps_n, warps_k)
        made = Layout(own, cluster, *warps, chunk, 0, chunks * chunk)
        stages = min(4, chunks, (card.shared - made.weights) // made.bytes_of_chunk)
        made = replace(made, stages=stages)
        few = warps_m * warps_n * warps_k <= WARPS
        if few and stages >= min(2, chunks) and made.shared <= card.shared:
            return made
    return None
