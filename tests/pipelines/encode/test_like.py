import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dalle_model import files
from dalle_model.checkpoint import save_checkpoint
from dalle_model.cuts import Box, Cut, Sizes, cut_out
from dalle_model.pixels import from_stored, to_png
from dalle_model.shards import image_of, image_tokens
from dalle_model.tokenizers.abilities import of_shape
from dalle_model.tokenizers.registry import load_codec
from dalle_model.tokenizers.vqgan import Vqgan
from dalle_model.tokenizers.vqgan_config import VqganConfig
from pipelines.encode.batches import Place, Row
from pipelines.encode.config import EncodeConfig
from pipelines.encode.like import (
    MISSING,
    LikeError,
    LikeRows,
    grid_of,
    like_sha256,
    open_like,
    views_of,
)
from pipelines.encode.shard import encode_shard
from pipelines.io.finish import finish_shard
from pipelines.io.keys import shard_of
from pipelines.io.layout import RunFolder, part_name
from pipelines.io.manifest import Manifest, write_manifest
from pipelines.io.task import Stopwatch
from pipelines.rejection import Check
from tests.support.codecs import TINY, write_codec
from tests.support.image_rows import noise, row, write_images
from tests.support.results import whole
from tests.support.token_shards import token_row, write_token_shard

SIZES = Sizes(24, 24, 24, 24)


def key(number: int, caption: int = 0) -> str:
    """Keys whose first digits are spread, as those of hashes are."""
    return f"{number * 0x9E3779B97F4A7C15 % (1 << 64):016x}{number:08x}{caption:016x}"


def rows_of(number: int, captions: int = 1, views: int = 2) -> list[Row]:
    return [
        token_row(key(number, caption), "c", [0] * 9)
        | {"view": view, "crop": [number % 5, view, 20, 21], "flipped": view == 1, "sha256": "a"}
        for caption in range(captions)
        for view in range(views)
    ]


def write_shards(folder: Path, rows: list[Row], num_shards: int, is_run: bool = True) -> str:
    """Token shards of a run, or of a folder where a row may lie in any."""
    rows = sorted(rows, key=lambda r: (r["key"], r["view"]))
    for index in range(num_shards):
        own = [r for n, r in enumerate(rows) if _home(r["key"], n, num_shards, is_run) == index]
        write_token_shard(folder / part_name(index, num_shards), own, views=("centre", "flip"))
    if is_run:
        stage = RunFolder(str(folder.parent), num_shards).stage("encode")
        write_manifest(stage, Manifest("encode", "f", {}, {}, {}, num_shards=num_shards))
    return str(folder)


def _home(one: str, place: int, num_shards: int, is_run: bool) -> int:
    return shard_of(one, num_shards) if is_run else place // 2 % num_shards


def tables(keys: list[str], seed: int) -> Iterator[pa.Table]:
    chance, start = random.Random(seed), 0
    while start < len(keys):
        size = chance.randint(0, 5)
        yield pa.table({"key": pa.array(keys[start : start + size], pa.string())})
        start += size


@pytest.mark.parametrize("is_run", [True, False])
@pytest.mark.parametrize(("others", "num_shards"), [(1, 1), (1, 3), (4, 1), (4, 2), (3, 4), (4, 4)])
def test_crops_are_found_however_many_shards_there_are(tmp_path, others, num_shards, is_run):
    there = [r for number in range(0, 90, 2) for r in rows_of(number, 1 + number % 3)]
    like = open_like(write_shards(tmp_path / "encode", there, others, is_run), (3, 3))
    ours = [key(number, caption) for number in range(60) for caption in range(2)]
    expected = {r["key"] for r in there}
    found, missing = 0, 0
    for index in range(num_shards):
        keys = sorted(one for one in ours if shard_of(one, num_shards) == index)
        rows = LikeRows(like, index, num_shards, (3, 3))
        for table in rows.followed(tables(keys, index)):
            for one in table["key"].to_pylist():
                refused = rows.refusal({"key": one, "sha256": "a"})
                assert (refused is None) == (one in expected)
                if refused is not None:
                    assert refused == Check("not_in_like", passed=False)
                    continue
                found += 1
                number = int(one[16:24], 16)
                cuts = [Cut(Box(number % 5, v, 20, 21), v == 1, (3, 3)) for v in range(2)]
                places = [Place(view, cut) for view, cut in enumerate(cuts)]
                assert rows.choose({"key": one}, SIZES) == places
                assert rows.count({"key": one}) == 2
        missing += rows.num_missing
    assert found == len(expected & set(ours)) > 0
    assert missing == len(expected - set(ours)) > 0


