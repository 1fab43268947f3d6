import numpy as np
import pyarrow as pa
import pytest

from dalle_model.shard_sets import pairing
from dalle_model.shard_sets.pairing import boxes, names_of, pair, told
from dalle_model.shard_sets.token_set import TokenSet, open_set
from dalle_model.shards import ShardError
from tests.support.token_shards import pair_rows, write_token_set


def made(path, rows, num_shards=2, **changes) -> TokenSet:
    return open_set(write_token_set(path, rows, num_shards, **changes))


@pytest.fixture(params=[1 << 18, 7], ids=["in one range", "in many ranges"])
def range_rows(request, monkeypatch) -> None:
    monkeypatch.setattr(pairing, "RANGE_ROWS", request.param)


@pytest.mark.usefixtures("range_rows")
def test_rows_of_one_set_alone_are_counted_and_the_first_named(tmp_path):
    rows = sorted(pair_rows(60), key=lambda row: row["key"])
    found = pair(made(tmp_path / "a", rows[5:]), made(tmp_path / "b", rows[:-1], 3))
    assert (found.both, found.only) == (54, (1, 5))
    assert found.shown == ([rows[-1]["key"]], [row["key"] for row in rows[:3]])
    assert not found.is_complete


@pytest.mark.usefixtures("range_rows")
def test_shards_meet_where_they_hold_rows_of_each_other(tmp_path):
    rows = pair_rows(200)
    assert pair(made(tmp_path / "a", rows, 2), made(tmp_path / "b", rows, 4)).meets.tolist() == [
        [True, False, True, False],
        [False, True, False, True],
    ]
    found = pair(made(tmp_path / "c", rows, 2), made(tmp_path / "d", rows, 3))
    assert found.meets.all()
    assert found.is_complete


@pytest.mark.usefixtures("range_rows")
def test_pixels_are_compared_where_both_sets_say_which(tmp_path):
    rows = pair_rows(30)
    mirrored = [row | {"flipped": number == 9} for number, row in enumerate(rows)]
    one = made(tmp_path / "a", mirrored)
    assert pair(one, made(tmp_path / "b", mirrored)).is_complete
    with pytest.raises(ShardError, match=rf"row {rows[9]['key']} .* flipped is True in .*/a and"):
        pair(one, made(tmp_path / "c", rows))
    assert pair(one, made(tmp_path / "d", [r | {"sha256": "f" * 64} for r in mirrored])).is_complete


@pytest.mark.usefixtures("range_rows")
def test_a_row_that_is_twice_is_named(tmp_path):
    rows = pair_rows(30)
    one = made(tmp_path / "a", rows)
    twice = made(tmp_path / "b", [*rows, rows[4] | {"view": 3}, rows[4] | {"view": 3}])
    with pytest.raises(ShardError, match=rf"/b holds the row {rows[4]['key']} view 3 twice"):
        pair(one, twice)


def test_a_row_is_named_by_key_and_view():
    table = pa.table({"key": ["ab", "ab", "c"], "view": pa.array([0, 12, 255], pa.uint8())})
    names = names_of(table).to_pylist()
    assert names == sorted(names) == ["ab 000", "ab 012", "c 255"]
    assert [told(name) for name in names] == ["ab", "ab view 12", "c view 255"]


def test_boxes_are_an_array():
    column = pa.chunked_array([pa.array([[1, 2, 3, 4]], pa.list_(pa.uint16(), 4))] * 2)
    assert np.array_equal(boxes(column), [[1, 2, 3, 4]] * 2)
    assert boxes(column.slice(1)).tolist() == [[1, 2, 3, 4]]
