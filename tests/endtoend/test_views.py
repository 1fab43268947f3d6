"""Views of images, from a folder to token shards: the same bytes whoever does the work."""

import io
import json
import shutil

import numpy as np
import pytest
import yaml
from PIL import Image

from dalle_model.shards import common_metadata, list_shards, read_shards
from orchestration.engine.first_config import config_for_tokens
from tests.support.codecs import write_codec
from tests.support.commands import checksums, dalle

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A config, and the run that one process makes of it."""
    root = tmp_path_factory.mktemp("views")
    codec, photos = f"{root}/tiny.safetensors", root / "photos"
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
    path = root / "dalle.yaml"
    path.write_text(yaml.safe_dump(config))
    dalle("run", "--config", path, "--dir", root / "run")
    return path, root / "run"


def test_each_image_has_a_row_of_each_view_and_the_books_say_so(made):
    _, run = made
    manifest = json.loads((run / "encode" / "manifest.json").read_text())
    assert [manifest[name] for name in ("rows_in", "rows_out", "rows_added")] == [12, 24, 12]
    shards = list_shards(f"{run}/encode")
    assert common_metadata(shards).views == ("prior", "dvae")
    rows = read_shards(shards).to_pylist()
    assert sorted(row["view"] for row in rows) == [0] * 12 + [1] * 12
    assert len({tuple(row["crop"]) for row in rows}) > 12


def test_views_are_the_same_bytes_with_more_workers(made, tmp_path):
    config, run = made
    again = tmp_path / "run"
    shutil.copytree(run, again, ignore=shutil.ignore_patterns("encode"))
    dalle("run", "encode", "--config", config, "--dir", again, "--workers", 3)
    assert checksums(again) == checksums(run)
