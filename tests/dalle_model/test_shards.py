from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dalle_model import files
from dalle_model.shard_schema import METADATA_KEY, ShardMetadata, token_schema
from dalle_model.shards import (
    ShardError,
    common_metadata,
    image_tokens,
    list_shards,
    read_metadata,
    read_shards,
)

SHARDS = Path(__file__).parents[1] / "support" / "shards"
METADATA = ShardMetadata(1, "tiny", "a" * 64, 2, 32, 16, (0.1, 0.9), "p", "", "f")


def write(path, metadata=METADATA, count=3):
    schema = token_schema(metadata)
    rng = np.random.default_rng(0)
    rows = [
        {
            "key": f"{n:040x}",
            "caption": f"caption {n}",
            "image_tokens": rng.integers(0, 32, 4),
            "view": 0,
            "crop": [0, 0, 16, 16],
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
        ("num_codes", 64),
        ("pixel_range", (0.0, 1.0)),
        ("preprocessing", "other"),
    ],
)
def test_shards_of_different_codecs_are_not_mixed(tmp_path, name, value):
    first, _ = write(tmp_path / "1.parquet")
    second, _ = write(tmp_path / "2.parquet", replace(METADATA, **{name: value}))
    with pytest.raises(ShardError, match=rf"{name} is .* in .*1\.parquet and .* in .*2\.parquet"):
        common_metadata([first, second])


def test_fingerprints_may_differ(tmp_path):
    first, _ = write(tmp_path / "1.parquet")
    second, _ = write(tmp_path / "2.parquet", replace(METADATA, fingerprint="other"))
    assert common_metadata([first, second]) == METADATA


def test_each_wrong_file_is_one_clear_message(tmp_path):
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), other)
    (tmp_path / "junk").write_bytes(b"junk")
    newer, _ = write(tmp_path / "newer.parquet", replace(METADATA, schema_version=2))
    for url, message in (
        (f"{tmp_path}/none", r"none is missing; `dalle run encode` makes it"),
        (f"{tmp_path}/junk", "junk is not Parquet"),
        (str(other), "is not a token shard"),
        (newer, "has schema version 2, this reader supports 1"),
    ):
        with pytest.raises(ShardError, match=message):
            read_metadata(url)


def test_a_flipped_byte_is_found(tmp_path):
    url, table = write(tmp_path / "x.parquet", count=200)
    content = bytearray(Path(url).read_bytes())
    content[len(content) // 4] ^= 1
    Path(url).write_bytes(bytes(content))
    with pytest.raises(ShardError, match=r"x\.parquet cannot be read"):
        read_shards([url])
    assert table.num_rows == 200


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


def test_metadata_is_written_with_sorted_keys():
    text = token_schema(METADATA).metadata[METADATA_KEY].decode()
    names = sorted(asdict(METADATA))
    assert [text.index(f'"{name}"') for name in names] == sorted(
        text.index(f'"{name}"') for name in names
    )


def test_no_rows_keep_the_width_of_their_tokens():
    table = pa.table({"image_tokens": pa.array([], pa.list_(pa.uint16(), 64))})
    assert image_tokens(table).shape == (0, 64)


@pytest.mark.parametrize("raw", [b"\xff", b"{", b"[]", b"{}", b'{"schema_version": 1}'])
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
    assert (tokens.shape, tokens.dtype) == ((8, 64), np.uint16)
    assert tokens[0, 14:20].tolist() == [862, 862, 750, 99, 99, 99]
    assert files.sha256(tokens.astype("<u2").tobytes()).startswith("049d99927587")
    first = rows.slice(0, 1).to_pylist()[0]
    assert first["key"] == "001716e51de404a0f50130f7611733c57f1c6e45"
    assert first["caption"] == "western sahara, flag, africa"
    assert (first["crop"], first["view"], first["text_tokens"]) == ([21, 0, 149, 128], 0, None)
    assert (first["width"], first["phash"]) == (171, 13797587255302318202)
