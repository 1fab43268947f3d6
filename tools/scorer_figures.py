"""`python -m tools.scorer_figures RUN SCORER`: how well a scorer tells held-out pairs of a run.

Of each source, the images whose part of the key ends in `f`, which `dalle train clip` holds out;
each with its first caption, and with the next other one of its source. Without those that look like
an image that was trained on, too: at most `_NEAR` of the 64 bits of their hashes differ. Then some
of those that were trained on, with captions that they were not trained with.
"""

import sys
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model import files
from dalle_model.clip.registry import load_scorer
from dalle_model.clip.scorer import Scorer
from dalle_model.data.image_reader import HELD_OUT_DIGIT
from dalle_model.evaluate.retrieval import auc, others
from dalle_model.pixels import from_stored
from dalle_model.shards import image_of

_NEAR = 8  # bits; chosen: the limit at which `dedupe` asks further
_PASSING = 0.95  # of the own captions, by the limit at which others are counted
_MOST = 1000  # pairs that were trained on; chosen: some as many as are held out
_COLUMNS = ["key", "caption", "source", "image", "phash"]


def main(run: str, scorer_name: str) -> None:
    """Print a line for each source."""
    folder = files.join(run, "images")
    shards = [files.join(folder, n) for n in files.list_names(folder) if n.endswith(".parquet")]
    rows = pa.concat_tables([pq.read_table(url, columns=_COLUMNS) for url in shards])
    firsts = first_rows(rows["key"].to_pylist())
    rows = rows.take(pa.array(firsts))
    is_held_out = np.array([image_of(k).endswith(HELD_OUT_DIGIT) for k in rows["key"].to_pylist()])
    hashes = rows["phash"].to_numpy()
    scorer, source = load_scorer(scorer_name), np.array(rows["source"].to_pylist())
    for name in sorted(set(source)):
        places = np.flatnonzero(is_held_out & (source == name))
        is_far = distances(hashes[places], hashes[~is_held_out]) > _NEAR
        own, other = scored(scorer, rows.take(pa.array(places)))
        print(f"{name}: {described(own, other)}")
        print(f"{name}, like none that was trained on: {described(own[is_far], other[is_far])}")
        trained_on = np.flatnonzero(~is_held_out & (source == name))[:_MOST]
        print(f"{name}, trained on: {described(*scored(scorer, rows.take(pa.array(trained_on))))}")


def first_rows(keys: Sequence[str]) -> list[int]:
    """Places of the first row of each image, of keys in order."""
    seen: dict[str, int] = {}
    for place, key in enumerate(keys):
        seen.setdefault(image_of(key), place)
    return list(seen.values())


def scored(
    scorer: Scorer, rows: pa.Table
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Scores of images with their own captions, and with the next other one."""
    images, captions = list(_images(rows)), rows["caption"].to_pylist()
    wrong = [captions[n] for n in others(captions)]
    return scorer.score(images, captions), scorer.score(images, wrong)


def distances(hashes: npt.NDArray[np.uint64], to: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Bits in which each hash differs from the nearest of others."""
    return np.array([np.bitwise_count(one ^ to).min() for one in hashes], np.int64)


def described(own: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> str:
    """The figures of some pairs, in words."""
    if not len(own):
        return "no pairs"
    fallen = float((other < np.quantile(own, 1 - _PASSING)).mean())
    return (
        f"{len(own):,} pairs, AUC {auc(own, other):.4f}; of wrong captions {fallen:.1%} fall below "
        f"the limit that {_PASSING:.0%} of the own ones pass"
    )


def _images(rows: pa.Table) -> Iterator[npt.NDArray[np.uint8]]:
    return (from_stored(image) for image in rows["image"].to_pylist())


if __name__ == "__main__":
    main(*sys.argv[1:])
