"""The overlap report: which images of an evaluation set have a counterpart in a run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model import files
from orchestration.engine.progress import Progress
from orchestration.evaluation.page import environment
from orchestration.evaluation.sets import plain_name
from orchestration.evaluation.training_images import (
    Compared,
    described,
    images_folder,
    known_in,
    matches,
)
from pipelines.image_sets.config import ImageSet
from pipelines.image_sets.splits import images_of_test_split
from pipelines.io.parquet import read_row_groups
from pipelines.io.selections import images_of
from pipelines.views import Pair, Pairs, Seen

LIST, DOCUMENT, PAGE = "overlap.txt", "overlap.json", "overlap.html"
# How a counterpart was found, the surest first; a caption alone is no overlap of images.
ORDER = ("file", "pixels", "look", "embedding")
SHOWN = 96  # counterparts on the page, the least sure first; chosen: what a person looks through


@dataclass(frozen=True)
class Counterpart:
    """The surest match of an image of the set.

    Args:
        reference: name of the image in the set.
        key, caption: of the training image.
        by: how it was found: `file`, `pixels`, `look` or `embedding`.
        value: by look, the bits in which hashes differ; by embedding, the cosine; else 0.
    """

    reference: str
    key: str
    caption: str
    by: str
    value: float

    @property
    def rank(self) -> tuple[int, float, str]:
        """Surest first."""
        value = -self.value if self.by == "embedding" else self.value
        return ORDER.index(self.by), value, self.key


@dataclass(frozen=True)
class Overlap:
    """Which images of a set have a counterpart.

    Args:
        run: URL of the run directory.
        reference: path of the set; empty where the run itself has described it.
        images: of the set, that can be read.
        counterparts: of those that have one, the surest first.
        captions: images of the set of which a caption is one of the run.
        listed, document, page: URLs of the list that `samples` takes, of the JSON, of the page.
    """

    run: str
    reference: str
    images: int
    counterparts: Sequence[Counterpart]
    captions: int
    listed: str
    document: str
    page: str

    @property
    def share(self) -> float:
        """Of the images that have a counterpart, 0..1."""
        return len(self.counterparts) / self.images if self.images else 0.0

    def __str__(self) -> str:
        by = (f"{sum(one.by == how for one in self.counterparts):,} by {how}" for how in ORDER)
        return "\n".join(
            [
                f"overlap  {len(self.counterparts):,} of {self.images:,} images ({self.share:.1%})"
                f" have a counterpart in {self.run}: {', '.join(by)}",
                f"captions {self.captions:,} images share a caption",
                f"list     {self.listed}",
                f"figures  {self.document}",
                f"page     {self.page}",
            ]
        )


@dataclass(frozen=True)
class Asked:
    """What is compared.

    Args:
        reference: path of the set; empty for what the run itself has described.
        captions: of the set, where its layout has several.
        scorer: that compares by content as well; empty for none.
        limits: settings of the stage that compares, where they are not its own.
    """

    reference: str
    captions: str
    scorer: str
    limits: Mapping[str, float]


def report_overlap(root: str, asked: Asked, out: str, progress: Progress) -> Overlap:
    """Find the counterparts, and write the list, the figures and a page.

    Args:
        root: URL of the run directory, whose images were chosen for training.
        asked: what is compared.
        out: URL of the folder to write to.
        progress: receives each image and each shard.

    Raises:
        OverlapError: the run has no images, or has described no set and none is named.
        ImageSetError: the set cannot be used.
    """
    folder = images_folder(root)
    with_, only = _compared(root, asked, out, progress)
    names = {row["name"] for row in _rows(with_.url, ["name", "unreadable"]) if _is_of(row, only)}
    with progress.stage("compare"):
        found = list(matches(root, with_, asked.limits, out, progress.step))
    mine = [match for match in found if match["reference"] in names]
    overlap = Overlap(
        run=root,
        reference=asked.reference,
        images=len(names),
        counterparts=surest(mine),
        captions=len({match["reference"] for match in mine if match["by"] == "caption"}),
        listed=files.join(out, LIST),
        document=files.join(out, DOCUMENT),
        page=files.join(out, PAGE),
    )
    shown = list(reversed(overlap.counterparts))[:SHOWN]
    trained = images_of(folder, [one.key for one in shown])
    _write(overlap, _pairs(overlap, shown, trained, _seen(with_.url, shown)))
    return overlap


def surest(found: Iterable[Mapping[str, Any]]) -> list[Counterpart]:
    """Of each image of the set its surest counterpart, the surest of all first.

    Args:
        found: matches, as `training_images.matches` gives them.
    """
    ranked = sorted(
        (
            Counterpart(m["reference"], m["key"], m["caption"], m["by"], m["value"])
            for m in found
            if m["by"] in ORDER
        ),
        key=lambda one: one.rank,
    )
    by_reference: dict[str, Counterpart] = {}
    for one in ranked:
        by_reference.setdefault(one.reference, one)
    return list(by_reference.values())


def _compared(
    root: str, asked: Asked, out: str, progress: Progress
) -> tuple[Compared, set[str] | None]:
    """What the run is compared with, and the names that count; None for all."""
    if not asked.reference:
        return known_in(root), None
    name = plain_name(asked.reference)
    one = ImageSet(path=asked.reference, name=name, captions=asked.captions)
    only = images_of_test_split(one)
    with progress.stage("describe"):
        found = described(asked.reference, name, asked.captions, asked.scorer, out, progress.step)
    return found, only


def _is_of(row: Mapping[str, Any], only: set[str] | None) -> bool:
    return not row["unreadable"] and (only is None or row["name"] in only)


def _rows(url: str, columns: list[str], names: pa.Array | None = None) -> Iterator[dict[str, Any]]:
    for group in read_row_groups(url, columns):
        rows = group if names is None else group.filter(pc.is_in(group["name"], names))
        yield from rows.to_pylist()


def _seen(url: str, shown: Sequence[Counterpart]) -> dict[str, Seen]:
    names = pa.array([one.reference for one in shown], pa.string())
    rows = _rows(url, ["name", "captions", "image"], names)
    return {row["name"]: Seen(row["image"], " / ".join(row["captions"][:2])) for row in rows}


def _pairs(
    overlap: Overlap,
    shown: Sequence[Counterpart],
    trained: Mapping[str, bytes],
    references: Mapping[str, Seen],
) -> Pairs:
    return Pairs(
        title="Counterparts, the least sure first",
        about=f"{len(shown):,} of {len(overlap.counterparts):,}.",
        left="the image of the set",
        right="the training image",
        items=[
            Pair(
                left=references[one.reference],
                right=Seen(trained.get(one.key), one.caption),
                measured=f"{one.reference}; {_measured(one)}; key {one.key[:12]}",
            )
            for one in shown
        ],
    )


def _measured(one: Counterpart) -> str:
    if one.by == "look":
        return f"hashes differ in {one.value:.0f} bits"
    return f"cosine {one.value:.3f}" if one.by == "embedding" else f"the same {one.by}"


def _write(overlap: Overlap, pairs: Pairs) -> None:
    names = "".join(f"{one.reference}\n" for one in sorted(overlap.counterparts, key=_name))
    files.write_bytes(overlap.listed, names.encode())
    document = {
        "version": 1,
        "run": overlap.run,
        "reference": overlap.reference,
        "images": overlap.images,
        "share": overlap.share,
        "captions": overlap.captions,
        "counterparts": [asdict(one) for one in overlap.counterparts],
    }
    files.write_json(overlap.document, document)
    page = environment().get_template("overlap.html").render(found=overlap, pairs=pairs)
    files.write_bytes(overlap.page, page.encode())


def _name(one: Counterpart) -> str:
    return one.reference
