"""Rows of token shards as arrays, and the order in which training sees them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalle_model.errors import DalleError
from dalle_model.settings import PairChoice
from dalle_model.shards import ShardMetadata, common_metadata, image_of, image_tokens, read_shards


class TrainingDataError(DalleError):
    """The token shards hold nothing to train on: where, why, and what to do."""


@dataclass(frozen=True)
class Pairs:
    """What the prior is trained on, in key order.

    Args:
        keys: of the rows, 40 hex characters each.
        captions: one a row.
        image_tokens: uint16 `(rows, grid * grid)`, raster order.
        metadata: of the shards.
    """

    keys: list[str]
    captions: list[str]
    image_tokens: npt.NDArray[np.uint16]
    metadata: ShardMetadata


def load_pairs(shard_urls: list[str], choice: PairChoice) -> Pairs:
    """Read and choose rows; the same rows in other shards give the same pairs.

    Raises:
        ShardError: a shard is unreadable, or of another codec than the others.
        TrainingDataError: there is no row.
    """
    table = read_shards(shard_urls, ["key", "view", "caption", "image_tokens"])
    table = table.sort_by([("key", "ascending"), ("view", "ascending")])
    keys, captions = table.column("key").to_pylist(), table.column("caption").to_pylist()
    rows = choose_rows(keys, captions, choice)
    if not rows:
        raise TrainingDataError(
            f"the {len(shard_urls)} token shards from {shard_urls[0]} on hold no row; "
            "`dalle report` tells which stage dropped them"
        )
    return Pairs(
        keys=[keys[row] for row in rows],
        captions=[captions[row] for row in rows],
        image_tokens=image_tokens(table)[rows],
        metadata=common_metadata(shard_urls),
    )


def choose_rows(keys: list[str], captions: list[str], choice: PairChoice) -> list[int]:
    """Indices of the rows to keep, in order; rows are sorted by key, views of one key in a row."""
    kept: list[int] = []
    keys_of: dict[str, set[str]] = {}
    owner: dict[str, str] = {}
    for row, (key, caption) in enumerate(zip(keys, captions, strict=True)):
        image = image_of(key)
        if choice.has_distinct_captions and owner.setdefault(caption.lower(), image) != image:
            continue
        if image not in keys_of and len(keys_of) == choice.max_images:
            break
        own_keys = keys_of.setdefault(image, set())
        if key not in own_keys and len(own_keys) == choice.captions_per_image:
            continue
        own_keys.add(key)
        kept.append(row)
    return kept


def batch_rows(step: int, num_rows: int, batch_size: int, seed: int) -> npt.NDArray[np.int64]:
    """Rows of one training step, found without going through the steps before it.

    Each epoch is a shuffle of its own; a batch that an epoch's end cuts is filled from the next.

    Args:
        step: from 0.
        num_rows: of the training set, >= 1.
        batch_size: rows a step, >= 1.
        seed: of the shuffles.

    Returns:
        int64 `(batch_size,)`.
    """
    place = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs, offsets = place // num_rows, place % num_rows
    orders = {
        int(epoch): np.random.default_rng([seed, int(epoch)]).permutation(num_rows)
        for epoch in np.unique(epochs)
    }
    return np.array([orders[int(e)][o] for e, o in zip(epochs, offsets, strict=True)], np.int64)
