"""Rows of images to rows of tokens; hardly more images are held than are encoded at once.

Batches are cut from the views of the images in the order of their keys, whatever pieces the rows
come in.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa

from dalle_model.cuts import Cut
from dalle_model.pixels import Codes, Rgb
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


class Place(NamedTuple):
    """Which view of its image a row of tokens is, and what of the image that is."""

    view: int
    cut: Cut


class Piece(NamedTuple):
    """The pixels of a view."""

    place: Place
    rgb: Rgb


class Known(NamedTuple):
    """A view that an earlier result has encoded."""

    place: Place
    tokens: Tokens


Crop = Callable[[Row, bytes], Sequence[Piece] | Check]
Encode = Callable[[Sequence[Rgb]], Sequence[Outcome]]
Before = Callable[[Row], Sequence[Known]]


@dataclass
class _Image:
    """The views of an image, and as far as they are encoded, what became of them in order."""

    name: str
    places: list[Place]
    full: list[Rgb] = field(default_factory=list)  # the same pixels from a second decoding
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def is_encoded(self) -> bool:
        return len(self.outcomes) == len(self.places)


class TokenRows:
    """Makes token rows of image rows, which are added in the order of their keys.

    A row becomes as many as its image has views, or is dropped where one of them has no tokens.

    Args:
        schema: of the token rows; columns that an image row has under the same name are carried.
        stage: for rejections.
        crop: the views of a row's image, stored as given, or why one of them cannot be had.
        encode: tokens of pieces, which do not depend on each other, or why one has none.
        batch_size: pieces that are encoded at once.
        before: the views of a row's image where an earlier result has all of them, else none; asked
            for in the order of the keys.
        proof: encodes a sample again; None for no sample.
        refusal: why a row is dropped whatever its image is; None for one that is not.
    """

    def __init__(
        self,
        schema: pa.Schema,
        stage: str,
        crop: Crop,
        encode: Encode,
        batch_size: int,
        before: Before = lambda _: (),
        proof: Proof | None = None,
        refusal: Callable[[Row], Check | None] = lambda _: None,
    ) -> None:
        self._names, self._stage = schema.names, stage
        self._crop, self._encode, self._batch_size = crop, encode, batch_size
        self._before, self._is_reused, self._proof = before, False, proof
        self._refusal = refusal
        self._done = RowBatch(schema)
        self._image: _Image | Check = _Image("", [])  # of the last row, or its failed check
        self._name = ""
        self._rows: deque[tuple[Row, _Image]] = deque()  # until their image is encoded
        self._pieces: deque[tuple[_Image, Rgb]] = deque()
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
        self._encode_while(1)
        self._pass_on()
        self._compare()
        self._prove(1)
        yield self._done.take(tallies=dict(self._tallies))

    def _add(self, row: Row) -> None:
        if refused := self._refusal(row):
            self._done.drop(reject(row, self._stage, refused))
            return
        name = image_of(row["key"])
        if name != self._name:
            self._name, self._image = name, self._taken(name, row)
            self._encode_while(self._batch_size)
        self._done.reused += self._is_reused
        if isinstance(self._image, Check):
            self._done.drop(reject(row, self._stage, self._image))
            return
        self._rows.append(({n: row[n] for n in self._names if n in row}, self._image))
        if len(self._rows) >= _WAITING_ROWS:
            self._encode_while(1)
        self._pass_on()

    def _taken(self, name: str, row: Row) -> _Image | Check:
        compares = bool(row.get("full_image"))  # which is counted, so it is done whatever is known
        proves = self._proof is not None and is_proven(name)
        known = () if compares or proves else self._before(row)
        self._is_reused = bool(known)
        if known:
            outcomes: list[Outcome] = [view.tokens for view in known]
            return _Image(name, [view.place for view in known], outcomes=outcomes)
        pieces = self._crop(row, row["image"])
        if isinstance(pieces, Check):
            return pieces
        full = self._crop(row, row["full_image"]) if compares else ()
        second = [] if isinstance(full, Check) else [piece.rgb for piece in full]
        image = _Image(name, [piece.place for piece in pieces], second)
        self._pieces.extend((image, piece.rgb) for piece in pieces)
        return image

    def _encode_while(self, at_least: int) -> None:
        """Encode pieces, in batches, while so many wait."""
        while len(self._pieces) >= at_least:
            size = min(self._batch_size, len(self._pieces))
            part = [self._pieces.popleft() for _ in range(size)]
            outcomes = self._encode([rgb for _, rgb in part])
            for (image, rgb), outcome in zip(part, outcomes, strict=True):
                self._sample(image, rgb, outcome)
                image.outcomes.append(outcome)

    def _pass_on(self) -> None:
        """Pass on the rows whose image is encoded."""
        while self._rows and self._rows[0][1].is_encoded:
            row, image = self._rows.popleft()
            failed = next((one for one in image.outcomes if isinstance(one, Check)), None)
            if failed:
                self._done.drop(reject(row, self._stage, failed))
                continue
            self._done.added += len(image.places) - 1
            for place, tokens in zip(image.places, image.outcomes, strict=True):
                assert isinstance(tokens, Tokens)
                self._done.keep(row | _columns(place, tokens))

    def _sample(self, image: _Image, rgb: Rgb, outcome: Outcome) -> None:
        """Put aside what is compared and what is proven, until it fills a batch."""
        if isinstance(outcome, Check):
            return
        if image.full:
            self._compared.append((outcome.codes, image.full[len(image.outcomes)]))
            if len(self._compared) >= self._batch_size:
                self._compare()
        if self._proof is not None and is_proven(image.name):
            self._proven.append((outcome.codes, rgb))
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
            codes, rgbs = zip(*part, strict=True)
            self._tallies.update(self._proof.tallies(rgbs, codes))
            self._proven = self._proven[len(part) :]


def _columns(place: Place, tokens: Tokens) -> Row:
    return {
        "view": place.view,
        "crop": place.cut.box,
        "flipped": place.cut.is_flipped,
        "image_tokens": tokens.codes.ravel(),
        MARGINS: tokens.margins,
    }
