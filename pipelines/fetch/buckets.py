"""Hosts in buckets: who fetches what, and how it and its outcomes travel.

All images of a host are in one bucket, and a bucket is fetched by one worker: so the limits of a
host hold without any word between workers. There is a fixed number of buckets, so that the work is
cut in the same way for any number of workers.
"""

import zlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from pipelines.io.keys import image_part
from pipelines.web.pace import site_of

_LEVEL = 1  # of zlib; chosen: a third of the bytes, at 100 MB/s


class Image(NamedTuple):
    """An image that a bucket fetches.

    Args:
        key: the image's part of the key.
        shard: that it is for.
        url: canonical, or none that can be asked for.
    """

    key: str
    shard: int
    url: str


class Outcome(NamedTuple):
    """What became of an image: where its bytes are, or why there are none.

    Args:
        key: the image's part of the key.
        shard: that it is for.
        reason: of its rejection; empty where its bytes are here.
        detail: as in `pipelines.rejection.Check`.
        measured, threshold: as there.
        location: URL of the file with its bytes; empty for none.
        offset, length: of its bytes in that file.
    """

    key: str
    shard: int
    reason: str = ""
    detail: str = ""
    measured: float | None = None
    threshold: float | None = None
    location: str = ""
    offset: int = 0
    length: int = 0


def host_of(url: str) -> str:
    """The name whose limits a URL falls under; empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def bucket_of(url: str, num_buckets: int) -> int:
    """The bucket of the host of a URL; that of `www.example.com` is that of `example.com`."""
    return int(image_part(site_of(host_of(url)).encode()), 16) % num_buckets


def in_buckets(urls: Mapping[str, str], num_buckets: int) -> dict[int, bytes]:
    """The images of a shard by bucket, each bucket's packed.

    Args:
        urls: by the image's part of the key.
        num_buckets: in all.
    """
    found: dict[int, tuple[list[str], list[str]]] = {}
    for key, url in sorted(urls.items()):
        keys, in_bucket = found.setdefault(bucket_of(url, num_buckets), ([], []))
        keys.append(key)
        in_bucket.append(url)
    return {bucket: _pack(columns) for bucket, columns in found.items()}


def images_of(parts: Iterable[tuple[int, bytes]]) -> list[Image]:
    """The images of a bucket in the order of their keys, from what each shard has packed of it."""
    images: list[Image] = []
    for shard, packed in parts:
        keys, urls = msgspec.msgpack.decode(zlib.decompress(packed))
        images += (Image(key, shard, url) for key, url in zip(keys, urls, strict=True))
    return sorted(images)


def pack_outcomes(outcomes: Iterable[Outcome]) -> bytes:
    """Outcomes as they are noted, and as they travel to their shard."""
    return _pack(list(outcomes))


def unpack_outcomes(packed: bytes) -> list[Outcome]:
    """What was packed."""
    return [Outcome(*values) for values in msgspec.msgpack.decode(zlib.decompress(packed))]


def _pack(values: object) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(values), _LEVEL)
