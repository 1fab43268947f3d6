import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dalle_model.data.index import read_index
from dalle_model.data.row_groups import RowGroups, as_column, gather, pick
from dalle_model.shards import ShardError
from tests.support.token_shards import write_numbered_shards

COLUMNS = ("caption", "image_tokens", "clip_score")


@pytest.fixture
def index(tmp_path):
    return read_index(write_numbered_shards(tmp_path, [20, 20]))


def test_the_last_ones_are_held_up_to_a_number_of_bytes(index):
    one = RowGroups(COLUMNS, 1, 0)
    size = sum(column.nbytes for column in one.decode(index.groups[0]).values())
    groups = RowGroups(COLUMNS, 1, 2 * size + 40)
    for group in (0, 1, 0, 3):
        groups.read(index.groups[group])
    assert [groups.held(group) for group in index.groups] == [
        True,
        False,
        False,
        True,
        False,
        False,
    ]
    assert groups.read(index.groups[0]) is groups.read(index.groups[0])
    one.read(index.groups[0])
    one.read(index.groups[1])
    assert [one.held(group) for group in index.groups[:2]] == [False, True]


def test_threads_get_the_same_rows(index):
    groups = RowGroups(COLUMNS, 1, 1)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(groups.read, index.groups * 20))
    wanted = [groups.decode(group)["caption"] for group in index.groups]
    assert all(columns["caption"] == wanted[n % 6] for n, columns in enumerate(found))


def test_it_is_pickled_without_what_it_holds(index):
    groups = RowGroups(COLUMNS, 1, 1000)
    groups.read(index.groups[0])
    copy = pickle.loads(pickle.dumps(groups))
    assert not copy.held(index.groups[0])
    assert copy.read(index.groups[1])["caption"][0].as_py() == "caption 8"


@pytest.mark.parametrize("column", ["key", "caption", "image_tokens"])
@pytest.mark.parametrize("group", [0, 2])
def test_a_flipped_bit_is_found(tmp_path, column, group):
    (path,) = write_numbered_shards(tmp_path, [20])
    index, content = read_index([path]), bytearray(Path(path).read_bytes())
    row_group = pq.read_metadata(path).row_group(group)
    (chunk,) = [
        chunk
        for chunk in map(row_group.column, range(row_group.num_columns))
        if chunk.path_in_schema.split(".")[0] == column
    ]
    content[chunk.dictionary_page_offset + chunk.total_compressed_size - 1] ^= 1
    Path(path).write_bytes(content)
    groups = RowGroups(("key", "caption", "image_tokens"), 1, 0)
    with pytest.raises(ShardError, match=rf"row group {group} of .*0\.parquet cannot be read"):
        groups.read(index.groups[group])
    assert len(groups.read(index.groups[1])["caption"]) == 8


def test_a_shard_that_was_replaced_is_refused(tmp_path):
    urls = write_numbered_shards(tmp_path, [20])
    index = read_index(urls)
    size = Path(urls[0]).stat().st_size
    write_numbered_shards(tmp_path, [20], fingerprint="tesT")
    assert Path(urls[0]).stat().st_size == size
    with pytest.raises(ShardError, match="no longer the shard that was indexed"):
        RowGroups(COLUMNS, 1, 0).read(index.groups[0])


def test_a_column_that_a_version_did_not_have_is_null_and_one_that_none_has_an_error(index):
    found = RowGroups(["token_shape"], 1, 0).decode(index.groups[0])["token_shape"]
    assert found.null_count == 8
    with pytest.raises(ShardError, match="there is no column beauty"):
        RowGroups(["beauty"], 1, 0).decode(index.groups[0])


def test_codes_of_several_codebooks_lie_side_by_side(tmp_path):
    changes: dict[str, Any] = {"token_shape": (3,), "codebooks": 3, "order": "sequence"}
    index = read_index(write_numbered_shards(tmp_path, [20], **changes))
    found = RowGroups(["image_tokens"], 3, 0).decode(index.groups[1])["image_tokens"]
    assert found.shape == (8, 3, 3)
    assert found[0].tolist() == [[8, 0, 0]] * 3


def test_numbers_become_arrays_and_what_may_be_null_does_not():
    scores = as_column(pa.array([1.5, None], pa.float32()))
    assert scores.dtype == np.float32
    assert np.isnan(scores).tolist() == [False, True]
    assert as_column(pa.array([True, False])).tolist() == [True, False]
    assert as_column(pa.array([[1, 2], [3, 4]], pa.list_(pa.uint16(), 2))[1:]).tolist() == [[3, 4]]
    for kept in (pa.array([1, None]), pa.array(["a"]), pa.array([[1], []])):
        assert as_column(kept) is kept


@pytest.mark.parametrize("column", [np.arange(12).reshape(6, 2), pa.array(list("abcdef"))])
def test_parts_are_put_where_they_belong(column):
    places = [np.array([5, 0]), np.array([2]), np.array([1, 3, 4])]
    parts = [pick(column, place) for place in places]
    whole = gather(parts, places)
    assert (whole == column).all() if isinstance(column, np.ndarray) else whole == column
