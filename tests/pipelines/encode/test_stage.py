import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from dalle_model.pixels import to_png
from dalle_model.shards import common_metadata, list_shards
from pipelines.encode.config import EncodeConfig
from pipelines.encode.like import LikeError
from pipelines.encode.shapes import OneShapeError
from pipelines.encode.stage import STAGE
from pipelines.io import parquet
from pipelines.io.finish import rejection_table
from pipelines.io.task import finished_shards
from pipelines.records import (
    CODEC,
    CODEC_SIDE,
    GRID,
    IMAGE_CROP,
    IMAGE_RESAMPLE,
    IMAGE_SIDE,
    WANTED_SIDE,
)
from pipelines.stage import Job
from tests.support.codecs import TINY, write_codec
from tests.support.image_rows import noise, row, write_images
from tests.support.stages import run_on_beam
from tests.support.token_shards import token_row, write_token_shard


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


@pytest.mark.parametrize("views", [("centre",), ("dvae", "prior", "prior")])
def test_rows_are_the_same_in_any_number_of_shards_and_any_order_of_work(tmp_path, views):
    """By the digits of a row alone: neither its shard, nor its neighbours, nor its place."""
    codec_url = f"{tmp_path}/tiny.safetensors"
    write_codec(codec_url)
    rows = [row(n, c, to_png(noise(n, 30, 40))) for n in range(12) for c in range(2)]
    config = EncodeConfig(batch_size=4, views=views, seed=3)
    found = []
    for num_shards, start in ((1, 0), (3, 0), (2, 6)):
        task = write_images(tmp_path / f"{num_shards}", rows[start:], codec_url, num_shards)
        job = Job(replace(task, pending=task.pending[::-1]), config)
        counters = run_on_beam(STAGE, job)
        kept = [r for url in task.folder.parts() for r in parquet.read_table(url).to_pylist()]
        assert counters["rows_in"] == len(rows) - start
        assert len(kept) == counters["rows_out"] == len(views) * counters["rows_in"]
        found.append(sorted(kept, key=lambda r: (r["key"], r["view"])))
    assert found[0] == found[1]
    assert found[0][6 * len(views) :] == found[2]


@pytest.mark.parametrize(
    ("views", "images", "said"),
    [
        (("centre", "flip"), 64, ""),
        (("dvae", "prior"), 96, ""),
        (("dvae", "prior"), 65, ""),
        (("dvae",), 64, "can be the view `dvae`; set images.side to 96, or leave it out"),
        (("prior", "flip", "prior"), 64, "can be the view `prior`; set images.side to 72"),
        (("ten_crop", "dvae"), 64, "can be the view `ten_crop` or `dvae`; set images.side to 96"),
        (("centre",), 63, "set images.side to 64 or more"),
        (("dvae",), None, ""),
    ],
)
def test_images_that_are_stored_too_small_for_a_view_are_told_before_a_run(views, images, said):
    config = EncodeConfig(views=views)
    facts = STAGE.facts(config, {CODEC: "demo"})
    facts = {**facts} | ({} if images is None else {IMAGE_SIDE: images})
    found = STAGE.misfit(config, facts)
    assert said in found
    assert bool(said) == bool(found)


def test_a_codec_that_the_run_trains_answers_no_side_for_views():
    facts = {CODEC_SIDE: 64, WANTED_SIDE: 64, IMAGE_SIDE: 64}
    found = STAGE.misfit(EncodeConfig(views=("dvae",)), facts)
    assert found.endswith("set images.side to 96")


@pytest.mark.parametrize(
    ("views", "count"), [(("centre",), 1), (("prior", "prior"), 2), (("flip", "ten_crop"), 11)]
)
def test_a_row_is_planned_to_take_what_its_views_take(views, count):
    assert STAGE.cost_of is not None
    one = STAGE.cost_of(EncodeConfig(), {})
    many = STAGE.cost_of(EncodeConfig(views=views), {})
    assert (many.stored_bytes, many.cpu_s) == (count * one.stored_bytes, count * one.cpu_s)
    assert (f"{count} views of each image" in many.assumes) == (count > 1)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({IMAGE_SIDE: 24}, []),
        ({IMAGE_SIDE: 20}, ["`images.side: 24` lets it"]),
        ({IMAGE_SIDE: 24, IMAGE_CROP: "none"}, []),
        ({IMAGE_SIDE: 20, IMAGE_CROP: "center"}, ["`images.side: 24`", "`images.crop: none`"]),
    ],
)
def test_what_limits_a_view_is_said_once(tmp_path, facts, said):
    codec_url = f"{tmp_path}/tiny.safetensors"
    write_codec(codec_url)
    config = EncodeConfig(views=("dvae",))
    task = write_images(tmp_path, [row(n) for n in range(4)], codec_url, 2)
    known = STAGE.facts(config, {CODEC: codec_url})
    run_on_beam(STAGE, Job(task, config, facts=known | facts))
    found = [line for report in finished_shards(task).values() for line in report.warnings]
    assert len(found) == len(said)
    assert all(part in line for part, line in zip(said, found, strict=True))


