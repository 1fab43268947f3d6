"""A type of entity that the rewriting wrote, and that is rare in all the data.

What is compared with the limit is the number of mentions of the rarest one.
Source: Sharma et al. 2018, section 3, above 100.
"""

import numpy as np
import pyarrow.compute as pc

from pipelines.captions.corpus.hashes import hash_words
from pipelines.captions.corpus.items import Items
from pipelines.captions.corpus.rule import CorpusRule, ShardCaptions
from pipelines.text.tokens import Tokens


def type_items(captions: ShardCaptions) -> Items:
    """One item for each mention of a type in a caption that is left."""
    counts = pc.list_value_length(captions.filtered.types)
    words = pc.list_flatten(captions.filtered.types).to_pylist()
    return token_items(Tokens.of_words(words, np.asarray(counts, np.int64)))


def token_items(tokens: Tokens) -> Items:
    """One item a token."""
    types, ids = tokens.types, tokens.ids
    return Items(hash_words(tokens), tokens.captions(), lambda item: types[int(ids[item])])


RULE = CorpusRule("rare_types", type_items, is_floor=True)
