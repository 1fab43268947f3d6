"""Views of images, from a folder to token shards: the same bytes whoever does the work."""

import io
import json

import numpy as np
import pytest
import yaml
from PIL import Image

from dalle_model.shards import common_metadata, list_shards, read_shards
from orchestration.engine.first_config import config_for_tokens
from tests.support.codecs import write_codec
from tests.support.commands import checksums, dalle

pytestmark = pytest.mark.slow


def test_views_are_the_same_bytes_with_any_number_of_workers(tmp_path):
    codec, photos = f"{tmp_path}/tiny.safetensors", tmp_path / "photos"
    write_codec(codec)
    photos.mkdir()
    for number in range(12):
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 256, (40 + number, 60, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        (photos / f"{number}.png").write_bytes(buffer.getvalue())
    config = config_for_tokens(str(photos), codec)
    config["encode"]["views"] = ["prior", "dvae"]
    config["images"]["crop"] = "none"
    path = tmp_path / "dalle.yaml"
    path.write_text(yaml.safe_dump(config))
    runs = []
    for workers in (1, 2, 3):
        root = tmp_path / f"run{workers}"
        dalle("run", "--config", path, "--dir", root, "--workers", workers)
        encode = json.loads((root / "encode" / "manifest.json").read_text())
        books = [encode[name] for name in ("rows_in", "rows_out", "rows_added")]
        assert books == [12, 24, 12]
        runs.append(checksums(root))
    assert runs[0] == runs[1] == runs[2]
    shards = list_shards(f"{tmp_path}/run3/encode")
    assert common_metadata(shards).views == ("prior", "dvae")
    rows = read_shards(shards).to_pylist()
    assert sorted(row["view"] for row in rows) == [0] * 12 + [1] * 12
    assert len({tuple(row["crop"]) for row in rows}) > 12
