import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from dalle_model import files
from dalle_model.cuts import Box, Cut, Sizes, cut_out
from dalle_model.pixels import crop_box, from_stored, to_png
from dalle_model.resize import rectangle
from dalle_model.shard_schema import column_encodings, token_schema
from dalle_model.shards import ShardError, image_of, image_tokens, read_metadata, read_shards
from dalle_model.tokenizers.abilities import GivesMargins
from dalle_model.tokenizers.codec import CodecFacts
from dalle_model.tokenizers.dvae import Dvae, to_input
from dalle_model.tokenizers.dvae_codec import DvaeCodec
from dalle_model.tokenizers.registry import load_codec
from pipelines.encode.batch_size import BatchSize
from pipelines.encode.config import EncodeConfig, dependencies
from pipelines.encode.encoder import Encoder, Tokens
from pipelines.encode.margins import MARGINS
from pipelines.encode.proof import PROVEN
from pipelines.encode.shapes import OneShapeError
from pipelines.encode.shard import encode_shard, shard_metadata
from pipelines.io import parquet
from pipelines.io.carried import Type
from pipelines.io.finish import finish_shard
from pipelines.io.parquet import to_bytes
from pipelines.io.task import ShardResult, StageTask, Stopwatch, finished_shards
from pipelines.records import SELECTION, SELECTION_SCHEMA
from tests.support.codecs import TINY, FailingCodec, write_codec
from tests.support.image_rows import Row, noise, row, write_images
from tests.support.results import whole

SHARDS = Path(__file__).parents[2] / "support" / "shards"


@pytest.fixture(scope="module")
def codec_url(tmp_path_factory):
    url = f"{tmp_path_factory.mktemp('codec')}/tiny.safetensors"
    write_codec(url)
    return url


def test_the_tokens_of_a_row_are_the_codes_of_its_square(tmp_path, codec_url):
    rows = [row(1, image=to_png(noise(1, 16, 24))), row(2)]
    task = write_images(tmp_path, rows, codec_url)
    result = whole(encode_shard(task, 0, EncodeConfig(batch_size=4)))
    codec = load_codec(codec_url)
    expected = codec.encode(np.stack([noise(1, 16, 24)[:, 4:20], noise(2)]))
    assert result.rows_in == 2
    assert image_tokens(result.kept).tolist() == expected.tolist()


def test_survivors_only_and_their_columns_are_carried(tmp_path, codec_url):
    rows = [row(n) for n in range(4)]
    task = write_images(tmp_path, rows, codec_url, keep=rows[1:3])
    result = whole(encode_shard(task, 0, EncodeConfig()))
    kept = result.kept.to_pylist()
    assert [k["key"] for k in kept] == [rows[1]["key"], rows[2]["key"]]
    for name in ("caption", "url", "page_url", "license", "source", "name", "phash", "sha256"):
        assert kept[0][name] == rows[1][name]
    assert kept[0]["crop"] == [5, 0, 35, 30]  # in pixels of the 40x30 original
    assert (kept[0]["view"], kept[0]["text_tokens"], kept[0]["clip_score"]) == (0, None, None)


def test_captions_of_one_image_share_its_tokens(tmp_path, codec_url, monkeypatch):
    task = write_images(tmp_path, [row(1, 0), row(1, 1), row(2, 0)], codec_url)
    seen = []

    def counting(stored):
        seen.append(stored)
        return from_stored(stored)

    monkeypatch.setattr("pipelines.encode.pieces.from_stored", counting)
    tokens = image_tokens(whole(encode_shard(task, 0, EncodeConfig())).kept)
    assert len(seen) == 2
    assert tokens[0].tolist() == tokens[1].tolist() != tokens[2].tolist()


