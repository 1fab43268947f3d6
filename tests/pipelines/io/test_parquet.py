import contextlib
import hashlib
import io
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dalle_model import files
from dalle_model.ranges import BLOCK_BYTES
from pipelines.io import parquet
from pipelines.io.parquet import (
    ROW_GROUP_ROWS,
    UnreadableShardError,
    read_row_groups,
    read_rows,
    read_table,
    rows_of,
    to_bytes,
    write,
)
from tests.support.counted_store import PROTOCOL, counted_store
from tests.support.pieces import cut


def table(rows: int = 500) -> pa.Table:
    return pa.table({"key": [f"{i:05d}" for i in range(rows)], "n": list(range(rows))})


def test_equal_rows_give_equal_bytes_and_come_back(tmp_path):
    content = to_bytes(table())
    assert content == to_bytes(table())
    (tmp_path / "x.parquet").write_bytes(content)
    assert read_table(str(tmp_path / "x.parquet")).equals(table())
    assert read_table(str(tmp_path / "x.parquet"), columns=["n"]).column_names == ["n"]


def test_images_are_written_as_they_are_and_all_else_is_packed():
    images = pa.table(
        {
            "key": ["x" * 40] * 100,
            "image": pa.array([bytes(1000)] * 100, pa.binary()),
            "cells": [[n] * 9 for n in range(100)],
            "text": pa.array([{"raw": "y" * 40}] * 100),
        }
    )
    group = pq.ParquetFile(io.BytesIO(to_bytes(images))).metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    found = {column.path_in_schema: column.compression for column in columns}
    packed = dict.fromkeys(("key", "cells.list.element", "text.raw"), "ZSTD")
    assert found == packed | {"image": "UNCOMPRESSED"}


def images(sizes: list[int]) -> pa.Table:
    keys = pa.array([f"{number:05d}" for number in range(len(sizes))], pa.string())
    return pa.table({"key": keys, "image": pa.array([b"x" * size for size in sizes], pa.binary())})


def groups_of(content: bytes) -> list[int]:
    metadata = pq.read_metadata(pa.BufferReader(content))
    return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]


def test_a_row_group_ends_by_its_rows_or_before_its_images_are_too_large(monkeypatch):
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 100)
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 4)
    sizes = [50, 50, 1, 99, 1, 0, 500, 0, 0, 0, 0, 0, 101]
    assert groups_of(to_bytes(images(sizes))) == [2, 2, 2, 1, 4, 1, 1]
    assert groups_of(to_bytes(table(9))) == [4, 4, 1]
    assert groups_of(to_bytes(table(0))) == [0]


@pytest.mark.parametrize("seed", range(10))
def test_how_rows_are_spread_over_tables_changes_no_byte(monkeypatch, seed):
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 5000)
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 40)
    chance = random.Random(seed)
    whole = images([chance.choice([0, 10, 1000, 4000]) for _ in range(300)])
    sink = io.BytesIO()
    written = write(sink, whole.schema, cut(whole, chance, 30))
    assert sink.getvalue() == to_bytes(whole)
    sha256 = hashlib.sha256(sink.getvalue()).hexdigest()
    assert written == (300, len(sink.getvalue()), sha256)


