import apache_beam as beam
from apache_beam.metrics.metric import MetricsFilter
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from pipelines.images.pipeline import build
from pipelines.io import parquet
from tests.pipelines.images.test_shard import CONFIG, fetched, write_fetched
from tests.support.raw_images import encode, smooth


def test_decode_images_writes_and_counts(tmp_path) -> None:
    rows = [
        fetched("http://a.test/1.png", "one", encode(smooth(90, 60), "PNG")),
        fetched("http://a.test/2.png", "two", b"not an image"),
    ]
    task = write_fetched(tmp_path, rows)
    pipeline = _TestPipeline(runner="FnApiRunner")
    reports = build(pipeline, task, CONFIG)
    seen = reports | beam.Map(lambda r: (r.index, r.rows_in, r.rows_out, r.reasons))
    assert_that(seen, equal_to([(0, 2, 1, {"wrong_format": 1})]))
    outcome = pipeline.run()
    outcome.wait_until_finish()
    counters = outcome.metrics().query(MetricsFilter().with_namespace("images"))["counters"]
    assert {c.key.metric.name: c.committed for c in counters} == {
        "rows_in": 2,
        "rows_out": 1,
        "wrong_format": 1,
    }
    assert parquet.read_table(task.part(0)).column("caption").to_pylist() == ["one"]
    assert parquet.read_table(task.rejected(0)).column("caption").to_pylist() == ["two"]
