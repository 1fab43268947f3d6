from dataclasses import replace

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.captions.batch import Batch
from pipelines.captions.recipe import load_funnel
from tests.support.captions.batches import read_batch

COLUMNS = ("normal", "text", "characters", "words", "lowered", "spoken", "tagged")
RAW = ["A  dog - Stock Photo", "image of Tom &amp; a cat", "", "caf\u00e9 &eacute;", "3 \u72ac"]


def plain(batch: Batch) -> list[object]:
    """All columns as lists."""
    return [
        batch.raw.to_pylist(),
        batch.normal.to_pylist(),
        batch.text.to_pylist(),
        batch.characters.codes.tolist(),
        batch.words.lists(),
        batch.lowered.lists(),
        batch.spoken.languages.to_pylist(),
        batch.spoken.probabilities.tolist(),
        batch.tagged.pairs(),
        batch.texts_of_image.tolist(),
    ]


@settings(deadline=None)
@given(st.lists(st.sampled_from(RAW), max_size=6), st.sets(st.sampled_from(COLUMNS)), st.data())
def test_columns_are_filtered_together_whatever_is_derived(captions, known, data):
    size = len(captions)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), np.bool_)
    batch = read_batch(captions)
    batch.texts_of_image = np.arange(size, dtype=np.float64)
    for column in known:
        getattr(batch, column)
    alone = read_batch([caption for caption, kept in zip(captions, mask, strict=True) if kept])
    alone.texts_of_image = np.flatnonzero(mask).astype(np.float64)
    assert plain(batch.take(mask)) == plain(alone)
    assert len(batch) == size


def test_states_of_a_caption():
    batch = read_batch(["Image of Tom &amp; a  cat"])
    assert batch.normal.to_pylist() == ["Image of Tom & a cat"]
    assert batch.text.to_pylist() == ["Tom & a cat"]
    assert batch.words.lists() == [["Tom", "a", "cat"]]
    assert batch.lowered.lists() == [["tom", "a", "cat"]]
    assert np.isnan(batch.texts_of_image).all()
    assert np.isnan(batch.unresolved).all()


def test_a_column_is_derived_once_and_only_when_needed():
    calls: list[int] = []

    def normalise(texts: pa.StringArray) -> pa.StringArray:
        calls.append(len(texts))
        return texts

    spec = replace(load_funnel("dalle", {}).spec, normalise=normalise)
    batch = Batch(pa.array(["a", "b"]), spec)
    assert len(batch.take(np.array([True, False]))) == 1
    assert calls == []
    assert batch.text.to_pylist() == batch.normal.to_pylist() == ["a", "b"]
    assert calls == [2]
