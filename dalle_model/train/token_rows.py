"""Rows of token shards as the trainings of models of image tokens have them."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from dalle_model.data.order import StoredOrder
from dalle_model.data.reader import Batch, Text, TokenReader
from dalle_model.data.source import TokenSource
from dalle_model.data.torch import TokenLoader, TokenStream
from dalle_model.prior.model import num_parameters
from dalle_model.prior.trained import CodesOrigin
from dalle_model.settings import PairChoice, PriorTraining
from dalle_model.train.data import Survey, TrainingDataError, TrainingRows, in_order
from dalle_model.train.place import Place
from dalle_model.train.precision import resolved
from dalle_model.train.state import RunState
from dalle_model.vocab import FRAME_TOKENS

_LOG = logging.getLogger(__name__)


def codes_of(rows: TrainingRows) -> CodesOrigin:
    """The codec that made the tokens of some rows."""
    metadata = rows.source.metadata
    return CodesOrigin(metadata.codec_sha256, metadata.grid, metadata.num_codes)


def check_codes(codes: CodesOrigin, section: str, grid: int, image_vocab: int) -> None:
    """Refuse sizes of a model that are not those of the codec.

    Args:
        codes: of the shards.
        section: of the config, whose `model` has the sizes.
        grid: of the model.
        image_vocab: codes that it predicts.

    Raises:
        TrainingDataError: they differ.
    """
    for name, needed, given in (
        ("grid", grid, codes.grid),
        ("image_vocab", image_vocab, codes.num_codes),
    ):
        if needed != given:
            raise TrainingDataError(
                f"this {section} is made for {name} {needed}, but the codec of the shards has "
                f"{given}; set `{section}.model.{name}` to {given}, or leave it out"
            )


def check_text(tokens: int, section: str, room: int) -> None:
    """Refuse a text tokenizer of more tokens than a model has room for.

    Raises:
        TrainingDataError: it has.
    """
    if tokens > room:
        raise TrainingDataError(
            f"this {section} has room for {room} text tokens, but the text tokenizer has "
            f"{tokens}; set `{section}.model.text_vocab` to {tokens}, or leave it out"
        )


def warn_of_cuts(surveyed: Survey, rows: TrainingRows, text_len: int) -> None:
    """Say of how many captions the end is not read."""
    if surveyed.captions_cut:
        _LOG.warning(
            "captions cut: %d of %d are longer than the %d tokens that the model reads; "
            "their ends are left out",
            *(surveyed.captions_cut, len(rows.source), text_len - FRAME_TOKENS),
        )


def loader(rows: TrainingRows, text: Text, settings: PriorTraining, place: Place) -> TokenLoader:
    """Batches of keys, text ids and codes, read and encoded ahead where there are workers."""
    reader = in_order(rows, text, settings.seed)
    stream = TokenStream(reader, settings.batch_size, place.rank, place.ranks)
    return TokenLoader(stream, settings.workers)


def held_out_batches(
    rows: TokenSource | None, text: Text, settings: PriorTraining, place: Place
) -> Callable[[], Iterable[Batch]] | None:
    """All rows once, those of this process, as they are stored; None where there are none.

    Args:
        rows: that are held out.
        text: without dropout.
        settings: of the training.
        place: of this process.
    """
    if rows is None:
        return None
    reader = TokenReader(rows, StoredOrder(len(rows)), text)
    stream = (reader, settings.batch_size, place.rank, place.ranks)
    return lambda: TokenStream(*stream, epochs=1)


def metrics_of(
    state: RunState,
    rows: TrainingRows,
    surveyed: Survey,
    settings: PriorTraining,
    choice: PairChoice,
) -> dict[str, Any]:
    """What is known of a training that has ended."""
    held_out = {} if rows.held_out is None else {"pairs_held_out": len(rows.held_out)}
    return {
        **state.recent,
        "steps": state.step,
        "pairs": len(rows.source),
        "pairs_left_out": rows.num_left_out,
        "rows_sha256": rows.sha256,
        "images": surveyed.images,
        "captions_cut": surveyed.captions_cut,
        "parameters": num_parameters(state.task.model),
        "precision": resolved(settings.precision),
        "choice": asdict(choice),
        **held_out,
    }
