"""What exported codes mean: there and back, and said where the file is damaged."""

import pyarrow as pa
import pytest

from dalle_model.shard_schema import COLUMNS, ShardMetadata
from orchestration.token_formats.facts import (
    FACTS_FILE,
    FactsError,
    SetFacts,
    added_of,
    read_facts,
    write_facts,
)
from tests.support.token_shards import METADATA

FIELDS = (
    pa.field("score", pa.float32()),
    pa.field("label", pa.int64()),
    pa.field("a", pa.string()),
)


def test_there_and_back(tmp_path):
    for shape in ((3, 3), None):
        metadata = ShardMetadata(**{**METADATA, "token_shape": shape})
        facts = SetFacts("rar", metadata, FIELDS, 10, 2)
        write_facts(str(tmp_path), facts)
        found = read_facts(str(tmp_path))
        assert found is not None
        assert (found.metadata, found.rows, found.samples) == (metadata, 10, 2)
        assert set(found.added) == set(FIELDS)


def test_a_folder_without_them_has_none(tmp_path):
    assert read_facts(str(tmp_path)) is None


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"tokens": {"schema_version": 9}}'])
def test_damage_is_said(tmp_path, text):
    (tmp_path / FACTS_FILE).write_text(text)
    with pytest.raises(FactsError, match="take it from a copy, or delete it and say"):
        read_facts(str(tmp_path))


def test_columns_of_every_set_and_lists_are_not_added():
    known = [pa.field(name, kind) for name, kind in COLUMNS.items()]
    joined = pa.field("image_tokens_b", pa.list_(pa.uint16(), 9))
    assert added_of([*known, joined, *FIELDS]) == FIELDS
