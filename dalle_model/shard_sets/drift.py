"""Whether a shard's codes are of another distribution than those of the others.

Two parts of one set differ by chance, and by more than their number of codes says: codes of an
image go together. So what chance gives is measured on the set itself: its images are dealt out at
random to groups, whose distances from the rest, scaled to the size of a shard, are those that
shards without any drift have. A shard that lies further than they allow is an alarm.

The distance is sum((p - q)^2 / t) over codes: p their shares in the shard, q in all others, t in
all. By chance alone its mean grows as 1 / n + 1 / m with the numbers of codes in both, exactly.
Source: Rao and Scott 1981, "The analysis of categorical data from complex sample surveys": the
statistic of clustered samples is a multiple of chi-square (second order: of Satterthwaite's degrees
of freedom). Chosen: moments by random groups, in place of theirs by an estimated covariance.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from dalle_model.shard_sets.code_counts import Codes

BINS = 1024  # of codes; chosen: 4 KiB a shard, so that 10,000 shards take 40 MiB
GROUPS = 256  # of images; chosen: their spread is then known to 5 %
MIN_IMAGES = 4 * GROUPS  # chosen: with fewer the groups are hardly more than single images
FALSE_ALARMS = 1e-3  # chosen: of 1,000 sets without drift, one has a shard that is an alarm
_GOLDEN = 2654435769  # Source: Knuth, The Art of Computer Programming 3, 6.4: 2^32 / golden ratio

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Drift:
    """How far a shard's codes are from those of all others that are no alarm.

    Args:
        divergence: Jensen-Shannon's, of both distributions in equal parts, in bits, 0..1; of groups
            of codes where there are more than `BINS`.
        ratio: the distance over what chance gives on average: about 1 without drift.
        limit: the ratio from which it is an alarm.
    """

    divergence: float
    ratio: float
    limit: float

    @property
    def is_alarm(self) -> bool:
        """Whether chance hardly gives such a shard."""
        return self.ratio > self.limit


def bins_of(codes: Codes, num_codes: int) -> npt.NDArray[np.int64]:
    """Into which of `BINS` each code of a row falls, int64 `[rows, codes]`; one each if there fit.

    Codes of different codebooks are different ones.
    """
    books = codes.shape[2]
    numbers = codes.astype(np.int64) + np.arange(books) * num_codes
    if books * num_codes > BINS:
        numbers = ((numbers * _GOLDEN) & 0xFFFFFFFF) >> (32 - BINS.bit_length() + 1)
    return np.asarray(numbers.reshape(len(codes), -1))


def drifts(shards: Counts, groups: Counts) -> list[Drift | None]:
    """The drift of each shard; None of one without rows, or of all where nothing can be told.

    Shards that are an alarm are not among those that others are compared with: else one that is far
    away would make alarms of its neighbours.

    Args:
        shards: codes of each shard by bin, int64 `[shards, BINS]`.
        groups: codes of each random group of images, int64 `[groups, BINS]`.
    """
    some = [int(number) for number in np.flatnonzero(shards.sum(axis=1))]
    expected, spread = _by_chance(groups)
    found: list[Drift | None] = [None] * len(shards)
    if len(some) < 2 or not expected:
        return found
    limit = _limit(expected, spread, FALSE_ALARMS / len(some))
    sound = _sound(shards, some, expected * limit)
    rest = shards[sorted(sound)].sum(axis=0) if sound else shards.sum(axis=0)
    for number in some:
        others = rest - shards[number] if number in sound or not sound else rest
        if others.any():
            ratio = _scaled(shards[number], others) / expected
            found[number] = Drift(jensen_shannon(shards[number], others), ratio, limit)
    return found


def _sound(shards: Counts, some: list[int], limit: float) -> set[int]:
    """Numbers of the shards that no other of them is far from; the furthest are left out first.

    One that is left out is at most a half of the others' rest, which then lie half as far from that
    or less, and a quarter by this distance: those beyond a half of the furthest go at once.
    """
    left = set(some)
    while len(left) > 1:
        total = shards[sorted(left)].sum(axis=0)
        apart = {number: _scaled(shards[number], total - shards[number]) for number in left}
        furthest = max(apart.values())
        if furthest <= limit:
            break
        left -= {n for n, value in apart.items() if value > max(limit, furthest / 2)}
    return left


def jensen_shannon(one: Counts, other: Counts) -> float:
    """The divergence of two distributions, in bits, 0..1.

    Source: Lin 1991, "Divergence measures based on the Shannon entropy".
    """
    p, q = one / one.sum(), other / other.sum()
    middle = (p + q) / 2
    return max(0.0, (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2)


def _relative_entropy(p: npt.NDArray[np.float64], q: npt.NDArray[np.float64]) -> float:
    some = p > 0
    return float((p[some] * np.log2(p[some] / q[some])).sum())


def _by_chance(groups: Counts) -> tuple[float, float]:
    """Mean and standard deviation of the scaled distances of random groups; 0 of fewer than two."""
    total = groups.sum(axis=0)
    sizes = groups.sum(axis=1)
    parts = groups[(sizes > 0) & (sizes < total.sum())]
    found = [_scaled(part, total - part) for part in parts]
    return (float(np.mean(found)), float(np.std(found, ddof=1))) if len(found) > 1 else (0.0, 0.0)


def _scaled(part: Counts, rest: Counts) -> float:
    """The distance of a part from the rest, over 1 / n + 1 / m."""
    total = part + rest
    some = total > 0
    n, m = int(part.sum()), int(rest.sum())
    apart = part[some] / n - rest[some] / m
    return float((apart**2 / (total[some] / (n + m))).sum() / (1 / n + 1 / m))


def _limit(mean: float, spread: float, chance: float) -> float:
    """The ratio that so small a share of distances exceeds by chance.

    Source: Wilson and Hilferty 1931, "The distribution of chi-square", for its quantiles.
    """
    if not spread:
        return 1.0
    freedom = 2 * (mean / spread) ** 2
    z, ninth = NormalDist().inv_cdf(1 - chance), 2 / (9 * freedom)
    return float((1 - ninth + z * math.sqrt(ninth)) ** 3)