def test_no_more_than_the_rows_of_a_table_are_held(tmp_path):
    there = [r for number in range(500) for r in rows_of(number, views=1)]
    like = open_like(write_shards(tmp_path / "encode", there, 2))
    rows = LikeRows(like, 0, 1, (3, 3))
    keys = sorted(r["key"] for r in there)
    held = [len(rows._rows) for table in rows.followed(tables(keys, 1)) if table.num_rows]
    assert max(held) <= 5
    assert sum(held) == 500
    assert rows.num_missing == 0


def test_only_shards_of_a_run_that_may_hold_a_key_are_read(tmp_path):
    like = open_like(write_shards(tmp_path / "encode", rows_of(1), 6))
    assert like.of_shard(1, 4) == tuple(like.urls[n] for n in (1, 3, 5))
    assert like.of_shard(5, 6) == (like.urls[5],)
    assert like.of_shard(2, 3) == tuple(like.urls[n] for n in (2, 5))
    assert like.of_shard(0, 5) == like.urls
    Path(like.folder, "manifest.json").unlink()
    assert open_like(like.folder).of_shard(1, 4) == like.urls


def test_an_image_that_has_changed_is_another_one(tmp_path):
    like = open_like(write_shards(tmp_path / "encode", rows_of(1), 1))
    rows = LikeRows(like, 0, 1, (3, 3))
    list(rows.followed(tables([key(1)], 0)))
    rows._read("", None, pa.chunked_array([[key(1)]]))
    check = rows.refusal({"key": key(1), "sha256": "b"})
    assert check == Check("changed_since_like", passed=False, detail="was a")


def test_rows_that_are_not_those_of_one_run_are_refused(tmp_path):
    one, other = rows_of(1)
    write_token_shard(tmp_path / "a.parquet", [one, other | {"view": 0}])
    rows = LikeRows(open_like(str(tmp_path)), 0, 1, (3, 3))
    rows._read("", None, pa.chunked_array([[key(1)]]))
    with pytest.raises(LikeError, match="has a view twice"):
        rows.refusal({"key": key(1), "sha256": "a"})


def test_captions_of_an_image_have_one_crop(tmp_path):
    one, *others = rows_of(1, 2, 1)
    write_token_shard(tmp_path / "a.parquet", [one, *(r | {"crop": [0, 0, 9, 9]} for r in others)])
    rows = LikeRows(open_like(str(tmp_path)), 0, 1, (3, 3))
    rows._read("", None, pa.chunked_array([[key(1, 0), key(1, 1)]]))
    assert rows.refusal({"key": key(1, 0), "sha256": "a"}) is None
    with pytest.raises(LikeError, match="have different crops"):
        rows.refusal({"key": key(1, 1), "sha256": "a"})


def test_what_cannot_be_used_says_which_it_is(tmp_path):
    for call in (open_like, views_of):
        with pytest.raises(LikeError, match="nowhere: its crops cannot be taken: no token shards"):
            call(f"{tmp_path}/nowhere")
    Path(tmp_path, "a.parquet").write_bytes(b"no shard")
    with pytest.raises(LikeError, match="not Parquet"):
        open_like(str(tmp_path))
    write_token_shard(tmp_path / "a.parquet", rows_of(1))
    assert open_like(str(tmp_path), (48, 48)).metadata.image_shape == (24, 24)
    with pytest.raises(
        LikeError, match="crops were encoded as 24 x 24 px, and the codec encodes 16"
    ):
        open_like(str(tmp_path), (16, 32))


