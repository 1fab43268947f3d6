import pyarrow as pa

from dalle_model import files
from dalle_model.pixels import to_png
from dalle_model.progress import ignore_steps
from dalle_model.settings import DvaeTraining
from dalle_model.tokenizers.registry import inspect_codec
from pipelines.dvae.config import DvaeStageConfig
from pipelines.dvae.stage import STAGE
from pipelines.io import parquet
from pipelines.records import CODEC_SIDE, GRID, IMAGE_RESAMPLE, IMAGES, SELECTION, WANTED_SIDE
from pipelines.stage import Job, LocalWork
from tests.support.codecs import TINY
from tests.support.image_rows import noise
from tests.support.tasks import stage_task


def config(**training):
    return DvaeStageConfig(
        model=TINY, training=DvaeTraining(steps=2, batch_size=4, kl_steps=1, **training)
    )


def test_the_images_that_survived_become_a_codec_from_parts_by_chance(tmp_path):
    task = stage_task(tmp_path, "dvae")
    keys = [f"{n:024x}{0:016x}" for n in range(18)]
    columns = {
        IMAGES: [{"key": k, "image": to_png(noise(n, 24, 30))} for n, k in enumerate(keys)],
        SELECTION: [{"key": k, "url": "", "caption": ""} for k in keys[:-1]],
    }
    for role, rows in columns.items():
        table = pa.Table.from_pylist(rows)
        files.write_bytes(task.input(role).part(0), parquet.to_bytes(table))
    assert isinstance(STAGE.work, LocalWork)
    job = Job(task, config(), facts={IMAGE_RESAMPLE: "bicubic"})
    result = STAGE.work.run(job, ignore_steps)
    assert (result.metrics["images"], result.metrics["held_out"]) == (16, 1)
    facts = inspect_codec(task.folder.file(result.files[0]))
    assert (facts.side, facts.resample) == (16, "bicubic")


def test_images_are_stored_as_large_as_the_augmentation_needs_them():
    promised = STAGE.facts(config(), {})
    assert (promised[CODEC_SIDE], promised[WANTED_SIDE], promised[GRID]) == (16, 24, 2)
    for augment in ("none", "shift"):
        assert STAGE.facts(config(augment=augment), {})[WANTED_SIDE] == 16
