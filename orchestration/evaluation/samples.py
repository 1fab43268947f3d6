"""Judges sets of samples beside each other, against one reference."""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from dalle_model import files
from dalle_model.evaluate.moments import load_moments
from orchestration.engine.progress import Progress
from orchestration.evaluation.bench import Bench
from orchestration.evaluation.cautions import cautions
from orchestration.evaluation.choosing import check_candidates
from orchestration.evaluation.instruments import Instruments, load_instruments
from orchestration.evaluation.judging import Points, ReferenceSide, SampleSide, figures_of
from orchestration.evaluation.measures import Reference
from orchestration.evaluation.page import render
from orchestration.evaluation.pictures import PAPER_SIDE
from orchestration.evaluation.results import Evaluation, SetFacts, document_of
from orchestration.evaluation.sets import (
    PictureSet,
    SamplesError,
    names_in,
    read_reference,
    read_samples,
)
from orchestration.evaluation.showing import shown_of

PAGE, DOCUMENT = "results.html", "results.json"
MOMENTS = ".npz"


@dataclass(frozen=True)
class Asked:
    """What is to be measured.

    Args:
        features: name of a feature function, as of `dalle_model.evaluate.features.load_features`.
        classifier: name of another one, for the Inception score; empty for that of the features,
            where these have classes.
        scorer: name of a CLIP, for CLIPScore and R-precision; empty for neither.
        blur: radii on both sides, in pixels.
        best_of: numbers of images of a caption from which the scorer chooses one; none to judge
            all images.
        without: URL of a list of names of references that training images overlap with.
        captions: of the reference, where its layout has several.
        precision_recall: whether they are measured.
        side: of the square that every image becomes; 0 leaves each as it is.
    """

    features: str
    classifier: str = ""
    scorer: str = ""
    blur: tuple[float, ...] = (0.0,)
    best_of: tuple[int, ...] = ()
    without: str = ""
    captions: str = ""
    precision_recall: bool = False
    side: int = PAPER_SIDE


def evaluate_samples(
    samples: Sequence[str], reference: str, asked: Asked, out: str, progress: Progress
) -> Evaluation:
    """Judge sets of samples, and write `results.json` and `results.html`.

    Args:
        samples: paths of sets, as `read_samples` takes them.
        reference: path of a set, or of an `.npz` with the moments of one.
        asked: what is measured.
        out: URL of the folder that is written; vectors of images are kept there.
        progress: receives each image.

    Raises:
        SamplesError: the arguments do not fit together.
        BrokenImagesError: too many images of a set cannot be read.
    """
    _check(samples, reference, asked)
    theirs = None if reference.endswith(MOMENTS) else read_reference(reference, asked.captions)
    sets = read_samples(samples, theirs)
    for one in sets:
        check_candidates(one, asked.best_of)
    removed = _removed(theirs, asked.without)
    points = Points(asked.blur, asked.best_of, removed, asked.precision_recall)
    instruments = load_instruments(asked.features, asked.classifier, asked.scorer)
    fixed = _fixed(reference, instruments) if theirs is None else None
    bench = Bench(out, asked.side, progress)
    original = None if theirs is None else bench.read(theirs, instruments.features)
    facts = _facts(reference, fixed) if original is None else original.facts
    reads = [bench.read(one, instruments.features) for one in sets]
    side = ReferenceSide(bench, instruments, original, fixed, points.removed)
    sides = [SampleSide(bench, instruments, read) for read in reads]
    figures = figures_of(sides, side, points)
    evaluation = Evaluation(
        reference=facts,
        samples=[read.facts for read in reads],
        measured_by=instruments.facts,
        side=asked.side,
        figures=figures,
        warnings=list(cautions(facts, reads, instruments, points, figures)),
        shown=shown_of(sides, original, points.pairs[-1][1], asked.side),
        page=files.join(out, PAGE),
        document=files.join(out, DOCUMENT),
    )
    files.write_json(evaluation.document, document_of(evaluation))
    files.write_bytes(evaluation.page, render(evaluation).encode())
    return evaluation


def _check(samples: Sequence[str], reference: str, asked: Asked) -> None:
    if not samples:
        raise SamplesError("no samples; name a folder of images, or the directory of a run")
    if len(set(samples)) < len(samples):
        raise SamplesError("a folder is named twice; each set is judged once")
    if not asked.blur or min(asked.blur) < 0 or len(set(asked.blur)) < len(asked.blur):
        raise SamplesError("--blur takes different radii of 0 and more, such as 0,1,2,4,8")
    if any(number < 1 for number in asked.best_of):
        raise SamplesError("--best-of takes numbers of 1 and more, such as 1,2,4,8")
    if asked.best_of and not asked.scorer:
        raise SamplesError("--best-of chooses by a scorer; name one, such as `--scorer demo`")
    if not asked.side and any(asked.blur):
        raise SamplesError("--side 0 leaves images of several sizes, in which a blur differs")
    needs_images = any(asked.blur) or asked.without or asked.precision_recall
    if reference.endswith(MOMENTS) and needs_images:
        raise SamplesError(
            f"{reference} holds moments and no images: there is nothing to blur, to leave out, or "
            "to be near to; give the images as --reference"
        )


def _fixed(url: str, instruments: Instruments) -> Reference:
    return Reference(load_moments(url, instruments.function.facts), None)


def _facts(url: str, fixed: Reference | None) -> SetFacts:
    count = None if fixed is None else fixed.moments.count
    return SetFacts(posixpath.basename(url), url, "moments", count or 0, 0)


def _removed(reference: PictureSet | None, url: str) -> frozenset[str]:
    """Names of the references that a list leaves out."""
    if not url or reference is None:
        return frozenset()
    listed, there = set(names_in(url)), {picture.image.name for picture in reference.pictures}
    if not listed & there:
        raise SamplesError(
            f"{url} names no image of {reference.path}; `dalle evaluate overlap` with the same "
            "--reference writes such a list"
        )
    if there <= listed:
        raise SamplesError(f"{url} names all images of {reference.path}: nothing is left")
    return frozenset(listed & there)
