import hashlib
from pathlib import Path

import pytest

from dalle_model.pixels import to_png
from dalle_model.shards import common_metadata, list_shards
from pipelines.encode.config import EncodeConfig
from pipelines.encode.stage import STAGE
from pipelines.io import parquet
from pipelines.io.finish import rejection_table
from pipelines.io.task import finished_shards
from pipelines.records import CODEC, IMAGE_RESAMPLE
from pipelines.stage import Job
from tests.support.codecs import write_codec
from tests.support.image_rows import noise, row, write_images
from tests.support.stages import run_on_beam


def test_shards_are_written_counted_and_the_same_each_time(tmp_path):
    codec_url = f"{tmp_path}/tiny.safetensors"
    write_codec(codec_url)
    rows = [row(n) for n in range(9)] + [row(9, image=to_png(noise(9, 8, 8)))]
    digests = []
    for name in ("first", "second"):
        task = write_images(tmp_path / name, rows, codec_url, 2)
        counters = run_on_beam(STAGE, Job(task, EncodeConfig(batch_size=4)))
        assert counters == {"rows_in": 10, "rows_out": 9, "below_codec_side": 1}
        assert sorted(finished_shards(task)) == [0, 1]
        urls = list_shards(f"{task.root}/encode")
        assert common_metadata(urls).num_codes == 32
        digests.append([hashlib.sha256(Path(url).read_bytes()).hexdigest() for url in urls])
        assert rejection_table([]).schema == parquet.read_table(task.rejected(0)).schema
    assert digests[0] == digests[1]


@pytest.mark.parametrize(("image", "warnings"), [("lanczos", 0), ("bicubic", 1), (None, 0)])
def test_another_filter_than_the_codecs_is_said_once(tmp_path, image, warnings):
    codec_url = f"{tmp_path}/tiny.safetensors"
    write_codec(codec_url)
    task = write_images(tmp_path, [row(n) for n in range(4)], codec_url, 2)
    facts = STAGE.facts(EncodeConfig(), {CODEC: codec_url})
    if image is not None:
        facts = {**facts, IMAGE_RESAMPLE: image}
    run_on_beam(STAGE, Job(task, EncodeConfig(), facts=facts))
    said = [line for report in finished_shards(task).values() for line in report.warnings]
    assert len(said) == warnings
    assert all("`images.resize: lanczos`" in line for line in said)
