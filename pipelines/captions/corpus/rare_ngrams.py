"""A word, or a pair of neighbouring words, that is rare in all the data.

What is compared with the limit is the rank of the rarest one. Source: Jia et al. 2021 (ALIGN),
section 3, outside the 100 million most frequent unigrams and bigrams of the raw data.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.captions.batch import BATCH_CAPTIONS, Batch
from pipelines.captions.corpus.hashes import hash_pairs, hash_words
from pipelines.captions.corpus.items import Items
from pipelines.captions.corpus.rule import CorpusRule, ShardCaptions
from pipelines.captions.corpus.tally import Tally, merge
from pipelines.text.tokens import Tokens


def ngrams_left(captions: ShardCaptions) -> Items:
    """Those of the captions left, before any rewriting, as they were counted."""
    left = captions.raw.take(pa.array(captions.filtered.rows)).combine_chunks()
    return ngram_items(Batch(left, captions.spec).lowered)


def ngram_tally(captions: ShardCaptions) -> Tally:
    """How often each occurs in all captions but those too long to be read."""
    is_read = pc.less_equal(pc.utf8_length(captions.raw), captions.max_raw_chars)
    read = captions.raw.filter(is_read).combine_chunks()
    starts = range(0, len(read), BATCH_CAPTIONS)
    slices = (read[start : start + BATCH_CAPTIONS] for start in starts)
    words = (Batch(part, captions.spec).lowered for part in slices)
    return merge([Tally.of(ngram_items(part).hashes) for part in words])


def ngram_items(words: Tokens) -> Items:
    """The words of captions, then their pairs of neighbours."""
    types, ids = words.types, words.ids
    hashes, captions = hash_words(words), words.captions()
    lefts = np.flatnonzero(captions[:-1] == captions[1:])
    pairs = hash_pairs(hashes)[lefts] if len(lefts) else hashes[:0]

    def name(item: int) -> str:
        if item < len(hashes):
            return types[int(ids[item])]
        left = int(lefts[item - len(hashes)])
        return f"{types[int(ids[left])]} {types[int(ids[left + 1])]}"

    both = np.concatenate([captions, captions[lefts]])
    return Items(np.concatenate([hashes, pairs]), both, name)


RULE = CorpusRule("rare_ngrams", ngrams_left, ngram_tally, is_ranked=True)
