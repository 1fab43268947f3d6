"""JSONL of RAR: a line as its `PretoeknizedDataSetJSONL` reads it, and a token set again."""

import json
import linecache
from pathlib import Path

import pytest

from orchestration.token_formats.format import FormatError
from orchestration.token_formats.importing import Stated
from orchestration.token_formats.rar import FILE
from tests.support.token_formats import described_set, exported, imported, rows_of


def items(path: str) -> list[tuple[int, list[int]]]:
    """All items of the loader (1d-tokenizer 942a96f `data/webdataset_reader.py`), without torch."""
    with Path(path).open() as lines:
        number = sum(1 for _ in lines)
    found = [json.loads(linecache.getline(path, index + 1).strip()) for index in range(number)]
    return [(one["class_id"], one["tokens"]) for one in found]


def test_the_loader_finds_class_and_tokens_of_each_row(tmp_path):
    url = described_set(tmp_path / "a", num_views=10)
    exported("rar", url, tmp_path / "b", classes="label")
    expected = [(row["label"], row["image_tokens"]) for row in rows_of(url)]
    assert sorted(items(str(tmp_path / "b" / FILE))) == sorted(expected)


def test_there_and_back_with_keys_captions_views_and_classes(tmp_path):
    url = described_set(tmp_path / "a", num_views=3)
    exported("rar", url, tmp_path / "b", classes="label")
    imported("rar", tmp_path / "b", tmp_path / "c")
    columns = ["key", "view", "caption", "image_tokens"]
    assert rows_of(tmp_path / "c", columns) == rows_of(url, columns)
    classes = [row["class_id"] for row in rows_of(tmp_path / "c")]
    assert classes == [row["label"] for row in rows_of(url)]
    exported("rar", tmp_path / "c", tmp_path / "d", classes="class_id")
    assert sorted(items(str(tmp_path / "d" / FILE))) == sorted(items(str(tmp_path / "b" / FILE)))


def test_one_class_for_all(tmp_path):
    exported("rar", described_set(tmp_path / "a"), tmp_path / "b", classes="0")
    assert {class_id for class_id, _ in items(str(tmp_path / "b" / FILE))} == {0}


def test_a_row_without_a_class_is_named(tmp_path):
    from tests.support.token_formats import ADDED
    from tests.support.token_shards import pair_rows, write_token_set

    rows = [row | {"label": None if n == 3 else n} for n, row in enumerate(pair_rows(6))]
    url = write_token_set(tmp_path / "a", rows, 1, ADDED[:1])
    with pytest.raises(FormatError, match=f"row {rows[3]['key']} has no class"):
        exported("rar", url, tmp_path / "b", classes="label")
    assert not (tmp_path / "b" / FILE).exists()


def test_lines_of_others_are_read_and_copies_are_counted(tmp_path):
    lines = [{"class_id": n % 2, "tokens": [n, 1, 2, 3]} for n in (0, 1, 2, 2)]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = imported("rar", tmp_path / "x.jsonl", tmp_path / "b", Stated("", 8, "4"))
    assert (result.num_rows, result.num_copies) == (3, 1)
    assert "3 of 4 rows" in str(result)
    found = {(row["class_id"], tuple(row["image_tokens"])) for row in rows_of(tmp_path / "b")}
    assert found == {(n % 2, (n, 1, 2, 3)) for n in range(3)}


@pytest.mark.parametrize("line", ["{", "[]", '{"class_id": 1}', '{"class_id": "x", "tokens": [1]}'])
def test_a_line_that_is_none_is_named(tmp_path, line):
    (tmp_path / FILE).write_text('{"class_id": 1, "tokens": [1]}\n' + line)
    with pytest.raises(FormatError, match=r"line 2 is not|cannot be read"):
        imported("rar", tmp_path, tmp_path / "b", Stated("", 8, "1"))


def test_a_folder_without_the_file_is_said(tmp_path):
    with pytest.raises(FormatError, match=r"rar is a \.jsonl file"):
        imported("rar", tmp_path, tmp_path / "b")