def test_no_more_than_a_few_row_groups_are_held_to_write_or_to_read(tmp_path, monkeypatch):
    limit, path = 1 << 20, tmp_path / "x.parquet"
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", limit)
    before, held = pa.total_allocated_bytes(), []

    def source() -> Iterator[pa.Table]:
        for _ in range(200):
            held.append(pa.total_allocated_bytes() - before)
            yield images([limit // 10])

    with path.open("wb") as stream:
        write(stream, images([]).schema, source())
    assert len(held) == 200
    assert max(held) < 4 * limit
    for group in read_row_groups(str(path)):
        assert group.num_rows == 10
        assert pa.total_allocated_bytes() - before < 4 * limit
    names = [group.column_names for group in read_row_groups(str(path), ["image"])]
    assert names == [["image"]] * 20


def test_rows_come_few_at_a_time_and_all_of_them():
    assert list(rows_of(table(200))) == table(200).to_pylist()
    assert list(rows_of(table(0))) == []


def test_every_flipped_bit_of_the_data_is_found(tmp_path):
    content = bytearray(to_bytes(table()))
    path = tmp_path / "x.parquet"
    chance = random.Random(1)
    silent = 0
    for _ in range(200):
        # Flips inside the pages; the footer at the end has no checksum, the manifest covers it.
        position = chance.randrange(4, len(content) // 3)
        content[position] ^= 1 << chance.randrange(8)
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


@pytest.mark.parametrize("rows", [0, 10, ROW_GROUP_ROWS + 10])
def test_some_rows_of_some_columns_in_the_order_asked(tmp_path, rows):
    (tmp_path / "x.parquet").write_bytes(to_bytes(table(rows)))
    is_wanted = np.arange(rows) % 3 == 1
    found = read_rows(str(tmp_path / "x.parquet"), is_wanted, ["n", "key"])
    assert found.equals(table(rows).filter(pa.array(is_wanted)).select(["n", "key"]))


def test_row_groups_of_a_broken_shard_name_it(tmp_path):
    content = to_bytes(table())
    (tmp_path / "x.parquet").write_bytes(content[:200] + b"?" * 20 + content[220:])
    with pytest.raises(UnreadableShardError, match=r"x\.parquet cannot be read"):
        list(read_row_groups(str(tmp_path / "x.parquet")))


def test_rows_of_a_broken_shard_name_it(tmp_path):
    content = to_bytes(table())
    (tmp_path / "x.parquet").write_bytes(content[:200] + b"?" * 20 + content[220:])
    with pytest.raises(UnreadableShardError, match=r"x\.parquet cannot be read"):
        read_rows(str(tmp_path / "x.parquet"), np.ones(500, np.bool_), ["key", "n"])


COUNTED = """
import os, sys
import numpy as np
from dalle_model.shards import read_parquet
from pipelines.io.parquet import read_row_groups, read_rows, read_table
threads = lambda: len(os.listdir("/proc/self/task"))
before = threads()
{read}
print(threads() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
@pytest.mark.parametrize(
    "read",
    [
        "read_parquet(open(sys.argv[1], 'rb'))",
        "read_table(sys.argv[1], ['n', 'key'])",
        "read_rows(sys.argv[1], np.ones(10_000, bool), ['n', 'key'])",
        "list(read_row_groups(sys.argv[1]))",
    ],
)
def test_no_thread_of_arrow_outlives_a_read(tmp_path, read):
    """One that frees the bytes of a Python file while the interpreter ends aborts the process."""
    (tmp_path / "x.parquet").write_bytes(to_bytes(table(10_000)))
    command = [sys.executable, "-c", COUNTED.format(read=read), tmp_path / "x.parquet"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert int(result.stdout) == 0


def test_images_as_served_are_stored_as_they_are_and_all_else_is_compressed(tmp_path):
    images = [bytes(1000), b"\x00", None]
    rows = pa.table({"encoded": images, "caption": ["a" * 1000] * 3, "codes": [[7] * 1000] * 3})
    content = to_bytes(rows)
    assert content == to_bytes(rows)
    (tmp_path / "x.parquet").write_bytes(content)
    assert read_table(str(tmp_path / "x.parquet")).equals(rows)
    group = pq.read_metadata(pa.BufferReader(content)).row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    assert [c.compression for c in columns] == ["UNCOMPRESSED", "ZSTD", "ZSTD"]


def test_a_large_shard_in_a_store_is_not_fetched_whole(monkeypatch):
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 4 << 20)
    store = counted_store()
    images = [np.random.default_rng(n).bytes(1 << 20) for n in range(40)]
    keys = [f"{n:04}" for n in range(40)]
    url = f"{PROTOCOL}://bucket/part.parquet"
    files.write_bytes(url, parquet.to_bytes(pa.table({"key": keys, "image": images})))
    groups = read_row_groups(url)
    first = next(groups)
    assert first["key"].to_pylist() == keys[: first.num_rows]
    assert sum(size for _, size in store.answers) < 20 << 20
    assert [key for group in groups for key in group["key"].to_pylist()] == keys[first.num_rows :]
    assert max(size for _, size in store.answers) <= BLOCK_BYTES


@pytest.mark.parametrize(
    ("values", "expected"), [([], False), ([None, None], False), ([None, b"image"], True)]
)
def test_whether_a_shard_holds_images_is_in_its_footer(tmp_path, values, expected):
    schema = pa.schema([("key", pa.string()), ("encoded", pa.binary())])
    keys = [str(number) for number in range(len(values))]
    path = tmp_path / "shard"
    path.write_bytes(parquet.to_bytes(pa.table([keys, values], schema=schema)))
    assert parquet.holds_images(str(path)) == expected


def test_a_row_group_is_found_by_the_range_of_its_keys_and_read_alone(tmp_path):
    url = f"{tmp_path}/part.parquet"
    keys = [f"{n:06}" for n in range(10_000)]
    table = pa.table({"key": keys, "n": list(range(10_000))})
    files.write_bytes(url, parquet.to_bytes(table))
    expected = [("000000", "004095"), ("004096", "008191"), ("008192", "009999")]
    assert parquet.read_ranges(url, "key") == expected
    found = parquet.read_row_group(url, 1, ["n", "of another version", "key"])
    assert found.equals(table.slice(4096, 4096).select(["n", "key"]))
    files.write_bytes(url, parquet.to_bytes(table.slice(0, 0)))
    assert parquet.read_ranges(url, "key") == [None]
    files.write_bytes(url, b"none")
    with pytest.raises(UnreadableShardError, match=r"part\.parquet cannot be read"):
        parquet.read_ranges(url, "key")


def test_the_footer_is_what_the_file_ends_with(tmp_path):
    url = f"{tmp_path}/part.parquet"
    content = parquet.to_bytes(pa.table({"key": ["a"]}))
    files.write_bytes(url, content)
    footer = parquet.read_footer(url)
    length = int.from_bytes(content[-8:-4], "little")
    assert footer == content[-8 - length : -8]
    assert b"key" in footer
