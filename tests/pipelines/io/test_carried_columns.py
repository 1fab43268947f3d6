import json
from collections import Counter

import pyarrow as pa

from pipelines.io.carried import Type
from pipelines.io.carried_columns import fields, passed_over, with_carried

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
