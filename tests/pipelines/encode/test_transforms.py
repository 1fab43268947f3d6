import hashlib
from pathlib import Path

import pyarrow as pa
from apache_beam.metrics.metric import MetricsFilter
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline

from dalle_model.pixels import to_png
from dalle_model.shards import common_metadata, list_shards
from pipelines.encode.config import EncodeConfig
from pipelines.encode.pipeline import build
from pipelines.io import parquet
from pipelines.io.task import StageTask, finished_shards, rejection_table
from pipelines.records import IMAGE_SCHEMA, SURVIVOR_SCHEMA
from tests.pipelines.encode.test_shard import picture, row
from tests.support.codecs import write_codec


def write_stages(root, num_shards):
    rows = [row(n) for n in range(9)] + [row(9, png=to_png(picture(9, 8, 8)))]
    task = StageTask(str(root), "encode", num_shards, "a", "f", tuple(range(num_shards)))
    for index in range(num_shards):
        share = rows[index::num_shards]
        survivors = [{k: r[k] for k in ("key", "url", "caption")} for r in share]
        for stage, content, schema in (
            ("images", share, IMAGE_SCHEMA),
            ("dedupe", survivors, SURVIVOR_SCHEMA),
        ):
            path = Path(task.part(index, stage))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(parquet.to_bytes(pa.Table.from_pylist(content, schema=schema)))
    return task


def run(task, codec_url):
    pipeline = _TestPipeline(runner="FnApiRunner")
    build(pipeline, task, EncodeConfig(codec=codec_url, batch_size=4))
    result = pipeline.run()
    result.wait_until_finish()
    found = result.metrics().query(MetricsFilter().with_namespace("encode"))["counters"]
    return {counter.key.metric.name: counter.committed for counter in found}


def test_shards_are_written_counted_and_the_same_each_time(tmp_path):
    codec_url = f"{tmp_path}/tiny.safetensors"
    write_codec(codec_url)
    digests = []
    for name in ("first", "second"):
        task = write_stages(tmp_path / name, 2)
        counters = run(task, codec_url)
        assert counters == {"rows_in": 10, "rows_out": 9, "below_codec_side": 1}
        assert sorted(finished_shards(task)) == [0, 1]
        urls = list_shards(f"{task.root}/encode")
        assert common_metadata(urls).num_codes == 32
        digests.append([hashlib.sha256(Path(url).read_bytes()).hexdigest() for url in urls])
        assert rejection_table([]).schema == parquet.read_table(task.rejected(0)).schema
    assert digests[0] == digests[1]
