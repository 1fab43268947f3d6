import random
from collections import Counter
from collections.abc import Iterator
from typing import cast

import numpy as np
import pyarrow as pa
import pytest

from dalle_model.cuts import Box, Cut
from dalle_model.pixels import from_stored, to_png
from dalle_model.shards import image_of, image_tokens
from pipelines.encode import batches, by_shape
from pipelines.encode.batches import Crop, Known, Piece, Place, TokenRows
from pipelines.encode.encoder import Tokens
from pipelines.encode.proof import PROVEN, Proof
from pipelines.io.task import BatchedResult
from pipelines.records import IMAGE_SCHEMA
from pipelines.rejection import Check
from tests.support.image_rows import noise, row
from tests.support.results import whole

TOKENS = 4
SCHEMA = pa.schema(
    [
        pa.field("key", pa.string()),
        pa.field("image_tokens", pa.list_(pa.uint16(), TOKENS)),
        pa.field("view", pa.uint8()),
        pa.field("crop", pa.list_(pa.uint16(), 4)),
        pa.field("flipped", pa.bool_()),
        pa.field("score", pa.float32()),
    ]
)


class Codec:
    """Codes that are pixels of a square; remembers how many squares came at once."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def encode(self, squares):
        self.asked.append(len(squares))
        return [Tokens(square.reshape(-1)[:TOKENS].astype(np.uint16)) for square in squares]


def place(view: int) -> Place:
    return Place(view, Cut(Box(view, 0, view + 16, 16), view % 2 == 1, (16, 16)))


def views_of(count: int) -> Crop:
    """Views whose pixels are those of the image and their number more."""

    def crop(_row, stored: bytes):
        if stored == b"broken":
            return Check("undecodable", passed=False)
        rgb = from_stored(stored)
        return [Piece(place(view), rgb + np.uint8(view)) for view in range(count)]

    return crop


crop = views_of(1)


def run(tables: Iterator[pa.Table], codec: Codec, size: int = 4, views: int = 1) -> BatchedResult:
    rows = TokenRows(SCHEMA, "encode", views_of(views), codec.encode, size)
    return BatchedResult(SCHEMA, rows.results(tables))


def table(rows) -> pa.Table:
    added = pa.array([r.get("score") for r in rows], pa.float32())
    return pa.Table.from_pylist(rows, IMAGE_SCHEMA).append_column("score", added)


def cut(rows, chance: random.Random) -> Iterator[pa.Table]:
    start = 0
    while start < len(rows):
        size = chance.randint(0, 7)
        yield table(rows[start : start + size])
        start += size


def images(count: int):
    """Rows of images with one to three captions, of which each fifth cannot be decoded."""
    return [
        row(number, caption, b"broken" if number % 5 == 4 else None) | {"score": number / 2}
        for number in range(count)
        for caption in range(1 + number % 3)
    ]


@pytest.mark.parametrize("seed", range(10))
def test_pieces_of_rows_change_neither_rows_nor_what_is_encoded_at_once(seed):
    rows, codec = images(30), Codec()
    result = whole(run(cut(rows, random.Random(seed)), codec))
    good = [r for r in rows if r["image"] != b"broken"]
    assert result.kept["key"].to_pylist() == [r["key"] for r in good]
    expected = [noise(int(image_of(r["key"]), 16)).reshape(-1)[:TOKENS].tolist() for r in good]
    assert image_tokens(result.kept).tolist() == expected
    assert result.kept["score"].to_pylist() == [r["score"] for r in good]
    assert [r.key for r in result.rejected] == [r["key"] for r in rows if r not in good]
    assert result.rows_in == len(rows)
    assert codec.asked == [4] * 6  # 24 of 30 images, each once


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("views", [2, 10])
def test_a_row_becomes_one_of_each_view_and_batches_are_full(seed, views):
    rows, codec = images(30), Codec()
    result = whole(run(cut(rows, random.Random(seed)), codec, 4, views))
    good = [r for r in rows if r["image"] != b"broken"]
    pairs = [(r, view) for r in good for view in range(views)]
    kept = result.kept.to_pylist()
    assert [(k["key"], k["view"]) for k in kept] == [(r["key"], view) for r, view in pairs]
    assert [tuple(k["crop"]) for k in kept] == [place(view).cut.box for _, view in pairs]
    assert [k["flipped"] for k in kept] == [view % 2 == 1 for _, view in pairs]
    expected = [
        (noise(int(image_of(r["key"]), 16)) + np.uint8(view)).reshape(-1)[:TOKENS].tolist()
        for r, view in pairs
    ]
    assert image_tokens(result.kept).tolist() == expected
    assert result.rows_in == len(good) + len(result.rejected)
    assert result.added == result.kept.num_rows - len(good)
    assert codec.asked == [4] * (24 * views // 4)


def test_a_row_of_which_one_view_fails_is_dropped_with_all_of_them():
    rows = [row(n, c) for n in range(6) for c in range(2)]
    failed = noise(3) + np.uint8(1)

    def encode(pieces):
        tokens = Tokens(np.zeros(TOKENS, np.uint16))
        why = Check("codec_failed", passed=False)
        return [why if np.array_equal(piece, failed) else tokens for piece in pieces]

    schema = SCHEMA.append(pa.field("url", pa.string())).append(pa.field("caption", pa.string()))
    token_rows = TokenRows(schema, "encode", views_of(3), encode, 4)
    result = whole(BatchedResult(schema, token_rows.results(iter([table(rows)]))))
    assert [r.key for r in result.rejected] == [rows[6]["key"], rows[7]["key"]]
    assert (result.kept.num_rows, result.added, result.rows_in) == (30, 20, 12)


def test_no_image_is_decoded_of_which_all_rows_are_refused():
    rows = [row(n, c) for n in range(3) for c in range(2)]
    unwanted = {rows[0]["key"], *(r["key"] for r in rows[2:4])}
    why = Check("not_in_like", passed=False)
    decoded = []

    def crop(r, stored):
        decoded.append(r["key"])
        return views_of(1)(r, stored)

    def refusal(r):
        return why if r["key"] in unwanted else None

    token_rows = TokenRows(SCHEMA, "encode", crop, Codec().encode, 4, refusal=refusal)
    result = whole(BatchedResult(SCHEMA, token_rows.results(iter([table(rows)]))))
    assert decoded == [rows[1]["key"], rows[4]["key"]]
    assert [r.key for r in result.rejected] == [rows[0]["key"], rows[2]["key"], rows[3]["key"]]
    assert result.kept["key"].to_pylist() == [rows[1]["key"], rows[4]["key"], rows[5]["key"]]


def test_captions_of_an_image_that_was_encoded_before_them_share_its_codes(monkeypatch):
    monkeypatch.setattr(batches, "_WAITING_ROWS", 3)
    rows, codec = [row(n, c) for n in range(3) for c in range(10)], Codec()
    result = whole(run(iter([table(rows)]), codec))
    expected = [noise(n).reshape(-1)[:TOKENS].tolist() for n in range(3) for _ in range(10)]
    assert image_tokens(result.kept).tolist() == expected
    assert sum(codec.asked) == 3


def test_squares_that_are_compared_wait_until_they_fill_a_batch():
    rows, codec = [row(n) for n in range(24)], Codec()
    for number in range(0, 24, 3):
        rows[number]["full_image"] = rows[number]["image"]
    rows[0]["full_image"] = to_png(255 - noise(0))
    rows[3]["full_image"] = b"broken"
    result = whole(run(iter([table(rows)]), codec))
    assert result.tallies == {
        "images_compared": 7, "tokens_compared": 7 * TOKENS, "tokens_equal": 6 * TOKENS,
    }  # fmt: skip
    assert sorted(codec.asked) == [3, *[4] * 7]


def test_no_image_is_held_that_has_been_encoded():
    """Arrow's memory, of which a shard of 300 images would take 300 times an image."""
    image, before = to_png(noise(1, 200, 200)), pa.total_allocated_bytes()
    held = []

    def tables() -> Iterator[pa.Table]:
        for number in range(300):
            held.append(pa.total_allocated_bytes() - before)
            yield table([row(number, image=image)])

    squares = []

    def encode(batch):
        squares.append(len(batch))
        return [Tokens(np.zeros(TOKENS, np.uint16))] * len(batch)

    rows = TokenRows(SCHEMA, "encode", crop, encode, 4)
    assert sum(result.kept.num_rows for result in rows.results(tables())) == 300
    assert max(squares) == 4
    assert max(held) < 10 * len(image)


