"""Images with identical pixels, whatever their files and URLs."""

from collections.abc import Iterator, Sequence

import numpy as np

from pipelines.dedupe.keys import (
    IMAGE_FIELDS,
    Records,
    best_first,
    order_by,
    shards_of,
    starts_of_runs,
)
from pipelines.dedupe.verdicts import VERDICT_DTYPE, Verdicts

REASON = "exact_duplicate"

# What a shard says of its images: 128 bits of pixels, the image, the area of the original, the
# number of its run.
EXACT_DTYPE = np.dtype([("pixels", "<u8", (2,)), *IMAGE_FIELDS, ("area", "<u8"), ("run", "u1")])


def reduce_equal(images: Records) -> tuple[Records, Records]:
    """The best of the images that share their pixels, and a verdict on each of the others.

    Args:
        images: `EXACT_DTYPE`; any order.

    Returns:
        The best ones, in the order of their pixels, and `VERDICT_DTYPE`.
    """
    ranked = images[best_first(images)]
    first, second = ranked["pixels"][:, 0], ranked["pixels"][:, 1]
    grouped = ranked[order_by(first, second)]
    starts = starts_of_runs(grouped["pixels"][:, 0], grouped["pixels"][:, 1])
    sizes = np.diff(np.append(starts, len(grouped)))
    best = np.repeat(grouped[starts], sizes)
    worse = np.ones(len(grouped), bool)
    worse[starts] = False
    verdicts = np.zeros(int(worse.sum()), VERDICT_DTYPE)
    for name in ("high", "low", "run"):
        verdicts[name] = grouped[name][worse]
        verdicts[f"better_{name}"] = best[name][worse]
    return grouped[starts], verdicts


def by_pixels(images: Records, num_parts: int) -> Iterator[tuple[int, Records]]:
    """The images of a shard by ranges of their pixel hashes; a part that is empty is left out."""
    parts = images["pixels"][:, 0] % np.uint64(num_parts)
    for part in range(num_parts):
        if len(mine := images[parts == part]):
            yield part, mine


def merge_equal(
    parts: Sequence[Records], num_shards: int, own: int
) -> tuple[int, Iterator[tuple[int, Verdicts]]]:
    """The verdicts on the best ones of shards that are not the best of all, by their shards.

    Args:
        parts: of one range of pixel hashes: from each shard its best ones; any order.
        num_shards: of the run.
        own: its number; of finished runs nothing is dropped.

    Returns:
        How many are the best of all, and the verdicts on the others.
    """
    best, verdicts = reduce_equal(np.concatenate(parts))
    verdicts = verdicts[verdicts["run"] == own]
    shards = shards_of(verdicts, num_shards)
    return len(best), (
        (shard, Verdicts(verdicts[shards == shard])) for shard in np.unique(shards).tolist()
    )
