"""How often a sample is nearest to the image its caption belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass

from dalle_model.evaluate.nearest import nearest
from dalle_model.evaluate.reconstruction import psnr
from dalle_model.pixels import Rgb

# Shape letters: N samples, M images of the gallery.


@dataclass(frozen=True)
class SampleScore:
    """Samples compared with a gallery of images.

    Args:
        captions: how many were sampled, one sample each.
        on_own_image: samples whose nearest image of the gallery is their own.
        rate: the same as a share of the samples, 0..1.
        chance: rate of a blind guess, 1 / gallery.
        gallery: images that a sample could be nearest to.
        reconstruction_psnr: of the originals against what their tokens hold, in dB.
    """

    captions: int
    on_own_image: int
    rate: float
    chance: float
    gallery: int
    reconstruction_psnr: float


@dataclass(frozen=True)
class ScoredSamples:
    """A score, and what it says of each sample.

    Args:
        nearest: name of the nearest image of the gallery.
        is_own: whether that is the image of the sample's caption.
        score: of all samples together.
    """

    nearest: list[str]
    is_own: list[bool]
    score: SampleScore


def score_samples(
    samples: Rgb,
    own_names: Sequence[str],
    originals: Rgb,
    reconstructions: Rgb,
    gallery: Rgb,
    gallery_names: Sequence[str],
) -> ScoredSamples:
    """Find the nearest image of the gallery to each sample, and count those that are its own.

    Args:
        samples: uint8 `(N, side, side, 3)`, N >= 1.
        own_names: name of the image that each sample's caption belongs to; one that the gallery
            does not hold is never found.
        originals: uint8 `(N, side, side, 3)`, those images.
        reconstructions: uint8 `(N, side, side, 3)`, the originals after encoding and decoding.
        gallery: uint8 `(M, side, side, 3)`, M >= 1.
        gallery_names: one for each image of the gallery.

    Raises:
        ValueError: no samples, an empty gallery, or counts or sizes that do not fit together.
    """
    if len(samples) == 0 or len(samples) != len(own_names):
        raise ValueError(f"{len(samples)} samples with {len(own_names)} own images")
    if len(gallery) != len(gallery_names):
        raise ValueError(f"a gallery of {len(gallery)} images has {len(gallery_names)} names")
    found = [gallery_names[index] for index in nearest(samples, gallery)]
    is_own = [name == own for name, own in zip(found, own_names, strict=True)]
    score = SampleScore(
        captions=len(samples),
        on_own_image=sum(is_own),
        rate=sum(is_own) / len(samples),
        chance=1 / len(gallery),
        gallery=len(gallery),
        reconstruction_psnr=psnr(originals, reconstructions),
    )
    return ScoredSamples(found, is_own, score)
