"""A table as it may come: in pieces of any size, empty ones too."""

import random
from collections.abc import Iterator

import pyarrow as pa


def cut(table: pa.Table, chance: random.Random, most: int) -> Iterator[pa.Table]:
    """The rows of a table in pieces of at most so many."""
    start = 0
    while start < table.num_rows:
        size = chance.randint(0, most)
        yield table.slice(start, size)
        start += size
