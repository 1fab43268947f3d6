"""What `pipelines/text/tagging/ACCURACY.md` states; printed when run with `python -m`."""

import sys
from collections.abc import Iterator, Sequence

from pipelines.text.tagging.forms import treebank_form
from pipelines.text.tagging.taggers import PERCEPTRON, load_tagger
from pipelines.text.tagging.tokenise import tokenise, with_quotes
from pipelines.text.tagging.weights import load_weights
from tests.support.nltk_tagger import nltk_tagger
from tests.support.tagging.sample import HELD_OUT, SAMPLE, Example, examples, styles
from tests.support.tagging.scores import Pairs, row


def tagged_pairs(rows: Sequence[Example]) -> list[Pairs]:
    """Tags by hand and by the bundled tagger."""
    found = load_tagger(PERCEPTRON).tag([example.text for example in rows]).pairs()
    return [
        [(tag, guess) for (_, tag), (_, guess) in zip(example.pairs, pairs, strict=True)]
        for example, pairs in zip(rows, found, strict=True)
    ]


def tagged_by_nltk(rows: Sequence[Example]) -> list[Pairs]:
    """The same by NLTK's code with the same weights, which knows nothing of truecasing."""
    texts = [example.text for example in rows]
    words = with_quotes(tokenise(texts), texts).mapped(treebank_form).lists()
    peer = nltk_tagger(load_weights().single)
    return [
        [(tag, guess) for (_, tag), (_, guess) in zip(example.pairs, peer.tag(forms), strict=True)]
        for example, forms in zip(rows, words, strict=True)
    ]


def by_tagger() -> Iterator[str]:
    """Ours, and what the same weights give without truecasing."""
    for name in (SAMPLE, HELD_OUT):
        rows = examples(name)
        yield row(f"{name} | perceptron", tagged_pairs(rows))
        yield row(f"{name} | NLTK `PerceptronTagger`, same weights", tagged_by_nltk(rows))


def by_style() -> Iterator[str]:
    """Ours by the origin of captions."""
    for name in (SAMPLE, HELD_OUT):
        for style, rows in styles(examples(name)).items():
            yield row(f"{name} | {style}", tagged_pairs(rows))


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in [*by_tagger(), "", *by_style()])
