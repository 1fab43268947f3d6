from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from dalle_model import files
from pipelines.io import parquet
from pipelines.io.earlier import EarlierRows, images_with
from pipelines.io.layout import RunFolder
from pipelines.io.task import StageTask
from tests.support.tasks import stage_task

SCHEMA = pa.schema([("key", pa.string()), ("sha256", pa.string()), ("encoded", pa.binary())])


def image(number: int) -> str:
    return f"{number:024x}"


def result(root: Path, numbers: list[int], sha256: str = "a") -> str:
    """A finished shard of two captions of each image; of odd numbers it has no bytes."""
    rows = [
        {"key": f"{image(n)}{c:016x}", "sha256": sha256, "encoded": None if n % 2 else b"x"}
        for n in sorted(numbers)
        for c in range(2)
    ]
    folder = RunFolder(str(root), 1).stage("images")
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    files.write_bytes(folder.part(0), parquet.to_bytes(table))
    return folder.url


def task_of(tmp_path: Path, *earlier: str) -> StageTask:
    return replace(stage_task(tmp_path / "now", "images"), earlier=earlier)


def test_rows_are_found_in_the_order_of_their_images(tmp_path) -> None:
    rows = EarlierRows(task_of(tmp_path, result(tmp_path, [*range(0, 9000, 3)])), 0, ["sha256"])
    for number in range(9001):
        found = rows.find(image(number))
        assert (found is not None) == (number % 3 == 0 and number < 9000)
        if found is not None:
            assert found == {"key": f"{image(number)}{0:016x}", "sha256": "a"}


def test_all_rows_of_an_image_s_first_key_are_found_though_row_groups_part_them(tmp_path) -> None:
    """As many as an image has views; of a shard that is damaged behind them, those before."""
    schema = pa.schema([("key", pa.string()), ("sha256", pa.string()), ("view", pa.uint8())])
    rows = [
        {"key": f"{image(n)}{c:016x}", "sha256": "b" if (n, view) == (7, 1) else "a", "view": view}
        for n in range(1000)
        for c in range(2)
        for view in range(3)
    ]
    folder = RunFolder(str(tmp_path), 1).stage("images")
    content = parquet.to_bytes(pa.Table.from_pylist(rows, schema=schema))
    files.write_bytes(folder.part(0), content)
    earlier = EarlierRows(task_of(tmp_path, folder.url), 0, ["sha256", "view"])
    for number in (*range(1000), 1001):
        found = earlier.find_all(image(number), lambda row: row["sha256"] == "a")
        assert earlier.find_all(image(number), lambda row: row["sha256"] == "a") == found
        expected = [] if number in (7, 1001) else [0, 1, 2]
        assert [row["view"] for row in found] == expected
        assert {row["key"] for row in found} <= {f"{image(number)}{0:016x}"}


def test_an_image_is_found_twice(tmp_path) -> None:
    rows = EarlierRows(task_of(tmp_path, result(tmp_path, [1])), 0, [])
    assert rows.find(image(1)) == rows.find(image(1)) != None  # noqa: E711


def test_of_several_results_the_first_with_the_same_row_counts(tmp_path) -> None:
    one, other = result(tmp_path / "one", [1, 2], "a"), result(tmp_path / "other", [2, 3], "b")
    rows = EarlierRows(task_of(tmp_path, one, other), 0, ["sha256"])
    found = [rows.find(image(n)) for n in (1, 2, 3)]
    assert [row and row["sha256"] for row in found] == ["a", "a", "b"]
    rows = EarlierRows(task_of(tmp_path, one, other), 0, ["sha256"])
    found = [rows.find(image(n), lambda row: row["sha256"] == "b") for n in (1, 2, 3)]
    assert [row and row["sha256"] for row in found] == [None, "b", "b"]


def test_what_cannot_be_read_is_as_if_it_were_not_there(tmp_path) -> None:
    url = result(tmp_path, [1, 2])
    content = files.read_bytes(f"{url}/part-00000-of-00001.parquet")
    damaged = content[:40] + bytes([content[40] ^ 1]) + content[41:]
    for found in (b"", content[: len(content) // 2], damaged):
        files.write_bytes(f"{url}/part-00000-of-00001.parquet", found)
        assert EarlierRows(task_of(tmp_path, url), 0, ["sha256"]).find(image(2)) is None
        assert images_with(task_of(tmp_path, url), 0, "encoded") == set()
    assert EarlierRows(task_of(tmp_path, f"{tmp_path}/none"), 0, []).find(image(1)) is None


def test_images_with_a_value(tmp_path) -> None:
    earlier = result(tmp_path / "one", [1, 2, 4]), result(tmp_path / "other", [6])
    found = images_with(task_of(tmp_path, *earlier), 0, "encoded")
    assert found == {image(2), image(4), image(6)}


def test_a_retry_looks_at_no_earlier_result(tmp_path) -> None:
    task = replace(task_of(tmp_path, result(tmp_path, [2])), retried=("timed_out",))
    assert task.earlier_results == ()
    assert images_with(task, 0, "encoded") == set()
