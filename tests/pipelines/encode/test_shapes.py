from dataclasses import replace

import pyarrow as pa
import pytest

from dalle_model.buckets import bucket_shapes
from dalle_model.tokenizers.codec import CodecFacts
from pipelines.encode.config import EncodeConfig
from pipelines.encode.shapes import OneShapeError, buckets_of, shape_counts

FACTS = CodecFacts("x", "", (64, 64), (8, 8), 1024, "lanczos", (0.1, 0.9))
ASPECT = EncodeConfig(views=("centre", "aspect"))


def test_the_buckets_are_those_of_the_codecs_patches_and_of_the_longest_aspect():
    assert buckets_of(FACTS, True, ASPECT) == bucket_shapes((64, 64), (8, 8))
    wider = ASPECT.model_copy(update={"max_aspect": 4.0})
    assert buckets_of(FACTS, True, wider) == bucket_shapes((64, 64), (8, 8), 4)
    coarse = replace(FACTS, token_shape=(4, 4))
    assert buckets_of(coarse, True, wider) == bucket_shapes((64, 64), (16, 16), 4)


def test_other_views_need_none_of_any_codec():
    assert buckets_of(FACTS, False, EncodeConfig(views=("centre", "ten_crop"))) == ()
    assert buckets_of(FACTS, False, EncodeConfig(like="runs/x")) == ()


@pytest.mark.parametrize(
    ("facts", "takes_shapes", "why"),
    [
        (FACTS, False, "it has no `with_shape`"),
        (replace(FACTS, token_shape=(32,), order="sequence"), True, "are no grid of patches"),
    ],
)
def test_a_codec_of_one_shape_is_refused(facts, takes_shapes, why):
    with pytest.raises(OneShapeError, match=rf"{why}.*leave `aspect` out of `encode.views`"):
        buckets_of(facts, takes_shapes, ASPECT)


def test_token_shapes_are_counted_the_most_frequent_first():
    kind = pa.list_(pa.uint16())
    shapes = [[[8, 8], [7, 9]], [], [[9, 7], [7, 9]]]
    tables = [pa.table({"token_shape": pa.array(some, kind)}) for some in shapes]
    assert shape_counts(tables) == [((7, 9), 2), ((8, 8), 1), ((9, 7), 1)]
