"""The rules over all data. A new rule is a file with its `RULE`, and its line here."""

from pipelines.captions.corpus import (
    image_with_many_texts,
    near_text_of_many_images,
    rare_ngrams,
    rare_types,
    text_of_many_images,
)
from pipelines.captions.corpus.rule import CorpusRule
from pipelines.captions.registry import Registry
from pipelines.captions.rules.rule import Rule
from pipelines.plugins import CORPUS_RULES, installed

# A plain `Rule` here is one that needs all data in principle, yet finds all it needs in one shard.
RULES: Registry[Rule | CorpusRule] = Registry(
    image_with_many_texts.RULE,
    text_of_many_images.RULE,
    near_text_of_many_images.RULE,
    rare_ngrams.RULE,
    rare_types.RULE,
    load=lambda: installed(CORPUS_RULES, CorpusRule),
)
