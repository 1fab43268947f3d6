from pathlib import Path

import pytest

from pipelines.io.cleaned import Cleaned, is_freed, read_mark, remedy, write_mark
from pipelines.io.layout import StageFolder
from pipelines.io.parquet import UnreadableShardError, read_table


def test_a_mark_is_read_as_it_was_written(tmp_path):
    folder = StageFolder(str(tmp_path), 2)
    assert read_mark(folder) is None
    write_mark(folder, Cleaned(5, 2, "encode", holds_images=False))
    assert read_mark(folder) == Cleaned(5, 2, "encode", holds_images=False)
    assert folder.output_names() == []


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"more": 1}'])
def test_a_damaged_mark_is_one(tmp_path, content):
    folder = StageFolder(str(tmp_path), 2)
    Path(folder.cleaned).write_text(content)
    assert read_mark(folder) == Cleaned(0, 0)


def test_a_shard_that_was_freed_is_not_called_damage(tmp_path):
    folder = StageFolder(str(tmp_path / "images"), 2)
    with pytest.raises(UnreadableShardError, match="is missing; `dalle verify`"):
        read_table(folder.part(0))
    write_mark(folder, Cleaned(5, 2))
    assert is_freed(folder)
    with pytest.raises(UnreadableShardError, match="`dalle run images` brings them back"):
        read_table(folder.part(0))
    assert remedy("a", "b") == "the rows of a, b were freed; `dalle run a b` brings them back"
