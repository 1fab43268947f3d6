"""Images to tokens in one line: all of them, or which are missing and why."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dalle_model.shards import list_shards, read_shards
from dalle_model.tokenizers.registry import load_codec
from orchestration import api
from orchestration.commands.encoding import MissingTokensError
from tests.support.codecs import TINY, write_codec


def png(seed: int, width: int = 24, height: int = 16) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.png").write_bytes(png(number))
    (folder / "wide.png").write_bytes(png(9, width=160))
    return folder


@pytest.fixture
def codec(tmp_path):
    url = f"{tmp_path}/tiny.safetensors"
    write_codec(url)
    return url


def test_every_image_has_the_codes_of_its_square(tmp_path, photos, codec):
    (photos / "again.png").write_bytes(png(3))
    found = api.encode(str(photos), f"{tmp_path}/tokens", codec)
    assert str(found).endswith("6 of 6 images have tokens; 1 more were copies")
    rows = read_shards(list_shards(found.tokens)).to_pylist()
    assert len(rows) == 6
    by_name = {row["name"]: row["image_tokens"] for row in rows}
    square = np.asarray(Image.open(io.BytesIO(png(0))))[:, 4:20]
    assert by_name["0.png"] == load_codec(codec).encode(square[None])[0].tolist()


def test_what_has_no_tokens_ends_it_with_the_reasons_and_more_images_go_on(tmp_path, photos, codec):
    (photos / "broken.png").write_bytes(png(7)[:80])
    (photos / "small.png").write_bytes(png(8, width=15))
    out = f"{tmp_path}/my tokens"
    with pytest.raises(MissingTokensError) as caught:
        api.encode(str(photos), out, codec)
    told = str(caught.value)
    assert told.startswith(f"6 of 8 images have tokens, in {out}/encode; dropped: images ")
    assert "too_small 1" in told
    assert f"--dir '{out}'" in told
    for name in ("broken.png", "small.png"):
        (photos / name).write_bytes(png(11 + len(name)))
    assert api.encode(str(photos), out, codec).num_encoded == 8


def test_images_are_scaled_by_the_codec_s_filter(tmp_path, photos, codec):
    found = api.encode(str(photos), f"{tmp_path}/tokens", codec)
    images = json.loads(Path(found.directory, "config.json").read_text("utf-8"))["images"]
    assert (images["resize"], images["side"], images["crop"]) == ("lanczos", 16, "center")


def test_a_second_codec_encodes_the_rows_and_the_crops_of_the_first(tmp_path, photos, codec):
    first = api.encode(str(photos), f"{tmp_path}/first", codec)
    (photos / "later.png").write_bytes(png(21))
    other = f"{tmp_path}/other.safetensors"
    write_codec(other, replace(TINY, side=8))
    found = api.encode(str(photos), f"{tmp_path}/second", other, like=first.directory)
    assert str(found).endswith("6 of 6 images have tokens")
    names = ["key", "view", "crop", "flipped", "source_key"]
    one, two = (read_shards(list_shards(each.tokens)) for each in (first, found))
    assert one.select(names).equals(two.select(names))
    assert one["image_tokens"].type.list_size > two["image_tokens"].type.list_size
    (photos / "0.png").unlink()
    with pytest.raises(MissingTokensError, match="5 of 6 images have tokens") as caught:
        api.encode(str(photos), f"{tmp_path}/third", other, like=first.tokens)
    assert "dropped: not among the images 1" in str(caught.value)
