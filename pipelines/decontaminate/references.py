"""The references of a run in memory, as rows are compared with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.decontaminate.words import Ngrams
from pipelines.io.parquet import read_row_groups
from pipelines.records import REFERENCE_SCHEMA
from pipelines.sameness.views import Views, unpack_thumbnails, unpack_views

COLUMNS = [name for name in REFERENCE_SCHEMA.names if name not in ("image", "width", "height")]

# Vectors are compared as integers: their products are whole numbers below 2**53, whose sums are
# exact, so that no cosine depends on how many are compared at once. Chosen: an error below 1e-5.
VECTOR_SCALE = 1 << 20


@dataclass(frozen=True)
class References:
    """What rows are compared with.

    Args:
        sets, names: of each reference.
        files: references by SHA-256 of their file.
        pixels: references by hash of their pixels.
        views: of all references; `rows` are their numbers.
        thumbnails: uint8 `(views, 768)`.
        ngrams: of their captions.
        vectors: float64 `(references with one, d)`: whole numbers; `VECTOR_SCALE` is 1. `(1, 0)`
            where there are none.
        of_vectors: the reference of each vector.
    """

    sets: Sequence[str]
    names: Sequence[str]
    files: dict[str, list[int]]
    pixels: dict[str, list[int]]
    views: Views
    thumbnails: npt.NDArray[np.uint8]
    ngrams: Ngrams
    vectors: npt.NDArray[np.float64]
    of_vectors: npt.NDArray[np.int64]

    @classmethod
    def of(cls, table: pa.Table, ngram: int, min_words: int) -> Self:
        """References that are compared.

        Args:
            table: `COLUMNS`.
            ngram: words in a sequence.
            min_words: of a caption that is compared.
        """
        views = unpack_views(table["sketch"], np.arange(table.num_rows))
        has_vector = np.flatnonzero(np.asarray(table["embedding"].is_valid()))
        vectors = table["embedding"].take(pa.array(has_vector)).to_pylist() or [[]]
        return cls(
            sets=table["set"].to_pylist(),
            names=table["name"].to_pylist(),
            files=_numbers_by(table["sha256"]),
            pixels=_numbers_by(table["pixel_hash"]),
            views=views,
            thumbnails=unpack_thumbnails(table["thumbnail"], views.rows, views.numbers),
            ngrams=Ngrams.of(table["captions"].to_pylist(), ngram, min_words),
            vectors=whole_numbers(np.array(vectors, np.float32)),
            of_vectors=has_vector,
        )


def whole_numbers(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Vectors of length 1 as whole numbers, in units of 1 / `VECTOR_SCALE`."""
    return np.rint(vectors.astype(np.float64) * VECTOR_SCALE)


@lru_cache(maxsize=1)
def read_references(url: str, _fingerprint: str, ngram: int, min_words: int) -> References:
    """The references that a stage has written; read once a process, and again for other work.

    Raises:
        UnreadableShardError: the file is missing or corrupt.
    """
    tables = [REFERENCE_SCHEMA.empty_table().select(COLUMNS), *read_row_groups(url, COLUMNS)]
    return References.of(pa.concat_tables(tables), ngram, min_words)


def _numbers_by(digests: pa.ChunkedArray) -> dict[str, list[int]]:
    """The references of each digest; those that are empty have none."""
    found: dict[str, list[int]] = {}
    for number, digest in enumerate(digests.to_pylist()):
        if digest:
            found.setdefault(digest, []).append(number)
    return found
