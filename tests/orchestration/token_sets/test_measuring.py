"""What was measured of a set, as a person and as a program read it."""

import json

import numpy as np
import pyarrow as pa
import pytest

from dalle_model import files
from dalle_model.evaluate.reconstruction import psnr
from dalle_model.shards import ShardError
from dalle_model.tokenizers.registry import inspect_codec, load_codec
from orchestration.engine.progress import Quiet
from orchestration.token_sets.decoding import DecodeError
from orchestration.token_sets.measuring import measure_set, shrunk
from pipelines.io import parquet
from pipelines.io.keys import shard_of
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, write_manifest
from pipelines.records import IMAGE_SCHEMA, IMAGES
from tests.support.codecs import write_codec
from tests.support.image_rows import noise, write_images
from tests.support.image_rows import row as image_row
from tests.support.token_shards import pair_rows, token_row, write_token_set


def measured(url, **changes):
    asked = {"column": "image_tokens", "images": "", "codec": ""} | changes
    return measure_set(str(url), **asked, progress=Quiet())


def tilted(rows, shard):
    """Rows of which those of one shard of four use half of the codes."""
    for row in rows:
        if int(row["key"][:16], 16) % 4 == shard:
            row["image_tokens"] = [code // 2 for code in row["image_tokens"]]
    return rows


def test_a_set_is_told_in_lines(tmp_path):
    lines = str(measured(write_token_set(tmp_path / "a", pair_rows(300), 3))).splitlines()
    assert lines[0].startswith("rows     300 in 3 shards; images of 24 x 24 px to 3 x 3 tokens")
    assert lines[1].startswith("use      16 of 16 codes (100.0%), 0 dead; perplexity 16, ")
    assert lines[2] == "constant 0 rows whose positions are all of one code"
    assert lines[3] == "copies   0 images have the codes of another"
    assert "bits, " in lines[4]
    assert len(lines[5].split()) == 3
    assert lines[8] == "drift    cannot be told: 300 images are too few, 1,024 are needed"
    assert lines[9].startswith("         part-00000-of-00003.parquet: ")
    assert lines[-1].startswith("psnr     not measured: --images names the folder `images`")


def test_an_alarm_is_told(tmp_path):
    found = measured(write_token_set(tmp_path / "a", tilted(pair_rows(2000), 1), 4))
    said = str(found)
    assert "drift    1 ALARMS: " in said
    (line,) = [line for line in said.splitlines() if line.endswith(" ALARM")]
    assert "part-00001-of-00004.parquet" in line
    told = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert told["alarms"] == [found.statistics.shards[1].url]
    assert [one["drift"]["is_alarm"] for one in told["shards"]] == [False, True, False, False]


def test_json_holds_all_of_it(tmp_path):
    url = write_token_set(tmp_path / "a", pair_rows(30))
    told = json.loads(json.dumps(measured(url).as_json(), allow_nan=False))
    assert (told["rows"], told["num_codes"], told["psnr_db"]) == (30, 16, None)
    assert set(told["books"][0]) == {"num_codes", "used", "entropy_bits", "perplexity"}
    assert np.shape(told["position_entropy_bits"]) == (3, 3)
    assert [one["drift"] for one in told["shards"]] == [None, None]
    assert told["drift"].startswith("30 images are too few")


def test_what_is_not_there_is_named(tmp_path):
    url = write_token_set(tmp_path / "a", pair_rows(30))
    with pytest.raises(DecodeError, match="no tokens `x`; --column names one of image_tokens"):
        measured(url, column="x")
    with pytest.raises(DecodeError, match="--codec names the file of its weights"):
        measured(url, images=str(tmp_path))
    with pytest.raises(ShardError, match="no token shards in"):
        measured(tmp_path)


def test_a_map_is_shrunk_to_means():
    grid = np.arange(16.0).reshape(4, 4)
    assert shrunk(grid, 2, 2).tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert shrunk(grid[:1], 8, 12).tolist() == [[0, 1, 2, 3]]


@pytest.fixture
def encoded(tmp_path) -> tuple[str, str, str]:
    """A set of three images of 16 px, the folder of their images, and the codec."""
    codec = f"{tmp_path}/tiny.safetensors"
    write_codec(codec)
    rows = [image_row(number, width=16, height=16) for number in range(3)]
    folder = write_images(tmp_path, rows, codec, 2).input(IMAGES)
    for index in range(2):  # by the hash of their keys, as in a run
        own = [row for row in rows if shard_of(row["key"], 2) == index]
        table = pa.Table.from_pylist(own, IMAGE_SCHEMA)
        files.write_bytes(folder.part(index), parquet.to_bytes(table))
    write_manifest(folder, Manifest("images", "f", {}, {}, {}, num_shards=2))
    facts = inspect_codec(codec)
    pixels = np.stack([noise(number) for number in range(3)])
    codes = load_codec(codec).encode(pixels).reshape(3, -1).tolist()
    tokens = [
        token_row(row["key"], "x", code) | {"crop": [0, 0, 16, 16]}
        for row, code in zip(rows, codes, strict=True)
    ]
    url = write_token_set(
        tmp_path / "tokens",
        tokens,
        codec_sha256=facts.sha256,
        num_codes=facts.num_codes,
        token_shape=facts.token_shape,
        image_shape=facts.image_shape,
    )
    return url, folder.url, codec


def test_psnr_is_that_of_what_was_encoded_and_what_its_tokens_hold(encoded):
    url, images, codec = encoded
    loaded, pixels = load_codec(codec), np.stack([noise(number) for number in range(3)])
    found = measured(url, images=images, codec=codec)
    assert found.psnr == pytest.approx(psnr(pixels, loaded.decode(loaded.encode(pixels))))
    assert found.psnr_rows == 3
    assert f"psnr     {found.psnr:.2f} dB of the first 3 rows" in str(found)


def test_images_of_another_run_are_named(encoded, tmp_path):
    url, _, codec = encoded
    with pytest.raises(DecodeError, match="holds no images of a finished stage"):
        measured(url, images=str(tmp_path / "none"), codec=codec)
    folder = StageFolder(str(tmp_path / "others"), 1)
    files.write_bytes(folder.part(0), parquet.to_bytes(IMAGE_SCHEMA.empty_table()))
    write_manifest(folder, Manifest("images", "f", {}, {}, {}, num_shards=1))
    with pytest.raises(DecodeError, match="has no image of row 0000"):
        measured(url, images=folder.url, codec=codec)
