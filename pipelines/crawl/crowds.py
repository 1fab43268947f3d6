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
    crowded = _images(rejected.filter(pc.equal(rejected["reason"], TOO_MANY_CAPTIONS))["key"])
    if not len(crowded):
        return rejected
    images = frozenset(pc.unique(crowded).to_pylist())
    last = last_keys([key for key in kept if image_of(key) in images], most)
    goes = _is_behind(rejected, last)
    counts = _images(pc.unique(rejected["key"].filter(goes))).value_counts()
    numbers = pc.add(counts.field("counts"), most).cast(pa.float64())
    found = numbers.take(pc.index_in(_images(rejected["key"]), counts.field("values")))
    columns = {
        "reason": pc.if_else(goes, TOO_MANY_CAPTIONS, rejected["reason"]),
        "measured": pc.if_else(goes, found, rejected["measured"]),
        "threshold": pc.if_else(goes, float(most), rejected["threshold"]),
    }
    arrays = [columns.get(name, rejected[name]) for name in rejected.column_names]
    return pa.table(arrays, schema=rejected.schema)


def _is_behind(rejected: pa.Table, last: Mapping[str, str]) -> pa.ChunkedArray:
    """Whether a row is beyond the limit, or a copy of one that is."""
    images, keys = pa.array(list(last), pa.string()), pa.array(list(last.values()), pa.string())
    limits = keys.take(pc.index_in(_images(rejected["key"]), images))
    is_of_pair = pc.is_in(rejected["reason"], pa.array([DUPLICATE, TOO_MANY_CAPTIONS]))
    is_behind = pc.fill_null(pc.greater(rejected["key"], limits), False)
    return pc.and_(is_of_pair, is_behind)


def _images(keys: pa.ChunkedArray | pa.StringArray) -> pa.ChunkedArray | pa.StringArray:
    return pc.utf8_slice_codeunits(keys, 0, IMAGE_DIGITS)
