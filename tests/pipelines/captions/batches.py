"""Batches for the unit tests of rules."""

from collections.abc import Sequence

import pyarrow as pa

from pipelines.captions.batch import Batch, Reading
from pipelines.captions.language import Speech
from pipelines.captions.tagging.tagged import Tagged


def batch_of(captions: Sequence[str]) -> Batch:
    """Captions taken as they are: neither normalised nor cropped."""
    reading = Reading(normalise=_same, crop=_same, speech=Speech(), tag=_tag)
    return Batch(pa.array(captions, pa.string()), reading)


def _same(texts: pa.StringArray) -> pa.StringArray:
    return texts


def _tag(texts: Sequence[str]) -> Tagged:
    from pipelines.captions.tagging.taggers import load_tagger

    return load_tagger("perceptron").tag(texts)
