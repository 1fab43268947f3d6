"""Which captions share an image, from their keys alone: the first 24 digits name it."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.shards import IMAGE_DIGITS
from pipelines.captions.corpus.tally import Hashes, Numbers, Tally


def image_numbers(keys: pa.ChunkedArray | pa.StringArray) -> Numbers:
    """A number for the image of each key, counted from 0 in the order of their first keys."""
    images = pc.utf8_slice_codeunits(_whole(keys), 0, IMAGE_DIGITS)
    return np.asarray(images.dictionary_encode().indices, np.int64)


def texts_of_image(keys: pa.ChunkedArray | pa.StringArray) -> npt.NDArray[np.float64]:
    """For each key of a shard, how many of them share its image, float64 `[captions]`.

    A key contains a hash of the raw text, so these are distinct texts; and an image is in one
    shard, so the keys of a shard are all that it has.
    """
    numbers = image_numbers(keys)
    return np.bincount(numbers)[numbers].astype(np.float64)


def images_of_texts(texts: Hashes, images: Numbers) -> Tally:
    """How many different images each text has in a shard.

    The shards' tallies add up to those of all data, since an image is in one shard.

    Args:
        texts: hash of each caption's text.
        images: number of each caption's image.
    """
    order = np.lexsort((images, texts))
    texts, images = texts[order], images[order]
    is_new = np.ones(len(texts), np.bool_)
    is_new[1:] = (texts[1:] != texts[:-1]) | (images[1:] != images[:-1])
    return Tally.of(texts[is_new])


def _whole(column: pa.ChunkedArray | pa.StringArray) -> pa.StringArray:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
