import contextlib
import random

import pyarrow as pa
import pytest

from pipelines.io.parquet import UnreadableShardError, read_table, to_bytes


def table(rows: int = 500) -> pa.Table:
    return pa.table({"key": [f"{i:05d}" for i in range(rows)], "n": list(range(rows))})


def test_equal_rows_give_equal_bytes_and_come_back(tmp_path):
    content = to_bytes(table())
    assert content == to_bytes(table())
    (tmp_path / "x.parquet").write_bytes(content)
    assert read_table(str(tmp_path / "x.parquet")).equals(table())
    assert read_table(str(tmp_path / "x.parquet"), columns=["n"]).column_names == ["n"]


def test_every_flipped_bit_of_the_data_is_found(tmp_path):
    content = bytearray(to_bytes(table()))
    path = tmp_path / "x.parquet"
    places = random.Random(1)
    silent = 0
    for _ in range(200):
        # Flips inside the pages; the footer at the end has no checksum, the manifest covers it.
        place = places.randrange(4, len(content) // 3)
        content[place] ^= 1 << places.randrange(8)
        path.write_bytes(content)
        with contextlib.suppress(UnreadableShardError):
            silent += not read_table(str(path)).equals(table())
        content = bytearray(to_bytes(table()))
    assert silent == 0


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all", to_bytes(table())[:-9]])
def test_a_broken_shard_is_named(tmp_path, content):
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(UnreadableShardError, match=r"x\.parquet cannot be read"):
        read_table(str(tmp_path / "x.parquet"))


def test_a_missing_shard_is_named(tmp_path):
    with pytest.raises(UnreadableShardError, match="is missing"):
        read_table(str(tmp_path / "none.parquet"))
