"""Which rows of token shards a prior is trained on, and the batches that it has of them.

No rows are held: batches come from the reader, which decodes the row groups of a window.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dalle_model import files
from dalle_model.data.choice import Choice
from dalle_model.data.order import WindowOrder
from dalle_model.data.permutation import Integers
from dalle_model.data.reader import Text, TokenReader
from dalle_model.data.row_groups import Columns
from dalle_model.data.source import COLUMNS, ShardRows, TokenSource, open_source
from dalle_model.errors import DalleError
from dalle_model.settings import PairChoice
from dalle_model.shard_schema import ShardMetadata
from dalle_model.shards import IMAGE_DIGITS
from dalle_model.vocab import CaptionTokenizer

Keys = npt.NDArray[np.bytes_]
Part = Literal["kept", "held_out"]

_KEY, _IMAGE = "S40", f"S{IMAGE_DIGITS}"  # Source: docs/token-shards.md
_SURVEYED_TOGETHER = 4096  # rows; chosen: those of a row group of a token shard


class TrainingDataError(DalleError):
    """Token shards that cannot be trained on: where, why, and what to do."""


@dataclass(frozen=True)
class TrainingRows:
    """Rows to train on, in the order of the shards.

    Args:
        source: of them.
        num_left_out: rows of the shards that the choice leaves out.
        sha256: of the shards' footers and the choice, so of which rows these are.
        held_out: rows of other images, which are only measured; None where there are none.
    """

    source: TokenSource
    num_left_out: int
    sha256: str
    held_out: TokenSource | None = None


@dataclass(frozen=True)
class Survey:
    """What is counted in all rows before training.

    Args:
        images: that rows are of, whose rows lie side by side in a shard.
        captions_cut: captions whose ends do not fit the text positions; merges that are dropped in
            training may cut a few others.
    """

    images: int
    captions_cut: int


def open_rows(
    shard_urls: list[str], choice: PairChoice, columns: Sequence[str] = COLUMNS
) -> TrainingRows:
    """Select rows of shards; how these are split into shards makes no difference to which.

    The numbers of rows that are chosen take two bytes each, and while they are chosen some 230
    bytes for each row of the shards; where all rows are trained on, none.

    Raises:
        ShardError: a shard is unreadable, or of another codec than the others.
        ChoiceError: the rows cannot be chosen so.
        TrainingDataError: there is no row, or the tokens are no square grid of one codebook.
    """
    every = open_source(shard_urls, columns)
    _refuse_other_tokens(shard_urls[0], every.metadata)
    limited = choose_rows(*_keys_and_captions(every), choice) if has_limits(choice) else None
    kept = _part(every, choice, limited, "kept")
    held_out = None
    if choice.held_out:
        # Each is measured once, whatever the weights of the sources, and a row group at a time.
        measured = _part(every, replace(choice, weights={}), limited, "held_out")
        held_out = _with_columns(measured, tuple(columns))
    for part in (kept, held_out):
        if part is not None and not len(part):
            raise TrainingDataError(_no_rows(shard_urls, choice, part is held_out))
    num_left_out = 0 if kept is every else len(every) - len(np.unique(kept.numbers))
    described = repr((every.rows.index.sha256, "kept", sorted(asdict(choice).items()))).encode()
    return TrainingRows(kept, num_left_out, files.sha256(described), held_out)


def _part(
    every: TokenSource, choice: PairChoice, limited: Integers | None, part: Part
) -> TokenSource:
    """The rows of a part of the images that a choice takes.

    Args:
        every: all rows of the shards.
        choice: to make.
        limited: the rows that its limits leave; None where it has none.
        part: of the images.
    """
    if choice == PairChoice():
        return every
    by_reader = Choice(choice.where, choice.weights, choice.held_out, part)
    rows = every.chosen_by(by_reader).numbers
    return every.only(rows if limited is None else rows[np.isin(rows, limited)])


def _no_rows(shard_urls: list[str], choice: PairChoice, is_held_out: bool) -> str:
    where = f"the {len(shard_urls)} token shards from {shard_urls[0]} on"
    if is_held_out:
        return (
            f"{where} hold no row that is held out of them: `prior.pairs.held_out` is "
            f"{choice.held_out}; raise it, or set it to 0 to measure nothing"
        )
    return f"{where} hold no rows; `dalle report` shows which stage dropped them"


def has_limits(choice: PairChoice) -> bool:
    """Whether rows are chosen by others before them, so that all keys must be looked at."""
    limits = (choice.max_images, choice.captions_per_image, choice.has_distinct_captions or None)
    return any(limit is not None for limit in limits)


def in_order(rows: TrainingRows, text: Text, seed: int) -> TokenReader:
    """The rows in the order of training, as batches of ids.

    Row groups of which no row is chosen take no place in a window.
    """
    group_rows = rows.source.group_rows
    return TokenReader(rows.source, WindowOrder(group_rows[group_rows > 0], seed), text)


def survey(rows: TrainingRows, tokenizer: CaptionTokenizer, text_len: int) -> Survey:
    """Look at all keys and captions once, a row group at a time."""
    source = _with_columns(rows.source, ("key", "caption"))
    images, last, cut = 0, b"", 0
    for start in range(0, len(source), _SURVEYED_TOGETHER):
        columns = source.take(range(start, min(len(source), start + _SURVEYED_TOGETHER)))
        own = _keys(columns).astype(_IMAGE)
        images += int(own[0] != last) + int((own[1:] != own[:-1]).sum())
        last = own[-1]
        captions = columns["caption"].to_pylist()
        cut += sum(tokenizer.cut(caption, text_len) is not None for caption in captions)
    return Survey(images, cut)


def choose_rows(keys: Keys, captions: npt.NDArray[np.uint64], choice: PairChoice) -> Integers:
    """Numbers of the rows to keep, int64, ascending.

    Args:
        keys: of the rows, in any order.
        captions: of the rows, as numbers that are equal where lower-cased captions are.
        choice: what to keep; rows of one key go together.
    """
    order = np.argsort(keys, kind="stable")
    if choice.has_distinct_captions:
        _, firsts, owners = np.unique(captions[order], return_index=True, return_inverse=True)
        images = keys[order].astype(_IMAGE)
        order = order[images == images[firsts[owners]]]
    is_new_key = _differs(keys[order])
    is_new_image = _differs(keys[order].astype(_IMAGE))
    is_kept = np.ones(len(order), bool)
    if choice.max_images is not None:
        is_kept &= np.cumsum(is_new_image) <= choice.max_images
    if choice.captions_per_image is not None:
        numbers = np.cumsum(is_new_key)
        first_of_image = np.maximum.accumulate(np.where(is_new_image, numbers, 0))
        is_kept &= numbers - first_of_image < choice.captions_per_image
    return np.sort(order[is_kept])


def caption_numbers(captions: list[str]) -> npt.NDArray[np.uint64]:
    """A number for each caption, of which those of two differ unless they are equal, lower-cased.

    Of 1e9 captions two get the same number by chance in one of 37 runs.
    """
    digests = (blake2b(caption.lower().encode(), digest_size=8).digest() for caption in captions)
    return np.frombuffer(b"".join(digests), np.uint64)


def _keys_and_captions(source: TokenSource) -> tuple[Keys, npt.NDArray[np.uint64]]:
    keys, captions = [np.empty(0, _KEY)], [np.empty(0, np.uint64)]
    for columns in ShardRows(source.rows.index, ("key", "caption"), cache_bytes=0).each_group():
        keys.append(_keys(columns))
        captions.append(caption_numbers(columns["caption"].to_pylist()))
    return np.concatenate(keys), np.concatenate(captions)


def _with_columns(source: TokenSource, columns: tuple[str, ...]) -> TokenSource:
    """The same rows with other columns, of which one row group is held."""
    return TokenSource(ShardRows(source.rows.index, columns, cache_bytes=0), source.chosen)


def _keys(columns: Columns) -> Keys:
    return np.array(columns["key"].to_pylist(), _KEY)


def _differs(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether each value is another than the one before it; the first is."""
    return np.concatenate([np.ones(min(1, len(values)), bool), values[1:] != values[:-1]])


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
