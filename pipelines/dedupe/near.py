"""Images that look the same: resized, recompressed, cropped, with a border or a mark.

An image is dropped when a better-ranked one is near it. "Better" is a total order, in which those
of finished runs come first, and which views are compared depends on the images of the runs alone,
so neither the order of the input nor the number of workers changes which images are kept.
"""

from collections.abc import Sequence

import numpy as np

from pipelines.dedupe.cells import Ints
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.cuts import Cut, Group
from pipelines.dedupe.grids import Codes, Values
from pipelines.dedupe.keys import IMAGE_FIELDS, Records, distinct, order_by, starts_of_runs
from pipelines.dedupe.meetings import Table
from pipelines.sameness.likeness import MAX_ASPECT_CHANGE

REASON = "near_duplicate"

# Two views whose sketches and hashes are near: of an image, and of a better one.
PAIR_FIELDS = [
    *IMAGE_FIELDS, ("view", "u1"), ("hamming", "u1"),
    ("better_high", "<u8"), ("better_low", "<u4"), ("better_view", "u1"), ("better_area", "<u8"),
    ("better_run", "u1"),
]  # fmt: skip
CANDIDATE_DTYPE = np.dtype(PAIR_FIELDS)

HELD_PAIRS = 1 << 20  # chosen: 8 MB, and some 100 MB to find the best among them
CANDIDATES = 8  # best-ranked ones of an image that are looked at, and as many nearest ones

_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)  # of the number of a pair


def candidates(views: Sequence[Records], group: Group, cut: Cut, config: DedupeConfig) -> Records:
    """Pairs of views that may be copies, by the tables of a group.

    Args:
        views: `VIEW_DTYPE` of every shard, of those who go to the group, in any order.
        group: which tables, and which part of them.
        cut: how tables are cut.
        config: what is near, and in how many tables all are looked for.

    Returns:
        `CANDIDATE_DTYPE`, sorted by image, then by the rank of the better one; of each image at
        most `CANDIDATES` best-ranked and `CANDIDATES` nearest ones.
    """
    ranked = _ranked(np.concatenate(views))
    found = _BestPairs(ranked)
    values, hashes = ranked["values"].copy(), ranked["phash"].astype(np.uint64)
    for grids in cut.tables(group, config.num_tables):
        table = Table.of(values, hashes, grids, cut.lives(grids[0], ranked, group[1]))
        near = _Near(ranked[table.order], table.values, config)
        for one, other in table.meetings(config.max_hamming):
            found.add(*(table.order[place] for place in near.among(one, other)))
    return _described(ranked, found.best())


def _ranked(views: Records) -> Records:
    """The views from the best image to the worst; of images with equal pixels, the best alone."""
    smaller = views["area"].max(initial=0) - views["area"]
    rank = (views["run"], smaller, views["high"], views["low"], views["view"])
    views = views[order_by(*rank)]
    image = _image_numbers(views)
    first, which = distinct(views["pixels"])
    return np.asarray(views[image == image[first[which]]])


def _image_numbers(views: Records) -> Ints:
    """The image of each view, where those of an image stand side by side."""
    is_next = np.zeros(len(views), np.int64)
    is_next[starts_of_runs(views["run"], views["high"], views["low"])[1:]] = 1
    return np.asarray(np.cumsum(is_next))


class _Near:
    """Which of many pairs of views are near, by their sketches alone."""

    def __init__(self, views: Records, values: Values, config: DedupeConfig) -> None:
        self.high, self.low = views["high"].copy(), views["low"].copy()
        self.is_own = views["run"] == len(config.against)
        self.values = values
        self.aspect = views["aspect"].astype(np.int16)
        self.reach = views["reach"].astype(np.int32)
        self.config = config

    def among(self, one: Ints, other: Ints) -> tuple[Ints, Ints]:
        """The pairs that are near, of two images that are not both of finished runs."""
        own, both = self.is_own[one] | self.is_own[other], self.is_own[one] & self.is_own[other]
        alike = np.flatnonzero(
            own
            & (~both | (self.high[one] != self.high[other]) | (self.low[one] != self.low[other]))
            & (np.abs(self.aspect[one] - self.aspect[other]) <= MAX_ASPECT_CHANGE)
        )
        one, other = one[alike], other[alike]
        apart = self.values[one].astype(np.int32) - self.values[other]
        limit = np.maximum(self.reach[one], self.reach[other]) + self.config.max_sketch_distance
        near = np.flatnonzero(np.einsum("nv,nv->n", apart, apart) <= limit**2)
        return one[near], other[near]


