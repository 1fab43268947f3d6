"""Mean and covariance of the features of a set of images, summed as they come.

The sums are whole numbers: features are rounded to a grid of 2^-21, which is below what float32
holds of values from 4 on, and written as two limbs of 16 bits, whose products float64 adds without
rounding. So mean and covariance are the same bits in whichever order, batches and parts the images
came. To features as they were, which the grid moves by 2.4e-7 at most, that makes a difference in
the tenth digit.
"""

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalle_model import files
from dalle_model.evaluate.features import FeatureFacts, FeaturesError, require_same

# Shape letters: N images, D values of a vector.

_STEP = 2.0**-21
_LIMIT = 2.0**10  # of the size of a feature: 32 bits with its sign
_LIMB = 2.0**16
_ROWS = 4096  # chosen: rows that are multiplied at once; float64 is exact to 2^23 of them

Float64s = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """The Gaussian that is fitted to the features of a set.

    Args:
        mean: float64 `(D,)`.
        covariance: float64 `(D, D)`, that of a sample: divided by `count - 1`.
        count: images of the set; None where a file of another program does not say.
        facts: of the feature function.
    """

    mean: Float64s
    covariance: Float64s
    count: int | None
    facts: FeatureFacts

    @property
    def has_full_rank(self) -> bool | None:
        """Whether there are more images than values of a vector; None where that is unknown.

        Below that a Frechet distance is finite, but depends on how many images there are.
        """
        return None if self.count is None else self.count > len(self.mean)


class FeatureSums:
    """Sums of features and of their products, exact: equal whatever the order and the parts.

    Args:
        facts: of the feature function.
    """

    def __init__(self, facts: FeatureFacts) -> None:
        self.facts, self.count = facts, 0
        self._sum = np.zeros(facts.dim, np.int64)
        # Of the high limbs, of high and low ones, of low ones.
        self._products = np.zeros((3, facts.dim, facts.dim), np.int64)

    def add(self, features: NDArray[np.float32]) -> None:
        """Add the features of some images, `(N, D)`; many at once are much faster than one by one.

        Raises:
            FeaturesError: of another length, not finite, or 1024 and more in size.
        """
        self._check(features)
        for start in range(0, len(features), _ROWS):
            whole = np.rint(features[start : start + _ROWS].astype(np.float64) / _STEP)
            high = np.rint(whole / _LIMB)
            low = whole - high * _LIMB
            cross = high.T @ low
            for part, product in enumerate([high.T @ high, cross + cross.T, low.T @ low]):
                self._products[part] += product.astype(np.int64)
            self._sum += whole.astype(np.int64).sum(axis=0)
        self.count += len(features)

    def merge(self, other: "FeatureSums") -> None:
        """Add what another one has summed.

        Raises:
            FeaturesError: it is of another feature function.
        """
        require_same(self.facts, other.facts)
        self.count += other.count
        self._sum += other._sum
        self._products += other._products

    def moments(self) -> Moments:
        """Mean and covariance.

        Raises:
            FeaturesError: there are fewer than two images.
        """
        if self.count < 2:
            raise FeaturesError(f"{self.count} images have no covariance; at least 2 are needed")
        high, cross, low = self._products.astype(np.float64)
        products = ((high * _LIMB + cross) * _LIMB + low) * _STEP**2
        total = self._sum.astype(np.float64) * _STEP
        mean = total / self.count
        covariance = (products - np.outer(total, total) / self.count) / (self.count - 1)
        return Moments(mean, covariance, self.count, self.facts)

    def _check(self, features: NDArray[np.float32]) -> None:
        if features.ndim != 2 or features.shape[1] != self.facts.dim:
            raise FeaturesError(
                f"features of shape {features.shape} where {self.facts.name} has {self.facts.dim} "
                "values an image"
            )
        if not (np.abs(features) < _LIMIT).all():  # NaN is not below either
            raise FeaturesError(
                f"{self.facts.name} gives features that are not finite, or {_LIMIT:.0f} and more "
                "in size; scale them in the feature function"
            )


def moments_of(parts: Iterable[NDArray[np.float32]], facts: FeatureFacts) -> Moments:
    """Mean and covariance of features in parts `(N, D)`; raises as `FeatureSums`."""
    sums = FeatureSums(facts)
    for part in parts:
        sums.add(part)
    return sums.moments()


def save_moments(url: str, moments: Moments) -> None:
    """Write an `.npz` with `mu` and `sigma`, as pytorch-fid's, and `count` and `facts` beside them.

    Source: mseitzer/pytorch-fid `fid_score.py`, `save_fid_stats`.
    """
    stream = io.BytesIO()
    facts = json.dumps(asdict(moments.facts), sort_keys=True)
    count = -1 if moments.count is None else moments.count
    np.savez(
        stream,
        mu=moments.mean,
        sigma=moments.covariance,
        count=np.array(count),
        facts=np.array(facts),
    )
    files.write_bytes(url, stream.getvalue())


def load_moments(url: str, facts: FeatureFacts | None = None) -> Moments:
    """Read such a file.

    Args:
        url: of the file.
        facts: those of a file that has none, as of pytorch-fid; it is then on the caller's word
            that it was made so.

    Raises:
        FeaturesError: it is missing, damaged, of another feature function than `facts`, or has no
            facts and none are given.
    """
    try:
        mean, covariance, count, own = _read(files.read_bytes(url))
    except FileNotFoundError as error:
        raise FeaturesError(f"there are no moments at {url}") from error
    except (zipfile.BadZipFile, EOFError, KeyError, TypeError, ValueError) as error:
        raise FeaturesError(
            f"{url} is no .npz with `mu` and `sigma`, or damaged: {str(error)[:200]}"
        ) from error
    if own is not None and facts is not None:
        require_same(own, facts)
    if (known := own or facts) is None:
        raise FeaturesError(
            f"{url} does not say by which feature function it was made; name the one that it was"
        )
    if mean.shape != (known.dim,) or covariance.shape != (known.dim, known.dim):
        raise FeaturesError(
            f"{url} has moments of shape {mean.shape} and {covariance.shape}; {known.name} has "
            f"{known.dim} values"
        )
    return Moments(mean, covariance, count, known)


def _read(content: bytes) -> tuple[Float64s, Float64s, int | None, FeatureFacts | None]:
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    count = int(arrays.get("count", -1))
    mean, covariance = (np.asarray(arrays[name], np.float64) for name in ("mu", "sigma"))
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise ValueError("some of its numbers are not finite")
    return mean, covariance, None if count < 0 else count, _facts_of(arrays)


def _facts_of(arrays: dict[str, NDArray[Any]]) -> FeatureFacts | None:
    if "facts" not in arrays:
        return None
    fields = json.loads(str(arrays["facts"]))
    size = fields["input_size"]
    return FeatureFacts(**fields | {"input_size": size and tuple(size)})
