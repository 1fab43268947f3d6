import pyarrow as pa

from dalle_model import files
from dalle_model.pixels import to_png
from dalle_model.progress import ignore_steps
from dalle_model.settings import VqTraining
from dalle_model.tokenizers.registry import inspect_codec
from pipelines.io import parquet
from pipelines.records import (
    CODEC_SIDE,
    GRID,
    IMAGE_RESAMPLE,
    IMAGES,
    NUM_CODES,
    SELECTION,
    WANTED_SIDE,
)
from pipelines.stage import Job, LocalWork
from pipelines.vq.config import VqStageConfig
from pipelines.vq.stage import STAGE
from tests.support.codecs import TINY_VQ
from tests.support.image_rows import noise
from tests.support.tasks import stage_task

CONFIG = VqStageConfig(
    model=TINY_VQ, training=VqTraining(steps=2, decay_steps=1, batch_size=4, kmeans_iterations=1)
)


def test_the_images_that_survived_become_a_codec(tmp_path):
    task = stage_task(tmp_path, "vq")
    keys = [f"{n:024x}{0:016x}" for n in range(18)]
    columns = {
        IMAGES: [{"key": k, "image": to_png(noise(n))} for n, k in enumerate(keys)],
        SELECTION: [{"key": k, "url": "", "caption": ""} for k in keys[:-1]],
    }
    for role, rows in columns.items():
        table = pa.Table.from_pylist(rows)
        files.write_bytes(task.input(role).part(0), parquet.to_bytes(table))
    assert isinstance(STAGE.work, LocalWork)
    job = Job(task, CONFIG, facts={IMAGE_RESAMPLE: "bicubic"})
    result = STAGE.work.run(job, ignore_steps)
    assert (result.metrics["images"], result.metrics["held_out"]) == (16, 1)
    facts = inspect_codec(task.folder.file(result.files[0]))
    assert (facts.side, facts.resample) == (16, "bicubic")
    promised = STAGE.facts(CONFIG, {})
    sides = {CODEC_SIDE: facts.side, WANTED_SIDE: facts.side}
    assert promised == {**sides, GRID: facts.grid, NUM_CODES: facts.num_codes}
