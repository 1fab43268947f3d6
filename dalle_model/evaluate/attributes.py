"""Whether samples show what their captions name, by the pictures of a gallery they are nearest to.

Every picture of the gallery has attributes, such as who is drawn and in which colour. A sample
shows those of its nearest picture; its own picture is the one that its caption describes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalle_model.evaluate.nearest import nearest
from dalle_model.pixels import Rgb

# Shape letters: N samples, M pictures of the gallery.

Attributes = Mapping[str, str]


@dataclass(frozen=True)
class AttributeScore:
    """Shares of samples, each 0..1.

    Args:
        samples: how many there are.
        own: nearest to their own picture, or to one of equal pixels.
        attributes: by name, nearest to a picture that has it in common with their own one; of the
            samples whose own picture has it.
    """

    samples: int
    own: float
    attributes: dict[str, float]


def score_attributes(
    samples: Rgb, own: npt.ArrayLike, gallery: Rgb, described: Sequence[Attributes]
) -> AttributeScore:
    """Compare samples with a gallery.

    Args:
        samples: uint8 `(N, side, side, 3)`, N >= 1.
        own: of each sample, the index of its own picture in the gallery.
        gallery: uint8 `(M, side, side, 3)`.
        described: attributes of each picture of the gallery.

    Raises:
        ValueError: no samples, an empty gallery, or counts or sizes that do not fit together.
    """
    wanted = np.asarray(own, np.int64)
    if len(wanted) != len(samples) or not len(samples) or len(described) != len(gallery):
        raise ValueError(
            f"{len(samples)} samples with {len(wanted)} own pictures, and a gallery of "
            f"{len(gallery)} with {len(described)} descriptions"
        )
    found = nearest(samples, gallery)
    is_own = (gallery[found] == gallery[wanted]).all(axis=(1, 2, 3))
    pairs = [(described[f], described[w]) for f, w in zip(found, wanted, strict=True)]
    return AttributeScore(len(samples), float(is_own.mean()), _shares(pairs))


def chance(own: npt.ArrayLike, described: Sequence[Attributes]) -> AttributeScore:
    """The score of samples that are each a picture of the gallery, chosen at random."""
    wanted = [described[index] for index in np.asarray(own, np.int64)]
    values = {name: Counter(one.get(name) for one in described) for name in _names(wanted)}
    shares = {
        name: float(np.mean([counts[one[name]] / len(described) for one in wanted if name in one]))
        for name, counts in values.items()
    }
    return AttributeScore(len(wanted), 1 / len(described), shares)


def _shares(pairs: Sequence[tuple[Attributes, Attributes]]) -> dict[str, float]:
    names = _names([wanted for _, wanted in pairs])
    return {
        name: float(np.mean([f.get(name) == w[name] for f, w in pairs if name in w]))
        for name in names
    }


def _names(all_attributes: Sequence[Attributes]) -> list[str]:
    return list(dict.fromkeys(name for one in all_attributes for name in one))
