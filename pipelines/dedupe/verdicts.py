"""Where the findings about pictures meet their pairs again."""

from collections.abc import Iterable, Iterator

from pipelines.dedupe.signatures import Duplicate, Pair
from pipelines.rejection import Rejection, reject


def judge(
    pairs: Iterable[Pair], duplicates: Iterable[Duplicate], stage: str
) -> Iterator[Pair | Rejection]:
    """The pairs of one picture: as they are, or all rejected where the picture is superfluous.

    Args:
        pairs: of one picture.
        duplicates: found for it, by any number of bands; any order.
        stage: name for the rejections.
    """
    worst = min(duplicates, default=None)
    for pair in pairs:
        yield pair if worst is None else reject(pair, stage, worst.check())
