"""A small part of the demo's web: all of its pictures, a few of its pages, in any order."""

import random
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

DEMO = Path(__file__).resolve().parents[2] / "demo"
ARCHIVE = DEMO / "web.warc.gz"
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")


def write_small_web(path: Path, num_pages: int, shuffle_seed: int | None = None) -> Path:
    """Copy the demo's archive with `num_pages` HTML pages of each host, shuffled by a seed."""
    kept: list[WarcRecord] = []
    pages: Counter[str] = Counter()
    with ARCHIVE.open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
            url = urlsplit(record.headers["WARC-Target-URI"])
            if "html" in (record.http_content_type or "") and not url.path.endswith(PICTURES):
                pages[url.netloc] += 1
                if pages[url.netloc] > num_pages:
                    continue
            record.freeze()
            kept.append(record)
    if shuffle_seed is not None:
        random.Random(shuffle_seed).shuffle(kept)
    with path.open("wb") as out:
        for record in kept:
            record.write(out)
    return path


CONFIG = """\
name: small
num_shards: 3
crawl: {{sources: [{{path: {archive}, name: small}}], takes_stored_images: false}}
fetch: {{max_bytes: 1048576, timeout_s: 10, backoff_s: 0.1, per_host_concurrency: 16}}
images: {{side: 64, resize: lanczos}}
replay: {{archive: {archive}, hosts: .demo.test}}
"""


def write_config(folder: Path, archive: str, extra: str = "") -> Path:
    """A config for the data stages on a small web, in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(archive=archive) + extra)
    return path
