import json
from collections import Counter

import pyarrow as pa
import pytest

from dalle_model.shards import ShardError
from pipelines.encode.carried import fields, passed_over, refuse_shared_names, with_carried
from pipelines.io.carried import Type

TYPES: dict[str, Type] = {"similarity": "number", "cls": "integer", "id": "text"}


def test_columns_have_the_types_that_are_asked_for_and_nulls_for_what_is_not_there():
    texts = [json.dumps({"cls": "3", "id": 17, "similarity": 0.5}), "", json.dumps({"cls": "dog"})]
    unreadable = Counter[str]()
    tables = [pa.table({"key": ["a", "b", "c"], "carried": texts})]
    (table,) = with_carried(tables, TYPES, unreadable)
    assert table.drop_columns(["key", "carried"]).to_pydict() == {
        "cls": [3, None, None], "id": ["17", None, None], "similarity": [0.5, None, None],
    }  # fmt: skip
    assert [str(field.type) for field in fields(TYPES)] == ["int64", "string", "double"]
    assert passed_over(TYPES, unreadable) == {"values of `cls` that are no integer": 1}


def test_a_shard_without_rows_has_the_same_columns():
    empty = pa.schema([("key", pa.string()), ("carried", pa.string())]).empty_table()
    (table,) = with_carried([empty], TYPES, Counter())
    assert [table.schema.field(f.name).type for f in fields(TYPES)] == [
        f.type for f in fields(TYPES)
    ]


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(ShardError, match="carries 'cls', and a stage"):
        refuse_shared_names(["score", "cls"], TYPES)
    refuse_shared_names(["score"], TYPES)
