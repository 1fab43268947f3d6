"""How much PowerSGD sends: arithmetic alone, without torch."""

from collections.abc import Iterable

Shape = tuple[int, int]


def pays(shape: Shape, rank: int) -> bool:
    """Whether the two factors of a matrix are smaller than the matrix."""
    rows, columns = shape
    return rank <= min(shape) and rank * (rows + columns) < rows * columns


def num_sent(shape: Shape, rank: int) -> int:
    """Numbers in P and Q of one matrix, `rank * (rows + columns)`; all of it where that is less."""
    rows, columns = shape
    return rank * (rows + columns) if pays(shape, rank) else rows * columns


def compression_rate(shapes: Iterable[Shape], rank: int) -> float:
    """Share of the gradients of some matrices that is not sent, 0..1."""
    matrices = list(shapes)
    whole = sum(rows * columns for rows, columns in matrices)
    return 1 - sum(num_sent(shape, rank) for shape in matrices) / whole


def block_shards(width: int, gpus: int) -> list[Shape]:
    """Shapes of one card's shards of the matrices of a block, whose MLP is `4 * width` wide.

    Of the query, key, value and output matrices, and of both of the MLP.

    Args:
        width: channels of the stream, d.
        gpus: cards of a machine, over which each matrix is shared, m; divides the width.

    Source: Ramesh et al. 2021, appendix E.2, table 2.
    """
    attention = [(width, width // gpus)] * 4
    return [*attention, (width, 4 * width // gpus), (4 * width // gpus, width)]
