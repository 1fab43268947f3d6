"""Sets that were read, and their vectors, each computed once."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dalle_model import files
from dalle_model.errors import DalleError
from orchestration.engine.progress import Progress
from orchestration.evaluation.measures import Floats
from orchestration.evaluation.pictures import Look
from orchestration.evaluation.results import SetFacts
from orchestration.evaluation.sets import Picture, PictureSet
from orchestration.evaluation.vectors import Extractor, VectorStore, digests_of, fill, store_of

VECTORS = "vectors"
# Share of a set that may be broken. Chosen: a folder with more is the wrong one, or half copied.
MAX_BROKEN = 0.05


class BrokenImagesError(DalleError):
    """Too many images of a set cannot be read: how many, and the first of them."""


@dataclass(frozen=True)
class ReadSet:
    """A set whose files can be read.

    Its pictures are in the order of the SHA-256 of their files: some measures draw by the order of
    the images, and none shall depend on their names.

    Args:
        found: the set.
        pictures: that can be decoded.
        digests: of their files.
        broken: names of the others, and why.
    """

    found: PictureSet
    pictures: tuple[Picture, ...]
    digests: tuple[str, ...]
    broken: Mapping[str, str]

    @property
    def facts(self) -> SetFacts:
        found = self.found
        captions = {caption for one in self.pictures for caption in one.image.captions}
        images, absent = len(self.pictures), len(found.absent)
        return SetFacts(
            found.name, found.path, found.layout, images, len(captions), absent, self.broken
        )


class Bench:
    """Reads sets, and makes vectors of their images.

    Args:
        out: URL of the folder where vectors are kept.
        side: of the squares that images become; 0 leaves them as they are.
        progress: receives each image.
    """

    def __init__(self, out: str, side: int, progress: Progress) -> None:
        self._folder, self._side, self._progress = files.join(out, VECTORS), side, progress

    def read(self, found: PictureSet, extractor: Extractor, radius: float = 0.0) -> ReadSet:
        """Read a set, and make its first vectors, by which it is known what can be decoded.

        Raises:
            BrokenImagesError: more than `MAX_BROKEN` of it cannot be read.
        """
        digests, broken = digests_of(found.pictures)
        there = [picture for picture in found.pictures if picture.image.name in digests]
        _, undecoded = self._filled(found.name, _by_digest(there, digests), extractor, radius)
        broken |= {
            picture.image.name: undecoded[digests[picture.image.name]]
            for picture in there
            if digests[picture.image.name] in undecoded
        }
        refuse_many(found, broken)
        whole = [picture for picture in there if picture.image.name not in broken]
        whole.sort(key=lambda one: (digests[one.image.name], one.caption, one.image.name))
        ordered = tuple(digests[picture.image.name] for picture in whole)
        return ReadSet(found, tuple(whole), ordered, broken)

    def vectors(self, read: ReadSet, extractor: Extractor, radius: float = 0.0) -> Floats:
        """Vectors of a set's pictures, `(n, d)`, in their order."""
        pictures = dict(zip(read.digests, read.pictures, strict=True))
        store, _ = self._filled(read.found.name, pictures, extractor, radius)
        return np.stack([store[digest] for digest in read.digests])

    def _filled(
        self, name: str, pictures: Mapping[str, Picture], extractor: Extractor, radius: float
    ) -> tuple[VectorStore, dict[str, str]]:
        """A store that has the vectors of pictures, and why others cannot be decoded."""
        look = Look(self._side, radius)
        store = store_of(self._folder, extractor, look)
        if all(digest in store for digest in pictures):
            return store, {}
        with self._progress.stage(extractor.name, f"{name}, blur {radius:g}"):
            return store, fill(store, pictures, extractor, look, self._progress.step)


def _by_digest(pictures: list[Picture], digests: Mapping[str, str]) -> dict[str, Picture]:
    return {digests[picture.image.name]: picture for picture in pictures}


def refuse_many(found: PictureSet, broken: Mapping[str, str]) -> None:
    """Refuse a set of which more than `MAX_BROKEN` is broken.

    Raises:
        BrokenImagesError: it is.
    """
    total = len(found.pictures)
    if len(broken) > MAX_BROKEN * total or len(broken) == total:
        name, why = next(iter(sorted(broken.items())))
        raise BrokenImagesError(
            f"{len(broken):,} of {total:,} images of {found.path} cannot be read, more than "
            f"{MAX_BROKEN:.0%}; the first is {name} ({why}). Replace them, or take them out of the "
            "folder"
        )