def test_what_an_earlier_result_has_of_the_same_image_is_not_encoded_again(
    tmp_path, codec_url, monkeypatch
):
    rows = [row(n) | {"sha256": f"{n:064x}"} for n in range(12)]
    rows += [row(5, 1) | {"sha256": f"{5:064x}"}]
    rows[3]["full_image"] = to_png(noise(99))
    before = write_images(tmp_path / "before", [*rows[:8]], codec_url)
    finish_shard(before, 0, encode_shard(before, 0, EncodeConfig(batch_size=4)), Stopwatch())
    rows[1] |= {"sha256": "f" * 64, "image": to_png(noise(98))}
    rows[0]["caption"] = "another"
    task = write_images(tmp_path / "now", sorted(rows, key=lambda r: r["key"]), codec_url)
    expected = whole(encode_shard(task, 0, EncodeConfig(batch_size=4)))
    encoded = []

    def counting(stored):
        encoded.append(stored)
        return from_stored(stored)

    monkeypatch.setattr("pipelines.encode.pieces.from_stored", counting)
    task = replace(task, earlier=(before.folder.url,))
    found = whole(encode_shard(task, 0, EncodeConfig(batch_size=4)))
    assert found.kept.equals(expected.kept)
    assert found.tallies == expected.tallies != {}
    new = [rows[n] for n in (0, 1, 3, 8, 9, 10, 11)]  # the first is of the sample that is proven
    assert encoded == [r[name] for r in new for name in ("image", "full_image") if r.get(name)]
    assert (found.reused, expected.reused) == (13 - 7, 0)


def test_what_cannot_be_encoded_is_a_rejection_and_the_books_balance(tmp_path, codec_url):
    small, broken = row(1, image=to_png(noise(1, 15, 20))), row(2, image=b"no png")
    task = write_images(tmp_path, [small, broken, row(3)], codec_url)
    result = whole(encode_shard(task, 0, EncodeConfig()))
    assert result.rows_in == result.kept.num_rows + len(result.rejected) == 3
    found = [(r.reason, r.measured, r.threshold) for r in result.rejected]
    assert found == [("below_codec_side", 15, 16), ("undecodable", None, None)]


def test_two_views_are_two_rows_that_say_what_they_are(tmp_path, codec_url):
    rows = [row(n, c, to_png(noise(n, 30, 40))) for n in range(5) for c in range(2)]
    task = write_images(tmp_path, rows, codec_url)
    result = whole(encode_shard(task, 0, EncodeConfig(views=("flip", "prior", "prior"))))
    kept = result.kept.to_pylist()
    assert [(k["key"], k["view"]) for k in kept] == [(r["key"], v) for r in rows for v in range(3)]
    assert (result.rows_in, result.added) == (10, 20)
    codec = load_codec(codec_url)
    for token_row in kept:
        rgb = noise(int(image_of(token_row["key"]), 16), 30, 40)
        left, top, right, bottom = token_row["crop"]
        square = rectangle(rgb[top:bottom, left:right], (16, 16), codec.facts.resample)
        square = square[:, ::-1] if token_row["flipped"] else square
        assert codec.encode(square[None])[0].tolist() == token_row["image_tokens"]
    assert [k["flipped"] for k in kept[:3]] == [True, False, False]
    assert kept[1]["crop"] != kept[2]["crop"]
    assert kept[1]["crop"] == kept[4]["crop"]  # the other caption's
    finish_shard(task, 0, encode_shard(task, 0, EncodeConfig(views=("flip", "prior"))), Stopwatch())
    assert read_metadata(task.part(0)).views == ("flip", "prior")
    assert finished_shards(task)[0].rows_added == 10


