"""Captions as ids in the column `text_tokens`, by the text tokenizer that a config names."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pyarrow as pa

from dalle_model.shard_schema import COLUMNS
from dalle_model.vocab import CaptionTokenizer, VocabError
from pipelines.io.task import ShardResult

COLUMN = "text_tokens"
MAX_IDS = 1 << 16  # the column holds uint16


def load_tokenizer(url: str) -> CaptionTokenizer:
    """The tokenizer of a file that `dalle train bpe` has written.

    Raises:
        VocabError: missing, not a tokenizer, or with more ids than the column holds.
    """
    tokenizer = CaptionTokenizer.load(url)
    if tokenizer.size > MAX_IDS:
        raise VocabError(
            f"{url} has {tokenizer.size:,} ids, and `{COLUMN}` holds {MAX_IDS:,}; "
            "`dalle train bpe` with a smaller `bpe.vocab_size` makes another"
        )
    return tokenizer


def with_text_tokens(
    results: Iterable[ShardResult], tokenizer: CaptionTokenizer
) -> Iterator[ShardResult]:
    """Results with the ids of their captions: without start tokens and pads, no merge dropped."""
    for result in results:
        captions = result.kept.column("caption").to_pylist()
        ids = pa.array([tokenizer.encode(caption) for caption in captions], COLUMNS[COLUMN])
        place = result.kept.column_names.index(COLUMN)
        field = result.kept.schema.field(COLUMN)
        yield replace(result, kept=result.kept.set_column(place, field, ids))
