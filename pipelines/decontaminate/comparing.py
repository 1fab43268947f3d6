"""The matches of rows of images with the references of a run."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from dalle_model.clip.scorer import Embedder
from dalle_model.pixels import from_stored
from pipelines.decontaminate.config import DecontaminateConfig
from pipelines.decontaminate.looks import Looks
from pipelines.decontaminate.match import By, Match, surest
from pipelines.decontaminate.references import VECTOR_SCALE, References, whole_numbers
from pipelines.sameness.views import unpack_thumbnails, unpack_views

COLUMNS = ["key", "url", "caption", "sha256", "pixel_hash", "sketch", "thumbnail"]
IMAGE = "image"  # a column that only an embedder needs
BATCH = 64  # images decoded at a time for an embedder; chosen: 20 MB of pixels

Found = Iterator[tuple[int, int, By, float]]  # a row, a reference, how, and what was measured


class Comparison:
    """Compares rows with references.

    Args:
        references: of the run.
        config: what matches.
        embedder: that gave the references their vectors; None where there are none.
    """

    def __init__(
        self,
        references: References,
        config: DecontaminateConfig,
        embedder: Embedder | None = None,
    ) -> None:
        self._references, self._config, self._embedder = references, config, embedder
        self._looks = Looks(references.views, references.thumbnails, config)

    @property
    def columns(self) -> list[str]:
        """Those of the image shards that are compared."""
        return COLUMNS if self._embedder is None else [*COLUMNS, IMAGE]

    def matches(self, rows: pa.Table) -> list[list[Match]]:
        """The matches of each row: of each set the surest by image and by caption.

        Args:
            rows: `columns`, of image shards.
        """
        found: dict[int, list[Match]] = defaultdict(list)
        names, sets = self._references.names, self._references.sets
        for part in (self._equal, self._alike, self._of_one_content, self._of_one_caption):
            for row, reference, by, value in part(rows):
                found[row].append(Match(sets[reference], names[reference], by, value))
        return [surest(found[row]) for row in range(rows.num_rows)]

    def _equal(self, rows: pa.Table) -> Found:
        by_column: list[tuple[str, By, dict[str, list[int]]]] = [
            ("sha256", "file", self._references.files),
            ("pixel_hash", "pixels", self._references.pixels),
        ]
        for column, by, known in by_column:
            for row, digest in enumerate(rows[column].to_pylist()):
                for reference in known.get(digest, ()):
                    yield row, reference, by, 0.0

    def _alike(self, rows: pa.Table) -> Found:
        views = unpack_views(rows["sketch"], np.arange(rows.num_rows))
        thumbnails = unpack_thumbnails(rows["thumbnail"], views.rows, views.numbers)
        near = self._looks.like(views, thumbnails)
        theirs = self._references.views.rows[near.theirs]
        pairs = (views.rows[near.ours].tolist(), theirs.tolist(), near.hamming.tolist())
        for row, reference, hamming in zip(*pairs, strict=True):
            yield row, reference, "look", float(hamming)

    def _of_one_content(self, rows: pa.Table) -> Found:
        embed = None if self._embedder is None else self._embedder.embed_images
        if embed is None or not len(self._references.of_vectors):
            return
        limit = self._config.min_cosine * VECTOR_SCALE**2
        for start in range(0, rows.num_rows, BATCH):
            images = rows[IMAGE].slice(start, BATCH).to_pylist()
            vectors = whole_numbers(embed([from_stored(image) for image in images]))
            products = vectors @ self._references.vectors.T
            for row, place in np.argwhere(products >= limit).tolist():
                cosine = float(products[row, place]) / VECTOR_SCALE**2
                reference = int(self._references.of_vectors[place])
                yield start + row, reference, "embedding", min(1.0, cosine)

    def _of_one_caption(self, rows: pa.Table) -> Found:
        for row, caption in enumerate(rows["caption"].to_pylist()):
            for reference, shared in self._references.ngrams.shared(caption).items():
                if shared >= self._config.min_shared:
                    yield row, reference, "caption", float(shared)
