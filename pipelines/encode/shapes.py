"""The shapes in which a codec encodes images, where those have shapes of their own."""

from collections import Counter
from collections.abc import Iterable

import pyarrow as pa

from dalle_model.buckets import bucket_shapes
from dalle_model.cuts import Shape
from dalle_model.errors import UsageError
from dalle_model.tokenizers.codec import CodecFacts
from dalle_model.views import has_buckets
from pipelines.encode.config import EncodeConfig


class OneShapeError(UsageError):
    """Images are to be encoded in shapes of their own by a codec that has one: what to do."""


def buckets_of(facts: CodecFacts, takes_shapes: bool, config: EncodeConfig) -> tuple[Shape, ...]:
    """Heights and widths for the view `aspect`, in pixels; none where it is not asked for.

    Args:
        facts: of the codec.
        takes_shapes: whether it encodes images of other shapes than that of its facts.
        config: its views, and the longest aspect.

    Raises:
        OneShapeError: the codec encodes images of one shape alone.
    """
    if config.like is not None or not has_buckets(config.views):
        return ()
    try:
        patch = facts.patch
    except ValueError as error:
        raise _one_shape(facts, str(error)) from error
    if not takes_shapes:
        raise _one_shape(facts, "it has no `with_shape`")
    return bucket_shapes(facts.image_shape, patch, config.max_aspect)


def patch_of(facts: CodecFacts, takes_shapes: bool) -> Shape | None:
    """Height and width of a token, in pixels, by which a codec takes any shape; None for no other.

    Args:
        facts: of the codec.
        takes_shapes: whether it encodes images of other shapes than that of its facts.
    """
    try:
        return facts.patch if takes_shapes else None
    except ValueError:
        return None


def shape_counts(tables: Iterable[pa.Table]) -> list[tuple[tuple[int, ...], int]]:
    """How many rows have each token shape, the most frequent first.

    Args:
        tables: with the column `token_shape`.
    """
    counts = Counter[tuple[int, ...]]()
    for table in tables:
        counts.update(map(tuple, table["token_shape"].to_pylist()))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _one_shape(facts: CodecFacts, why: str) -> OneShapeError:
    height, width = facts.image_shape
    return OneShapeError(
        f"codec {facts.name} encodes images of {height} x {width} px alone ({why}); leave `aspect` "
        "out of `encode.views`, or name another `encode.codec`, such as a dVAE or a VQGAN"
    )
