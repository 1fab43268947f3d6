from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline
from apache_beam.testing.util import assert_that

from pipelines.fetch.config import FetchConfig, FetchRuntime
from pipelines.fetch.pipeline import build
from pipelines.io import parquet
from pipelines.io.stage import StageTask
from tests.pipelines.fetch.test_fetch import row, write_captions


def test_pending_shards_are_fetched_written_and_reported(tmp_path):
    rows = [row("p.png", "local", encoded=b"picture"), row("file:///p.png", "refused")]
    write_captions(tmp_path, rows)
    task = StageTask(str(tmp_path), "fetch", 1, "attempt", "fingerprint", (0,))

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
