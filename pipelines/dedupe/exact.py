"""Images with identical pixels, whatever their files and URLs."""

from collections.abc import Iterable, Iterator

from pipelines.dedupe.signatures import Duplicate, ImageSignature

REASON = "exact_duplicate"


def best(group: Iterable[ImageSignature]) -> ImageSignature:
    """The image of a group that is kept: the best-ranked one."""
    return min(group, key=lambda signature: signature.rank)


def exact_duplicates(group: Iterable[ImageSignature]) -> Iterator[tuple[str, Duplicate]]:
    """All but the best of the images that share a `pixel_hash`, each with the reason."""
    members = list(group)
    first = best(members)
    for signature in members:
        if signature.image_key != first.image_key:
            yield signature.image_key, Duplicate(first.rank, REASON, 0.0, 0.0)
