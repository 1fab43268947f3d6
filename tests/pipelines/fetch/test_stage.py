import pyarrow as pa

from dalle_model import files
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.stage import STAGE
from pipelines.io import parquet
from pipelines.records import CANDIDATE_SCHEMA, CANDIDATES, CAPTION_SCHEMA, CAPTIONS
from pipelines.stage import Job
from tests.support.stages import run_on_beam
from tests.support.tasks import stage_task


def test_what_may_be_reached_is_part_of_the_work_and_told():
    allow = [{"host": "*.corp.example", "networks": ["10.2.0.0/16"], "ports": [8080]}]
    config = FetchConfig.model_validate({"allow": allow})
    assert STAGE.settings(config)["allow"]
    assert STAGE.notices(config) == [
        "private hosts may be reached: *.corp.example in 10.2.0.0/16, port 8080"
    ]
    assert STAGE.notices(FetchConfig()) == []


def test_pending_shards_are_fetched_written_and_counted(tmp_path):
    blank = dict.fromkeys(CAPTION_SCHEMA.names + CANDIDATE_SCHEMA.names, "")
    rows = [
        blank | {"key": "a" * 40, "url": "p.png", "encoded": b"image", "sha256": "1" * 64},
        blank | {"key": "b" * 40, "url": "file:///p.png", "encoded": None, "sha256": None},
    ]
    task = stage_task(tmp_path, "fetch")
    for role, schema in ((CAPTIONS, CAPTION_SCHEMA), (CANDIDATES, CANDIDATE_SCHEMA)):
        content = parquet.to_bytes(pa.Table.from_pylist(rows, schema=schema))
        files.write_bytes(task.input(role).part(0), content)

    counted = run_on_beam(STAGE, Job(task, FetchConfig()))
    assert counted == {"rows_in": 2, "rows_out": 1, "scheme_refused": 1}
    assert parquet.read_table(task.part(0))["sha256"].to_pylist() == ["1" * 64]
    assert parquet.read_table(task.rejected(0))["reason"].to_pylist() == ["scheme_refused"]


def test_what_changes_no_row_is_no_part_of_the_work():
    plain = STAGE.settings(FetchConfig())
    assert STAGE.settings(FetchConfig(host_buckets=7)) == plain
    assert not {"host_buckets", "max_images_per_host", "deadline_s"} & plain.keys()
    limited = STAGE.settings(FetchConfig(max_images_per_host=5, deadline_s=9.0))
    assert limited == plain | {"max_images_per_host": 5, "deadline_s": 9.0}


def test_the_pulse_counts_buckets_of_which_something_is_noted(tmp_path):
    task = stage_task(tmp_path, "fetch")
    assert STAGE.pulse(task.folder) == ""
    for bucket in ("bucket-00007", "bucket-00008", "bytes"):
        files.write_bytes(files.join(task.notes("fetched"), bucket, "x"), b"")
    assert STAGE.pulse(task.folder) == "2 buckets of hosts"
