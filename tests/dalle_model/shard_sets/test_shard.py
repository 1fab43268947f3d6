import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dalle_model import files
from dalle_model.shard_sets.shard import RowGroup, open_shard
from dalle_model.shards import ShardError, read_shards
from tests.dalle_model.test_shards import SHARDS
from tests.support.token_shards import pair_rows, write_token_set


@pytest.fixture
def url(tmp_path) -> str:
    """A shard of 300 rows in row groups of 64."""
    folder = write_token_set(tmp_path / "set", pair_rows(300), 1)
    (path,) = files.list_names(folder)
    table = pq.read_table(f"{folder}/{path}")
    pq.write_table(table, f"{tmp_path}/x.parquet", row_group_size=64, write_page_checksum=True)
    return f"{tmp_path}/x.parquet"


def test_a_footer_says_which_keys_lie_in_each_row_group(url):
    shard, keys = open_shard(url), read_shards([url])["key"].to_pylist()
    assert shard.rows == 300
    assert [group.rows for group in shard.groups] == [64, 64, 64, 64, 44]
    assert shard.groups[1] == RowGroup(keys[64], keys[127], 64)
    assert shard.num_bytes == len(files.read_bytes(url))


def test_tables_are_row_groups_and_add_up_to_the_shard(url):
    found = list(open_shard(url).tables())
    assert [table.num_rows for table in found] == [64, 64, 64, 64, 44]
    assert pa.concat_tables(found).equals(read_shards([url]))


@pytest.mark.parametrize(("start", "stop"), [("", "4"), ("4", "9"), ("9", "g"), ("44", "45")])
def test_a_range_of_keys_is_what_a_filter_finds(url, start, stop):
    table = read_shards([url], ["image_tokens", "key"])
    expected = [row for row in table.to_pylist() if start <= row["key"] < stop]
    found = open_shard(url).tables(["image_tokens", "key"], start, stop)
    assert [row for part in found for row in part.to_pylist()] == expected


def test_row_groups_out_of_range_are_not_read(url, monkeypatch):
    read = []
    original = pq.ParquetFile.read_row_group

    def counting(self, number, *arguments, **keywords):
        read.append(number)
        return original(self, number, *arguments, **keywords)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counting)
    shard = open_shard(url)
    start, stop = shard.groups[1].first, f"{shard.groups[2].last} "
    assert sum(part.num_rows for part in shard.tables(["view"], start, stop)) == 128
    assert read == [1, 2]


def test_a_shard_without_statistics_is_read_whole(url, tmp_path):
    pq.write_table(pq.read_table(url), tmp_path / "y.parquet", write_statistics=False)
    shard = open_shard(f"{tmp_path}/y.parquet")
    expected = [k for k in read_shards([url])["key"].to_pylist() if "4" <= k < "5"]
    found = shard.tables(["key"], "4", "5")
    assert [key for part in found for key in part["key"].to_pylist()] == expected


def test_a_shard_of_version_1_has_the_columns_of_today():
    shard = open_shard(str(SHARDS / "v1.parquet"))
    (table,) = shard.tables()
    assert table.column_names == shard.schema.names
    assert table.equals(read_shards([str(SHARDS / "v1.parquet")]))
    assert table["source_key"].null_count == table.num_rows


def test_what_cannot_be_read_is_named(url, tmp_path):
    with pytest.raises(ShardError, match=r"none is missing; `dalle run encode` makes it"):
        open_shard(f"{tmp_path}/none")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(ShardError, match=r"other\.parquet is not a token shard"):
        open_shard(f"{tmp_path}/other.parquet")
    shard = open_shard(url)
    files.write_bytes(url, files.read_bytes(url)[:2000])
    with pytest.raises(ShardError, match=r"x\.parquet cannot be read"):
        list(shard.tables())


@pytest.mark.parametrize("name", ["key", "image_tokens"])
def test_a_column_that_the_footer_speaks_of_is_there_in_its_type(url, tmp_path, name):
    table = pq.read_table(url)
    pq.write_table(table.drop_columns(name), tmp_path / "less.parquet")
    with pytest.raises(ShardError, match=rf"less\.parquet .* `{name}` is missing, not "):
        open_shard(f"{tmp_path}/less.parquet")
    place, other = table.column_names.index(name), pa.nulls(table.num_rows, pa.int8())
    pq.write_table(table.set_column(place, name, other), tmp_path / "other.parquet")
    with pytest.raises(ShardError, match=rf"`{name}` is int8, not "):
        open_shard(f"{tmp_path}/other.parquet")
