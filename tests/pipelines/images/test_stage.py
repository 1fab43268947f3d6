from pipelines.images.stage import STAGE
from pipelines.io import parquet
from pipelines.stage import Job
from tests.support.fetched_rows import fetched, write_fetched
from tests.support.raw_images import encode, smooth
from tests.support.stages import run_on_beam


def test_a_side_that_is_not_set_is_the_same_work_as_its_number() -> None:
    unset, named = STAGE.config(), STAGE.config(side=256)
    assert STAGE.settings(unset) == STAGE.settings(named) != STAGE.settings(STAGE.config(side=64))
    assert STAGE.facts(unset, {}) == STAGE.facts(named, {})


def test_the_stage_writes_and_counts(tmp_path) -> None:
    rows = [
        fetched("http://a.test/1.png", "one", encode(smooth(90, 60), "PNG")),
        fetched("http://a.test/2.png", "two", b"not an image"),
    ]
    task = write_fetched(tmp_path, rows)
    assert run_on_beam(STAGE, Job(task, STAGE.config(side=32))) == {
        "rows_in": 2,
        "rows_out": 1,
        "wrong_format": 1,
    }
    assert parquet.read_table(task.part(0)).column("caption").to_pylist() == ["one"]
    assert parquet.read_table(task.rejected(0)).column("caption").to_pylist() == ["two"]
