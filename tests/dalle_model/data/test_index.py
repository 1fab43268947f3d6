from pathlib import Path

import pytest

from dalle_model import files
from dalle_model.data.index import read_index, refuse_text_tokenizers
from dalle_model.shards import ShardError
from tests.support.counted_store import counted_store
from tests.support.token_shards import write_numbered_shards

OLD = Path(__file__).parents[2] / "support" / "shards" / "v1.parquet"


def test_the_rows_of_every_row_group_are_known(tmp_path):
    index = read_index(write_numbered_shards(tmp_path, [20, 0, 9]))
    assert index.group_rows.tolist() == [8, 8, 4, 0, 8, 1]
    assert [(g.shard.url[-9:], g.number) for g in index.groups][2:5] == [
        ("0.parquet", 2),
        ("1.parquet", 0),
        ("2.parquet", 0),
    ]
    assert index.metadata.codec == "tiny"


def test_a_thousand_shards_in_a_store_are_a_request_each_and_none_where_an_index_is_kept(tmp_path):
    (path,) = write_numbered_shards(tmp_path, [20])
    content, store = files.read_bytes(path), counted_store()
    urls = [f"counted://bucket/part-{n:04}.parquet" for n in range(1000)]
    for url in urls:
        files.write_bytes(url, content)
    store.requests.clear()
    kept = "counted://bucket/index.json"
    index = read_index(urls, kept)
    assert index.group_rows.sum() == 20_000
    assert store.requests["GET"] == 1000
    store.requests.clear()
    assert read_index(urls, kept) == index
    assert store.requests["GET"] == 1
    assert "PUT" not in store.requests


def test_a_kept_index_goes_with_the_shards(tmp_path):
    urls, kept = write_numbered_shards(tmp_path, [20, 20]), str(tmp_path / "index.json")
    whole = read_index(urls, kept)
    assert read_index(urls[:1], kept).group_rows.tolist() == [8, 8, 4]
    assert read_index(urls, kept) == whole
    write_numbered_shards(tmp_path, [20, 33])
    changed = read_index(urls, kept)
    assert changed.group_rows.sum() == 53
    assert changed.sha256 != whole.sha256
    files.write_json(kept, {"version": 0})
    assert read_index(urls, kept) == changed


def test_shards_of_two_codecs_are_refused(tmp_path):
    urls = write_numbered_shards(tmp_path / "a", [3])
    urls += write_numbered_shards(tmp_path / "b", [3], codec_sha256="cd" * 32)
    with pytest.raises(ShardError, match=r"codec_sha256 is abab.* and cdcd"):
        read_index(urls)


def test_ids_of_two_text_tokenizers_are_refused(tmp_path):
    urls = write_numbered_shards(tmp_path / "a", [3], tokenizer_sha256="1" * 64)
    urls += write_numbered_shards(tmp_path / "b", [3], tokenizer_sha256="2" * 64)
    refuse_text_tokenizers(read_index(urls[:1]))
    with pytest.raises(ShardError, match=r"111111111111 made those of .*222222222222"):
        refuse_text_tokenizers(read_index(urls))


def test_a_shard_of_version_1_is_read(tmp_path):
    index = read_index([str(OLD)])
    assert index.metadata.schema_version == 1
    assert index.group_rows.sum() > 0


@pytest.mark.parametrize("urls", [[], ["nowhere/part.parquet"]])
def test_what_is_not_there_is_an_error(urls):
    with pytest.raises(ShardError, match="dalle run encode"):
        read_index(urls)


def test_parquet_of_others_is_no_token_shard(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), tmp_path / "part.parquet")
    with pytest.raises(ShardError, match="its footer has no `dalle` metadata"):
        read_index([str(tmp_path / "part.parquet")])
