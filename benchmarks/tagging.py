"""Part-of-speech tags in batches, against NLTK's tagger, one caption at a time, same weights."""

from collections.abc import Sequence

from nltk.tag.perceptron import PerceptronTagger
from nltk.tokenize.destructive import NLTKWordTokenizer

from benchmarks.captions import generated_captions, real_texts
from benchmarks.measure import Row, race, speed
from pipelines.text.tagging.tagged import PTB_TAGS
from pipelines.text.tagging.taggers import PERCEPTRON, load_tagger
from pipelines.text.tagging.weights import Weights, load_weights
from tools.tagger.make_weights import UNITS

NUM_CAPTIONS = 10_000


def measure() -> list[Row]:
    """Captions per CPU-second, splitting into words included."""
    return [
        _measure("real texts", real_texts()[:NUM_CAPTIONS]),
        _measure("generated captions", generated_captions(NUM_CAPTIONS)),
    ]


def _measure(name: str, captions: Sequence[str]) -> Row:
    tagger, peer, tokenizer = load_tagger(PERCEPTRON), nltk_tagger(), NLTKWordTokenizer()
    times = race(
        lambda: tagger.tag(captions),
        lambda: [peer.tag(tokenizer.tokenize(caption)) for caption in captions],
    )
    words = len(tagger.tag(captions).tags) / len(captions)
    other = "peer: NLTK's tagger and tokenizer, same weights"
    note = f"{len(captions)} captions, {words:.1f} words and marks each"
    return speed(f"Parts of speech, {name}", "captions", other, len(captions), times, note)


def nltk_tagger() -> PerceptronTagger:
    """NLTK's code with the bundled weights."""
    weights = load_weights()
    peer = PerceptronTagger(load=False)
    peer.model.weights = _by_feature(weights)
    peer.tagdict = dict(weights.single)
    peer.classes = peer.model.classes = {PTB_TAGS[number] for number in weights.tags}
    return peer


def _by_feature(weights: Weights) -> dict[str, dict[str, float]]:
    tags = [PTB_TAGS[number] for number in weights.tags]
    return {
        f"{kind} {words}".strip(): {
            tag: score / UNITS
            for tag, score in zip(tags, weights.scores[row].tolist(), strict=True)
            if score
        }
        for kind, rows in weights.rows.items()
        for words, row in rows.items()
    }
