"""Rows of images to rows of tokens; no more images are held than are encoded at once.

Batches are cut from the images in the order of their keys, whatever pieces the rows come in.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from dalle_model.pixels import Codes, Rgb, crop_box
from dalle_model.shards import image_of
from pipelines.encode.config import IMAGES_COMPARED, TOKENS_COMPARED, TOKENS_EQUAL
from pipelines.io.batches import RowBatch
from pipelines.io.parquet import rows_of
from pipelines.io.task import ShardResult
from pipelines.rejection import Check, reject

_WAITING_ROWS = 4096  # for their image to be encoded; chosen: some MB, where one has very many

Row = dict[str, Any]
Crop = Callable[[bytes], Rgb | Check]
Encode = Callable[[Sequence[Rgb]], Codes]
Before = Callable[[Row], Codes | None]


class TokenRows:
    """Makes token rows of image rows, which are added in the order of their keys.

    Args:
        schema: of the token rows; columns that an image row has under the same name are carried.
        stage: for rejections.
        crop: the square of a stored image, or why it has none.
        encode: codes of squares, which do not depend on each other.
        batch_size: squares that are encoded at once.
        before: the codes of a row's image where an earlier result has them, asked for in the order
            of the keys.
    """

    def __init__(
        self,
        schema: pa.Schema,
        stage: str,
        crop: Crop,
        encode: Encode,
        batch_size: int,
        before: Before = lambda _: None,
    ) -> None:
        self._names, self._stage = schema.names, stage
        self._crop, self._encode, self._batch_size = crop, encode, batch_size
        self._before, self._is_reused = before, False
        self._done = RowBatch(schema)
        self._image = ""  # the one of the last row, and its failed check
        self._failed: Check | None = None
        self._rows: list[Row] = []  # whose image is encoded next, or was last
        self._squares: dict[str, Rgb] = {}
        self._full: dict[str, Rgb] = {}
        self._tokens: dict[str, Codes] = {}  # of the image encoded last, and of those from before
        self._compared: list[tuple[Codes, Rgb]] = []
        self._tallies = Counter[str]()

    def results(self, tables: Iterator[pa.Table]) -> Iterator[ShardResult]:
        """The results of all rows of some tables of images."""
        for table in tables:
            self._done.rows_in += table.num_rows
            for row in rows_of(table):
                self._add(row)
                if self._done.is_full:
                    yield self._done.take()
        self._flush()
        self._compare()
        yield self._done.take(tallies=dict(self._tallies))

    def _add(self, row: Row) -> None:
        image = image_of(row["key"])
        if image != self._image:
            if len(self._squares) == self._batch_size:
                self._flush()
            self._image, self._failed = image, self._taken(image, row)
        self._done.reused += self._is_reused
        if self._failed is not None:
            self._done.drop(reject(row, self._stage, self._failed))
            return
        self._rows.append(_token_row(row, self._names))
        if len(self._rows) == _WAITING_ROWS:
            self._flush()

    def _taken(self, image: str, row: Row) -> Check | None:
        compares = bool(row.get("full_image"))  # which is counted, so it is done whatever is known
        known = None if compares else self._before(row)
        self._is_reused = known is not None
        if known is not None:
            self._tokens[image] = known
            return None
        square = self._crop(row["image"])
        if isinstance(square, Check):
            return square
        self._squares[image] = square
        if compares:
            full = self._crop(row["full_image"])
            if not isinstance(full, Check):
                self._full[image] = full
        return None

    def _flush(self) -> None:
        """Encode the squares that wait, and pass their rows on."""
        tokens = dict(self._tokens)
        if self._squares:
            codes = self._encode(list(self._squares.values()))
            tokens |= dict(zip(self._squares, codes, strict=True))
        for row in self._rows:
            self._done.keep(row | {"image_tokens": tokens[image_of(row["key"])].ravel()})
        self._compared += [(tokens[image], full) for image, full in self._full.items()]
        if len(self._compared) >= self._batch_size:
            self._compare()
        self._tokens = {self._image: tokens[self._image]} if self._image in tokens else {}
        self._rows, self._squares, self._full = [], {}, {}

    def _compare(self) -> None:
        """Count how many tokens are those of full decoding, of the images that carry both."""
        if not self._compared:
            return
        tokens, full = zip(*self._compared, strict=True)
        equal = np.stack(tokens) == self._encode(full)
        self._tallies[IMAGES_COMPARED] += len(full)
        self._tallies[TOKENS_COMPARED] += int(equal.size)
        self._tallies[TOKENS_EQUAL] += int(equal.sum())
        self._compared = []


def _token_row(row: Row, names: Sequence[str]) -> Row:
    carried = {name: row[name] for name in names if name in row}
    return carried | {"view": 0, "crop": crop_box(row["width"], row["height"])}
