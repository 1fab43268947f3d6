"""The images that are judged and those that they are compared with, whatever their folders are."""

import posixpath
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dalle_model import files
from dalle_model.errors import UsageError
from orchestration.engine.config import load_run_config
from orchestration.engine.graph import Graph
from pipelines.image_sets.config import ImageSet
from pipelines.image_sets.layouts import SetImage, open_set
from pipelines.image_sets.splits import images_of_test_split
from pipelines.io.layout import RunFolder
from pipelines.records import SAMPLES, ZERO_SHOT

_NUMBERED = re.compile(r"(?P<group>.+)_(?P<number>\d+)")
_LAST_NUMBER = re.compile(r"(\d+)$")


class SamplesError(UsageError):
    """What is judged, or what it is compared with, cannot be used: which one, and why."""


@dataclass(frozen=True)
class Picture:
    """An image of a set.

    Args:
        image: its name, captions and bytes.
        group: images of one caption share it.
        number: of the image in its group.
        of: name of the reference that its own name leads to; empty where there is none.
    """

    image: SetImage
    group: str = ""
    number: int = 0
    of: str = ""

    @property
    def caption(self) -> str:
        return self.image.captions[0] if self.image.captions else ""


@dataclass(frozen=True)
class PictureSet:
    """A set of images as it was found.

    Args:
        name: for people; each set of a comparison has one of its own.
        path: where it lies.
        layout: by which it was read.
        pictures: in the order of their names.
        absent: names of images that its annotations name, and that are not there.
    """

    name: str
    path: str
    layout: str
    pictures: tuple[Picture, ...]
    absent: tuple[str, ...] = ()


def read_reference(path: str, captions: str = "") -> PictureSet:
    """The images that others are compared with; of CUB those of the test split.

    Args:
        path: of a folder or a Parquet file, in a layout of `pipelines.image_sets`.
        captions: the file or folder with the captions, where the layout has several.

    Raises:
        ImageSetError: it has no image, or its captions cannot be read.
    """
    one = ImageSet(path=path, name=plain_name(path), captions=captions)
    opened, chosen = open_set(one), images_of_test_split(one)
    images = [image for image in opened.images if chosen is None or image.name in chosen]
    pictures = tuple(Picture(image, image.name) for image in images)
    return PictureSet(_name(path), path, opened.layout, pictures, tuple(opened.absent))


def read_samples(paths: Sequence[str], reference: PictureSet | None = None) -> list[PictureSet]:
    """The images that are judged.

    Args:
        paths: of folders in a layout of `pipelines.image_sets`, or of runs with samples.
        reference: to whose images samples lead: by the name of the image, by its number where it
            is one of COCO's, else by the caption. A sample without one has those of its reference.

    Raises:
        ImageSetError: a folder has no image, or its captions cannot be read.
        SamplesError: a run has no samples.
    """
    named = Counter(_name(path) for path in paths)
    by_names = {} if reference is None else by_name(reference)
    by_captions = {} if reference is None else by_caption(reference)
    names = [path if named[_name(path)] > 1 else _name(path) for path in paths]
    return [
        _samples(path, name, by_names, by_captions) for path, name in zip(paths, names, strict=True)
    ]


def grouped(images: Sequence[SetImage]) -> list[tuple[str, int]]:
    """Group and number of each image: those of one caption are called `<caption>_<number>`.

    Names that end so by chance, such as those of COCO, lead to images of several captions, which
    are no group: each of them is alone in its own.
    """
    found = [_NUMBERED.fullmatch(_stem(image.name)) for image in images]
    captions: dict[str, set[str]] = {}
    for image, match in zip(images, found, strict=True):
        if match:
            captions.setdefault(match["group"], set()).update(image.captions[:1] or [""])
    return [
        (match["group"], int(match["number"]))
        if match and len(captions[match["group"]]) == 1
        else (image.name, 0)
        for image, match in zip(images, found, strict=True)
    ]


