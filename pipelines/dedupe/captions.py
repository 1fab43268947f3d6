"""Captions that too many pictures share say little about any of them."""

from collections.abc import Iterable, Iterator

from dalle_model.shards import image_of
from pipelines.dedupe.signatures import Pair
from pipelines.rejection import Check

REASON = "caption_cap"


def folded(caption: str) -> str:
    """The form in which captions are compared: without case, single spaces."""
    return " ".join(caption.casefold().split())


def cap_captions(group: Iterable[Pair], max_images: int) -> Iterator[tuple[Pair, Check | None]]:
    """Keep a caption for the first pictures by key.

    Args:
        group: the pairs of one folded caption; any order.
        max_images: pictures that keep it.

    Yields:
        Every pair, with the failed rule where it goes; `measured` is the number of pictures, and
        `detail` the key of the first pair that stays.
    """
    ordered = sorted(group, key=lambda pair: str(pair["key"]))
    images = sorted({image_of(pair["key"]) for pair in ordered})
    staying = set(images[:max_images])
    too_many = Check(REASON, False, float(len(images)), float(max_images), ordered[0]["key"])
    for pair in ordered:
        yield pair, None if image_of(pair["key"]) in staying else too_many
