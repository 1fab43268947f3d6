"""Batches for the unit tests of rules."""

from collections.abc import Sequence

import pyarrow as pa

from pipelines.captions.batch import Batch, ColumnSpec, unchanged
from pipelines.captions.recipe import load_funnel
from pipelines.text.language import Speech
from pipelines.text.tagging.tagged import Tagged
from pipelines.text.tagging.taggers import load_tagger


def batch_of(captions: Sequence[str], language: str = "en", **lists: str) -> Batch:
    """Captions taken as they are: neither normalised nor cropped; with a test's own word lists."""
    spec = ColumnSpec(unchanged, unchanged, Speech(language=language), _tag, **lists)
    return Batch(pa.array(captions, pa.string()), spec)


def read_batch(captions: Sequence[str]) -> Batch:
    """Captions read as the recipe `dalle` reads them."""
    return Batch(pa.array(captions, pa.string()), load_funnel("dalle", {}).spec)


def _tag(texts: Sequence[str]) -> Tagged:
    return load_tagger("perceptron").tag(texts)
