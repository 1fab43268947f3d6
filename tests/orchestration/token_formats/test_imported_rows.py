"""Rows of other formats: keys from content, codes checked, nothing made up."""

import pyarrow as pa
import pytest

from dalle_model.shard_schema import ShardMetadata, token_schema
from orchestration.token_formats.format import FormatError
from orchestration.token_formats.imported_rows import to_rows, with_keys
from pipelines.io.keys import local_pair_key
from tests.support.token_shards import METADATA

KEY = "ab" * 20
TOKENS = ShardMetadata(**{**METADATA, "token_shape": (2,)})


def test_our_keys_are_kept_and_others_are_names():
    table = pa.table(
        {
            "key": [KEY, "cat.jpg", None],
            "source_key": pa.array([None, None, "b"], pa.string()),
            "caption": ["a", "b", None],
            "codes": [[1, 2], [3, 4], [5, 6]],
        }
    )
    found = with_keys(table).to_pylist()
    assert [row["key"] for row in found] == [
        KEY,
        local_pair_key(b"cat.jpg", "b"),
        local_pair_key(b"b", ""),
    ]
    assert [row["source_key"] for row in found] == [None, "cat.jpg", "b"]
    assert [row["caption"] for row in found] == ["a", "b", ""]


def test_rows_without_a_name_have_keys_of_their_codes_and_captions():
    codes = pa.array([[1, 2], [1, 2], [2, 1]], pa.list_(pa.int64()))
    captions = ["a", "b", "a"]
    keys = with_keys(pa.table({"codes": codes, "caption": captions}))["key"].to_pylist()
    assert len(set(keys)) == 3
    assert keys[0][:24] == keys[1][:24] != keys[2][:24]  # of one image, with two captions
    small = codes.cast(pa.list_(pa.uint16()))
    assert with_keys(pa.table({"codes": small, "caption": captions}))["key"].to_pylist() == keys


def test_what_is_not_stated_is_empty():
    (row,) = to_rows("x", pa.table({"codes": [[1, 2]]}), token_schema(TOKENS), TOKENS).to_pylist()
    assert row["image_tokens"] == [1, 2]
    nothing = {name: value for name, value in row.items() if name not in ("key", "image_tokens")}
    assert nothing == {
        "caption": "", "text_tokens": None, "view": 0, "crop": [0, 0, 0, 0], "flipped": False,
        "width": 0, "height": 0, "clip_score": None, "phash": 0, "sha256": "", "url": "",
        "page_url": "", "license": "", "source": "", "name": "", "source_key": None,
    }  # fmt: skip


def test_a_null_among_values_is_empty_where_a_column_has_no_null():
    table = pa.table(
        {
            "codes": [[1, 2], [3, 4]],
            "width": [5, None],
            "crop": pa.array([None, [1, 2, 3, 4]], pa.list_(pa.int64())),
            "text_tokens": [[1], [2]],
        }
    )
    rows = to_rows("x", table, token_schema(TOKENS), TOKENS).to_pylist()
    assert [(row["width"], row["crop"]) for row in rows] == [(5, [0, 0, 0, 0]), (0, [1, 2, 3, 4])]
    assert [row["text_tokens"] for row in rows] == [None, None]


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([[1, 2], [1]], "has 1 codes"),
        ([[1, 2], None], "has no codes"),
        ([[1, 2], [1, 16]], "the code 16, which is not below 16"),
        ([[1, 2], [1, -1]], "the code -1, which"),
    ],
)
def test_codes_that_are_not_what_is_said_are_refused(codes, said):
    table = pa.table({"codes": pa.array(codes, pa.list_(pa.int64()))})
    with pytest.raises(FormatError, match=f"^source.*{said}"):
        to_rows("source", table, token_schema(TOKENS), TOKENS)


def test_a_column_of_another_type_is_named():
    table = pa.table({"codes": [[1, 2]], "width": ["wide"]})
    with pytest.raises(FormatError, match="`width` is not uint32"):
        to_rows("x", table, token_schema(TOKENS), TOKENS)


def test_shapes_of_rows_own_must_be_there():
    tokens = ShardMetadata(**{**METADATA, "token_shape": None})
    schema = token_schema(tokens)
    with pytest.raises(FormatError, match="which it does not state"):
        to_rows("x", pa.table({"codes": [[1, 2]]}), schema, tokens)
    table = pa.table({"codes": [[1, 2], [1, 2, 3, 4]], "token_shape": [[1, 2], [2, 2]]})
    assert to_rows("x", table, schema, tokens)["image_tokens"].to_pylist() == [[1, 2], [1, 2, 3, 4]]
