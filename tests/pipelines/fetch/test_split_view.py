"""A table made on one day, and a web that serves other images on another.

Source: Carlini et al. 2023, "Poisoning Web-Scale Training Datasets is Practical".
"""

import hashlib
import io
from collections import Counter

import pytest
from PIL import Image

from dalle_model import files
from pipelines.fetch.backends.native import http_settings
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.declared import DRIFTED
from pipelines.fetch.shard import fetch_shard
from pipelines.images.config import ImagesConfig
from pipelines.images.shard import process_shard
from pipelines.io import parquet
from pipelines.io.hashes import HashKind, declared
from pipelines.io.perceptual import imagehash_phash
from pipelines.records import FETCHED
from pipelines.web.client import shared_client
from tests.pipelines.fetch.test_shard import row, runtime_of, write_captions
from tests.pipelines.io.test_perceptual import waves
from tests.support.loopback import loopback_web
from tests.support.results import whole
from tests.support.tasks import stage_task

NUM_IMAGES, NUM_SWAPPED = 2000, 200
NUM_DRIFTED = 100  # of those that stay: compressed again by the site
SIDE = 32
FETCH = FetchConfig(obeys_robots=False, per_host_concurrency=16)
IMAGES = ImagesConfig(side=SIDE)


@pytest.fixture
def web():
    with loopback_web() as running:
        yield running
        shared_client(http_settings(FETCH, 1), runtime_of(running).loopback).close()


def encoded(image: Image.Image, kind: str = "PNG", **settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def hashes_of(number: int, image: Image.Image, served: bytes) -> str:
    """A third of the rows each declares an exact hash, a perceptual one, or both."""
    exact: dict[HashKind, str] = {"sha256": hashlib.sha256(served).hexdigest()} if number % 2 else {
        "md5": hashlib.md5(served).hexdigest()
    }  # fmt: skip
    look: dict[HashKind, str] = {"phash": f"{imagehash_phash(image):016x}"}
    return declared([exact, look, exact | look][number % 3])


def test_images_that_were_swapped_after_the_table_was_made_are_all_caught(web, tmp_path):
    rows, swapped = [], set(range(0, NUM_IMAGES, NUM_IMAGES // NUM_SWAPPED))
    drifted = [n for n in range(NUM_IMAGES) if n not in swapped and n % 3][:NUM_DRIFTED]
    for number in range(NUM_IMAGES):
        image = waves(number, SIDE + number % 20, SIDE + number % 7)
        before = encoded(image)
        now = encoded(waves(NUM_IMAGES + number, SIDE, SIDE)) if number in swapped else before
        if number in drifted:
            now = encoded(image, "JPEG", quality=75)
        web.page(f"h{number % 40}.demo.test/{number}.png", now)
        url = f"http://h{number % 40}.demo.test/{number}.png"
        rows.append(row(url, str(number)) | {"declared_hash": hashes_of(number, image, before)})
    fetched = whole(fetch_shard(write_captions(tmp_path, rows), 0, FETCH, runtime_of(web)))
    exact = {int(r.caption) for r in fetched.rejected}
    task = stage_task(tmp_path, "images")
    files.write_bytes(task.input(FETCHED).part(0), parquet.to_bytes(fetched.kept.sort_by("key")))
    looked_at = whole(process_shard(task, 0, IMAGES))
    perceptual = {int(r.caption) for r in looked_at.rejected}

    assert {r.reason for r in fetched.rejected} == {"hash_mismatch"}
    assert {r.reason for r in looked_at.rejected} == {"perceptual_mismatch"}
    assert exact | perceptual == swapped  # all that were swapped, and no other
    assert exact.isdisjoint(perceptual)
    by_kind = Counter(number % 3 for number in swapped)
    assert (len(exact), len(perceptual)) == (by_kind[0], by_kind[1] + by_kind[2])
    # Those with both hashes whose exact one differs, left to the perceptual one: swapped or not.
    both = sum(number % 3 == 2 for number in [*swapped, *drifted])
    assert fetched.passed_over == {DRIFTED: both}
    assert looked_at.rows_in == NUM_IMAGES - len(exact) == looked_at.kept.num_rows + len(perceptual)
