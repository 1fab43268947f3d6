"""What a shard adds to the counts over all data."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.captions.batch import BATCH_CAPTIONS, Batch
from pipelines.captions.corpus.hashes import hash_texts
from pipelines.captions.corpus.images import image_numbers, images_of_texts
from pipelines.captions.corpus.items import ngram_items, token_items
from pipelines.captions.corpus.rules import RARE_NGRAMS, RARE_TYPES, TEXT_OF_MANY_IMAGES
from pipelines.captions.corpus.tally import Tally, merge
from pipelines.captions.funnel import Funnel, Verdicts
from pipelines.captions.rules.text import RAW_LENGTH
from pipelines.text.tokens import Tokens


def tallies(candidates: pa.Table, verdicts: Verdicts, funnel: Funnel) -> dict[str, Tally]:
    """For each data rule of the funnel, what it counts in a shard.

    Args:
        candidates: at least `key` and `caption`; all of the shard.
        verdicts: of the rules that look at one caption alone.
        funnel: its `data` names the rules.
    """
    count = {
        TEXT_OF_MANY_IMAGES: lambda: text_tally(candidates["key"], verdicts),
        RARE_NGRAMS: lambda: ngram_tally(candidates["caption"], funnel),
        RARE_TYPES: lambda: Tally.of(token_items(types_of(verdicts)).hashes),
    }
    return {name: count[name]() for name in funnel.data}


def text_tally(keys: pa.ChunkedArray, verdicts: Verdicts) -> Tally:
    """Pictures of each text that is left; a caption counts as it is kept, so after rewriting."""
    images = image_numbers(keys)[verdicts.rows]
    return images_of_texts(hash_texts(verdicts.texts.to_pylist()), images)


def ngram_tally(raw: pa.ChunkedArray, funnel: Funnel) -> Tally:
    """Words and pairs of words of all captions but those too long to be read."""
    limit = next((limit for rule, limit in funnel.steps if rule.name == RAW_LENGTH), np.inf)
    read = raw.filter(pc.less_equal(pc.utf8_length(raw), limit)).combine_chunks()
    starts = range(0, len(read), BATCH_CAPTIONS)
    slices = (read[start : start + BATCH_CAPTIONS] for start in starts)
    words = (Batch(part, funnel.reading).lowered for part in slices)
    return merge([Tally.of(ngram_items(part).hashes) for part in words])


def types_of(verdicts: Verdicts) -> Tokens:
    """The types of each caption that is left."""
    counts = pc.list_value_length(verdicts.types)
    words = pc.list_flatten(verdicts.types).to_pylist()
    return Tokens.of_words(words, np.asarray(counts, np.int64))