class _BestPairs:
    """The best-ranked and the nearest candidates of each image, of pairs that come in parts.

    Of a picture with 300,000 copies each meets 64 others in every table, of which few are looked
    at. The best of all are among the best of every part, so the others are let go of on the way.

    Args:
        views: in the order of their rank; a pair is two numbers of them.
    """

    def __init__(self, views: Records) -> None:
        self._image, self._hashes = _image_numbers(views), views["phash"].astype(np.uint64)
        self._found = [np.empty(0, np.uint64)]
        self._held, self._most_held = 0, HELD_PAIRS

    def add(self, one: Ints, other: Ints) -> None:
        """Take pairs in any order and any number of times."""
        worse, better = np.maximum(one, other).astype(np.uint64), np.minimum(one, other)
        self._found.append((worse << _HALF) | better.astype(np.uint64))
        self._held += len(one)
        if self._held >= self._most_held:
            self._found = [self.best()]
            self._held = len(self._found[0])
            self._most_held = HELD_PAIRS + 2 * self._held

    def best(self) -> Codes:
        """Each pair that is left as the number of its worse view, then of its better one."""
        pairs = np.sort(np.concatenate(self._found))
        pairs = pairs[starts_of_runs(pairs)]  # `np.unique` takes several times as long
        worse, better = _worse_and_better(pairs)
        image = self._image[worse]
        hamming = np.bitwise_count(self._hashes[worse] ^ self._hashes[better])
        return pairs[_come_first(image, better, worse) | _come_first(image, hamming, better, worse)]


def _worse_and_better(pairs: Codes) -> tuple[Ints, Ints]:
    return (pairs >> _HALF).astype(np.int64), (pairs & _LOW).astype(np.int64)


def _come_first(
    image: Ints, *ranks: "np.ndarray[tuple[int], np.dtype[np.generic]]"
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Whether a pair is one of the first of its image."""
    order = np.lexsort((*reversed(ranks), image))
    first = np.zeros(len(image), bool)
    first[order] = _places(starts_of_runs(image[order]), len(image)) < CANDIDATES
    return first


def _described(views: Records, pairs: Codes) -> Records:
    worse, better = (views[numbers] for numbers in _worse_and_better(pairs))
    found = np.zeros(len(pairs), CANDIDATE_DTYPE)
    for name in ("high", "low", "view"):
        found[name], found[f"better_{name}"] = worse[name], better[name]
    found["better_area"], found["better_run"] = better["area"], better["run"]
    found["hamming"] = np.bitwise_count(worse["phash"] ^ better["phash"])
    return keep_best(found)


def order_of(found: Records) -> Ints:
    """Positions by image, then by the rank of the better image."""
    return np.lexsort((*_rank(found), found["low"], found["high"]))


def unique_pairs(found: Records) -> Records:
    """Each pair of views once, in that order."""
    ordered = found[order_of(found)]
    names = ("high", "low", "view", "better_run", "better_high", "better_low", "better_view")
    return ordered[starts_of_runs(*(ordered[name] for name in names))]


def keep_best(found: Records) -> Records:
    """The best-ranked and the nearest candidates of each image, sorted by image and rank."""
    return found[best_candidates(found)]


def best_candidates(found: Records) -> Ints:
    """Positions of those that `keep_best` keeps, in its order.

    The best of all are among the best of any part of the candidates: how these come in parts, by
    tables, shards or cuts, decides nothing once the best of all are chosen.
    """
    order = np.lexsort((*_rank(found), found["hamming"], found["low"], found["high"]))
    nearest = np.zeros(len(found), bool)
    nearest[order] = _place_in_run(found[order]) < CANDIDATES
    order = order_of(found)
    first = _place_in_run(found[order]) < CANDIDATES
    return np.asarray(order[first | nearest[order]])


def _rank(found: Records) -> tuple["np.ndarray[tuple[int], np.dtype[np.generic]]", ...]:
    area = found["better_area"].astype(np.int64)
    better = (found["better_low"], found["better_high"], -area, found["better_run"])
    return (found["view"], found["better_view"], *better)


def _place_in_run(ordered: Records) -> Ints:
    """The place of each record among those of its image."""
    return _places(starts_of_runs(ordered["high"], ordered["low"]), len(ordered))


def _places(starts: Ints, count: int) -> Ints:
    """The place of each of so many in its run."""
    return np.arange(count) - np.repeat(starts, np.diff(np.append(starts, count)))
