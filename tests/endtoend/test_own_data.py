"""A user's own images, with captions that are trusted or with none: from `dalle init` to tokens."""

import io
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.support.commands import dalle
from tests.support.sources import tar_of

pytestmark = pytest.mark.slow

NUM_IMAGES = 12  # more than `dedupe.max_images_per_caption`
STAGES = ("crawl", "captions", "fetch", "images", "dedupe", "encode")
CAPTIONS = ["A badger.", "Ein Hund", "IMG_2031", "red &amp; blue"]  # what recipes for the web drop


def picture(number: int) -> bytes:
    """A mosaic of random colours, unlike any other."""
    cells = np.random.default_rng(number).integers(0, 256, (6, 6, 3), np.uint8)
    sink = io.BytesIO()
    Image.fromarray(cells).resize((80, 72), Image.Resampling.NEAREST).save(sink, "PNG")
    return sink.getvalue()


def captioned(folder: Path) -> str:
    place = folder / "captioned"
    place.mkdir()
    for number in range(NUM_IMAGES):
        (place / f"{number}.png").write_bytes(picture(number))
        (place / f"{number}.txt").write_text(CAPTIONS[number % len(CAPTIONS)])
    return "captioned"


def bare(folder: Path) -> str:
    place = folder / "bare"
    place.mkdir()
    for number in range(NUM_IMAGES):
        (place / f"{number}.png").write_bytes(picture(number))
    return "bare"


def classes(folder: Path) -> str:
    members = []
    for number in range(NUM_IMAGES):
        members += [(f"{number}.png", picture(number)), (f"{number}.cls", b"7")]
    (folder / "classes.tar").write_bytes(tar_of(members))
    return "classes.tar"


@pytest.mark.parametrize("write", [captioned, bare, classes])
def test_every_image_of_ones_own_becomes_tokens(tmp_path, write):
    path = write(tmp_path)
    told = dalle("init", path, cwd=tmp_path).stdout
    assert "next     dalle run" in told
    config = tmp_path / "dalle.yaml"
    crowded = re.sub(
        r"^crawl:", "crawl:\n  max_captions_per_image: 1", config.read_text(), flags=re.M
    )
    config.write_text(crowded)
    ran = dalle("run", *STAGES, "--dir", "run", cwd=tmp_path)
    lines = re.findall(r"^(\w+) +(\d+) in +(\d+) out", ran.stderr, re.MULTILINE)
    expected = str(NUM_IMAGES)
    assert lines == [(stage, expected, expected) for stage in STAGES]
    shards = sorted((tmp_path / "run" / "encode").glob("part-*.parquet"))
    kept = [text for shard in shards for text in pq.read_table(shard)["caption"].to_pylist()]
    own = CAPTIONS * (NUM_IMAGES // len(CAPTIONS))
    assert sorted(kept) == sorted(own if write is captioned else [""] * NUM_IMAGES)
    if write is bare:
        key = pq.read_table(shards[0])["key"][0].as_py()
        assert "caption  (none)" in dalle("explain", key, "--dir", "run", cwd=tmp_path).stdout


def test_a_source_without_captions_says_how_to_keep_its_images(tmp_path):
    bare(tmp_path)
    (tmp_path / "dalle.yaml").write_text("crawl: {sources: [{path: bare}]}\n")
    ran = dalle("run", "crawl", "--dir", "run", cwd=tmp_path, check=False)
    assert ran.returncode == 1
    assert "none of its 12 images has a caption; to keep them, set" in ran.stderr
    assert "crawl.min_caption_chars: 0" in ran.stderr
    assert "captions.recipe: none" in ran.stderr
    assert "dropped: no_caption 12" in ran.stderr
