"""A cap on shared captions: one that too many images share says little about any of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dedupe.keys import (
    IMAGE_FIELDS,
    Records,
    order_by,
    shards_of,
    starts_of_runs,
)
from pipelines.text.folding import fold

REASON = "caption_cap"

# 128 bits of a folded caption. Two of a billion captions share them by chance once in 10**20 runs.
TEXT_DTYPE = np.dtype([("first", ">u8"), ("second", ">u8")])

# Of a caption: an image that has it, by its first pair; `images` that have it in the shard, given
# once a caption, and otherwise zero.
USE_DTYPE = np.dtype(
    [("first", "<u8"), ("second", "<u8"), *IMAGE_FIELDS, ("text", "<u8"), ("images", "<u8")]
)

# Of a caption that too many images share: how many, the last one that keeps it, the first pair.
OVERUSED_DTYPE = np.dtype(
    [
        ("first", "<u8"),
        ("second", "<u8"),
        ("images", "<u8"),
        *[(f"last_{name}", kind) for name, kind in IMAGE_FIELDS],
        *[(name, kind) for name, kind in IMAGE_FIELDS],
        ("text", "<u8"),
    ]
)


@dataclass(frozen=True)
class Overused:
    """Captions of one shard that too many images share: `OVERUSED_DTYPE`, in any order."""

    captions: Records


def hash_captions(captions: pa.ChunkedArray) -> Records:
    """`TEXT_DTYPE` of each caption, equal for those that differ in case and spacing alone."""
    digests = (
        blake2b(fold(text).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        for text in captions.to_pylist()
    )
    return np.frombuffer(b"".join(digests), TEXT_DTYPE)


def count_uses(texts: Records, pairs: Records, max_images: int) -> Records:
    """How many images of a shard have each caption, and the first ones of them.

    Images without a caption share none: the empty one is not counted.

    Args:
        texts: `TEXT_DTYPE` of each pair.
        pairs: `PAIR_DTYPE`.
        max_images: the number of images that keep a caption, and that are named.
    """
    has_caption = texts != hash_captions(pa.chunked_array([[""]]))
    texts, pairs = texts[has_caption], pairs[has_caption]
    order = order_by(texts["first"], texts["second"], pairs["high"], pairs["low"], pairs["text"])
    uses = np.zeros(len(order), USE_DTYPE)
    for name in ("first", "second"):
        uses[name] = texts[name][order]
    for name in ("high", "low", "text"):
        uses[name] = pairs[name][order]
    uses = uses[starts_of_runs(uses["first"], uses["second"], uses["high"], uses["low"])]
    uses["images"] = 1
    return _reduce(uses, max_images)


def by_text(uses: Records, num_parts: int) -> Iterator[tuple[int, Records]]:
    """The uses by ranges of captions; a part that is empty is left out."""
    parts = uses["first"] % np.uint64(num_parts)
    for part in range(num_parts):
        if len(mine := uses[parts == part]):
            yield part, mine


def merge_uses(
    parts: Sequence[Records], max_images: int, num_shards: int
) -> Iterator[tuple[int, Overused]]:
    """The captions that more images share than may keep them, for each shard that has one.

    Args:
        parts: `USE_DTYPE` of one range of captions: from each shard, in any order.
        max_images: the number of images that keep a caption.
        num_shards: of the run; a shard is found by its named images, so that one whose images all
            come behind the last one that keeps the caption is found as well.
    """
    uses = np.concatenate(parts)
    uses = uses[order_by(uses["first"], uses["second"], uses["high"], uses["low"])]
    starts = starts_of_runs(uses["first"], uses["second"])
    sizes = np.diff(np.append(starts, len(uses)))
    images = np.add.reduceat(uses["images"], starts) if len(uses) else uses["images"]
    many = images > max_images
    found = np.zeros(int(many.sum()), OVERUSED_DTYPE)
    first, last = uses[starts[many]], uses[starts[many] + max_images - 1]
    for name in ("first", "second", "high", "low", "text"):
        found[name] = first[name]
    found["images"] = images[many]
    found["last_high"], found["last_low"] = last["high"], last["low"]
    holders = np.repeat(many, sizes)
    shards = shards_of(uses[holders], num_shards)
    which = np.repeat(np.arange(len(found)), sizes[many])
    for shard in np.unique(shards).tolist():
        yield shard, Overused(found[np.unique(which[shards == shard])])


def find_overused(texts: Records, pairs: Records, overused: Records) -> npt.NDArray[np.int64]:
    """For each pair, which of the overused captions it is dropped for; -1 where it is kept.

    Args:
        texts: `TEXT_DTYPE` of each pair.
        pairs: `PAIR_DTYPE`.
        overused: `OVERUSED_DTYPE`; no caption twice.
    """
    place = np.full(len(texts), -1)
    numbers = {
        caption: number
        for number, caption in enumerate(
            zip(overused["first"].tolist(), overused["second"].tolist(), strict=True)
        )
    }
    likely = np.flatnonzero(np.isin(texts["first"], overused["first"]))
    for row, caption in zip(likely.tolist(), texts[likely].tolist(), strict=True):
        place[row] = numbers.get(caption, -1)
    found = np.flatnonzero(place >= 0)
    last, mine = overused[place[found]], pairs[found]
    behind = (mine["high"] > last["last_high"]) | (
        (mine["high"] == last["last_high"]) & (mine["low"] > last["last_low"])
    )
    place[found[~behind]] = -1
    return place


def _reduce(uses: Records, max_images: int) -> Records:
    """The first `max_images` of each caption, with the number of all at the first one."""
    starts = starts_of_runs(uses["first"], uses["second"])
    sizes = np.diff(np.append(starts, len(uses)))
    places = np.arange(len(uses)) - np.repeat(starts, sizes)
    uses["images"] = 0
    uses["images"][starts] = sizes
    return uses[places < max_images]