def test_the_side_that_is_wanted_follows_the_views_or_those_of_other_shards(tmp_path):
    codec_url = f"{tmp_path}/tiny.safetensors"
    write_codec(codec_url)

    def wanted(config: EncodeConfig) -> object:
        return STAGE.facts(config, {CODEC: codec_url})[WANTED_SIDE]

    assert wanted(EncodeConfig()) == 16
    assert wanted(EncodeConfig(views=("prior",))) == 18
    shard = tmp_path / "shards" / "a.parquet"
    write_token_shard(shard, [token_row("0" * 40, "c", [0] * 9)], views=("flip", "dvae"))
    assert wanted(EncodeConfig(like=str(shard.parent))) == 24
    assert STAGE.facts(EncodeConfig(views=("dvae",)), {}) == {}


def test_the_side_of_other_shards_with_shapes_of_their_own_is_counted_in_tokens(tmp_path):
    codec_url, shard = f"{tmp_path}/tiny.safetensors", tmp_path / "shards" / "a.parquet"
    write_codec(codec_url)  # of 16 px, 8 px a token
    rows = [
        token_row(f"{n:040x}", "c", [0] * tokens[0] * tokens[1]) | {"token_shape": tokens}
        for n, tokens in enumerate([(6, 10), (7, 9), (8, 7)])
    ]
    write_token_shard(shard, rows, views=("aspect",), image_shape=None, token_shape=None)
    config = EncodeConfig(like=str(shard.parent))
    facts = dict(STAGE.facts(config, {CODEC: codec_url}))
    assert (facts[CODEC_SIDE], facts[WANTED_SIDE]) == (64, 64)
    assert not STAGE.misfit(config, facts | {IMAGE_SIDE: 64})
    assert "images.side to 64" in STAGE.misfit(config, facts | {IMAGE_SIDE: 48})


def test_the_crops_of_other_shards_are_named_by_what_they_are(tmp_path):
    codec_url, shard = f"{tmp_path}/tiny.safetensors", tmp_path / "shards" / "a.parquet"
    write_codec(codec_url, replace(TINY, side=24))
    write_token_shard(shard, [token_row("0" * 40, "c", [0] * 9)])
    config = EncodeConfig(like=str(shard.parent))
    settings = STAGE.settings(config)
    assert settings.keys() == STAGE.settings(EncodeConfig()).keys() - {"views", "seed"}
    before = STAGE.dependencies(config, {CODEC: codec_url})
    assert "like" not in STAGE.dependencies(EncodeConfig(), {CODEC: codec_url})
    write_token_shard(shard, [token_row("1" * 40, "c", [0] * 9)])
    after = STAGE.dependencies(config, {CODEC: codec_url})
    assert before["like"] != after["like"]
    write_codec(codec_url, replace(TINY, side=24, image_width=48))
    with pytest.raises(LikeError, match="and the codec encodes 24 x 48 px"):
        STAGE.dependencies(config, {CODEC: codec_url})
    located = STAGE.relocate(EncodeConfig(like="shards"), str(tmp_path))
    assert located.like == str(shard.parent)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"views": ["flip"], "like": "x"}, "leave out `views`, or `like`"),
        ({"views": []}, "at least 1 item"),
        ({"views": ["ten_crop"] * 26}, "views are 260 of each image, and at most 256 can be"),
        ({"views": ["middle"]}, "'centre', 'flip', 'dvae', 'prior', 'ten_crop' or 'aspect'"),
    ],
)
def test_views_that_cannot_be_are_refused(values, said):
    with pytest.raises(ValidationError, match=said):
        EncodeConfig.model_validate(values)


SCRIPT = """
encoder: encoder.pt
image_shape: [64, 64]
token_shape: [8, 8]
num_codes: 16
pixel_range: [0, 1]
resample: bicubic
"""


def test_a_codec_of_one_shape_is_refused_before_the_run(tmp_path):
    (tmp_path / "encoder.pt").write_bytes(b"not read yet")
    url = tmp_path / "script.yaml"
    url.write_text(SCRIPT)
    assert STAGE.facts(EncodeConfig(), {CODEC: str(url)})[GRID] == 8
    with pytest.raises(OneShapeError, match="codec script encodes images of 64 x 64 px alone"):
        STAGE.facts(EncodeConfig(views=("aspect",)), {CODEC: str(url)})


def test_there_is_no_one_grid_where_images_have_shapes_of_their_own():
    aspect = EncodeConfig(views=("aspect", "centre"))
    assert STAGE.facts(EncodeConfig(), {CODEC: "demo"})[GRID] == 8
    assert STAGE.facts(aspect, {CODEC: "demo"})[GRID] is None
    assert STAGE.facts(aspect, {CODEC: "demo"})[WANTED_SIDE] == 64
    assert STAGE.facts(aspect, {})[GRID] is None


def test_the_longest_aspect_counts_where_a_view_asks_for_it():
    plain, longer = (STAGE.settings(EncodeConfig(max_aspect=limit)) for limit in (2, 3))
    assert plain == longer
    one, other = (
        STAGE.settings(EncodeConfig(max_aspect=limit, views=("aspect",))) for limit in (2, 3)
    )
    assert one != other


def test_a_card_makes_other_work_whichever_it_is_and_the_processor_none():
    settings = [
        STAGE.settings(EncodeConfig(device=device)) for device in ("cpu", "cuda:0", "cuda:1")
    ]
    assert settings[0] == STAGE.settings(EncodeConfig())
    assert "device" not in settings[0]
    assert settings[1] == settings[2] == settings[0] | {"device": "cuda"}
