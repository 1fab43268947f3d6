"""The figures of sets of samples: each measure at each blur, each number chosen from, each part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dalle_model.evaluate.clip_score import PREFIX
from orchestration.evaluation.bench import Bench, ReadSet
from orchestration.evaluation.choosing import best_of
from orchestration.evaluation.instruments import Instruments, embedded
from orchestration.evaluation.measures import (
    Figure,
    Floats,
    Part,
    Reference,
    Value,
    agreement,
    cosines,
    coverage,
    distances,
    sureness,
)
from orchestration.evaluation.vectors import Extractor

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Points:
    """Where is measured.

    Args:
        blur: radii, at all of which images are compared.
        best_of: numbers of images of a caption from which one is chosen, all of which are compared
            at the first radius; the other radii are measured at the largest. None for all images.
        removed: names of references that are left out of the second part; none for no such part.
        precision_recall: whether they are measured, at the first radius.
    """

    blur: Sequence[float]
    best_of: Sequence[int] = ()
    removed: frozenset[str] = frozenset()
    precision_recall: bool = False

    @property
    def parts(self) -> tuple[Part, ...]:
        return ("all", "without_overlaps") if self.removed else ("all",)

    @property
    def pairs(self) -> list[tuple[float, int]]:
        """Radius and number, each pair once; 0 stands for all images."""
        numbers = sorted(self.best_of) or [0]
        first = [(self.blur[0], number) for number in numbers]
        return first + [(radius, numbers[-1]) for radius in self.blur[1:]]


def figures_of(
    sides: Sequence["SampleSide"], reference: "ReferenceSide", points: Points
) -> list[Figure]:
    """All figures, by set, part, number chosen from and blur.

    Radius by radius, so that vectors of one radius alone are held.
    """
    found = [
        figure
        for radius, number in points.pairs
        for side in sides
        for part in points.parts
        for figure in side.figures(radius, number, part, reference, points)
    ]
    names = [side.read.found.name for side in sides]
    return sorted(found, key=lambda one: (names.index(one.samples), points.parts.index(one.part)))


class ReferenceSide:
    """What samples are compared with, at one blur after the other.

    Args:
        bench: makes vectors.
        instruments: what measures.
        read: the set; None where its moments alone are known.
        fixed: those.
        removed: names that are left out of the second part.
    """

    def __init__(
        self,
        bench: Bench,
        instruments: Instruments,
        read: ReadSet | None,
        fixed: Reference | None,
        removed: frozenset[str],
    ) -> None:
        self._bench, self._with, self._read, self._fixed = bench, instruments, read, fixed
        self._removed = removed
        self._radius = -1.0
        self._made: dict[Part, Reference] = {}

    def at(self, radius: float, part: Part) -> Reference:
        """The reference of a part at a blur; made once, while the radius stays."""
        if self._read is None:
            assert self._fixed is not None  # one of the two is given
            return self._fixed
        if radius != self._radius:
            self._made, self._radius = {}, radius
        if part not in self._made:
            vectors = self._bench.vectors(self._read, self._with.features, radius)
            names = [picture.image.name for picture in self._read.pictures]
            there = np.array([part == "all" or name not in self._removed for name in names])
            self._made[part] = Reference.of(vectors[there], self._with.function.facts)
        return self._made[part]


class SampleSide:
    """One set of samples under judgement.

    Args:
        bench: makes vectors.
        instruments: what measures.
        read: the set.
    """

    def __init__(self, bench: Bench, instruments: Instruments, read: ReadSet) -> None:
        self._bench, self._with, self.read = bench, instruments, read
        self._radius = -1.0
        self._vectors: dict[str, Floats] = {}

    def figures(
        self, radius: float, number: int, part: Part, reference: ReferenceSide, points: Points
    ) -> Iterator[Figure]:
        """The figures of the set at one point."""
        places = self.chosen(number, points.removed if part != "all" else frozenset())
        theirs = reference.at(radius, part)
        for value in self._values(radius, places, theirs, points):
            yield Figure(
                self.read.found.name,
                *value,
                blur=radius,
                best_of=number,
                part=part,
                images=len(places),
                reference_images=theirs.moments.count,
            )

    def chosen(self, number: int, removed: frozenset[str]) -> Places:
        """Places of the pictures that are judged.

        Args:
            number: from how many of a caption one is chosen; 0 for all pictures.
            removed: names of references whose samples are left out.
        """
        pictures = self.read.pictures
        there = np.array([place for place, one in enumerate(pictures) if one.of not in removed])
        if not number:
            return there
        kept = [pictures[place] for place in there]
        return np.asarray(there[best_of(kept, self.scores[there], number)])

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """Cosine of each picture and its caption, by which one is chosen."""
        return cosines(self._clip, self._plain)

    @cached_property
    def _clip(self) -> Floats:
        assert self._with.images is not None  # `--best-of` and these measures have a scorer
        return self._bench.vectors(self.read, self._with.images)

    def _texts(self, prefix: str) -> Floats:
        assert self._with.embedder is not None  # as above
        captions = [prefix + picture.caption for picture in self.read.pictures]
        return embedded(self._with.embedder, captions)

    @cached_property
    def _prefixed(self) -> Floats:
        return self._texts(PREFIX)

    @cached_property
    def _plain(self) -> Floats:
        return self._texts("")

    def _at(self, radius: float, extractor: Extractor) -> Floats:
        """Vectors at a blur; held while the radius stays."""
        if radius != self._radius:
            self._vectors, self._radius = {}, radius
        if extractor.name not in self._vectors:
            vectors = self._bench.vectors(self.read, extractor, radius)
            self._vectors[extractor.name] = vectors
        return self._vectors[extractor.name]

    def _values(
        self, radius: float, places: Places, reference: Reference, points: Points
    ) -> Iterator[Value]:
        features, is_first = self._at(radius, self._with.features)[places], radius == points.blur[0]
        yield from distances(features, reference)
        if points.precision_recall and is_first:
            yield from coverage(features, reference)
        if self._with.classifier is not None and self._with.classified is not None:
            told = self._at(radius, self._with.classified)[places]
            yield from sureness(self._with.classifier.logits_of(told))
        captions = [self.read.pictures[place].caption for place in places]
        if self._with.images is not None and is_first and all(captions):
            prefixed, plain = self._prefixed[places], self._plain[places]
            yield from agreement(self._clip[places], prefixed, plain, captions)
