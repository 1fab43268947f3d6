"""Pictures of the very same pixels, whatever their files and addresses."""

from collections.abc import Iterable, Iterator

from pipelines.dedupe.signatures import Duplicate, Picture

REASON = "exact_duplicate"


def best(group: Iterable[Picture]) -> Picture:
    """The picture that stays of a group: the best ranked."""
    return min(group, key=lambda picture: picture.rank)


def exact_duplicates(group: Iterable[Picture]) -> Iterator[tuple[str, Duplicate]]:
    """All but the best of pictures that share their `pixel_hash`, each with the reason."""
    members = list(group)
    first = best(members)
    for picture in members:
        if picture.image != first.image:
            yield picture.image, Duplicate(first.rank, REASON, 0.0, 0.0)
