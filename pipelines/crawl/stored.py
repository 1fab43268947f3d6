"""Images that a source stores beside its pages, so that nobody asks the web for them again.

A page names an image by its URL, and so does what is stored: both meet in the shard of that URL.
What crosses the shuffle is where the bytes are, never the bytes.
"""

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipelines.crawl.images.kinds import image_type
from pipelines.io.aside import ByteRange
from pipelines.io.keys import image_part
from pipelines.web.identity import USER_AGENT, product_token
from pipelines.web.optout import Headers, opt_out
from pipelines.web.urls import canonical_url

IMAGE_OPT_OUT = "image_opt_out"  # the headers of a stored image refuse its use
TAKEN = "images_that_came_along"  # a tally: images whose bytes are in the sources

_MAX_DATE_CHARS = 40  # chosen: a date of WARC 1.1 with nanoseconds has 30
_TOKEN = product_token(USER_AGENT)


class StoredImage(NamedTuple):
    """An image as a source stores it.

    Args:
        url: canonical; that it was served at.
        date: when, as WARC has it; empty where nothing is known.
        opt_out: the words of its headers that refuse use; empty for none.
        encoded: its bytes, without the codings of the transfer.
        blob: where in the input they are; None where it holds them in another form.
    """

    url: str
    date: str
    opt_out: str
    encoded: bytes
    blob: ByteRange | None = None


class StoredRef(NamedTuple):
    """A stored image on its way to the shard of its URL.

    Args:
        image: of its URL, as the image's part of keys.
        date: as in `StoredImage`, like the next.
        opt_out: words.
        digest: of its bytes, as the image's part of keys of images that come as bytes.
        blob: where these are.
    """

    image: str
    date: str
    opt_out: str
    digest: str
    blob: ByteRange


class Latest:
    """Of each image the one stored last, of refs in any order; of one time that of a digest."""

    def __init__(self) -> None:
        self._refs: dict[str, StoredRef] = {}

    def add(self, ref: StoredRef) -> bool:
        """Take one; whether more is held than before."""
        other = self._refs.setdefault(ref.image, ref)
        if _order(ref) > _order(other):
            self._refs[ref.image] = ref
        return other is ref

    def of(self, image: str) -> StoredRef | None:
        """That of an image; None where none is stored."""
        return self._refs.get(image)

    def refs(self) -> Iterable[StoredRef]:
        """All of them."""
        return self._refs.values()


def stored_image(
    url: str,
    encoded: bytes,
    limit: int,
    *,
    date: str = "",
    headers: Headers = (),
    blob: ByteRange | None = None,
) -> StoredImage | None:
    """What is stored under a URL; None where it is no image by its bytes, or too large.

    Args:
        url: as written.
        encoded: the bytes, perhaps cut behind the limit.
        limit: in bytes.
        date: as in `StoredImage`.
        headers: that it was served with.
        blob: as in `StoredImage`.
    """
    if len(encoded) > limit or image_type(encoded) is None:
        return None
    try:
        address = canonical_url(url)
    except ValueError:
        return None
    when = date.strip().removesuffix("Z")[:_MAX_DATE_CHARS]  # so that a fraction comes later
    return StoredImage(address, when, opt_out(headers, _TOKEN) or "", encoded, blob)


def ref_of(stored: StoredImage, blob: ByteRange) -> StoredRef:
    """A stored image whose bytes are at a place."""
    image, digest = image_part(stored.url.encode()), image_part(stored.encoded)
    return StoredRef(image, stored.date, stored.opt_out, digest, blob)


def pack_refs(refs: Iterable[StoredRef]) -> bytes:
    """Refs as they cross a shuffle."""
    import msgspec  # here, since images are read without it where nothing crosses one

    return msgspec.msgpack.encode(
        [(*r[:4], os.fsencode(r.blob.location), *r.blob[1:]) for r in refs]
    )


def unpack_refs(content: bytes) -> Iterator[StoredRef]:
    """What was packed."""
    import msgspec

    for image, date, refusal, digest, location, *extent in msgspec.msgpack.decode(content):
        yield StoredRef(image, date, refusal, digest, ByteRange(os.fsdecode(location), *extent))


def _order(ref: StoredRef) -> tuple[str, ...]:
    return ref.date, ref.digest, ref.opt_out
