"""A codec of another package, as docs/codecs.md shows it: found by its name in every worker."""

import os

import numpy as np
import pytest

from dalle_model.pixels import Rgb
from dalle_model.resize import square
from dalle_model.shards import image_tokens, list_shards, read_metadata, read_shards
from tests.support.commands import dalle, environment
from tests.support.image_rows import noise
from tests.support.plugins import COLOURS, COLOURS_CODEC, write_plugin
from tests.support.tiny_run import NUM_IMAGES, write_tiny_config

pytestmark = pytest.mark.slow


def byte_of(patch: Rgb) -> int:
    red, green, blue = (int(value) for value in patch.reshape(-1, 3).mean(0))
    return red // 32 * 32 + green // 32 * 4 + blue // 64


def test_its_codes_are_in_the_shards_whoever_encodes(tmp_path):
    config = write_tiny_config(tmp_path, "encode: {codec: 'colours:32'}\n")
    plugin = write_plugin(tmp_path / "plugin", "colours", COLOURS_CODEC, COLOURS)
    path = os.pathsep.join([str(plugin), os.environ.get("PYTHONPATH", "")])
    env, root = environment(PYTHONPATH=path.rstrip(os.pathsep)), tmp_path / "run"
    before = ("crawl", "captions", "fetch", "images", "dedupe")
    dalle("run", *before, "--config", config, "--dir", root, env=env)
    dalle("run", "encode", "--config", config, "--dir", root, "--workers", "2", env=env)
    dalle("grid", "--dir", root, "--out", tmp_path / "grid.png", "-n", "2", env=env)
    assert (tmp_path / "grid.png").exists()

    shards = list_shards(f"{root}/encode")
    metadata, rows = read_metadata(shards[0]), read_shards(shards)
    assert (metadata.codec, metadata.num_codes, metadata.side) == ("colours32", 256, 32)
    expected = {}
    for number in range(NUM_IMAGES):
        pixels = square(square(noise(number, 64, 80), 64), 32)
        patches = pixels.reshape(4, 8, 4, 8, 3).swapaxes(1, 2).reshape(16, 64, 3)
        expected[f"{number}.png"] = [byte_of(patch) for patch in patches]
    found = dict(zip(rows["name"].to_pylist(), image_tokens(rows).tolist(), strict=True))
    assert found == expected
    assert len(np.unique(list(found.values()))) > 5
