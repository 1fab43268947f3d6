import random

import pyarrow as pa
import pytest

from pipelines.io import batches
from pipelines.io.batches import RowBatch, merged, rows_below, rows_up_to
from pipelines.records import SELECTION_SCHEMA
from pipelines.rejection import Rejection
from tests.support.pieces import cut


def rows(keys: list[str]) -> pa.Table:
    return pa.table({"key": pa.array(keys, pa.string())})


def test_what_is_gathered_is_passed_on_and_gathered_no_more():
    batch = RowBatch(SELECTION_SCHEMA)
    batch.rows_in += 2
    batch.cpu_s += 0.5
    batch.keep({"key": "a", "url": "u", "caption": "c", "other": 1})
    batch.drop(Rejection("b", "u", "c", "dedupe", "exact_duplicate"))
    first, second = batch.take(warnings=["a line"]), batch.take()
    assert first.kept.schema == SELECTION_SCHEMA
    assert first.kept["key"].to_pylist() == ["a"]
    assert [rejection.key for rejection in first.rejected] == ["b"]
    assert (first.rows_in, first.cpu_s, first.warnings) == (2, 0.5, ["a line"])
    assert (second.rows_in, second.cpu_s, second.kept.num_rows, second.rejected) == (0, 0, 0, [])


def test_a_batch_is_full_by_its_rows_or_by_the_bytes_of_its_images(monkeypatch):
    monkeypatch.setattr(batches, "_ROWS", 3)
    monkeypatch.setattr(batches, "_BYTES", 100)
    batch = RowBatch(pa.schema([("key", pa.string()), ("image", pa.binary())]))
    full = []
    for key, size in (("a", 99), ("b", 1)):
        batch.keep({"key": key, "image": bytes(size)})
        full.append(batch.is_full)
    assert full == [False, True]
    batch.take()
    full = []
    for key in "abc":
        batch.drop(Rejection(key, "u", "c", "images", "undecodable"))
        full.append(batch.is_full)
    assert full == [False, False, True]


@pytest.mark.parametrize("seed", range(20))
def test_two_streams_are_merged_whatever_pieces_they_come_in(seed):
    chance = random.Random(seed)
    keys = [f"{number:03d}" for number in range(100)]
    one = sorted(chance.sample(keys, chance.randint(0, 60)))
    other = sorted({*keys} - {*one})[: chance.randint(0, 60)]
    last, found = "", []
    for table in merged(cut(rows(one), chance, 5), cut(rows(other), chance, 5)):
        assert table.num_rows <= 10  # no more than one piece of each
        found += sorted(table["key"].to_pylist())
        assert last < found[-table.num_rows]
        last = found[-1]
    assert found == sorted([*one, *other])


def test_positions_in_a_sorted_table():
    table = rows(["a", "c", "c", "e"])
    found = [(rows_below(table, key), rows_up_to(table, key)) for key in "abcef"]
    assert found == [(0, 1), (1, 1), (1, 3), (3, 4), (4, 4)]
    assert rows_below(table.slice(0, 0), "a") == 0