def test_an_image_that_the_codec_fails_on_is_a_rejection_of_all_its_captions():
    rows, failed = [row(n, c) for n in range(6) for c in range(2)], noise(3)

    def encode(squares):
        tokens = Tokens(np.zeros(TOKENS, np.uint16))
        why = Check("codec_failed", passed=False, detail="KeyError: 3")
        return [why if np.array_equal(square, failed) else tokens for square in squares]

    schema = SCHEMA.append(pa.field("url", pa.string())).append(pa.field("caption", pa.string()))
    token_rows = TokenRows(schema, "encode", crop, encode, 4)
    result = whole(BatchedResult(schema, token_rows.results(iter([table(rows)]))))
    assert result.kept.num_rows == 10
    assert [r.key for r in result.rejected] == [rows[6]["key"], rows[7]["key"]]
    assert {(r.reason, r.detail) for r in result.rejected} == {("codec_failed", "KeyError: 3")}


def test_an_image_that_fails_when_it_is_compared_is_not_compared():
    rows = [row(n) | {"full_image": row(n)["image"]} for n in range(3)]
    asked = []

    def encode(squares):
        asked.append(len(squares))
        tokens = Tokens(np.zeros(TOKENS, np.uint16))
        return [tokens] * 3 if len(asked) == 1 else [tokens, Check("x", passed=False), tokens]

    token_rows = TokenRows(SCHEMA, "encode", crop, encode, 4)
    result = whole(BatchedResult(SCHEMA, token_rows.results(iter([table(rows)]))))
    assert (result.kept.num_rows, result.tallies["images_compared"]) == (3, 2)


