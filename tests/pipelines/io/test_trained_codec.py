from dataclasses import replace

import pyarrow as pa
import pytest

from dalle_model import files
from dalle_model.pixels import to_png
from pipelines.io import parquet
from pipelines.io.trained_codec import codec_curves, codec_facts, too_small, train_on_survivors
from pipelines.records import (
    CODEC_SIDE,
    GRID,
    IMAGE_RESAMPLE,
    IMAGE_SIDE,
    IMAGES,
    NUM_CODES,
    SELECTION,
    WANTED_SIDE,
)
from tests.support.codecs import TINY, TINY_VQ
from tests.support.image_rows import noise
from tests.support.tasks import stage_task


@pytest.mark.parametrize("sizes", [TINY, TINY_VQ])
def test_sizes_fix_what_is_encoded(sizes):
    assert codec_facts(sizes) == {CODEC_SIDE: 16, WANTED_SIDE: 16, GRID: 2, NUM_CODES: 32}


def test_only_squares_can_be_trained_on():
    with pytest.raises(ValueError, match=r"images of shape .* are not a square"):
        codec_facts(replace(TINY_VQ, image_shape=(16, 24)))


@pytest.mark.parametrize(("stored", "is_too_small"), [(8, True), (16, False), (None, False)])
def test_images_that_are_stored_smaller_are_told(stored, is_too_small):
    facts = codec_facts(TINY) | ({} if stored is None else {IMAGE_SIDE: stored})
    said = too_small(facts, "the preset 'x'", "take another")
    expected = (
        "images are stored at 8 px, below the 16 px of the preset 'x'; set images.side to 16 or "
        "more, or take another"
    )
    assert said == (expected if is_too_small else "")


@pytest.mark.parametrize(
    ("facts", "resample"), [({}, "lanczos"), ({IMAGE_RESAMPLE: "bicubic"}, "bicubic")]
)
def test_a_training_gets_what_survived_once_and_the_filter_that_scaled_it(
    tmp_path, facts, resample
):
    task = stage_task(tmp_path, "vq")
    keys = [f"{n:024x}{caption:016x}" for n in range(4) for caption in range(2)]
    write(task, keys, keys[:-2])
    trained = []

    def train(source, url, resample, logs):
        assert logs.url == task.folder.logs
        trained.append((source.name, [name for name, _ in source.named()], url, resample))
        return {"psnr": 1.0}

    assert train_on_survivors(task, "x.safetensors", facts, train) == {"psnr": 1.0}
    names = [key[:24] for key in keys[:-2:2]]
    url = task.folder.file("x.safetensors")
    assert trained == [(task.url(IMAGES), names, url, resample)]


def test_images_to_train_on_may_be_wanted_larger_than_the_codec_s():
    assert codec_facts(TINY, 24) == codec_facts(TINY) | {WANTED_SIDE: 24}


def write(task, keys: list[str], surviving: list[str]) -> None:
    images = [{"key": key, "image": to_png(noise(int(key[:24], 16)))} for key in keys]
    selected = [{"key": key, "url": "", "caption": ""} for key in surviving]
    schema = pa.schema([(name, pa.string()) for name in ("key", "url", "caption")])
    for role, table in [
        (IMAGES, pa.Table.from_pylist(images)),
        (SELECTION, pa.Table.from_pylist(selected, schema)),
    ]:
        files.write_bytes(task.input(role).part(0), parquet.to_bytes(table))


def test_a_codec_shows_its_loss_and_how_near_it_comes(tmp_path):
    folder = stage_task(tmp_path, "vq").folder
    assert codec_curves(folder, "VQ-VAE", {"squared error": "mse"}) == []
    points = [
        {"step": 2, "loss": 3.0, "mse": 2.0, "codes_used": 9.0},
        {"step": 4, "loss": 2.0, "mse": 1.0, "codes_used": 8.0},
    ]
    files.write_json(folder.file("history.json"), [points[0], points[1] | {"held_out_psnr": 20.5}])
    loss, held_out, use = codec_curves(folder, "VQ-VAE", {"squared error": "mse"})
    assert loss.lines == {"loss": [3.0, 2.0], "squared error": [2.0, 1.0]}
    assert (held_out.y, held_out.lines["PSNR"][1]) == ("dB", 20.5)
    assert use.lines == {"in use": [9.0, 8.0]}
