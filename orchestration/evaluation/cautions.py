"""What a reader of the figures should know, one line each."""

from collections.abc import Iterator, Sequence

from dalle_model.evaluate.precision_recall import NEIGHBOURS
from dalle_model.evaluate.r_precision import CANDIDATES
from orchestration.evaluation.bench import ReadSet
from orchestration.evaluation.instruments import Instruments
from orchestration.evaluation.judging import Points
from orchestration.evaluation.measures import SPLITS, Figure
from orchestration.evaluation.results import SetFacts


def cautions(
    reference: SetFacts,
    reads: Sequence[ReadSet],
    instruments: Instruments,
    points: Points,
    figures: Sequence[Figure],
) -> Iterator[str]:
    """Why figures may be comparable with less than it seems.

    Args:
        reference: what samples were compared with.
        reads: the sets of samples.
        instruments: that have measured.
        points: where was measured.
        figures: that were measured.
    """
    facts = instruments.function.facts
    if not facts.is_comparable:
        yield f"distances by {facts.name} are comparable with nothing that others have published"
    judged = {figure.samples: figure.images for figure in figures}
    counts = {reference.name: reference.images, **judged}
    if few := [f"{name} {count:,}" for name, count in counts.items() if 0 < count <= facts.dim]:
        yield (
            f"a vector has {facts.dim:,} values, and of {', '.join(few)} there are no more images: "
            "the distance depends on how many; compare only what is of as many images"
        )
    if points.precision_recall and min(counts.values()) <= NEIGHBOURS:
        yield f"no precision and recall of fewer than {NEIGHBOURS + 1} images"
    if len(set(judged.values())) > 1:
        yield "sets of several sizes were judged: distances fall with the number of images"
    for one in [reference, *(read.facts for read in reads)]:
        yield from _of_set(one)
    for read in reads:
        yield from _of_samples(read, judged[read.found.name], instruments, points)


def _of_set(one: SetFacts) -> Iterator[str]:
    if one.broken:
        first = min(one.broken)
        yield f"{one.name}: {len(one.broken):,} images cannot be read; the first is {first}"
    if one.absent:
        yield f"{one.name}: {one.absent:,} images that its annotations name are not there"


def _of_samples(
    read: ReadSet, judged: int, instruments: Instruments, points: Points
) -> Iterator[str]:
    name, pictures = read.found.name, read.pictures
    if instruments.classifier is not None and judged < SPLITS:
        yield f"{name}: no Inception score of fewer than {SPLITS} images"
    captions = {picture.caption for picture in pictures}
    if instruments.images is not None and "" in captions:
        yield f"{name}: an image has no caption, so that neither CLIPScore nor R-precision is told"
    elif instruments.images is not None and len(captions) < CANDIDATES:
        yield (
            f"{name}: R-precision is among {len(captions):,} captions and not {CANDIDATES}: "
            "comparable with no other"
        )
    if points.removed and (loose := sum(not picture.of for picture in pictures)):
        yield (
            f"{name}: {loose:,} samples lead to no image of the reference, and stay where "
            "overlaps are removed"
        )
