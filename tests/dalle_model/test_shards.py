from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dalle_model import files
from dalle_model.shard_schema import METADATA_KEY, ShardMetadata, token_schema
from dalle_model.shards import (
    ShardError,
    by_token_shape,
    common_metadata,
    image_tokens,
    list_shards,
    read_metadata,
    read_shards,
)
from pipelines.io import parquet

SHARDS = Path(__file__).parents[1] / "support" / "shards"
METADATA = ShardMetadata("tiny", "a" * 64, (16, 16), (2, 2), 32, (0.1, 0.9), "p", "", "f")


def write(path, metadata=METADATA, count=3, added=(), **changes):
    schema = token_schema(metadata, added)
    rng = np.random.default_rng(0)
    rows = [
        {
            "key": f"{n:040x}",
            "caption": f"caption {n}",
            "image_tokens": rng.integers(0, 32, 4),
            "view": 0,
            "crop": [0, 0, 16, 16],
            "flipped": False,
            "width": 16,
            "height": 16,
            "phash": 1 << 63,
            "sha256": "",
            "url": "u",
            "page_url": "",
            "license": "",
            "source": "s",
            "name": "",
        }
        | changes
        for n in range(count)
    ]
    table = pa.Table.from_pylist(rows, schema=schema)
    pq.write_table(table, path, write_page_checksum=True, use_dictionary=False)
    return str(path), table


def test_metadata_lies_in_the_footer(tmp_path):
    url, _ = write(tmp_path / "part-00000-of-00001.parquet")
    assert read_metadata(url) == METADATA


def test_rows_come_back_in_order(tmp_path):
    urls = [write(tmp_path / f"part-0000{i}-of-00002.parquet")[0] for i in range(2)]
    assert list_shards(str(tmp_path)) == urls
    found = read_shards(urls, ["key", "image_tokens"])
    assert found.column_names == ["key", "image_tokens"]
    _, table = write(tmp_path / "other.parquet")
    assert image_tokens(found).tolist() == image_tokens(table).tolist() * 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("codec_sha256", "b" * 64),
        ("token_shape", (4, 1)),
        ("codebooks", 2),
        ("order", "sequence"),
        ("num_codes", 64),
        ("pixel_range", (0.0, 1.0)),
        ("preprocessing", "other"),
    ],
)
def test_shards_of_different_codecs_are_not_mixed(tmp_path, name, value):
    first, _ = write(tmp_path / "1.parquet")
    other = replace(METADATA, **{name: value})
    codes = [0] * other.num_tokens * other.codebooks
    second, _ = write(tmp_path / "2.parquet", other, image_tokens=codes)
    for read in (common_metadata, read_shards):
        with pytest.raises(
            ShardError, match=rf"{name} is .* in .*1\.parquet and .* in .*2\.parquet"
        ):
            read([first, second])


def joined_to(metadata):
    return replace(METADATA, joined={"image_tokens_b": metadata})


def test_joined_shards_are_not_mixed_where_a_joined_codec_differs(tmp_path):
    other = replace(METADATA, codec_sha256="b" * 64)
    first, _ = write(tmp_path / "1.parquet", joined_to(METADATA))
    second, _ = write(tmp_path / "2.parquet", joined_to(other))
    for read in (common_metadata, read_shards):
        with pytest.raises(
            ShardError, match=r"codec_sha256 of `image_tokens_b` is aaa.*1\.parquet"
        ):
            read([first, second])


def test_of_joined_tokens_those_are_common_that_all_shards_have(tmp_path):
    first, _ = write(tmp_path / "1.parquet", joined_to(METADATA))
    second, _ = write(tmp_path / "2.parquet")
    assert common_metadata([first, first]) == joined_to(METADATA)
    assert common_metadata([first, second]) == common_metadata([second, first]) == METADATA


def test_each_column_of_tokens_is_an_array():
    table = pa.table({"image_tokens": [[1, 2]], "image_tokens_b": [[3, 4, 5]]})
    with pytest.raises(ShardError, match="read the column `token_shape_b` with them"):
        image_tokens(table, column="image_tokens_b")
    table = table.append_column("token_shape_b", [[[3]]])
    assert image_tokens(table, column="image_tokens_b").tolist() == [[3, 4, 5]]


def test_fingerprints_may_differ(tmp_path):
    first, _ = write(tmp_path / "1.parquet")
    second, _ = write(tmp_path / "2.parquet", replace(METADATA, fingerprint="other"))
    assert common_metadata([first, second]) == METADATA


def test_each_wrong_file_is_one_clear_message(tmp_path):
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), other)
    (tmp_path / "junk").write_bytes(b"junk")
    newer, _ = write(tmp_path / "newer.parquet", replace(METADATA, schema_version=3))
    for url, message in (
        (f"{tmp_path}/none", r"none is missing; `dalle run encode` makes it"),
        (f"{tmp_path}/junk", "junk is not Parquet"),
        (str(other), "is not a token shard"),
        (newer, "its schema version is 3, this program reads 1 to 2"),
    ):
        with pytest.raises(ShardError, match=message):
            read_metadata(url)


