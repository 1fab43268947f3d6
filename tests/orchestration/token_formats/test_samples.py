"""Rows as samples: in the shape of their codes, views together across row groups, with classes."""

from io import BytesIO

import numpy as np
import pyarrow as pa
import pytest

from dalle_model.shard_sets.token_set import open_set
from orchestration.token_formats.format import Export, FormatError
from orchestration.token_formats.samples import classes_of, npy, shaped_codes, whole_samples
from tests.support.token_formats import described_rows, described_set
from tests.support.token_shards import pair_rows, write_token_set


def test_views_of_a_pair_are_in_one_table_wherever_row_groups_end(tmp_path):
    url = described_set(tmp_path / "a", 1000, num_views=10, num_shards=1)
    export = Export(open_set(url), "")
    (shard,) = export.shards
    assert len(shard.groups) > 1
    assert shard.groups[0].rows % 10
    tables = list(whole_samples(export, shard, ["caption"]))
    assert [table.num_rows % 10 for table in tables] == [0] * len(tables)
    found = pa.concat_tables(tables)
    expected = sorted((row["key"], row["view"]) for row in described_rows(1000, 10))
    assert list(zip(*(found[n].to_pylist() for n in ("key", "view")), strict=True)) == expected


@pytest.mark.parametrize("place", [0, 1, 7, 8])
def test_a_pair_without_one_of_its_views_is_named(tmp_path, place):
    rows = sorted(
        (row | {"view": view} for row in pair_rows(3) for view in range(3)),
        key=lambda row: (row["key"], row["view"]),
    )
    left = rows.pop(place)
    url = write_token_set(tmp_path / "a", rows, 1, views=("centre", "flip", "prior"))
    export = Export(open_set(url), "")
    with pytest.raises(FormatError, match=left["key"]):
        list(whole_samples(export, export.shards[0], []))


def test_codes_have_the_shape_of_their_positions(tmp_path):
    rows = [row | {"image_tokens": list(range(12))} for row in pair_rows(2)]
    url = write_token_set(tmp_path / "a", rows, 1, token_shape=(2, 3), codebooks=2)
    export = Export(open_set(url), "")
    (table,) = export.shards[0].tables()
    for codes in shaped_codes(table, export, "image_tokens"):
        assert np.array_equal(codes, np.arange(12).reshape(2, 3, 2))


def test_classes_are_of_a_column_or_one_number(tmp_path):
    export = Export(open_set(described_set(tmp_path / "a")), "", classes="label")
    (table, *_) = export.shards[0].tables()
    assert classes_of(export, table).tolist() == table["label"].to_pylist()
    export = Export(export.source, "", classes="12")
    assert set(classes_of(export, table).tolist()) == {12}


def test_an_array_is_what_numpy_loads():
    array = np.arange(6, dtype=np.int64).reshape(1, 2, 3)
    assert np.array_equal(np.load(BytesIO(npy(array))), array)
