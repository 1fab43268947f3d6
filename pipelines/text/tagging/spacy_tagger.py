"""Any spaCy pipeline that a user has installed, in place of the bundled tagger."""

import importlib
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from pipelines.text.tagging.tagged import PTB_TAGS, TAG_NUMBERS, Tagged, TaggerError
from pipelines.text.tokens import Tokens

# Source: https://spacy.io/api, factories that set `token.tag_` or that those listen to. Parsers,
# recognisers and lemmatisers would only cost time.
_NEEDED = frozenset(("tok2vec", "transformer", "curated_transformer", "tagger", "attribute_ruler"))


class SpacyTagger:
    """A spaCy pipeline with tags of the Penn Treebank, as its English pipelines have.

    Its tags follow from floating-point sums: another processor may decide a close call differently.

    Args:
        model: name of an installed pipeline, or path of one.

    Raises:
        TaggerError: spaCy or the pipeline is not installed.
    """

    def __init__(self, model: str) -> None:
        self.name = f"spacy:{model}"
        self._pipeline = _load(model)

    def tag(self, texts: Sequence[str]) -> Tagged:
        """Tags of captions; spaces between words are no tokens.

        Raises:
            TaggerError: the pipeline gives no tags, or others than `PTB_TAGS`.
        """
        captions = [
            [(token.text, token.tag_) for token in document if not token.is_space]
            for document in self._pipeline.pipe(texts)
        ]
        words = [[word for word, _ in caption] for caption in captions]
        tags = [tag for _, tag in chain.from_iterable(captions)]
        if unknown := sorted(set(tags) - set(PTB_TAGS)):
            raise TaggerError(
                f"tagger {self.name!r}: gives the tags {', '.join(map(repr, unknown[:5]))}, which "
                "are not of the Penn Treebank; take a pipeline for English with a tagger, such as "
                "spacy:en_core_web_sm"
            )
        numbers = np.array([TAG_NUMBERS[tag] for tag in tags], np.uint8)
        return Tagged(Tokens.of_lists(words), numbers)


def _load(model: str) -> Any:
    try:
        spacy = importlib.import_module("spacy")
    except ImportError as error:
        raise TaggerError(
            f"tagger 'spacy:{model}': spaCy is not installed; run `pip install spacy`"
        ) from error
    try:
        pipeline = spacy.load(model)
    except OSError as error:
        raise TaggerError(
            f"tagger 'spacy:{model}': no such spaCy pipeline is installed; "
            f"run `python -m spacy download {model}`"
        ) from error
    metas = ((name, pipeline.get_pipe_meta(name)) for name in pipeline.pipe_names)
    pipeline.select_pipes(enable=[name for name, meta in metas if meta.factory in _NEEDED])
    return pipeline
