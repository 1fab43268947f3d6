"""The commands `dalle evaluate …`: how good images are, by numbers and by people.

In Python they are `dalle.evaluate.samples` and so on.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestration.engine.progress import Progress, Quiet

if TYPE_CHECKING:
    from orchestration.evaluation.captions import DrawnCaptions
    from orchestration.evaluation.codec import CodecEvaluation
    from orchestration.evaluation.overlap import Overlap
    from orchestration.evaluation.results import Evaluation

SIDE = 256  # pixels; Source: Ramesh et al. 2021, section 2.1


def samples(  # noqa: PLR0913 - the options of the command
    sources: Sequence[str],
    reference: str,
    *,
    features: str,
    classifier: str = "",
    scorer: str = "",
    blur: Sequence[float] = (0.0,),
    best_of: Sequence[int] = (),
    precision_recall: bool = False,
    without: str = "",
    captions: str = "",
    side: int = SIDE,
    out: str = "evaluation",
    progress: Progress | None = None,
) -> "Evaluation":
    """Judge folders of images, of any model, against a reference; docs/evaluate.md has the layouts.

    A second call takes over the vectors of images that it has kept in `out`.

    Args:
        sources: folders of images, or directories of runs with samples, judged side by side.
        reference: a set of images, such as a folder, COCO or CUB; or its moments as `.npz`.
        features: a feature function, such as `inception-fid@FILE` or `clip:demo`.
        classifier: another one with classes, for the Inception score.
        scorer: a CLIP, for CLIPScore and R-precision, and to choose by.
        blur: radii of a Gaussian blur on both sides, in pixels.
        best_of: of how many images of a caption the best is judged; all images by default.
        precision_recall: whether they are measured, at the first radius; of 30,000 images of each
            side and 2,048 values it takes minutes a set.
        without: URL of a list of references that overlap with training images.
        captions: of the reference, where its layout has several.
        side: pixels of the centred square that every image becomes; 0 for none.
        out: URL of the folder for `results.json` and `results.html`.
        progress: receives each image.

    Raises:
        UsageError: an argument is wrong, or a set cannot be used.
        DalleError: too many images cannot be read.
    """
    from orchestration.evaluation.samples import Asked, evaluate_samples

    asked = Asked(
        features=features,
        classifier=classifier,
        scorer=scorer,
        blur=tuple(blur),
        best_of=tuple(best_of),
        precision_recall=precision_recall,
        without=without,
        captions=captions,
        side=side,
    )
    return evaluate_samples(sources, reference, asked, out, progress or Quiet())


def codec(
    name: str,
    images: str,
    *,
    features: str = "",
    lpips: str = "",
    out: str = "evaluation",
    progress: Progress | None = None,
) -> "CodecEvaluation":
    """Judge a codec by images that it encodes and decodes: PSNR, SSIM, codes; LPIPS and rFID.

    Args:
        name: of the codec, or the URL of its weights.
        images: a set of images, as the reference of `samples`.
        features: a feature function, for the Frechet distance, which is the rFID by Inception's.
        lpips: weights of LPIPS, `lpips@NETWORK,LINEAR`; without them there is none.
        out: URL of the folder for `codec.json` and `codec.png`.
        progress: receives each image.

    Raises:
        UsageError: the codec or the set cannot be used.
        DalleError: too many images cannot be read.
    """
    from orchestration.evaluation.codec import evaluate_codec

    return evaluate_codec(name, images, features, lpips, out, progress or Quiet())


def overlap(
    directory: str,
    *,
    reference: str = "",
    captions: str = "",
    scorer: str = "",
    max_hamming: int | None = None,
    min_cosine: float | None = None,
    out: str = "overlap",
    progress: Progress | None = None,
) -> "Overlap":
    """Find which images of an evaluation set have a counterpart among those that a run keeps.

    They are compared as by the stage `decontaminate` (docs/decontaminate.md).

    Args:
        directory: of the run.
        reference: a set of images, as that of `samples`; by default those that the section
            `references` of the run names, as the run has described them.
        captions: of the set, where its layout has several.
        scorer: a CLIP that compares by content as well.
        max_hamming: bits by which the hashes of counterparts may differ; as the stage by default.
        min_cosine: of the vectors of counterparts; likewise.
        out: URL of the folder for `overlap.txt`, which `samples` takes as `without`, and a page.
        progress: receives each image and each shard.

    Raises:
        UsageError: the run keeps no images, or the set cannot be used.
    """
    from orchestration.evaluation.overlap import Asked, report_overlap

    given = {"max_hamming": max_hamming, "min_cosine": min_cosine}
    limits = {name: value for name, value in given.items() if value is not None}
    asked = Asked(reference, captions, scorer, limits)
    return report_overlap(directory, asked, out, progress or Quiet())


def captions(
    reference: str, out: str, *, number: int = 30_000, seed: int = 0, captions: str = ""
) -> "DrawnCaptions":
    """Draw the captions of a reference that models are to draw images for, as a table.

    Args:
        reference: a set of images, as that of `samples`; of CUB each caption counts once.
        out: URL of the CSV to write: `file_name` that the image should have, `caption`,
            `reference`.
        number: of captions at most; 30,000 in the paper.
        seed: of the draw.
        captions: of the set, where its layout has several.

    Raises:
        UsageError: the set cannot be used.
    """
    from orchestration.evaluation.captions import write_captions

    return write_captions(reference, out, number, seed, captions)
