from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.captions.corpus.images import image_numbers, images_of_texts, texts_of_image
from pipelines.captions.corpus.tally import merge
from pipelines.io.keys import pair_key, shard_of
from tests.support.captions.tallies import as_dict, hashes_of

PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=40)


def keys_of(pairs: list[tuple[int, int]]) -> pa.StringArray:
    keys = [pair_key(f"http://a.test/{image}", str(text)) for image, text in pairs]
    return pa.array(keys, pa.string())


def test_images_are_numbered_and_their_texts_counted():
    keys = keys_of([(1, 1), (1, 2), (0, 1), (1, 3)])
    assert image_numbers(keys).tolist() == [0, 0, 1, 0]
    assert texts_of_image(pa.chunked_array([keys[:1], keys[1:]])).tolist() == [3, 3, 1, 3]
    assert texts_of_image(pa.array([], pa.string())).tolist() == []


@settings(deadline=None)
@given(PAIRS, st.integers(1, 4))
def test_images_of_a_text_add_up_over_shards(pairs, num_shards):
    """An image is in one shard, so no image is counted twice."""
    shards: list[list[tuple[int, int]]] = [[] for _ in range(num_shards)]
    for (image, text), key in zip(pairs, keys_of(pairs).to_pylist(), strict=True):
        shards[shard_of(key, num_shards)].append((image, text))
    tallies = [
        images_of_texts(hashes_of([t for _, t in shard]), image_numbers(keys_of(shard)))
        for shard in shards
    ]
    expected = Counter(hashes_of([text])[0] for _, text in set(pairs))
    assert as_dict(merge(tallies)) == expected


def test_an_image_counts_once_for_a_text():
    texts, images = hashes_of([4, 4, 4, 5]), np.array([0, 0, 1, 0])
    assert sorted(as_dict(images_of_texts(texts, images)).values()) == [1, 2]
