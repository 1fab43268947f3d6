"""Keys, hashes and ranks as columns of integers: no Python object for a row."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

# An image, by the two parts of its 24 digits; what has these fields can be ranked.
IMAGE_FIELDS = [("high", "<u8"), ("low", "<u4")]
PAIR_DTYPE = np.dtype([("high", ">u8"), ("low", ">u4"), ("text", ">u8")])

Records = npt.NDArray[np.void]  # (n,) of a structured dtype


def parse_hex(texts: pa.ChunkedArray | pa.Array, dtype: np.dtype) -> Records:
    """Texts of hex digits, each as long as `dtype` needs, as records `(n,)`."""
    digits = "".join(texts.to_pylist())
    return np.frombuffer(bytes.fromhex(digits), dtype)


def image_digits(images: Records) -> list[str]:
    """The 24 hex digits of each image."""
    return [f"{high:016x}{low:08x}" for high, low in zip(*_image(images), strict=True)]


def pair_digits(pairs: Records) -> list[str]:
    """The 40 hex digits of each pair."""
    return [
        image + f"{text:016x}"
        for image, text in zip(image_digits(pairs), pairs["text"].tolist(), strict=True)
    ]


def shards_of(images: Records, num_shards: int) -> npt.NDArray[np.int64]:
    """As `pipelines.io.keys.shard_of`: the first 16 digits modulo the number of shards."""
    return np.asarray(images["high"] % np.uint64(num_shards), np.int64)


def first_rows(pairs: Records) -> npt.NDArray[np.int64]:
    """The first row of each image, among rows sorted by key."""
    return starts_of_runs(pairs["high"], pairs["low"])


def starts_of_runs(*columns: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Where a run of equal values starts, in columns that are sorted together."""
    if not len(columns[0]):
        return np.empty(0, np.int64)
    changes = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return np.concatenate([[0], np.flatnonzero(changes) + 1])


def distinct(*columns: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.int64], ...]:
    """The first position of each row of columns, in their order; and which of these each row is."""
    order = np.lexsort(columns[::-1])
    starts = starts_of_runs(*(column[order] for column in columns))
    which = np.empty(len(order), np.int64)
    which[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
    return order[starts], which


def best_first(images: Records) -> npt.NDArray[np.int64]:
    """Positions from the best rank to the worst: larger `area` first, then the smaller key."""
    area = images["area"].astype(np.int64)
    return np.lexsort((images["low"], images["high"], -area))


def find_images(images: Records, among: Records) -> npt.NDArray[np.int64]:
    """Where each image stands in `among`, which is sorted by image; -1 where it does not."""
    if not len(among):
        return np.full(len(images), -1)
    place = np.searchsorted(among["high"], images["high"]).clip(0, len(among) - 1)
    while True:  # images that share 64 bits stand side by side; there is hardly ever one
        behind = (among["high"][place] == images["high"]) & (among["low"][place] < images["low"])
        behind &= place + 1 < len(among)
        if not behind.any():
            break
        place = place + behind
    equal = (among["high"][place] == images["high"]) & (among["low"][place] == images["low"])
    return np.where(equal, place, -1)


def _image(images: Records) -> tuple[list[int], list[int]]:
    return images["high"].tolist(), images["low"].tolist()
