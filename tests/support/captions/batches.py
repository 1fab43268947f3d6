"""Batches for the unit tests of rules."""

from collections.abc import Sequence

import pyarrow as pa

from pipelines.captions.batch import Batch, Reading, as_it_is
from pipelines.captions.recipe import load_funnel
from pipelines.text.language import Speech
from pipelines.text.tagging.tagged import Tagged
from pipelines.text.tagging.taggers import load_tagger


def batch_of(captions: Sequence[str], language: str = "en") -> Batch:
    """Captions taken as they are: neither normalised nor cropped."""
    reading = Reading(as_it_is, as_it_is, Speech(language=language), _tag)
    return Batch(pa.array(captions, pa.string()), reading)


def read_batch(captions: Sequence[str]) -> Batch:
    """Captions read as the recipe `dalle` reads them."""
    return Batch(pa.array(captions, pa.string()), load_funnel("dalle", {}).reading)


def _tag(texts: Sequence[str]) -> Tagged:
    return load_tagger("perceptron").tag(texts)
