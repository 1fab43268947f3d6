"""Rows of images to rows of tokens; no more images are held than are encoded at once.

Batches are cut from the images in the order of their keys, whatever pieces the rows come in.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from dalle_model.pixels import Codes, Rgb, crop_box
from dalle_model.shards import image_of
from pipelines.encode.config import IMAGES_COMPARED, TOKENS_COMPARED, TOKENS_EQUAL
from pipelines.encode.encoder import Outcome, Tokens
from pipelines.encode.margins import MARGINS
from pipelines.encode.proof import Proof, is_proven
from pipelines.io.batches import RowBatch
from pipelines.io.parquet import rows_of
from pipelines.io.task import ShardResult
from pipelines.rejection import Check, reject

_WAITING_ROWS = 4096  # for their image to be encoded; chosen: some MB, where one has very many

Row = dict[str, Any]
Crop = Callable[[bytes], Rgb | Check]
Encode = Callable[[Sequence[Rgb]], Sequence[Outcome]]
Before = Callable[[Row], Tokens | None]


class TokenRows:
    """Makes token rows of image rows, which are added in the order of their keys.

    Args:
        schema: of the token rows; columns that an image row has under the same name are carried.
        stage: for rejections.
        crop: the square of a stored image, or why it has none.
        encode: tokens of squares, which do not depend on each other, or why one has none.
        batch_size: squares that are encoded at once.
        before: the tokens of a row's image where an earlier result has them, asked for in the order
            of the keys.
        proof: encodes a sample again; None for no sample.
        aspect: height and width of a square, which need not be one: in any unit.
    """

    def __init__(
        self,
        schema: pa.Schema,
        stage: str,
        crop: Crop,
        encode: Encode,
        batch_size: int,
        before: Before = lambda _: None,
        proof: Proof | None = None,
        aspect: tuple[int, int] = (1, 1),
    ) -> None:
        self._names, self._stage = schema.names, stage
        self._crop, self._encode, self._batch_size = crop, encode, batch_size
        self._before, self._is_reused, self._proof = before, False, proof
        self._aspect = aspect
        self._done = RowBatch(schema)
        self._image = ""  # the one of the last row, and its failed check
        self._failed: Check | None = None
        self._rows: list[Row] = []  # whose image is encoded next, or was last
        self._squares: dict[str, Rgb] = {}
        self._full: dict[str, Rgb] = {}
        self._found: dict[str, Outcome] = {}  # of the image encoded last, and of those from before
        self._compared: list[tuple[Codes, Rgb]] = []
        self._proven: list[tuple[Codes, Rgb]] = []
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
        self._prove(1)
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
        self._rows.append(_token_row(row, self._names, self._aspect))
        if len(self._rows) == _WAITING_ROWS:
            self._flush()

    def _taken(self, image: str, row: Row) -> Check | None:
        compares = bool(row.get("full_image"))  # which is counted, so it is done whatever is known
        proves = self._proof is not None and is_proven(image)
        known = None if compares or proves else self._before(row)
        self._is_reused = known is not None
        if known is not None:
            self._found[image] = known
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
        found = dict(self._found)
        if self._squares:
            outcomes = self._encode(list(self._squares.values()))
            found |= dict(zip(self._squares, outcomes, strict=True))
        for row in self._rows:
            self._pass_on(row, found[image_of(row["key"])])
        self._sample(found)
        self._found = {self._image: found[self._image]} if self._image in found else {}
        self._rows, self._squares, self._full = [], {}, {}

    def _pass_on(self, row: Row, outcome: Outcome) -> None:
        if isinstance(outcome, Check):
            self._done.drop(reject(row, self._stage, outcome))
        else:
            columns = {"image_tokens": outcome.codes.ravel(), MARGINS: outcome.margins}
            self._done.keep(row | columns)

    def _sample(self, found: dict[str, Outcome]) -> None:
        """Put aside what is compared and what is proven, until it fills a batch."""
        for image, square in self._squares.items():
            tokens = found[image]
            if isinstance(tokens, Check):
                continue
            if image in self._full:
                self._compared.append((tokens.codes, self._full[image]))
            if self._proof is not None and is_proven(image):
                self._proven.append((tokens.codes, square))
        if len(self._compared) >= self._batch_size:
            self._compare()
        if self._proof is not None:
            self._prove(self._proof.batch_size)

    def _compare(self) -> None:
        """Count how many tokens are those of full decoding, of the images that carry both."""
        if not self._compared:
            return
        found = self._encode([full for _, full in self._compared])
        for (codes, _), full in zip(self._compared, found, strict=True):
            if not isinstance(full, Check):
                self._tallies[IMAGES_COMPARED] += 1
                self._tallies[TOKENS_COMPARED] += int(codes.size)
                self._tallies[TOKENS_EQUAL] += int((codes == full.codes).sum())
        self._compared = []

    def _prove(self, at_least: int) -> None:
        """Encode the sample again, in batches, while so many wait."""
        while self._proof is not None and len(self._proven) >= at_least:
            part = self._proven[: self._proof.batch_size]
            codes, squares = zip(*part, strict=True)
            self._tallies.update(self._proof.tallies(squares, codes))
            self._proven = self._proven[len(part) :]


def _token_row(row: Row, names: Sequence[str], aspect: tuple[int, int]) -> Row:
    carried = {name: row[name] for name in names if name in row}
    box = crop_box(row["width"], row["height"], aspect)
    return carried | {"view": 0, "crop": box, "flipped": False}
