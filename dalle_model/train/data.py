"""Rows of token shards as arrays, and their order in training."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalle_model.errors import DalleError
from dalle_model.pixels import Codes
from dalle_model.settings import PairChoice
from dalle_model.shard_schema import ShardMetadata
from dalle_model.shards import common_metadata, image_of, image_tokens, read_shards


class TrainingDataError(DalleError):
    """Token shards that cannot be trained on: where, why, and what to do."""


@dataclass(frozen=True)
class Pairs:
    """Captions and image tokens to train on, in key order.

    Args:
        keys: one for each row, 40 hex characters.
        captions: one for each row.
        image_tokens: `(rows, grid * grid)`, raster order.
        metadata: of the shards.
        num_left_out: rows of the shards that the choice leaves out.
    """

    keys: list[str]
    captions: list[str]
    image_tokens: Codes
    metadata: ShardMetadata
    num_left_out: int


def load_pairs(shard_urls: list[str], choice: PairChoice) -> Pairs:
    """Read shards and select rows; how the rows are split into shards makes no difference.

    Raises:
        ShardError: a shard is unreadable, or of another codec than the others.
        TrainingDataError: there is no row, or the tokens are no square grid of one codebook.
    """
    metadata = common_metadata(shard_urls)
    _refuse_other_tokens(shard_urls[0], metadata)
    table = read_shards(shard_urls, ["key", "view", "caption", "image_tokens"])
    table = table.sort_by([("key", "ascending"), ("view", "ascending")])
    keys, captions = table.column("key").to_pylist(), table.column("caption").to_pylist()
    rows = choose_rows(keys, captions, choice)
    if not rows:
        raise TrainingDataError(
            f"the {len(shard_urls)} token shards from {shard_urls[0]} on hold no rows; "
            "`dalle report` shows which stage dropped them"
        )
    return Pairs(
        keys=[keys[row] for row in rows],
        captions=[captions[row] for row in rows],
        image_tokens=image_tokens(table)[rows],
        metadata=metadata,
        num_left_out=len(keys) - len(rows),
    )


def _refuse_other_tokens(url: str, metadata: ShardMetadata) -> None:
    """A prior has rows and columns of one code each (`dalle_model.prior.embedding`)."""
    shape = metadata.token_shape
    if shape is None:
        raise TrainingDataError(
            f"a prior is trained on one grid of tokens, and each row of {url} has a shape of its "
            "own; `encode.views: [centre]` makes shards of one, without `aspect`"
        )
    is_square = len(shape) == 2 and shape[0] == shape[1]
    if not is_square or metadata.codebooks != 1 or metadata.order != "raster":
        raise TrainingDataError(
            f"a prior is trained on square grids of tokens in raster order, one codebook; "
            f"{url} holds {metadata.words}: encode the images with another codec"
        )


def choose_rows(keys: list[str], captions: list[str], choice: PairChoice) -> list[int]:
    """Indices of the rows to keep, ascending; rows must be sorted by key."""
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
    """Rows of one training step, computed without replaying the steps before it.

    Each epoch has its own shuffle; a batch that reaches the end of an epoch continues in the next.

    Args:
        step: from 0.
        num_rows: of the training set, >= 1.
        batch_size: rows in a step, >= 1.
        seed: of the shuffles.

    Returns:
        int64 `(batch_size,)`.
    """
    positions = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs, offsets = positions // num_rows, positions % num_rows
    orders = {
        int(epoch): np.random.default_rng([seed, int(epoch)]).permutation(num_rows)
        for epoch in np.unique(epochs)
    }
    return np.array([orders[int(e)][o] for e, o in zip(epochs, offsets, strict=True)], np.int64)
