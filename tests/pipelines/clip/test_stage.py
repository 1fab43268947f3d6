from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from dalle_model import files
from dalle_model.clip.config import CLIP_PRESETS
from dalle_model.clip.registry import load_scorer
from dalle_model.clip.settings import ClipTraining
from dalle_model.pixels import to_png
from dalle_model.progress import ignore_steps
from pipelines.clip.config import ClipStageConfig
from pipelines.clip.stage import STAGE, surviving_captions
from pipelines.io import parquet
from pipelines.io.manifest import read_manifest
from pipelines.records import IMAGE_SIDE, IMAGES, SELECTION
from pipelines.stage import Job, LocalWork
from tests.support.pairs import TINY, pair
from tests.support.tasks import stage_task

CONFIG = ClipStageConfig(
    model=TINY, training=ClipTraining(steps=2, batch_size=4, warmup_steps=1, precision="float32")
)


@pytest.fixture
def task(tmp_path):
    """18 images with two captions each, of which one caption and one image are left out."""
    task = stage_task(tmp_path, "clip")
    rows = [
        {"key": f"{n:024x}{m:016x}", "image": to_png(image), "caption": text}
        for n, (image, texts) in enumerate(map(pair, range(18)))
        for m, text in enumerate(texts)
    ]
    kept = [{"key": row["key"], "url": "", "caption": ""} for row in rows[:33]]
    for role, found in {IMAGES: rows, SELECTION: kept}.items():
        content = parquet.to_bytes(pa.Table.from_pylist(found))
        files.write_bytes(task.input(role).part(0), content)
    return task


def test_the_pairs_that_survived_become_a_scorer(task):
    assert isinstance(STAGE.work, LocalWork)
    result = STAGE.work.run(Job(task, CONFIG), ignore_steps)
    counted = [result.metrics[name] for name in ("images", "pairs", "held_out")]
    assert counted == [16, 31, 1]
    scorer = load_scorer(task.folder.file(result.files[0]))
    assert scorer.score([pair(0)[0]], ["red"]).shape == (1,)
    assert read_manifest(task.folder) is None
    views: Any = STAGE.views
    titles = [view.title for view in views(task.folder, None, CONFIG)]
    assert titles == ["Training of the CLIP", "Training of the CLIP: held-out pairs"]


def test_captions_come_by_image_in_key_order(task):
    found = surviving_captions(task)
    assert found[f"{3:024x}"] == pair(3)[1]
    assert found[f"{16:024x}"] == pair(16)[1][:1]
    assert f"{17:024x}" not in found


def test_images_below_the_models_size_are_told_before_the_run():
    assert "below the 16 px" in STAGE.misfit(CONFIG, {IMAGE_SIDE: 8})
    assert not STAGE.misfit(CONFIG, {IMAGE_SIDE: 16})
    assert not STAGE.misfit(CONFIG, {})


def test_a_preset_fills_what_a_config_leaves_out():
    section = {"preset": "vit-b-32", "training": {"steps": 5}}
    config = ClipStageConfig.model_validate(section)
    assert config.model == CLIP_PRESETS["vit-b-32"]
    assert (config.training.steps, config.training.batch_size) == (5, 32_768)
    with pytest.raises(ValidationError, match="accumulation must be 1"):
        ClipStageConfig.model_validate({"training": {"accumulation": 2}})
