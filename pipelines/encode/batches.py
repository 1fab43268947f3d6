"""Rows of images to rows of tokens; hardly more images are held than are encoded at once.

Batches are cut from the views of the images in the order of their keys, those of each shape apart,
whatever pieces the rows come in.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa

from dalle_model.cuts import Cut, Shape
from dalle_model.pixels import Codes, Rgb
from dalle_model.shards import image_of
from pipelines.encode.by_shape import ByShape
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
    """The views of an image, and as far as they are encoded, what became of each."""

    name: str
    places: list[Place]
    full: list[Rgb] = field(default_factory=list)  # the same pixels from a second decoding
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    @property
    def is_encoded(self) -> bool:
        return len(self.outcomes) == len(self.places)

    @property
    def waits_for(self) -> Shape:
        """The shape of the first view that is not encoded."""
        left = (place for n, place in enumerate(self.places) if n not in self.outcomes)
        return next(left).cut.shape


class _Waiting(NamedTuple):
    """A view that is not encoded yet: which of its image's, and its pixels."""

    image: _Image
    number: int
    rgb: Rgb


class TokenRows:
    """Makes token rows of image rows, which are added in the order of their keys.

    A row becomes as many as its image has views, or is dropped where one of them has no tokens.

    Args:
        schema: of the token rows; columns that an image row has under the same name are carried.
        stage: for rejections.
        crop: the views of a row's image, stored as given, or why one of them cannot be had.
        encode: tokens of pieces of one shape, which do not depend on each other, or why one has
            none.
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
        self._crop, self._encode = crop, encode
        self._before, self._is_reused, self._proof = before, False, proof
        self._refusal = refusal
        self._done = RowBatch(schema)
        self._image: _Image | Check = _Image("", [])  # of the last row, or its failed check
        self._name = ""
        self._rows: deque[tuple[Row, _Image]] = deque()  # until their image is encoded
        self._pieces = ByShape[_Waiting](batch_size)
        self._compared = ByShape[tuple[Codes, Rgb]](batch_size)
        self._proven = ByShape[tuple[Codes, Rgb]](proof.batch_size if proof else batch_size)
        self._tallies = Counter[str]()

    def results(self, tables: Iterator[pa.Table]) -> Iterator[ShardResult]:
        """The results of all rows of some tables of images."""
        for table in tables:
            self._done.rows_in += table.num_rows
            for row in rows_of(table):
                self._add(row)
                if self._done.is_full:
                    yield self._done.take()
        self._encode_all(self._pieces.rest())
        self._pass_on()
        self._compare(self._compared.rest())
        self._prove(self._proven.rest())
        yield self._done.take(tallies=dict(self._tallies))

    def _add(self, row: Row) -> None:
        if refused := self._refusal(row):
            self._done.drop(reject(row, self._stage, refused))
            return
        name = image_of(row["key"])
        if name != self._name:
            self._name, self._image = name, self._taken(name, row)
            self._encode_all(self._pieces.full())
        self._done.reused += self._is_reused
        if isinstance(self._image, Check):
            self._done.drop(reject(row, self._stage, self._image))
            return
        self._rows.append(({n: row[n] for n in self._names if n in row}, self._image))
        while len(self._rows) >= _WAITING_ROWS:
            self._encode_first()
            self._pass_on()
        self._pass_on()

    def _taken(self, name: str, row: Row) -> _Image | Check:
        compares = bool(row.get("full_image"))  # which is counted, so it is done whatever is known
        proves = self._proof is not None and is_proven(name)
        known = () if compares or proves else self._before(row)
        self._is_reused = bool(known)
        if known:
            outcomes: dict[int, Outcome] = dict(enumerate(view.tokens for view in known))
            return _Image(name, [view.place for view in known], outcomes=outcomes)
        pieces = self._crop(row, row["image"])
        if isinstance(pieces, Check):
            return pieces
        full = self._crop(row, row["full_image"]) if compares else ()
        second = [] if isinstance(full, Check) else [piece.rgb for piece in full]
        image = _Image(name, [piece.place for piece in pieces], second)
        for number, (place, rgb) in enumerate(pieces):
            self._pieces.add(place.cut.shape, _Waiting(image, number, rgb))
        return image

    def _encode_first(self) -> None:
        """Encode what the first row waits for, before its batch is full."""
        image = self._rows[0][1]
        while not image.is_encoded:
            self._encode_all(self._pieces.rest(image.waits_for))

    def _encode_all(self, parts: Iterable[list[_Waiting]]) -> None:
        for part in parts:
            outcomes = self._encode([piece.rgb for piece in part])
            for piece, outcome in zip(part, outcomes, strict=True):
                piece.image.outcomes[piece.number] = outcome
                self._sample(piece, outcome)
        self._compare(self._compared.full())
        self._prove(self._proven.full())

    def _pass_on(self) -> None:
        """Pass on the rows whose image is encoded."""
        while self._rows and self._rows[0][1].is_encoded:
            row, image = self._rows.popleft()
            outcomes = [image.outcomes[number] for number in range(len(image.places))]
            failed = next((one for one in outcomes if isinstance(one, Check)), None)
            if failed:
                self._done.drop(reject(row, self._stage, failed))
                continue
            self._done.added += len(image.places) - 1
            for place, tokens in zip(image.places, outcomes, strict=True):
                assert isinstance(tokens, Tokens)
                self._done.keep(row | _columns(place, tokens))

    def _sample(self, piece: _Waiting, outcome: Outcome) -> None:
        """Put aside what is compared and what is proven, until it fills a batch."""
        if isinstance(outcome, Check):
            return
        image, number, rgb = piece
        shape = image.places[number].cut.shape
        if image.full:
            self._compared.add(shape, (outcome.codes, image.full[number]))
        if self._proof is not None and is_proven(image.name):
            self._proven.add(shape, (outcome.codes, rgb))

    def _compare(self, parts: Iterable[list[tuple[Codes, Rgb]]]) -> None:
        """Count how many tokens are those of full decoding, of the images that carry both."""
        for part in parts:
            found = self._encode([full for _, full in part])
            for (codes, _), full in zip(part, found, strict=True):
                if not isinstance(full, Check):
                    self._tallies[IMAGES_COMPARED] += 1
                    self._tallies[TOKENS_COMPARED] += int(codes.size)
                    self._tallies[TOKENS_EQUAL] += int((codes == full.codes).sum())

    def _prove(self, parts: Iterable[list[tuple[Codes, Rgb]]]) -> None:
        """Encode the sample again."""
        for part in parts:
            assert self._proof is not None
            codes, rgbs = zip(*part, strict=True)
            self._tallies.update(self._proof.tallies(rgbs, codes))


def _columns(place: Place, tokens: Tokens) -> Row:
    return {
        "view": place.view,
        "crop": place.cut.box,
        "flipped": place.cut.is_flipped,
        "image_tokens": tokens.codes.ravel(),
        "token_shape": tokens.shape,
        MARGINS: tokens.margins,
    }