@pytest.mark.parametrize("number", range(3))
def test_views_of_an_earlier_result_are_taken_where_all_are_there(tmp_path, codec_url, number):
    rows = [row(n, c) | {"sha256": f"{n:064x}"} for n in range(1, 9) for c in range(2)]
    before = write_images(tmp_path / "before", rows[number:], codec_url)
    config = EncodeConfig(views=("centre", "flip"))
    finish_shard(before, 0, encode_shard(before, 0, config), Stopwatch())
    task = write_images(tmp_path / "now", rows, codec_url)
    expected = whole(encode_shard(task, 0, config))
    found = whole(encode_shard(replace(task, earlier=(before.folder.url,)), 0, config))
    assert found.kept.equals(expected.kept)
    assert (found.reused, found.added) == (16 - number // 2 * 2, 16)
    fewer = whole(encode_shard(replace(task, earlier=(before.folder.url,)), 0, EncodeConfig()))
    assert fewer.reused == 0


@pytest.fixture(scope="module")
def wide_codec_url(tmp_path_factory):
    url = f"{tmp_path_factory.mktemp('codec')}/wide.safetensors"
    write_codec(url, replace(TINY, side=64))
    return url


SIZES = [(64, 64), (70, 130), (200, 66), (64, 80), (100, 75), (65, 120)]  # height and width
ASPECT = EncodeConfig(views=("centre", "aspect"), batch_size=4)


def of_many_aspects(count: int) -> list[Row]:
    """Stored at half their size."""
    rows = []
    for n in range(1, count + 1):
        height, width = SIZES[n % len(SIZES)]
        image = to_png(noise(n, height, width))
        rows += [
            row(n, c, image, 2 * width, 2 * height) | {"sha256": f"{n:064x}"} for c in range(2)
        ]
    return rows


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_rows_of_many_aspects_have_the_codes_of_models_of_their_shape(
    tmp_path, wide_codec_url, mode
):
    task = write_images(tmp_path, of_many_aspects(12), wide_codec_url)
    config = EncodeConfig(views=("centre", "aspect"), batch_size=4, mode=mode)
    finish_shard(task, 0, encode_shard(task, 0, config), Stopwatch())
    metadata, table = read_metadata(task.part(0)), read_shards([task.part(0)])
    assert (metadata.image_shape, metadata.token_shape) == (None, None)
    assert metadata.views == ("centre", "aspect")
    rows = table.to_pylist()
    assert [(r["key"], r["view"]) for r in rows] == sorted((r["key"], r["view"]) for r in rows)
    shapes = {tuple(r["token_shape"]) for r in rows}
    assert shapes == {(8, 8), (6, 10), (10, 6), (7, 9), (9, 7)}
    state = DvaeCodec.load(wide_codec_url).model.state_dict()
    same = []
    for r in rows:
        shape = (8 * r["token_shape"][0], 8 * r["token_shape"][1])
        plain = Dvae(replace(TINY, side=shape[0], image_width=shape[1])).eval()
        plain.load_state_dict(state)
        number = int(image_of(r["key"]), 16)
        cut = Cut(Box(*r["crop"]), False, shape)
        height, width = SIZES[number % len(SIZES)]
        stored = Sizes(2 * width, 2 * height, width, height)
        rgb = cut_out(noise(number, height, width), cut, stored, "lanczos")
        assert r["crop"] == list(crop_box(2 * width, 2 * height, shape))
        with torch.inference_mode():
            codes = plain.encode(to_input(rgb[None])).flatten().tolist()
        same.append(np.mean(np.array(codes) == r["image_tokens"]))
    assert np.mean(same) == 1 if mode == "exact" else np.mean(same) > 0.9


def test_margins_have_the_length_of_their_row(tmp_path, wide_codec_url):
    task = write_images(tmp_path, of_many_aspects(6), wide_codec_url)
    config = ASPECT.model_copy(update={"margin": True})
    rows = whole(encode_shard(task, 0, config)).kept.to_pylist()
    assert {len(r["image_tokens"]) for r in rows} == {60, 63, 64}
    for r in rows:
        assert len(r[MARGINS]) == len(r["image_tokens"]) == np.prod(r["token_shape"])


@pytest.mark.parametrize("margin", [True, False])
def test_rows_of_an_earlier_result_keep_their_shape(tmp_path, wide_codec_url, margin):
    rows = of_many_aspects(12)
    config = ASPECT.model_copy(update={"margin": margin})
    before = write_images(tmp_path / "before", rows[6:], wide_codec_url)
    finish_shard(before, 0, encode_shard(before, 0, config), Stopwatch())
    task = write_images(tmp_path / "now", rows, wide_codec_url)
    expected = whole(encode_shard(task, 0, config))
    found = whole(encode_shard(replace(task, earlier=(before.folder.url,)), 0, config))
    assert found.kept.equals(expected.kept)
    assert (found.reused, expected.reused) == (18, 0)


@pytest.mark.parametrize(
    ("height", "width", "outcome"),
    [
        (60, 75, [7, 9]),
        (50, 85, [6, 10]),
        (55, 75, ("below_codec_side", 70, 72)),
        (63, 63, ("below_codec_side", 63, 64)),
    ],
)
def test_an_image_that_is_too_small_for_its_bucket_is_a_rejection(
    tmp_path, wide_codec_url, height, width, outcome
):
    rows = [row(1, image=to_png(noise(1, height, width)), width=width, height=height)]
    task = write_images(tmp_path, rows, wide_codec_url)
    result = whole(encode_shard(task, 0, EncodeConfig(views=("aspect",))))
    found = [(r.reason, r.measured, r.threshold) for r in result.rejected]
    assert result.kept["token_shape"].to_pylist() + found == [outcome]


def test_the_sample_and_full_decodings_are_compared_in_their_shapes(tmp_path, wide_codec_url):
    rows = of_many_aspects(2 * PROVEN)[:: 2 * 8]
    for pair in rows[:6]:
        pair["full_image"] = pair["image"]
    task = write_images(tmp_path, rows, wide_codec_url)
    tallies = whole(encode_shard(task, 0, EncodeConfig(views=("aspect",)))).tallies
    assert tallies["images_compared"] == 6
    assert tallies["tokens_compared"] == tallies["tokens_equal"]
    assert tallies.get("images_failed_when_proven", 0) == 0


def test_the_view_aspect_of_a_codec_of_one_shape_is_refused(tmp_path, wide_codec_url, monkeypatch):
    monkeypatch.setattr("pipelines.encode.shard._codec", lambda *_: (Words(), BatchSize(4)))
    task = write_images(tmp_path, of_many_aspects(1), wide_codec_url)
    with pytest.raises(OneShapeError, match="codec words encodes images of 32 x 16 px alone"):
        encode_shard(task, 0, ASPECT)


def test_rows_have_the_key_that_their_source_gives_them(tmp_path, codec_url):
    rows = [row(1) | {"name": "00000.tar!000007"}, row(2), row(3) | {"name": ""}]
    kept = whole(encode_shard(write_images(tmp_path, rows, codec_url), 0, EncodeConfig())).kept
    assert kept["source_key"].to_pylist() == ["000007", "2.png", None]


def test_an_empty_shard_has_the_schema(tmp_path, codec_url):
    task = write_images(tmp_path, [], codec_url)
    result = whole(encode_shard(task, 0, EncodeConfig()))
    assert (result.rows_in, result.kept.num_rows) == (0, 0)
    assert b"dalle" in result.kept.schema.metadata


class Words:
    """A codec of sequences of two codes, some of which need more than 16 bits."""

    facts = CodecFacts(
        "words", "c" * 64, (32, 16), (3,), 1 << 18, "lanczos", (0.0, 1.0), 2, "sequence"
    )

    def encode(self, images):
        sums = images.reshape(len(images), 3, 2, -1).sum(-1, np.uint64)
        return (sums * 40009 % (1 << 18)).astype(np.uint32)

    def decode(self, codes):
        raise NotImplementedError


def test_any_codec_s_codes_are_stored_as_it_gives_them():
    codec = Words()
    images = [noise(n, 32, 16) for n in range(5)]
    config = EncodeConfig(batch_size=2)
    outcomes = Encoder(codec, config, BatchSize(2, is_fixed=True)).encode(images)
    codes = np.stack([one.codes for one in outcomes if isinstance(one, Tokens)])
    assert codes.shape == (5, 3, 2)
    assert codes.dtype == np.uint32
    assert codes.max() > 65535
    assert codes.tolist() == codec.encode(np.stack(images)).tolist()
    metadata = shard_metadata(codec, "f")
    assert (metadata.token_shape, metadata.codebooks, metadata.order) == ((3,), 2, "sequence")
    assert metadata.image_shape == (32, 16)
    rows = [{"image_tokens": row.ravel()} for row in codes]
    table = pa.Table.from_pylist(rows, token_schema(metadata))
    assert image_tokens(table, metadata.codebooks).tolist() == codes.tolist()


def test_the_preprocessing_of_a_square_is_called_as_in_version_1():
    old = read_metadata(str(SHARDS / "v1.parquet"))
    assert shard_metadata(load_codec("demo"), "f").preprocessing == old.preprocessing
    assert shard_metadata(Words(), "f").preprocessing != old.preprocessing


def test_a_codec_of_rectangles_sees_the_centre_of_its_aspect(tmp_path):
    url = f"{tmp_path}/wide.safetensors"
    write_codec(url, replace(TINY, image_width=24))
    rgb = noise(0, 40, 90)
    rows = [row(1, image=to_png(rgb), width=180, height=80), row(2)]
    result = whole(encode_shard(write_images(tmp_path / "run", rows, url), 0, EncodeConfig()))
    expected = load_codec(url).encode(rectangle(rgb, (16, 24))[None])
    assert image_tokens(result.kept).tolist() == expected.tolist()
    assert result.kept["crop"].to_pylist() == [list(crop_box(180, 80, (16, 24)))]
    found = [(r.reason, r.measured, r.threshold) for r in result.rejected]
    assert found == [("below_codec_side", 16, 24)]


def test_tokens_of_images_decoded_at_a_scale_are_compared(tmp_path, codec_url):
    rows = [row(n, c) for n in range(4) for c in range(2)]
    for pair in rows[:4]:
        pair["full_image"] = pair["image"]
    other = to_png(noise(99))
    for pair in rows[4:6]:
        pair["full_image"] = other
    result = whole(encode_shard(write_images(tmp_path, rows, codec_url), 0, EncodeConfig()))
    codec = load_codec(codec_url)
    same = int((codec.encode(noise(2)[None]) == codec.encode(noise(99)[None])).sum())
    tokens = codec.facts.num_tokens
    assert result.tallies == {
        "images_compared": 3,
        "tokens_compared": 3 * tokens,
        "tokens_equal": 2 * tokens + same,
        "images_proven": 1,
        "tokens_proven": tokens,
        "tokens_differ_by_batch": 0,
    }
    assert same < tokens


def test_dependencies_name_the_codec_by_its_content(codec_url):
    found = dependencies(codec_url)
    assert found["codec"] == load_codec(codec_url).facts.sha256
    assert found.keys() == {"codec", "torch"}


@pytest.fixture(scope="module")
def shard(tmp_path_factory, codec_url):
    root = tmp_path_factory.mktemp("run")
    task = write_images(root, [row(n) for n in range(200)], codec_url)
    finish_shard(task, 0, encode_shard(task, 0, EncodeConfig()), Stopwatch())
    result = whole(encode_shard(task, 0, EncodeConfig()))
    return task.part(0), image_tokens(result.kept).tolist()


def test_metadata_says_what_the_tokens_mean(shard, codec_url):
    metadata = read_metadata(shard[0])
    codec = load_codec(codec_url)
    assert (metadata.codec, metadata.codec_sha256) == ("tiny", codec.facts.sha256)
    assert (metadata.grid, metadata.num_codes, metadata.side) == (2, 32, 16)
    assert (metadata.pixel_range, metadata.fingerprint) == ((0.1, 0.9), "fingerprint")


def test_tokens_are_dictionary_encoded(shard):
    group = pq.ParquetFile(shard[0]).metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    tokens = columns["image_tokens.list.element"]
    assert "RLE_DICTIONARY" in tokens.encodings
    assert "RLE_DICTIONARY" not in columns["caption"].encodings


@pytest.mark.parametrize(
    ("num_codes", "rows", "bits"), [(8192, 4096, 13.2), (16384, 512, 14.4), (1 << 18, 512, 19)]
)
def test_a_token_costs_little_more_than_its_bits(num_codes, rows, bits, tmp_path):
    """Uniform codes, which nothing compresses; 32 bits where the path in Parquet is misspelt."""
    facts = replace(Words.facts, num_codes=num_codes, codebooks=1, token_shape=(1024,))
    metadata = shard_metadata(SimpleNamespace(facts=facts), "f")
    tokens = np.random.default_rng(0).integers(0, num_codes, (rows, 1024))
    field = token_schema(metadata).field("image_tokens")
    flat = pa.array(tokens.reshape(-1), field.type.value_type)
    table = pa.table({field.name: pa.FixedSizeListArray.from_arrays(flat, type=field.type)})
    content = parquet.to_bytes(table, column_encodings(metadata))
    assert len(content) / tokens.size < bits / 8
    path = str(tmp_path / "part.parquet")
    files.write_bytes(path, content)
    for first in (
        duckdb.connect().execute(f"select image_tokens from '{path}' limit 1").fetchall()[0][0],
        pd.read_parquet(path)["image_tokens"][0],
    ):
        assert list(first) == tokens[0].tolist()


def test_pandas_and_duckdb_read_the_shard(shard):
    url, tokens = shard
    frame = pd.read_parquet(url)
    assert [list(r) for r in frame["image_tokens"]] == tokens
    found = (
        duckdb.connect().execute(f"select key, image_tokens from '{url}' order by key").fetchall()
    )
    assert [list(r[1]) for r in found] == tokens


def test_datasets_reads_the_shard(shard, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets  # reads the environment when it is imported

    url, tokens = shard
    loaded = datasets.load_dataset(
        "parquet", data_files=url, split="train", cache_dir=str(tmp_path)
    )
    assert loaded["image_tokens"][:] == tokens
    feature = loaded.features["image_tokens"]
    assert (feature.length, feature.feature.dtype) == (TINY.grid**2, "uint16")
    assert json.loads(json.dumps(loaded[0]["crop"])) == [5, 0, 35, 30]


def test_carried_values_are_columns_of_their_types_and_what_is_none_is_counted(tmp_path, codec_url):
    rows = [row(1) | {"carried": '{"cls":"3"}'}, row(2) | {"carried": '{"cls":"dog"}'}, row(3)]
    task = write_images(tmp_path, rows, codec_url)
    types: dict[str, Type] = {"cls": "integer"}
    result = whole(encode_shard(task, 0, EncodeConfig(), types))
    assert result.kept.schema.field("cls").type == pa.int64()
    assert result.kept["cls"].to_pylist() == [3, None, None]
    assert result.passed_over == {"values of `cls` that are no integer": 1}


def test_a_carried_name_that_a_selection_adds_is_refused(tmp_path, codec_url):
    task = write_images(tmp_path, [row(1)], codec_url)
    score = pa.table({**{n: [row(1)[n]] for n in SELECTION_SCHEMA.names}, "score": [0.5]})
    (selection,) = task.all_inputs(SELECTION)
    files.write_bytes(selection.part(0), to_bytes(score))
    with pytest.raises(ShardError, match="carries 'score', and a stage"):
        encode_shard(task, 0, EncodeConfig(), {"score": "number"})


def test_margins_are_a_column_that_every_reader_knows(tmp_path, codec_url, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    rows = [row(n) | {"sha256": f"{n:064x}"} for n in range(1, 7)]
    task = write_images(tmp_path, rows, codec_url)
    config = EncodeConfig(batch_size=4, margin=True)
    plain = whole(encode_shard(task, 0, EncodeConfig(batch_size=4))).kept
    finish_shard(task, 0, encode_shard(task, 0, config), Stopwatch())
    shard = pq.read_table(task.part(0))
    assert shard.column_names == [*plain.column_names, MARGINS]
    assert shard["image_tokens"].to_pylist() == plain["image_tokens"].to_pylist()
    codec = load_codec(codec_url)
    assert isinstance(codec, GivesMargins)
    _, margins = codec.encode_with_margins(np.stack([noise(n) for n in range(1, 7)]))
    expected = margins.astype(np.float16).tolist()
    assert shard[MARGINS].to_pylist() == expected
    found = duckdb.connect().execute(f"select {MARGINS} from '{task.part(0)}'").fetchall()
    assert [list(r[0]) for r in found] == expected
    assert [list(r) for r in pd.read_parquet(task.part(0))[MARGINS]] == expected
    loaded = datasets.load_dataset(
        "parquet", data_files=task.part(0), split="train", cache_dir=str(tmp_path)
    )
    assert loaded[MARGINS][:] == expected
    assert loaded.features[MARGINS].feature.dtype == "float16"
    again = replace(task, earlier=(task.folder.url,))
    reused = whole(encode_shard(again, 0, config))
    assert (reused.reused, reused.kept[MARGINS].to_pylist()) == (6, expected)


def test_a_sample_of_each_shard_is_encoded_again_and_what_differs_is_counted(tmp_path, codec_url):
    rows = [row(n, c) for n in (0, 1, PROVEN) for c in range(2)]
    task = write_images(tmp_path, rows, codec_url)
    exact = whole(encode_shard(task, 0, EncodeConfig()))
    fast = whole(encode_shard(task, 0, EncodeConfig(mode="fast")))
    common = {"images_proven": 2, "tokens_proven": 2 * TINY.grid**2, "tokens_differ_by_batch": 0}
    assert exact.tallies == common
    without = {n: v for n, v in fast.tallies.items() if n != "images_proven_of_bfloat16"}
    assert without == common | {"tokens_differ_from_exact": 0}
    assert image_tokens(fast.kept).tolist() == image_tokens(exact.kept).tolist()


def test_what_an_encoder_has_to_say_is_a_warning_of_the_shard(tmp_path, codec_url, monkeypatch):
    codec = load_codec(codec_url)
    needs = FailingCodec(codec, holds=2)
    monkeypatch.setattr("pipelines.encode.shard.load_codec", lambda url: needs)
    task = write_images(tmp_path, [row(n) for n in range(1, 40)], codec_url)
    result = whole(encode_shard(task, 0, EncodeConfig(mode="fast", batch_size=5)))
    (said,) = result.warnings
    assert "does not hold 4 images of 16 x 16 px at once: 2 are encoded instead" in said
    assert result.kept.num_rows == 39


@pytest.mark.parametrize("is_blurred", [(True, False), (False, True), (True, True)])
def test_an_earlier_result_counts_where_the_same_boxes_are_blurred(tmp_path, codec_url, is_blurred):
    """The column may be there or not, and rows without a box are the same either way."""
    rows = [row(n) | {"sha256": f"{n:064x}"} for n in range(2, 5)]
    found: list[tuple[StageTask, ShardResult]] = []
    for place, blurs in enumerate(is_blurred):
        task = write_images(tmp_path / f"{place}", rows, codec_url)
        if blurs:
            _name_boxes(task, [[0, 0, 65_535, 65_535], [], []])
        if place:
            task = replace(task, earlier=(found[0][0].folder.url,))
        result = whole(encode_shard(task, 0, EncodeConfig()))
        finish_shard(task, 0, encode_shard(task, 0, EncodeConfig()), Stopwatch())
        found.append((task, result))
    fresh = whole(encode_shard(replace(found[1][0], earlier=()), 0, EncodeConfig()))
    assert found[1][1].kept.equals(fresh.kept)
    assert found[1][1].reused == (3 if is_blurred == (True, True) else 2)
    same = [
        a == b for a, b in zip(*(r.kept["image_tokens"].to_pylist() for _, r in found), strict=True)
    ]
    assert same == [is_blurred == (True, True), True, True]


def _name_boxes(task, boxes):
    url = task.input(SELECTION).part(0)
    column = pa.array(boxes, pa.list_(pa.field("element", pa.uint16())))
    files.write_bytes(url, to_bytes(parquet.read_table(url).append_column("blurred", column)))