def linked(name: str, references: Mapping[str, Picture]) -> Picture | None:
    """The reference that a name leads to, by its own name or its number, with more behind a `_`.

    Args:
        name: of a sample, such as `COCO_val2014_000000391895_s-1.png` or `391895_3.png`.
        references: of `by_name`.
    """
    stem = posixpath.basename(_stem(name))
    while stem:
        if found := references.get(stem.lstrip("0") if stem.isdigit() else stem):
            return found
        stem = stem.rpartition("_")[0]
    return None


def by_name(reference: PictureSet) -> dict[str, Picture]:
    """References by their names without folder and suffix; of COCO also by the numbers in them.

    A number that several have leads to none.
    """
    found: dict[str, Picture] = {}
    numbered: dict[str, list[Picture]] = {}
    for picture in reference.pictures:
        stem = posixpath.basename(_stem(picture.image.name))
        found[stem] = picture
        if reference.layout == "coco" and (match := _LAST_NUMBER.search(stem)):
            numbered.setdefault(match[1].lstrip("0"), []).append(picture)
    return {number: some[0] for number, some in numbered.items() if len(some) == 1} | found


def by_caption(reference: PictureSet) -> dict[str, Picture]:
    """References by their captions; one that several have leads to none."""
    found: dict[str, list[Picture]] = {}
    for picture in reference.pictures:
        for caption in dict.fromkeys(picture.image.captions):
            found.setdefault(caption, []).append(picture)
    return {caption: some[0] for caption, some in found.items() if len(some) == 1}


def names_in(url: str) -> list[str]:
    """The lines of a list, without comments.

    Raises:
        SamplesError: there is no such file.
    """
    try:
        lines = files.read_bytes(url).decode("utf-8", "replace").splitlines()
    except OSError as error:
        raise SamplesError(f"{url}: no list can be read there: {error}") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _samples(
    path: str, name: str, names: Mapping[str, Picture], captions: Mapping[str, Picture]
) -> PictureSet:
    one = ImageSet(path=path, name=plain_name(path))
    if files.exists(RunFolder(path).config):
        one = one.model_copy(update={"path": _table_of_run(path), "image_column": "sample"})
    opened = open_set(one)
    known = [(image, _reference_of(image, names, captions)) for image in opened.images]
    images = [_captioned(image, found) for image, found in known]
    pictures = tuple(
        Picture(image, group, number, found.image.name if found else "")
        for image, (_, found), (group, number) in zip(images, known, grouped(images), strict=True)
    )
    return PictureSet(name, path, opened.layout, pictures, tuple(opened.absent))


def _reference_of(
    image: SetImage, names: Mapping[str, Picture], captions: Mapping[str, Picture]
) -> Picture | None:
    """The reference of a sample: by its name, where the two do not contradict, else by caption."""
    found = linked(image.name, names)
    if not image.captions:
        return found
    if found is not None and set(image.captions) & {*found.image.captions}:
        return found
    return captions.get(image.captions[0])


def _captioned(image: SetImage, reference: Picture | None) -> SetImage:
    if image.captions or reference is None:
        return image
    return replace(image, captions=reference.image.captions)


def _table_of_run(root: str) -> str:
    """The table of samples of a run: of captions that no training has seen, else of others."""
    config = load_run_config(root)
    graph, run = Graph.of(config), RunFolder(root, config.num_shards)
    for role in (ZERO_SHOT, SAMPLES):
        url = graph.url(role, run)
        if url is not None and files.exists(url):
            return url
    raise SamplesError(
        f"{root} is a run without samples; a config with a section `zero_shot` or `samples` asks "
        f"for them, and `dalle run` draws them"
    )


def plain_name(path: str) -> str:
    """The name of a folder, as a set may be called."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", _name(path))


def _name(path: str) -> str:
    return posixpath.basename(path.rstrip("/")) or path


def _stem(name: str) -> str:
    return posixpath.splitext(name)[0]
