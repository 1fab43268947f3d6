"""`dalle run crawl captions` on every kind of source: the same pairs, whatever brings them."""

import io
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dalle_model.files import read_json
from tests.support.archives import gzip_records, http_record, wat_record
from tests.support.commands import dalle
from tests.support.sources import (
    Sample,
    write_cc3m_tsv,
    write_image_folder,
    write_img2dataset_tar,
    write_json_lines,
    write_laion_parquet,
    write_webdataset_tar,
)

pytestmark = pytest.mark.slow

CAPTIONS = (
    "A brown dog runs over the green grass",
    "Two old men sit beside the harbour",
    "A red ball on the wooden table",
    "IMG_2031.jpg",
    "dog",
)
KEPT = sorted(CAPTIONS[:3])


def noise(seed: int) -> bytes:
    """A picture unlike the others, as bytes of a PNG."""
    sink = io.BytesIO()
    pixels = random.Random(seed).randbytes(6 * 6 * 3)
    Image.frombytes("RGB", (6, 6), pixels).resize((96, 96), Image.Resampling.BICUBIC).save(
        sink, "PNG"
    )
    return sink.getvalue()


PAIRS = [
    Sample(caption, f"http://site.test/{n}.png", noise(n)) for n, caption in enumerate(CAPTIONS)
]


def write_warc(path: Path, pairs: Sequence[Sample]) -> Path:
    images = "".join(f'<img src="{p.url}" alt="{p.caption}">' for p in pairs)
    page = f"<!doctype html><html lang=en><body>{images}</body></html>".encode()
    path.write_bytes(b"".join(gzip_records([http_record("http://site.test/", page)])))
    return path


def write_wat(path: Path, pairs: Sequence[Sample]) -> Path:
    links = [{"path": "IMG@/src", "url": p.url, "alt": p.caption} for p in pairs]
    path.write_bytes(b"".join(gzip_records([wat_record("http://site.test/", {"Links": links})])))
    return path


WITH_ADDRESSES: dict[str, Callable[[Path, Sequence[Sample]], Path]] = {
    "pages.warc.gz": write_warc,
    "pages.warc.wat.gz": write_wat,
    "cc3m.tsv": write_cc3m_tsv,
    "laion.parquet": write_laion_parquet,
    "pairs.jsonl": write_json_lines,
}
WITH_PICTURES: dict[str, Callable[[Path, Sequence[Sample]], Path]] = {
    "webdataset.tar": write_webdataset_tar,
    "images": write_image_folder,
    "img2dataset": write_img2dataset_tar,
}


def run(folder: Path, source: Path, *stages: str, carry: str = "{}") -> Path:
    config = folder / "config.yaml"
    config.write_text(
        "num_shards: 2\n"
        f"crawl: {{sources: [{{path: {source}, name: test, carry: {carry}}}]}}\n"
        "captions: {recipe: dalle}\nimages: {side: 64, resize: lanczos}\n"
    )
    dalle("run", *stages, "--config", config, "--dir", folder / "run")
    return folder / "run"


def rows_of(stage: Path) -> list[dict[str, Any]]:
    tables = [pq.read_table(path) for path in sorted(stage.glob("part-*.parquet"))]
    return sorted(pa.concat_tables(tables).to_pylist(), key=lambda row: row["caption"])


@pytest.mark.parametrize("name", [*WITH_ADDRESSES, *WITH_PICTURES])
def test_captions_of_every_source(tmp_path, name):
    write = (WITH_ADDRESSES | WITH_PICTURES)[name]
    root = run(tmp_path, write(tmp_path / name, PAIRS), "crawl", "captions")
    rows = rows_of(root / "captions")
    assert [row["caption"] for row in rows] == KEPT
    assert {row["source"] for row in rows} == {"test"}
    has_pictures = [row["sha256"] is not None for row in rows]
    assert has_pictures == [name in WITH_PICTURES] * len(KEPT)
    manifest = read_json(str(root / "captions" / "manifest.json"))
    assert manifest["rows_in"] == len(CAPTIONS)
    assert manifest["rejected"] == {"file_name": 1, "too_few_words": 1}


def test_addresses_are_the_same_rows_whatever_brings_them(tmp_path):
    keys = []
    for name, write in WITH_ADDRESSES.items():
        folder = tmp_path / name
        folder.mkdir()
        root = run(folder, write(folder / name, PAIRS), "crawl", "captions")
        keys.append([(row["key"], row["url"]) for row in rows_of(root / "captions")])
    assert all(found == keys[0] for found in keys)


@pytest.mark.parametrize(
    ("name", "carry", "names"),
    [
        ("webdataset.tar", "{cls: integer}", [f"webdataset.tar!{n:06d}" for n in range(3)]),
        ("images", "{}", ["a/0.png", "a/1.png", "a/2.png"]),
    ],
)
def test_pictures_that_come_along_become_tokens_without_a_download(tmp_path, name, carry, names):
    source = WITH_PICTURES[name](tmp_path / name, PAIRS)
    stages = ("crawl", "captions", "fetch", "images", "dedupe", "encode")
    root = run(tmp_path, source, *stages, carry=carry)
    rows = rows_of(root / "encode")
    assert sorted(row["name"] for row in rows) == names
    assert [row.get("cls") for row in rows] == [0 if "cls" in carry else None] * 3
    assert all("carried" not in row for row in rows)
    assert [row["caption"] for row in rows] == KEPT
    assert all(len(row["image_tokens"]) == 64 for row in rows)
    assert all(row["url"].startswith("urn:sha256:") for row in rows)


def archive_with_images(folder: Path) -> dict[str, Any]:
    """A web archive of a page and its images, one of them in an archive of its own."""
    images = [http_record(p.url, p.encoded, "image/png") for p in PAIRS]
    write_warc(folder / "a.warc.gz", PAIRS)
    with (folder / "a.warc.gz").open("ab") as archive:
        archive.write(b"".join(gzip_records(images[1:])))
    (folder / "b.warc").write_bytes(images[0])
    return {"path": str(folder), "name": "test"}


def mirrored_site(folder: Path) -> dict[str, Any]:
    """What wget leaves: a folder of a host, with its page and images."""
    site = folder / "site.test"
    site.mkdir()
    images = "".join(f'<img src="{n}.png" alt="{p.caption}">' for n, p in enumerate(PAIRS))
    (site / "index.html").write_text(f"<!doctype html><html lang=en><body>{images}</body></html>")
    for number, pair in enumerate(PAIRS):
        (site / f"{number}.png").write_bytes(pair.encoded)
    return {"path": str(folder), "name": "test", "base_url": "http://"}


@pytest.mark.parametrize("write", [archive_with_images, mirrored_site])
def test_images_that_came_with_their_pages_become_tokens_without_a_request(tmp_path, write):
    """No name of `.test` has an address: an image that is asked for would be dropped."""
    (tmp_path / "source").mkdir()
    config = {
        "crawl": {"sources": [write(tmp_path / "source")]},
        "images": {"side": 64},
        "num_shards": 2,
    }
    (tmp_path / "run.yaml").write_text(json.dumps(config))
    stages = ("crawl", "captions", "fetch", "images", "dedupe", "encode")
    told = dalle("run", *stages, "--config", tmp_path / "run.yaml", "--dir", tmp_path / "run")
    assert f"counted: {len(PAIRS)} images that came along" in told.stdout + told.stderr
    rows = rows_of(tmp_path / "run" / "encode")
    assert sorted(row["caption"].lower() for row in rows) == sorted(c.lower() for c in KEPT)
    assert {row["url"] for row in rows} == {pair.url for pair in PAIRS[:3]}
