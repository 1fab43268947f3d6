import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalle_model.shard_sets.token_set import key_ranges, open_set
from dalle_model.shards import ShardError, list_shards
from tests.support.token_shards import pair_rows, write_token_set


def test_a_set_is_all_shards_of_a_folder_or_a_single_one(tmp_path):
    url = write_token_set(tmp_path / "a", pair_rows(50), 3)
    found = open_set(url)
    assert [shard.url for shard in found.shards] == list_shards(url)
    assert (found.rows, found.metadata.codec) == (50, "tiny")
    one = open_set(list_shards(url)[1])
    assert one.shards == found.shards[1:2]
    assert found.num_bytes == sum(path.stat().st_size for path in (tmp_path / "a").iterdir())


def test_rows_between_two_keys_come_with_their_shards(tmp_path):
    url = write_token_set(tmp_path / "a", pair_rows(50), 3)
    table, shards = open_set(url).between(["key"], "2", "7")
    keys = table["key"].to_pylist()
    assert sorted(keys) == sorted(r["key"] for r in pair_rows(50) if "2" <= r["key"] < "7")
    assert [int(key[:16], 16) % 3 for key in keys] == shards.tolist()


def test_no_rows_between_two_keys_are_a_table_as_well(tmp_path):
    url = write_token_set(tmp_path / "a", [], 2)
    table, shards = open_set(url).between(["key", "image_tokens"], "", "g")
    assert (table.num_rows, table.column_names, len(shards)) == (0, ["key", "image_tokens"], 0)


def test_shards_of_two_codecs_are_no_set(tmp_path):
    write_token_set(tmp_path / "a", pair_rows(5), 2)
    write_token_set(tmp_path / "a", pair_rows(5), 3, codec_sha256="cd" * 32)
    with pytest.raises(ShardError, match=r"codec_sha256 is abab.* in .*00000-of-00002"):
        open_set(f"{tmp_path}/a")


@given(st.integers(0, 10**12), st.integers(1, 10**9))
def test_ranges_cover_every_key_once(rows, most):
    if rows > 5000 * most:
        rows = 5000 * most
    ranges = list(key_ranges(rows, most))
    assert ranges[0][0] == ""
    assert ranges[-1][1] == "g"
    assert [stop for _, stop in ranges[:-1]] == [start for start, _ in ranges[1:]]
    assert all(start < stop for start, stop in ranges)
    assert len(ranges) == max(1, -(-rows // most))