class Remembers:
    """A proof that keeps what it is asked."""

    batch_size = 2

    def __init__(self) -> None:
        self.asked: list[list[list[int]]] = []

    def tallies(self, squares, codes):
        assert [list(square.reshape(-1)[:TOKENS]) for square in squares] == [
            list(code) for code in codes
        ]
        self.asked.append([list(code) for code in codes])
        return Counter(images_proven=len(squares))


@pytest.mark.parametrize("seed", range(3))
def test_a_sample_by_key_is_proven_in_batches_whatever_an_earlier_result_has(seed):
    numbers = [0, 1, PROVEN, 2 * PROVEN, 2 * PROVEN + 1]
    rows = [row(n, c) for n in numbers for c in range(2)]
    proof = Remembers()
    before = lambda r: [Known(place(0), Tokens(np.full(TOKENS, 7, np.uint16)))]  # noqa: E731
    token_rows = TokenRows(SCHEMA, "encode", crop, Codec().encode, 4, before, cast(Proof, proof))
    result = whole(BatchedResult(SCHEMA, token_rows.results(cut(rows, random.Random(seed)))))
    assert [len(codes) for codes in proof.asked] == [2, 1]
    assert result.tallies == {"images_proven": 3}
    assert result.reused == 4
    assert result.kept.num_rows == 10


SHAPES = [(16, 16), (8, 24), (24, 8)]


def shaped(number: int) -> tuple[int, int]:
    return SHAPES[number * number % 7 % 3]


def crop_of_shape(r, stored):
    """Two views, of which the second is of a shape that depends on the image."""
    number = int(image_of(r["key"]), 16)
    shape = shaped(number)
    own = Place(1, Cut(Box(1, 0, 17, 16), False, shape))
    return [Piece(place(0), from_stored(stored)), Piece(own, noise(number, *shape))]


@pytest.mark.parametrize("waiting", [1, 5, 4096])
@pytest.mark.parametrize("seed", range(3))
def test_batches_are_of_one_shape_and_rows_stay_in_order(seed, waiting, monkeypatch):
    monkeypatch.setattr(batches, "_WAITING_ROWS", waiting)
    rows = [row(n, c) for n in range(40) for c in range(1 + n % 3)]
    asked = []

    def encode(pieces):
        (shape,) = {piece.shape[:2] for piece in pieces}
        asked.append((shape, len(pieces)))
        return [
            Tokens(piece.reshape(-1)[:TOKENS].astype(np.uint16), None, shape) for piece in pieces
        ]

    schema = SCHEMA.append(pa.field("token_shape", pa.list_(pa.uint16())))
    token_rows = TokenRows(schema, "encode", crop_of_shape, encode, 4)
    result = whole(BatchedResult(schema, token_rows.results(cut(rows, random.Random(seed)))))
    kept = result.kept.to_pylist()
    assert [(k["key"], k["view"]) for k in kept] == [(r["key"], v) for r in rows for v in (0, 1)]
    for token_row in kept:
        number = int(image_of(token_row["key"]), 16)
        shape = shaped(number) if token_row["view"] else (16, 16)
        assert token_row["token_shape"] == list(shape)
        assert token_row["image_tokens"] == noise(number, *shape).reshape(-1)[:TOKENS].tolist()
    assert sum(count for _, count in asked) == 80
    assert all(count <= 4 for _, count in asked)
    if waiting == 4096:
        assert sum(count < 4 for _, count in asked) <= len(SHAPES)


def test_few_batches_of_pixels_are_held_of_however_many_shapes(monkeypatch):
    monkeypatch.setattr(by_shape, "_HELD", 3)
    held, most = 0, 0

    def crop(r, stored):
        nonlocal held, most
        number = int(image_of(r["key"]), 16)
        held, most = held + 1, max(most, held + 1)
        shape = (1 + number % 50, 4)
        return [Piece(Place(0, Cut(Box(0, 0, 1, 1), False, shape)), noise(number, *shape))]

    def encode(pieces):
        nonlocal held
        held -= len(pieces)
        return [Tokens(np.zeros(TOKENS, np.uint16))] * len(pieces)

    token_rows = TokenRows(SCHEMA, "encode", crop, encode, 4)
    result = whole(
        BatchedResult(SCHEMA, token_rows.results(iter([table([row(n) for n in range(300)])])))
    )
    assert result.kept.num_rows == 300
    assert most <= 12
