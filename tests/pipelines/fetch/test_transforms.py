import pyarrow as pa
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline
from apache_beam.testing.util import assert_that

from dalle_model import files
from pipelines.fetch.config import FetchConfig, FetchRuntime
from pipelines.fetch.pipeline import build
from pipelines.io import parquet
from pipelines.io.task import StageTask
from pipelines.records import CAPTION_SCHEMA


def test_pending_shards_are_fetched_written_and_reported(tmp_path):
    blank = dict.fromkeys(CAPTION_SCHEMA.names, "")
    rows = [
        blank | {"key": "a" * 40, "url": "p.png", "encoded": b"picture"},
        blank | {"key": "b" * 40, "url": "file:///p.png", "encoded": None},
    ]
    captions = parquet.to_bytes(pa.Table.from_pylist(rows, schema=CAPTION_SCHEMA))
    task = StageTask(str(tmp_path), "fetch", 1, "attempt", "fingerprint", (0,))

    files.write_bytes(task.part(0, "captions"), captions)

    def check(reports):
        (report,) = reports
        assert (report.rows_in, report.rows_out, report.reasons) == (2, 1, {"scheme_refused": 1})

    with _TestPipeline(runner="FnApiRunner") as pipeline:
        assert_that(build(pipeline, task, FetchConfig(), FetchRuntime()), check)
    assert parquet.read_table(task.part(0))["encoded"].to_pylist() == [b"picture"]
    assert parquet.read_table(task.rejected(0))["reason"].to_pylist() == ["scheme_refused"]
    counted = {
        m.key.metric.name: m.committed
        for m in pipeline.result.metrics().query()["counters"]
        if m.key.metric.namespace == "fetch"
    }
    assert counted == {"rows_in": 2, "rows_out": 1, "scheme_refused": 1}