def test_rows_are_named_by_their_manifest_or_by_all_footers(tmp_path):
    folder = write_shards(tmp_path / "encode", rows_of(1) + rows_of(2), 2)
    manifest = open_like(folder).manifest
    assert manifest is not None
    assert like_sha256(open_like(folder)) == manifest.digest
    assert open_like(str(tmp_path)).folder == folder  # of the run
    Path(folder, "manifest.json").unlink()
    before = like_sha256(open_like(folder))
    assert before == like_sha256(open_like(folder)) != manifest.digest
    write_shards(tmp_path / "encode", rows_of(1) + rows_of(2) + rows_of(3), 2, is_run=False)
    assert like_sha256(open_like(folder)) != before


@pytest.fixture(scope="module")
def codecs(tmp_path_factory):
    """Two codecs: of 16 px, and of 8 px with other codes."""
    folder = tmp_path_factory.mktemp("codecs")
    write_codec(f"{folder}/one.safetensors")
    write_codec(f"{folder}/other.safetensors", replace(TINY, side=8, num_codes=64))
    return f"{folder}/one.safetensors", f"{folder}/other.safetensors"


def pairs(count: int) -> list[Row]:
    return [
        row(n, c, to_png(noise(n, 30, 40))) | {"sha256": f"{n:064x}"}
        for n in range(1, count)
        for c in range(2)
    ]


def encoded(root: Path, rows: list[Row], codec: str, config: EncodeConfig, num_shards: int = 1):
    task = write_images(root, rows, codec, num_shards)
    for index in range(num_shards):
        finish_shard(task, index, encode_shard(task, index, config), Stopwatch())
    return task


def test_the_same_codec_gives_the_same_tokens(tmp_path, codecs):
    first = EncodeConfig(views=("dvae", "prior", "flip"), seed=5)
    task = encoded(tmp_path / "one", pairs(9), codecs[0], first)
    again = write_images(tmp_path / "again", pairs(9), codecs[0])
    result = whole(encode_shard(again, 0, EncodeConfig(like=task.folder.url)))
    before = pq.read_table(task.part(0))
    assert result.kept.replace_schema_metadata().equals(before.replace_schema_metadata())
    assert result.kept.schema.metadata == before.schema.metadata
    assert (result.rejected, result.passed_over) == ([], {})


