"""Sources as tables: rows a few at a time, and values of other types named."""

import pyarrow as pa
import pytest

from orchestration.token_formats.format import FormatError
from orchestration.token_formats.tables import batches, table_of


def test_rows_come_in_order_and_none_twice():
    found = list(batches({"n": n} for n in range(1300)))
    assert [len(batch) for batch in found] == [512, 512, 276]
    assert [row["n"] for batch in found for row in batch] == list(range(1300))
    assert list(batches([])) == []


@pytest.mark.parametrize("value", ["text", 1 << 70, [1]])
def test_a_value_of_another_type_names_the_source(value):
    with pytest.raises(FormatError, match=r"^some source cannot be read"):
        table_of("some source", [{"width": value}], pa.schema([pa.field("width", pa.uint32())]))


def test_what_rows_lack_is_null():
    schema = pa.schema([pa.field("a", pa.int64()), pa.field("b", pa.string())])
    assert table_of("x", [{"a": 1, "c": 2}], schema).to_pylist() == [{"a": 1, "b": None}]
