"""Judges a codec by what it makes of images: encoded, decoded, compared."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from dalle_model import files
from dalle_model.errors import UsageError
from dalle_model.evaluate.features import FeatureFunction, load_features
from dalle_model.evaluate.frechet import frechet_distance
from dalle_model.evaluate.moments import FeatureSums
from dalle_model.evaluate.reconstruction import (
    CodeUse,
    code_counts,
    code_use_of_counts,
    psnr_of_error,
    squared_error,
)
from dalle_model.pixels import Rgb, to_png
from dalle_model.resize import rectangle
from dalle_model.tokenizers.codec import CodecFacts
from orchestration.engine.progress import Progress
from orchestration.evaluation.bench import refuse_many
from orchestration.evaluation.pictures import BrokenImageError, decoded
from orchestration.evaluation.sets import Picture, PictureSet, read_reference

DOCUMENT, SHEET = "codec.json", "codec.png"
BATCH = 32  # images at a time; chosen: 32 of 256 px take a dVAE of full size 2 GB
SHOWN = 16  # images of the sheet; chosen: what fits a screen
_TOO_SMALL = "smaller than the codec's images; nothing is scaled up"


class CodecImagesError(UsageError):
    """There are no images that a codec can be judged by: which set, and why."""


@dataclass(frozen=True)
class CodecEvaluation:
    """How much of images a codec preserves.

    Args:
        codec: its name and digest.
        images: that were encoded and decoded.
        broken: names of the others, and why.
        psnr: over all bytes of all images, in dB.
        ssim: mean of the images.
        lpips: likewise; None without weights.
        frechet_distance: of originals and reconstructions; None without features.
        features: facts of the feature function; None without one.
        codes: which codes occur.
        document, sheet: URLs of the JSON, and of originals beside reconstructions.
    """

    codec: Mapping[str, str]
    images: int
    broken: Mapping[str, str]
    psnr: float
    ssim: float
    lpips: float | None
    frechet_distance: float | None
    features: Mapping[str, Any] | None
    codes: CodeUse
    document: str
    sheet: str

    def __str__(self) -> str:
        return "\n".join(_lines(self))


@dataclass
class _Sums:
    """What is added up over batches."""

    features: FeatureFunction | None
    num_codes: int
    error: float = 0.0
    bytes: float = 0.0
    ssim: list[float] = field(default_factory=list)
    lpips: list[float] = field(default_factory=list)
    shown: list[tuple[Rgb, Rgb, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counts: npt.NDArray[np.int64] = np.zeros(self.num_codes, np.int64)
        facts = None if self.features is None else self.features.facts
        self.ours = None if facts is None else FeatureSums(facts)
        self.theirs = None if facts is None else FeatureSums(facts)


def evaluate_codec(
    codec: str, images: str, features: str, lpips: str, out: str, progress: Progress
) -> CodecEvaluation:
    """Encode and decode the images of a set, each its centred rectangle of the codec's shape.

    Args:
        codec: name or URL of the codec.
        images: path of the set, as `read_reference` takes it.
        features: name of a feature function, for a Frechet distance; empty for none.
        lpips: name of LPIPS weights, as of `dalle_model.evaluate.lpips`; empty for none.
        out: URL of the folder for the figures and the sheet.
        progress: receives each image.

    Raises:
        CodecError: the codec cannot be used.
        CodecImagesError: no image is large enough.
        BrokenImagesError: too many images cannot be decoded.
    """
    from dalle_model.tokenizers.registry import load_codec

    made = load_codec(codec)
    function = load_features(features) if features else None
    distance = None
    if lpips:
        from dalle_model.evaluate.lpips import load_lpips

        distance = load_lpips(lpips).distances
    found, broken = read_reference(images), dict[str, str]()
    sums = _Sums(function, made.facts.num_codes)
    with progress.stage("codec"):
        for originals, names in _batches(found, made.facts, broken, progress):
            codes = made.encode(originals)
            others = made.decode(codes)
            _add(sums, originals, others, codes, names)
            if distance is not None:
                sums.lpips += distance(originals, others).tolist()
    refuse_many(found, {name: why for name, why in broken.items() if why != _TOO_SMALL})
    if not sums.ssim:
        raise CodecImagesError(f"{images}: no image has the {_shape(made.facts)} of the codec")
    return _written(made.facts, sums, broken, out)


def _batches(
    found: PictureSet, facts: CodecFacts, broken: dict[str, str], progress: Progress
) -> Iterator[tuple[Rgb, list[str]]]:
    """Images as the codec takes them, with their names."""
    total = len(found.pictures)
    for start in range(0, total, BATCH):
        seen = {}
        for picture in found.pictures[start : start + BATCH]:
            try:
                seen[picture.image.name] = _cut(picture, facts)
            except (BrokenImageError, OSError) as error:
                broken[picture.image.name] = str(error)
        if seen:
            yield np.stack(list(seen.values())), list(seen)
        progress.step(min(start + BATCH, total), total, {})


def _cut(picture: Picture, facts: CodecFacts) -> Rgb:
    rgb = decoded(picture.image.read())
    try:
        return rectangle(rgb, facts.image_shape, facts.resample)
    except ValueError as error:
        raise BrokenImageError(_TOO_SMALL) from error


def _add(sums: _Sums, originals: Rgb, others: Rgb, codes: Any, names: Sequence[str]) -> None:
    from dalle_model.evaluate.ssim import ssim

    error, size = squared_error([(originals, others)])
    sums.error, sums.bytes = sums.error + error, sums.bytes + size
    sums.ssim += ssim(originals, others).tolist()
    sums.counts += code_counts([codes], sums.num_codes)
    if sums.features is not None and sums.ours is not None and sums.theirs is not None:
        sums.ours.add(sums.features.features(list(others)))
        sums.theirs.add(sums.features.features(list(originals)))
    rows = zip(originals, others, names, strict=True)
    sums.shown += islice(rows, SHOWN - len(sums.shown))


def _written(
    facts: CodecFacts, sums: _Sums, broken: Mapping[str, str], out: str
) -> CodecEvaluation:
    distance = None
    if sums.ours is not None and sums.theirs is not None and sums.ours.count > 1:
        distance = frechet_distance(sums.ours.moments(), sums.theirs.moments())
    found = CodecEvaluation(
        codec={"name": facts.name, "sha256": facts.sha256},
        images=len(sums.ssim),
        broken=broken,
        psnr=psnr_of_error(sums.error, sums.bytes),
        ssim=float(np.mean(sums.ssim)),
        lpips=float(np.mean(sums.lpips)) if sums.lpips else None,
        frechet_distance=distance,
        features=None if sums.features is None else asdict(sums.features.facts),
        codes=code_use_of_counts(sums.counts),
        document=files.join(out, DOCUMENT),
        sheet=files.join(out, SHEET),
    )
    document = {k: v for k, v in asdict(found).items() if k not in ("document", "sheet")}
    document["psnr"] = found.psnr if math.isfinite(found.psnr) else None  # of equal images
    files.write_json(found.document, {"version": 1, **document})
    files.write_bytes(found.sheet, _sheet(sums.shown))
    return found


def _sheet(shown: Sequence[tuple[Rgb, Rgb, str]]) -> bytes:
    from dalle_model.sample.grid import comparison_grid

    originals, others, names = zip(*shown, strict=True)
    return to_png(np.asarray(comparison_grid([originals, others], names)))


def _lines(found: CodecEvaluation) -> Iterator[str]:
    yield f"codec    {found.codec['name']} {found.codec['sha256'][:12]}, {found.images:,} images"
    yield f"PSNR     {found.psnr:.2f} dB"
    yield f"SSIM     {found.ssim:.4f}"
    if found.lpips is not None:
        yield f"LPIPS    {found.lpips:.4f}"
    if found.frechet_distance is not None and found.features is not None:
        is_fid = found.features["name"].startswith("inception")
        name = "rFID" if is_fid else "Frechet distance"
        yield f"{name:<8} {found.frechet_distance:.4f} by {found.features['name']}"
        if found.images <= found.features["dim"]:
            yield (
                f"warning  {found.images:,} images are no more than the {found.features['dim']:,} "
                "values of a vector: the distance depends on how many there are"
            )
    use = found.codes
    yield f"codes    {use.used:,} of {use.num_codes:,} used, perplexity {use.perplexity:.0f}"
    if found.broken:
        name, why = min(found.broken.items())
        yield f"warning  {len(found.broken):,} images were left out; the first is {name} ({why})"
    yield f"sheet    {found.sheet}"
    yield f"figures  {found.document}"


def _shape(facts: CodecFacts) -> str:
    height, width = facts.image_shape
    return f"{width}x{height} px"
