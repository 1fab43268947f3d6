"""A cap on shared captions: one that too many images share says little about any of them."""

from collections.abc import Iterable, Iterator

from dalle_model.shards import image_of
from pipelines.dedupe.signatures import Pair
from pipelines.rejection import Check

REASON = "caption_cap"


def cap_captions(group: Iterable[Pair], max_images: int) -> Iterator[tuple[Pair, Check | None]]:
    """Keep a caption for the first images by key.

    Args:
        group: the pairs of one folded caption; any order.
        max_images: the number of images that keep it.

    Yields:
        Every pair, with the failed rule if it is dropped; `measured` is the number of images, and
        `detail` the key of the first pair that is kept.
    """
    ordered = sorted(group, key=lambda pair: str(pair["key"]))
    images = sorted({image_of(pair["key"]) for pair in ordered})
    kept = set(images[:max_images])
    too_many = Check(REASON, False, float(len(images)), float(max_images), ordered[0]["key"])
    for pair in ordered:
        yield pair, None if image_of(pair["key"]) in kept else too_many
