"""NLTK's averaged perceptron with the weights that come along here."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.slow_tagger import SlowTagger
from tools.tagger.make_weights import UNITS


def nltk_tagger(single: Mapping[str, str]) -> Any:
    """NLTK's `PerceptronTagger`, with the tags of forms that have but one; skips without NLTK."""
    published = SlowTagger()
    peer = pytest.importorskip("nltk.tag.perceptron").PerceptronTagger(load=False)
    peer.model.weights = {
        feature: {tag: weight / UNITS for tag, weight in row.items()}
        for feature, row in published.weights.items()
    }
    peer.tagdict = dict(single)
    peer.classes = peer.model.classes = set(published.classes)
    return peer
