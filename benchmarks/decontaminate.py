"""Images of a run compared with those of an evaluation set: all looks, against hashes alone."""

import numpy as np
import pyarrow as pa

from benchmarks.measure import Row, race
from pipelines.decontaminate.looks import Looks
from pipelines.sameness.likeness import Likeness
from pipelines.sameness.views import Views, unpack_thumbnails, unpack_views
from tests.support.many_images import columns, pictures

IMAGES, REFERENCES = 4000, 5000
PEER = "imagededup's search of hashes, brute force in Cython, at most 10 bits (its default)"


def measure() -> list[Row]:
    """Images per CPU-second, sketches and hashes being given."""
    ours, theirs = _views(IMAGES, 1), _views(REFERENCES, 2)
    looks = Looks(*theirs, Likeness())
    queries, known = _hashes(ours[0]), _hashes(theirs[0])
    mine, its = race(lambda: looks.like(*ours), lambda: _search(known, queries))
    return [
        Row(
            name=f"Images compared with {REFERENCES:,} references",
            unit="images/CPU-s",
            other_is=PEER,
            ours=IMAGES / mine.cpu,
            other=IMAGES / its.cpu,
            ratio=its.cpu / mine.cpu,
            wall_ratio=its.wall / mine.wall,
            note="drawn pictures, none of which is among the references",
        )
    ]


def _views(
    count: int, seed: int
) -> tuple[Views, "np.ndarray[tuple[int, int], np.dtype[np.uint8]]"]:
    sketches, thumbnails, _ = columns(pictures(count, np.random.default_rng(seed)), border=False)
    views = unpack_views(_column(sketches), np.arange(count))
    return views, unpack_thumbnails(_column(thumbnails), views.rows, views.numbers)


def _column(values: list[bytes]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.binary())])


def _hashes(views: Views) -> dict[str, str]:
    return {str(number): f"{hashed:016x}" for number, hashed in enumerate(views.phash.tolist())}


def _search(known: dict[str, str], queries: dict[str, str]) -> object:
    from imagededup.handlers.search.retrieval import HashEval
    from imagededup.methods import PHash

    return HashEval(
        test=known,
        queries=queries,
        distance_function=PHash.hamming_distance,
        verbose=False,
        threshold=10,
        search_method="brute_force_cython",
        num_dist_workers=0,
    ).retrieve_results()
