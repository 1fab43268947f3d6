import json
from dataclasses import asdict, replace

import pyarrow as pa
import pytest

from dalle_model.shard_schema import (
    COLUMNS,
    METADATA_KEY,
    ShardMetadata,
    column_encodings,
    companion,
    parse_metadata,
    token_fields,
    token_schema,
)

SQUARE = ShardMetadata("tiny", "a" * 64, (64, 64), (8, 8), 1024, (0.1, 0.9), "p", "", "f")
WIDE = replace(SQUARE, image_shape=(256, 128), token_shape=(16, 8))
SEQUENCE = replace(SQUARE, token_shape=(256,), codebooks=4, order="sequence", num_codes=1 << 18)
SCALES = replace(SQUARE, token_shape=(680,), order="scales", num_codes=4096)
MIXED = replace(SQUARE, image_shape=None, token_shape=None)
JOINED = replace(SQUARE, joined={"image_tokens_wide": WIDE, "image_tokens_mixed": MIXED})


VIEWS = replace(SQUARE, views=("centre", "flip"))


@pytest.mark.parametrize("metadata", [SQUARE, WIDE, SEQUENCE, SCALES, MIXED, VIEWS])
def test_metadata_comes_back_as_it_was_written(metadata):
    raw = token_schema(metadata).metadata[METADATA_KEY]
    assert parse_metadata(raw) == metadata
    fields = sorted(asdict(metadata).keys() - {"joined"})
    assert list(json.loads(raw)) == fields


def test_the_metadata_of_joined_tokens_come_back_by_their_columns():
    raw = token_schema(JOINED).metadata[METADATA_KEY]
    assert parse_metadata(raw) == JOINED
    assert JOINED.tokens == {
        "image_tokens": SQUARE,
        "image_tokens_wide": WIDE,
        "image_tokens_mixed": MIXED,
    }
    assert json.loads(raw)["joined"]["image_tokens_wide"]["token_shape"] == [16, 8]
    assert hash(JOINED) == hash(SQUARE)


def test_each_column_of_tokens_has_the_encoding_of_its_codes():
    many = replace(SQUARE, num_codes=1 << 16)
    encodings = column_encodings(replace(SQUARE, joined={"image_tokens_many": many}))
    assert encodings["image_tokens.list.element"] == "DICTIONARY"
    assert encodings["image_tokens_many.list.element"] == "BYTE_STREAM_SPLIT"


def test_the_columns_of_joined_tokens_end_alike():
    assert companion("image_tokens", "token_margins") == "token_margins"
    names = [field.name for field in token_fields(MIXED, "image_tokens_b")]
    assert names == ["image_tokens_b", "token_shape_b"]
    (field,) = token_fields(SEQUENCE, "image_tokens_b")
    assert field.type == pa.list_(pa.field("element", pa.uint32()), 1024)


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        (SQUARE, pa.list_(pa.field("element", pa.uint16()), 64)),
        (WIDE, pa.list_(pa.field("element", pa.uint16()), 128)),
        (SEQUENCE, pa.list_(pa.field("element", pa.uint32()), 1024)),
        (MIXED, pa.list_(pa.field("element", pa.uint16()))),
    ],
)
def test_tokens_have_the_length_of_their_shape_and_the_type_of_their_codes(metadata, kind):
    schema = token_schema(metadata)
    assert schema.field("image_tokens").type == kind
    assert ("token_shape" in schema.names) == (metadata.token_shape is None)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (SQUARE, "images of 64 x 64 px to 8 x 8 tokens in raster order, each of 1,024 codes"),
        (WIDE, "images of 256 x 128 px to 16 x 8 tokens in raster order, each of 1,024 codes"),
        (
            SEQUENCE,
            "images of 64 x 64 px to 256 tokens in one sequence, each 4 of 262,144 codes",
        ),
        (
            SCALES,
            "images of 64 x 64 px to 680 tokens in grids, coarse to fine, each of 4,096 codes",
        ),
        (MIXED, "images to tokens of any shape in raster order, each of 1,024 codes"),
    ],
)
def test_metadata_are_told_in_words(metadata, words):
    assert metadata.words == words


def test_an_edge_is_that_of_a_square():
    assert (SQUARE.grid, SQUARE.side, SQUARE.num_tokens) == (8, 64, 64)
    assert (WIDE.num_tokens, SEQUENCE.num_tokens) == (128, 256)
    for metadata, message in (
        (WIDE, r"shape \(16, 8\) are"),
        (SEQUENCE, r"\(256,\)"),
        (MIXED, "own"),
    ):
        with pytest.raises(ValueError, match=message):
            _ = metadata.grid
    with pytest.raises(ValueError, match=r"images of shape \(256, 128\) are not a square"):
        _ = WIDE.side
    with pytest.raises(ValueError, match="in the column `token_shape`"):
        _ = MIXED.num_tokens


@pytest.mark.parametrize(
    "changes",
    [
        {"token_shape": []},
        {"token_shape": [8, "8"]},
        {"token_shape": [8, 0]},
        {"token_shape": 64},
        {"pixel_range": None},
        {"order": None, "grid": 8},
        {"views": None},
        {"views": [1]},
        {"joined": []},
        {"joined": {"image_tokens_b": {}}},
    ],
)
def test_damaged_metadata_are_refused(changes):
    values = json.loads(token_schema(SQUARE).metadata[METADATA_KEY])
    with pytest.raises(ValueError, match="`dalle` metadata is damaged"):
        parse_metadata(json.dumps(values | changes).encode())


def test_features_are_those_of_the_columns():
    added = [pa.field("score", pa.float32()), pa.field("classes", pa.int64())]
    schema = token_schema(SEQUENCE, added)
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == schema.names
    token = {"dtype": "uint32", "_type": "Value"}
    assert features["image_tokens"] == {"feature": token, "length": 1024, "_type": "List"}
    assert features["score"] == {"dtype": "float32", "_type": "Value"}


def test_a_clip_score_that_a_run_gives_has_its_place_among_the_columns_of_every_shard():
    added = [pa.field("clip_score", pa.float32(), nullable=False), pa.field("score", pa.int64())]
    names = token_schema(SQUARE, added).names
    assert names == [*token_schema(SQUARE).names, "score"]
    assert names.count("clip_score") == 1


def test_every_column_that_a_shard_may_have_is_known():
    assert set(COLUMNS) == set(token_schema(SQUARE).names) | {"token_shape"}


@pytest.mark.parametrize(("codes", "encoding"), [(8192, "DICTIONARY"), (8193, "BYTE_STREAM_SPLIT")])
def test_tokens_of_many_codes_take_no_dictionary(codes, encoding):
    encodings = column_encodings(replace(SQUARE, num_codes=codes))
    assert encodings["image_tokens.list.element"] == encoding