def test_another_codec_encodes_the_same_rows_and_crops(tmp_path, codecs):
    first = EncodeConfig(views=("dvae", "prior"))
    task = encoded(tmp_path / "one", pairs(9)[4:], codecs[0], first, 2)
    rows = [*pairs(8), row(99)]
    result = whole(
        encode_shard(
            write_images(tmp_path / "other", rows, codecs[1]),
            0,
            EncodeConfig(like=task.folder.url),
        )
    )
    before = pa.concat_tables(pq.read_table(task.part(n)) for n in range(2)).sort_by(
        [("key", "ascending"), ("view", "ascending")]
    )
    wanted = {r["key"] for r in pairs(8)[4:]}
    names = ["key", "view", "crop", "flipped", "source_key", "width"]
    expected = [r for r in before.select(names).to_pylist() if r["key"] in wanted]
    assert result.kept.select(names).to_pylist() == expected
    assert image_tokens(result.kept).shape == (len(expected), (8 // 8) ** 2)
    assert {r.reason for r in result.rejected} == {"not_in_like"}
    assert result.rows_in + result.added == result.kept.num_rows + len(result.rejected)
    assert len(result.rejected) == 5
    assert result.passed_over == {MISSING: 2}  # both captions of the eighth image
    assert result.tallies["rows_missing"] == 2
    assert {image_of(r.key) for r in result.rejected} == {
        image_of(row(n)["key"]) for n in (1, 2, 99)
    }


ASPECT = EncodeConfig(views=("aspect", "flip"))


@pytest.fixture(scope="module")
def of_buckets(tmp_path_factory):
    """Two codecs of any shape: a dVAE of 8 px a token, and a VQGAN of 4."""
    folder = tmp_path_factory.mktemp("of-buckets")
    dvae, vqgan = f"{folder}/dvae.safetensors", f"{folder}/vqgan.safetensors"
    write_codec(dvae, replace(TINY, side=64))
    config = VqganConfig(64, 16, 32, 32, (1, 1, 2), 1, (), "nearest", (16, 24))
    save_checkpoint(vqgan, "vqgan", Vqgan(config).state_dict(), config.to_dict())
    return dvae, vqgan


def photographs(count: int = 6) -> list[Row]:
    """Rows of images of several aspects, stored at half their size."""
    sizes = [(64, 64), (70, 130), (200, 66), (64, 80)]  # height and width
    rows = []
    for n in range(1, count + 1):
        height, width = sizes[n % len(sizes)]
        png = to_png(noise(n, height, width))
        rows.append(row(n, 0, png, 2 * width, 2 * height) | {"sha256": f"{n:064x}"})
    return rows


def test_the_same_codec_gives_the_same_tokens_in_shapes_of_their_own(tmp_path, of_buckets):
    task = encoded(tmp_path / "one", photographs(), of_buckets[0], ASPECT)
    again = write_images(tmp_path / "again", photographs(), of_buckets[0])
    result = whole(encode_shard(again, 0, EncodeConfig(like=task.folder.url)))
    before = pq.read_table(task.part(0))
    assert len(set(map(tuple, before["token_shape"].to_pylist()))) > 3
    assert result.kept.replace_schema_metadata().equals(before.replace_schema_metadata())
    assert result.kept.schema.metadata == before.schema.metadata
    assert grid_of(task.folder.url) == 64 // 8


def test_another_codec_keeps_crops_and_token_shapes_and_has_images_of_its_own_patches(
    tmp_path, of_buckets
):
    task = encoded(tmp_path / "one", photographs(), of_buckets[0], ASPECT)
    other = write_images(tmp_path / "other", photographs(), of_buckets[1])
    result = whole(encode_shard(other, 0, EncodeConfig(like=task.folder.url, mode="fast")))
    names = ["key", "view", "crop", "flipped", "token_shape"]
    before = pq.read_table(task.part(0))
    assert result.kept.select(names).to_pylist() == before.select(names).to_pylist()
    codec = load_codec(of_buckets[1])
    for found in result.kept.to_pylist():
        shape = tuple(4 * tokens for tokens in found["token_shape"])
        stored = from_stored(next(r["image"] for r in photographs() if r["key"] == found["key"]))
        sizes = Sizes(found["width"], found["height"], stored.shape[1], stored.shape[0])
        cut = Cut(Box(*found["crop"]), found["flipped"], shape)
        pixels = cut_out(stored, cut, sizes, codec.facts.resample)
        codes = of_shape(codec, shape).encode(pixels[None])
        assert np.mean(codes[0] == found["image_tokens"]) > 0.9


def test_a_codec_of_one_shape_is_refused_with_what_to_name(tmp_path, of_buckets):
    task = encoded(tmp_path / "one", photographs(2), of_buckets[0], ASPECT)
    with pytest.raises(
        LikeError, match=r"of many aspects, .* images of 64 x 32 px alone; name one"
    ):
        open_like(task.folder.url, (64, 32))
    assert open_like(task.folder.url, (64, 32), (8, 8)).metadata.token_shape is None


def test_a_crop_that_is_stored_too_small_for_a_codec_is_a_rejection(tmp_path, codecs):
    task = encoded(tmp_path / "one", pairs(4), codecs[1], EncodeConfig(views=("dvae",)))
    again = write_images(tmp_path / "again", pairs(4), codecs[0])
    result = whole(encode_shard(again, 0, EncodeConfig(like=task.folder.url)))
    small = [r for r in result.rejected if r.reason == "below_codec_side"]
    large = [max(r["crop"][2:3]) for r in result.kept.to_pylist()]
    assert len(small) + len(large) == 6
    assert all(r.measured is not None and r.measured < 16 for r in small)


def test_shards_of_version_1_have_crops_too(tmp_path):
    old = Path(__file__).parents[2] / "support" / "shards" / "v1.parquet"
    files.write_bytes(f"{tmp_path}/v1.parquet", old.read_bytes())
    like = open_like(str(tmp_path), (128, 128))
    keys = pq.read_table(old, columns=["key"])["key"]
    rows = LikeRows(like, 0, 1, (128, 128))
    for _ in rows.followed(iter([pa.table({"key": keys})])):
        (place,) = rows.choose({"key": keys[0].as_py()}, SIZES)
        assert place == Place(0, Cut(Box(21, 0, 149, 128), False, (128, 128)))
    assert rows.names == ("centre",)
