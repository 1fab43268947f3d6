"""MinHash: texts that have most of their parts in common share numbers.

A text is the set of its runs of five characters. Of each of some random orders of all runs it keeps
the first that it has: two texts agree there as often as is the share of runs that they have in
common. Eight such numbers are a band; texts with a band in common are near.

Source: Broder 1997, "On the resemblance and containment of documents". Numbers of bands:
huggingface/datatrove `pipeline/dedup/minhash.py`, `MinhashConfig`: 14 buckets of 8 hashes. Of two
texts with 0.8 of their runs in common 92 % share a band, with 0.6 it is 21 %, with 0.4 it is 1 %.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipelines.captions.corpus.hashes import hash_texts
from pipelines.captions.corpus.tally import Hashes

BANDS, ROWS = 14, 8
RUN = 5  # characters; chosen: ten words have some sixty, of which another word changes ten
_AT_ONCE = 4096  # texts; chosen: 4 MB of runs

# Odd factors, by which numbers are put into an order of their own, and bands told apart.
_ORDERS = (hash_texts(f"order {n}" for n in range(BANDS * ROWS)) | np.uint64(1)).reshape(
    BANDS, ROWS
)
_PLACES = hash_texts(f"place {n}" for n in range(BANDS * ROWS)).reshape(BANDS, ROWS) | np.uint64(1)
_CHARACTERS = hash_texts(f"character {n}" for n in range(RUN)) | np.uint64(1)
# Source: Steele, Lea and Flood 2014, SplitMix64: two of its steps, which spread every bit.
_SPREAD = np.uint64(0xBF58476D1CE4E5B9)
_SHIFTS = np.uint64(30), np.uint64(27)
_HALF = np.uint64(32)


def band_hashes(texts: Sequence[str]) -> npt.NDArray[np.uint64]:
    """The bands of texts that are not empty, uint64 `(texts, BANDS)`."""
    parts = [_bands(texts[start : start + _AT_ONCE]) for start in range(0, len(texts), _AT_ONCE)]
    return np.concatenate([np.empty((0, BANDS), np.uint64), *parts])


def _bands(texts: Sequence[str]) -> npt.NDArray[np.uint64]:
    runs, starts = _runs(texts)
    bands = np.zeros((len(texts), BANDS), np.uint64)
    for band in range(BANDS):
        for order, place in zip(_ORDERS[band], _PLACES[band], strict=True):
            bands[:, band] += np.minimum.reduceat(runs * order >> _HALF, starts) * place
    return bands


def _runs(texts: Sequence[str]) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """A hash of the run at each character of each text, and where the texts start."""
    padded = "".join(text + "\0" * (RUN - 1) for text in texts) + "\0" * RUN
    codes = np.frombuffer(padded.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    count = len(codes) - RUN
    runs = sum(codes[place : place + count] * f for place, f in enumerate(_CHARACTERS))
    runs = (runs ^ (runs >> _SHIFTS[0])) * _SPREAD
    runs ^= runs >> _SHIFTS[1]
    lengths = np.array([len(text) for text in texts])
    starts = np.cumsum(lengths) - lengths
    own = np.arange(lengths.sum()) + np.repeat(np.arange(len(texts)) * (RUN - 1), lengths)
    return runs[own], starts
