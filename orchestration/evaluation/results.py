"""What an evaluation has found, as a value, as JSON and as text."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from orchestration.evaluation.measures import Figure, Measure, Part

VERSION = 1  # of `results.json`; raise it when a field gets another meaning
_LABELS: dict[Measure, tuple[str, str]] = {  # of the features of Inception, and of others
    "frechet_distance": ("FID", "Frechet distance"),
    "kernel_distance": ("KID", "Kernel distance"),
    "precision": ("Precision", "Precision"),
    "recall": ("Recall", "Recall"),
    "inception_score": ("IS", "IS by another classifier"),
    "clip_score": ("CLIPScore", "CLIPScore"),
    "r_precision": ("R-precision", "R-precision"),
}
REFERENCE = "reference"  # what its images are called where they are shown
_PARTS: dict[Part, str] = {"all": "", "without_overlaps": ", overlaps removed"}


@dataclass(frozen=True)
class SetFacts:
    """A set as it was judged.

    Args:
        name: of it.
        path: where it lies.
        layout: by which it was read.
        images: that were judged.
        captions: different ones of these.
        absent: images that its annotations name, and that are not there.
        broken: names of images that cannot be read or decoded, and why.
    """

    name: str
    path: str
    layout: str
    images: int
    captions: int
    absent: int = 0
    broken: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """Images for a caption, for people to look at.

    Args:
        caption: or the name of an image without one.
        images: PNGs by what they are, such as the name of their set.
    """

    caption: str
    images: Mapping[str, bytes]


@dataclass(frozen=True)
class Evaluation:
    """What was found of sets of samples.

    Args:
        reference: what they were compared with.
        samples: the sets.
        measured_by: facts of the features, the classifier and the scorer, where there are.
        side: pixels of an edge of every image; 0 where each has its own.
        figures: all values.
        warnings: for people, one line each.
        shown: some of the images.
        page: URL of the page.
        document: URL of the JSON.
    """

    reference: SetFacts
    samples: Sequence[SetFacts]
    measured_by: Mapping[str, Any]
    side: int
    figures: Sequence[Figure]
    warnings: Sequence[str]
    shown: Sequence[Shown]
    page: str
    document: str

    def __str__(self) -> str:
        return "\n".join([*_lines(self), "", f"page     {self.page}", f"figures  {self.document}"])

    @property
    def columns(self) -> list[str]:
        """What is shown of each caption, where there is some."""
        found = dict.fromkeys(name for one in self.shown for name in one.images)
        return sorted(found, key=lambda name: name != REFERENCE)

    @property
    def is_inception(self) -> bool:
        """Whether a distance may be called FID."""
        return str(self.measured_by["features"]["name"]).startswith("inception")


def document_of(found: Evaluation) -> dict[str, Any]:
    """An evaluation as JSON: all but the images and where it lies."""
    return {
        "version": VERSION,
        "reference": asdict(found.reference),
        "samples": [asdict(one) for one in found.samples],
        "measured_by": found.measured_by,
        "side": found.side,
        "figures": [asdict(figure) for figure in found.figures],
        "warnings": list(found.warnings),
    }


def label(measure: Measure, *, is_inception: bool) -> str:
    """What a measure is called: FID and KID are those of Inception's features alone."""
    return _LABELS[measure][0 if is_inception else 1]


def table(found: Evaluation) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: a row for each set, part, blur and number of images chosen from."""
    measures = list(dict.fromkeys(figure.measure for figure in found.figures))
    rows: dict[tuple[str, Part, float, int], dict[Measure, Figure]] = {}
    for figure in found.figures:
        key = (figure.samples, figure.part, figure.blur, figure.best_of)
        rows.setdefault(key, {})[figure.measure] = figure
    heads = ["samples", "blur", "best of", "images"]
    heads += [label(measure, is_inception=found.is_inception) for measure in measures]
    return heads, [
        [
            f"{name}{_PARTS[part]}",
            f"{blur:g}",
            str(best_of or "all"),
            f"{max(figure.images for figure in values.values()):,}",
            *(_cell(values.get(measure)) for measure in measures),
        ]
        for (name, part, blur, best_of), values in rows.items()
    ]


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return "-"
    spread = "" if figure.spread is None else f" ± {figure.spread:.2g}"
    return f"{figure.value:.4g}{spread}"


def _lines(found: Evaluation) -> list[str]:
    reference = found.reference
    heads, rows = table(found)
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [f"reference {reference.path}: {reference.images:,} images ({reference.layout})", ""]
    for row in [heads, *rows]:
        first, *others = (
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *others]).rstrip())
    return [*lines, *(f"warning  {warning}" for warning in found.warnings)]
