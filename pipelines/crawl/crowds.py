"""Images with more captions than are kept of one: which of them go, and how they are counted.

All captions of an image are in one shard, so that a logo with another text on each of 300,000 pages
would be a shard as large as the crawl. The captions kept are the first by key, which is a hash of
the text: a draw that neither the order of the input nor the number of workers changes.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby, islice

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.shards import IMAGE_DIGITS, image_of
from pipelines.crawl.candidates import DUPLICATE, TOO_MANY_CAPTIONS


def beyond(keys: Collection[str], most: int) -> Iterator[str]:
    """The keys behind the first `most` ones of their image."""
    if len(keys) > most:
        for _, of_image in groupby(sorted(keys), image_of):
            yield from islice(of_image, most, None)


def last_keys(keys: Collection[str], most: int) -> dict[str, str]:
    """By image the last of its keys, where there are `most` of them."""
    last: dict[str, str] = {}
    if len(keys) >= most:
        for image, of_image in groupby(sorted(keys), image_of):
            in_order = list(of_image)  # `most` at the most: the others are gone
            if len(in_order) == most:
                last[image] = in_order[-1]
    return last


def counted(rejected: pa.Table, kept: Iterable[str], most: int) -> pa.Table:
    """The rejections of a shard, those beyond the limit with the number of the image's captions.

    A worker that does not know all captions takes for a copy what is beyond the limit in the end:
    so here all pairs behind the last one that is kept have one reason.

    Args:
        rejected: `REJECTION_SCHEMA`, of all rows of the shard that are dropped.
        kept: keys of the others.
        most: captions kept of an image.
    """
    is_of_crowd = pc.equal(rejected["reason"], TOO_MANY_CAPTIONS)
    images = frozenset(pc.unique(_images(rejected["key"].filter(is_of_crowd))).to_pylist())
    if not images:
        return rejected
    last = last_keys([key for key in kept if image_of(key) in images], most)
    batches = rejected.to_batches()  # as they were made, so that little is held beside them
    goes = [_is_behind(batch, last) for batch in batches]
    keys = [batch["key"].filter(mask) for batch, mask in zip(batches, goes, strict=True)]
    counts = _images(pc.unique(pa.chunked_array(keys))).value_counts()
    numbers = pc.add(counts.field("counts"), most).cast(pa.float64())
    return pa.Table.from_batches(
        _told(batch, mask, numbers.take(_places(batch, counts.field("values"))), most)
        for batch, mask in zip(batches, goes, strict=True)
    )


def _is_behind(rejected: pa.RecordBatch, last: Mapping[str, str]) -> pa.BooleanArray:
    """Whether a row is beyond the limit, or a copy of one that is."""
    images, keys = pa.array(list(last), pa.string()), pa.array(list(last.values()), pa.string())
    limits = keys.take(_places(rejected, images))
    is_of_pair = pc.is_in(rejected["reason"], pa.array([DUPLICATE, TOO_MANY_CAPTIONS]))
    is_behind = pc.fill_null(pc.greater(rejected["key"], limits), False)
    return pc.and_(is_of_pair, is_behind)


def _told(
    rejected: pa.RecordBatch, goes: pa.BooleanArray, numbers: pa.DoubleArray, most: int
) -> pa.RecordBatch:
    """The rows, of which some have too many captions beside them, with how many that are."""
    columns = {
        "reason": pc.if_else(goes, TOO_MANY_CAPTIONS, rejected["reason"]),
        "measured": pc.if_else(goes, numbers, rejected["measured"]),
        "threshold": pc.if_else(goes, float(most), rejected["threshold"]),
    }
    names = rejected.schema.names
    arrays = [columns.get(name, rejected[name]) for name in names]
    return pa.record_batch(arrays, schema=rejected.schema)


def _places(rejected: pa.RecordBatch, images: pa.StringArray) -> pa.Int32Array:
    """Where the image of each row stands in an array of images; null where it does not."""
    return pc.index_in(_images(rejected["key"]), images)


def _images(keys: pa.ChunkedArray | pa.StringArray) -> pa.ChunkedArray | pa.StringArray:
    return pc.utf8_slice_codeunits(keys, 0, IMAGE_DIGITS)
