"""A run deduplicated against finished ones, of other numbers of shards."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline

from dalle_model import files
from pipelines.dedupe import cuts
from pipelines.dedupe.against import open_all
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.near import CANDIDATE_DTYPE
from pipelines.dedupe.pipeline import build
from pipelines.dedupe.runs import Runs
from pipelines.io import parquet
from pipelines.io.layout import StageFolder
from pipelines.io.task import StageTask
from pipelines.records import IMAGE_SCHEMA, IMAGES
from tests.support.beam_tasks import tasks
from tests.support.pictures import Row, finished_run, hash_of, image_row, in_shards, picture


def old_rows(site: str, first: int, count: int = 6) -> list[Row]:
    """Images of a finished run, smaller than all of the new one."""
    return [
        image_row(f"http://{site}/{n}", f"old {n}", picture(n), 50, hash_of(n))
        for n in range(first, first + count)
    ]


def new_rows() -> list[Row]:
    """Equal, similar and other images than those of the finished runs, one of the same URL."""
    equal = image_row("http://new.test/equal", "equal", picture(0), 900, hash_of(0))
    near = image_row(
        "http://new.test/near", "near", picture(1).clip(3) - np.uint8(3), 900, "1" * 32
    )
    again = image_row("http://one.test/2", "old 2", picture(2), 900, hash_of(2))
    changed = image_row("http://one.test/3", "old 3", picture(30), 900, hash_of(30))
    dropped = image_row("http://new.test/dropped", "dropped", picture(5), 900, hash_of(5))
    second = image_row("http://new.test/8", "second", picture(8), 900, hash_of(8))
    twice = [
        image_row(f"http://new.test/own{edge}", "own", picture(40), edge, hash_of(40))
        for edge in (800, 900)
    ]
    return [equal, near, again, changed, dropped, second, *twice]


def dedupe(root: Path, num_shards: int, config: DedupeConfig) -> pa.Table:
    """The rejections of a run of the new rows."""
    task = StageTask(
        str(root), "dedupe", num_shards, "attempt", "f", tuple(range(num_shards)),
        inputs={IMAGES: (f"{root}/images",)},
    )  # fmt: skip
    for index, table in enumerate(in_shards(new_rows(), num_shards, IMAGE_SCHEMA)):
        files.write_bytes(task.input(IMAGES).part(index), parquet.to_bytes(table))
    runs = Runs(num_shards, open_all(config, str(root)))
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        build(tasks(pipeline, task), runs, config, in_parts=True)
    kept = sum(parquet.read_table(task.part(i)).num_rows for i in range(num_shards))
    rejected = pa.concat_tables([parquet.read_table(task.rejected(i)) for i in range(num_shards)])
    assert kept + rejected.num_rows == len(new_rows())
    return rejected


def found(rejected: pa.Table) -> dict[str, tuple[str, str]]:
    """By URL: the reason, and the image that won."""
    return {r["url"]: (r["reason"], r["detail"]) for r in rejected.to_pylist()}


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory) -> tuple[str, str]:
    """The first has dropped picture 5; both have picture 1, larger in the second."""
    folder = tmp_path_factory.mktemp("runs")
    one, two = old_rows("one.test", 0), [*old_rows("two.test", 1, 1), *old_rows("two.test", 8, 3)]
    two[0] |= {"width": 90, "height": 90}
    return (
        finished_run(folder / "2024", one, 3, dropped=[one[5]]),
        finished_run(folder / "2025", two, 2),
    )


@pytest.mark.parametrize(("num_shards", "whole"), [(1, 100), (4, 100), (3, 0)])
def test_what_a_finished_run_kept_wins_and_is_named(
    tmp_path, two_runs, num_shards, whole, monkeypatch
) -> None:
    monkeypatch.setattr(cuts, "WHOLE", whole)
    monkeypatch.setattr(cuts, "PART", 4)
    one = {r["url"]: r["key"][:24] for r in old_rows("one.test", 0)}
    config = DedupeConfig(against=two_runs)
    rejected = found(dedupe(tmp_path, num_shards, config))
    own = next(r["key"][:24] for r in new_rows() if r["url"] == "http://new.test/own900")
    assert rejected == {
        "http://new.test/equal": ("exact_duplicate", f"{one['http://one.test/0']} of 2024"),
        "http://new.test/near": ("near_duplicate", f"{one['http://one.test/1']} of 2024"),
        "http://one.test/2": ("exact_duplicate", f"{one['http://one.test/2']} of 2024"),
        "http://new.test/8": (
            "exact_duplicate",
            f"{old_rows('two.test', 8, 1)[0]['key'][:24]} of 2025",
        ),
        "http://new.test/own800": ("exact_duplicate", own),
    }


def test_the_first_run_of_the_config_is_named_where_several_have_an_image(
    tmp_path, two_runs
) -> None:
    config = DedupeConfig(against=two_runs[::-1])
    rejected = found(dedupe(tmp_path, 2, config))
    assert rejected["http://new.test/near"][1].endswith(" of 2025")


def test_a_better_image_is_found_by_its_run_and_key() -> None:
    finished: Any = [type("Run", (), {"num_shards": count})() for count in (3, 5)]
    runs = Runs(4, tuple(finished))
    assert (runs.own, runs.total_shards) == (2, 12)
    assert [runs.place(shard) for shard in (0, 2, 3, 7, 8, 11)] == [
        (0, 0), (0, 2), (1, 0), (1, 4), (2, 0), (2, 3),
    ]  # fmt: skip
    pairs = np.zeros(3, CANDIDATE_DTYPE)
    pairs["better_run"], pairs["better_high"] = [0, 1, 2], 2**63 + 7
    assert runs.holders(pairs).tolist() == [
        (2**63 + 7) % 3, 3 + (2**63 + 7) % 5, 8 + (2**63 + 7) % 4,
    ]  # fmt: skip


def test_only_columns_that_are_compared_are_read(two_runs) -> None:
    (run,) = open_all(DedupeConfig(against=two_runs[:1]), "other")
    assert run.images == StageFolder(f"{two_runs[0]}/images", 3)
    assert [folder.url for folder in run.filters] == [f"{two_runs[0]}/filter"]
    tables = [run.surviving(index, ["key", "sketch"]) for index in range(3)]
    assert tables[0].column_names == ["key", "sketch"]
    assert sum(table.num_rows for table in tables) == 5