def test_a_flipped_byte_is_found(tmp_path):
    _, table = write(tmp_path / "x.parquet", count=200)
    files.write_bytes(url := f"{tmp_path}/x.parquet", parquet.to_bytes(table))
    read_shards([url])
    column = pq.read_metadata(url).row_group(0).column(table.column_names.index("image_tokens"))
    assert column.path_in_schema.startswith("image_tokens")
    content = bytearray(files.read_bytes(url))
    content[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    files.write_bytes(url, bytes(content))
    with pytest.raises(ShardError, match=r"x\.parquet cannot be read: .*CRC"):
        read_shards([url])
    assert read_shards([url], ["caption"]).num_rows == 200


def test_an_empty_folder_names_the_command(tmp_path):
    with pytest.raises(ShardError, match=r"no token shards in .*`dalle run encode` makes them"):
        list_shards(str(tmp_path))


def test_shards_of_any_name_are_listed_but_no_hidden_ones(tmp_path):
    (tmp_path / "rejected").mkdir()
    for name in (
        "b.parquet",
        "a.parquet",
        ".tmp-c.parquet-1-2",
        ".d.parquet",
        "_e.parquet",
        "f.json",
    ):
        (tmp_path / name).write_bytes(b"")
    assert list_shards(str(tmp_path)) == [f"{tmp_path}/a.parquet", f"{tmp_path}/b.parquet"]


def test_no_rows_keep_the_width_of_their_tokens():
    table = pa.table({"image_tokens": pa.array([], pa.list_(pa.uint16(), 64))})
    assert image_tokens(table).shape == (0, 64)


def test_codes_of_several_codebooks_lie_beside_each_other(tmp_path):
    metadata = replace(METADATA, token_shape=(3,), codebooks=2, order="sequence", num_codes=1 << 18)
    url, _ = write(tmp_path / "x.parquet", metadata, image_tokens=[0, 1, 2, 3, 4, (1 << 18) - 1])
    found = read_shards([url])
    assert image_tokens(found).shape == (3, 6)
    tokens = image_tokens(found, read_metadata(url).codebooks)
    assert tokens.dtype == np.uint32
    assert tokens.tolist() == [[[0, 1], [2, 3], [4, 262143]]] * 3


def test_rows_without_tokens_are_no_array():
    table = pa.table({"image_tokens": pa.array([[1, 2], None], pa.list_(pa.uint16(), 2))})
    with pytest.raises(ShardError, match="of 2 rows are no array: 1 rows have none"):
        image_tokens(table)


def test_rows_with_shapes_of_their_own_are_an_array_where_those_agree(tmp_path):
    metadata = replace(METADATA, token_shape=None, image_shape=None)
    wide, table = write(tmp_path / "1.parquet", metadata, token_shape=[1, 4])
    high, _ = write(tmp_path / "2.parquet", metadata, token_shape=[4, 1])
    assert table.column_names.index("token_shape") == 3
    found = read_shards([wide, high])
    assert [len(codes) for codes in found["image_tokens"].to_pylist()] == [4] * 6
    assert image_tokens(found.slice(3)).tolist() == image_tokens(table).tolist()
    assert image_tokens(found.slice(6)).shape == (0, 0)
    with pytest.raises(ShardError, match=r"such as \(1, 4\) and \(4, 1\); `by_token_shape`"):
        image_tokens(found)
    with pytest.raises(ShardError, match="read the column `token_shape` with them"):
        image_tokens(read_shards([wide], ["image_tokens"]))


def test_rows_of_each_token_shape_are_one_array(tmp_path):
    metadata = replace(METADATA, token_shape=None, image_shape=None)
    wide, table = write(tmp_path / "1.parquet", metadata, token_shape=[1, 4])
    high, _ = write(tmp_path / "2.parquet", metadata, token_shape=[4, 1])
    parts = by_token_shape(read_shards([high, wide, high]))
    assert list(parts) == [(1, 4), (4, 1)]
    assert [rows.num_rows for rows in parts.values()] == [3, 6]
    assert image_tokens(parts[1, 4]).tolist() == image_tokens(table).tolist()
    assert image_tokens(parts[4, 1]).shape == (6, 4)
    assert by_token_shape(read_shards([high]).slice(3)) == {}
    with pytest.raises(ShardError, match=r"no column `token_shape`.*`image_tokens` makes them one"):
        by_token_shape(read_shards([wide], ["image_tokens"]))


def test_a_shard_of_version_1_mixes_with_later_ones_of_the_same_codec(tmp_path):
    old = str(SHARDS / "v1.parquet")
    metadata = replace(read_metadata(old), schema_version=2, fingerprint="later")
    new, _ = write(tmp_path / "2.parquet", metadata, image_tokens=[7] * 64, source_key="k")
    for urls in ([old, new], [new, old]):
        found = read_shards(urls).sort_by([("caption", "ascending")])
        assert found.schema.names == token_schema(metadata).names
        assert sorted(found["source_key"].to_pylist(), key=str) == [None] * 8 + ["k"] * 3
        tokens = image_tokens(read_shards(urls, ["image_tokens"]))
        assert tokens.shape == (11, 64)
        assert tokens.dtype == np.uint16
        assert common_metadata(urls).grid == 8
        assert sorted(found["flipped"].to_pylist()) == [False] * 11
    assert read_shards([old], ["source_key", "key"]).column_names == ["source_key", "key"]
    assert read_shards([old], ["flipped"])["flipped"].to_pylist() == [False] * 8
    assert read_metadata(old).views == ("centre",)


def test_shards_of_different_views_may_be_mixed_and_rows_say_what_they_are(tmp_path):
    one, _ = write(tmp_path / "1.parquet")
    other, _ = write(tmp_path / "2.parquet", replace(METADATA, views=("flip",)), flipped=True)
    assert common_metadata([one, one]).views == ("centre",)
    assert common_metadata([one, other, one]).views == ()
    assert read_shards([one, other])["flipped"].to_pylist() == [False] * 3 + [True] * 3


def test_columns_that_one_shard_lacks_are_named(tmp_path):
    score, text = pa.field("score", pa.float32()), pa.field("score", pa.string())
    plain, _ = write(tmp_path / "1.parquet")
    scored, _ = write(tmp_path / "2.parquet", added=[score], score=0.5)
    texts, _ = write(tmp_path / "3.parquet", added=[text], score="x")
    for urls, message in (
        ([plain, scored], r"score is missing in .*1\.parquet and float in .*2\.parquet"),
        ([scored, texts], r"score is float in .*2\.parquet and string in .*3\.parquet"),
    ):
        with pytest.raises(ShardError, match=message):
            read_shards(urls)
    with pytest.raises(ShardError, match=r"1\.parquet cannot be read: .*score"):
        read_shards([plain], ["key", "score"])
    assert read_shards([plain, scored], ["key", "name"]).num_rows == 6


def test_text_tokens_of_different_tokenizers_are_not_mixed(tmp_path):
    one, _ = write(tmp_path / "1.parquet", replace(METADATA, tokenizer_sha256="a" * 64))
    none, _ = write(tmp_path / "2.parquet")
    other, _ = write(tmp_path / "3.parquet", replace(METADATA, tokenizer_sha256="b" * 64))
    assert read_shards([none, one]).num_rows == 6
    with pytest.raises(ShardError, match=r"aaa made those of .*1\.parquet, bbb"):
        read_shards([none, one, other], ["text_tokens"])
    assert read_shards([none, one, other], ["caption", "image_tokens"]).num_rows == 9


_DAMAGED = (
    *(b"\xff", b"{", b"[]", b"{}", b'{"schema_version": 1}', b'{"schema_version": 2}'),
    *(b'{"schema_version": 1e999}', b"[" * 100_000),
)


@pytest.mark.parametrize("raw", _DAMAGED)
def test_damaged_metadata_is_named(tmp_path, raw):
    table = pa.table({"key": ["a"]}).replace_schema_metadata({METADATA_KEY: raw})
    pq.write_table(table, tmp_path / "part.parquet")
    with pytest.raises(ShardError, match=r"part\.parquet cannot be read: its `dalle` metadata"):
        read_shards([str(tmp_path / "part.parquet")])


def test_a_shard_of_schema_version_1_stays_readable():
    url = str(SHARDS / "v1.parquet")
    metadata, rows = read_metadata(url), read_shards([url])
    assert (metadata.schema_version, metadata.codec) == (1, "demo_dvae")
    assert metadata.codec_sha256.startswith("7f3cc55e7b35")
    assert (metadata.grid, metadata.side, metadata.num_codes) == (8, 64, 1024)
    assert (metadata.pixel_range, metadata.tokenizer_sha256) == ((0.1, 0.9), "")
    tokens = image_tokens(rows)
    assert tokens.shape == (8, 64)
    assert tokens.dtype == np.uint16
    assert tokens[0, 14:20].tolist() == [862, 862, 750, 99, 99, 99]
    assert files.sha256(tokens.astype("<u2").tobytes()).startswith("049d99927587")
    first = rows.slice(0, 1).to_pylist()[0]
    assert first["key"] == "001716e51de404a0f50130f7611733c57f1c6e45"
    assert first["caption"] == "western sahara, flag, africa"
    assert (first["crop"], first["view"], first["text_tokens"]) == ([21, 0, 149, 128], 0, None)
    assert (first["width"], first["phash"]) == (171, 13797587255302318202)
