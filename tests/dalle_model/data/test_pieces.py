import io

import pytest

from dalle_model import files
from dalle_model.data.pieces import open_columns, read_footer
from dalle_model.shards import ShardError, open_parquet
from tests.support.counted_store import counted_store
from tests.support.token_shards import write_numbered_shards


@pytest.fixture
def stored(tmp_path):
    """A shard of five row groups in a store: its URL, its bytes, and the store."""
    (path,) = write_numbered_shards(tmp_path, [40])
    content = files.read_bytes(path)
    store = counted_store()
    files.write_bytes("counted://bucket/part.parquet", content)
    store.answers.clear()
    return "counted://bucket/part.parquet", content, store


def test_a_footer_is_one_request(stored, monkeypatch):
    url, content, store = stored
    monkeypatch.setattr("dalle_model.data.pieces.FOOTER_BYTES", 16 << 10)
    footer = read_footer(url, len(content))
    assert footer.parsed.num_row_groups == 5
    assert [size for _, size in store.answers] == [16 << 10]


def test_a_long_footer_is_two(stored, monkeypatch):
    url, content, store = stored
    monkeypatch.setattr("dalle_model.data.pieces.FOOTER_BYTES", 100)
    assert read_footer(url, len(content)).parsed.num_row_groups == 5
    length = int.from_bytes(content[-8:-4], "little") + 8
    assert [size for _, size in store.answers] == [100, length]


def test_only_the_wanted_columns_of_a_row_group_are_fetched(stored, monkeypatch):
    url, content, store = stored
    monkeypatch.setattr("dalle_model.data.pieces.GAP_BYTES", 0)
    footer = read_footer(url, len(content)).parsed
    store.answers.clear()
    for columns, num_requests in ((["caption", "image_tokens"], 1), (["caption", "source"], 2)):
        store.answers.clear()
        with open_columns(url, len(content), footer, 3, columns) as stream:
            table = open_parquet(stream, footer).read_row_group(3, columns, use_threads=False)
        assert table.column("caption").to_pylist() == [f"caption {n}" for n in range(24, 32)]
        chunks = [footer.row_group(3).column(n) for n in range(footer.num_columns)]
        own = [c for c in chunks if c.path_in_schema.split(".")[0] in columns]
        assert len(store.answers) == num_requests
        assert sum(n for _, n in store.answers) == sum(c.total_compressed_size for c in own)


def test_what_was_not_fetched_is_an_error(stored):
    url, content, _ = stored
    footer = read_footer(url, len(content)).parsed
    with (
        open_columns(url, len(content), footer, 0, ["caption"]) as stream,
        pytest.raises(OSError, match="were not fetched"),
    ):
        open_parquet(stream, footer).read_row_group(4, ["caption"], use_threads=False)


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"\xff" * 4000])
def test_what_is_no_parquet_is_refused(tmp_path, damage):
    path = tmp_path / "part.parquet"
    path.write_bytes(damage)
    with pytest.raises(ShardError, match=r"part\.parquet is not Parquet"):
        read_footer(str(path), len(damage))


def test_a_shard_that_is_shorter_now_is_an_error(tmp_path):
    (path,) = write_numbered_shards(tmp_path, [40])
    size = len(files.read_bytes(path))
    with pytest.raises(ShardError, match="bytes instead of"):
        read_footer(path, size + 10)


def test_a_stream_has_the_size_of_the_shard(stored):
    url, content, _ = stored
    footer = read_footer(url, len(content)).parsed
    stream = open_columns(url, len(content), footer, 0, ["key"])
    assert stream.seek(-1, io.SEEK_END) == stream.tell() == len(content) - 1
    assert (stream.readable(), stream.seekable()) == (True, True)
    assert stream.seek(4) == 4
    assert stream.seek(2, io.SEEK_CUR) == 6
    assert stream.read(3) == content[6:9]
