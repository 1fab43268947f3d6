"""The images a codec is trained on: each once, kept as pixels in a file, and one in 16 held out."""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path

import numpy as np

from dalle_model import files
from dalle_model.data.augment import Augmentation
from dalle_model.data.image_file import ImageFile, open_images
from dalle_model.data.image_reader import ImageReader, Squares, held_out
from dalle_model.errors import DalleError
from dalle_model.pixels import Rgb
from dalle_model.train.place import is_first_of_machine
from dalle_model.train.ranks import group_of_all, on_each

SUFFIX = ".images"
_DECODING = timedelta(days=7)  # waited for at most; chosen: torchrun ends those that wait in vain


class ImagesError(DalleError):
    """There are no images to train on, or too few: where, and what to do."""


@dataclass(frozen=True)
class ImageSource:
    """Images from wherever they are, decoded.

    Args:
        name: says where, for people.
        digest: of what decides them.
        named: gives the images' parts of their keys, 24 hex digits, and pixels, uint8 `(height,
            width, 3)`: upright, as sRGB on white.
    """

    name: str
    digest: str
    named: Callable[[], Iterable[tuple[str, Rgb]]]


@dataclass(frozen=True)
class TrainingImages:
    """Images in their file.

    Args:
        reader: of those that are trained on, in the order of training.
        train: the centres of those.
        held_out: the centres of the others.
        digest: of the keys and pixels of all.
    """

    reader: ImageReader
    train: Squares
    held_out: Squares
    digest: str


def open_training_images(
    source: ImageSource, out_url: str, augmentation: Augmentation
) -> TrainingImages:
    """Decode images into a file next to what is trained, unless that has been done.

    Args:
        source: of the images.
        out_url: URL of the future checkpoint.
        augmentation: how squares are made of them.

    Raises:
        ImagesError: too few to train on some and hold others out.
        ImageFileError: the file is damaged.
    """
    kept_as = (augmentation.kind == "listing1", augmentation.side, augmentation.resample)
    made_of = files.sha256(repr((source.digest, kept_as)).encode())
    images = open_images(image_file(out_url), made_of, source.named, augmentation.kept)
    is_held_out = held_out(images.keys)
    _refuse_few(images, int(is_held_out.sum()), source.name, augmentation.side)
    rows = np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)
    train, others = (Squares(images, which, augmentation) for which in rows)
    return TrainingImages(ImageReader(images, rows[0], augmentation), train, others, images.digest)


def open_together(source: ImageSource, out_url: str, augmentation: Augmentation) -> TrainingImages:
    """The same of processes that train together: the first of each machine decodes the images.

    What it raises is raised by all.
    """

    def opened() -> TrainingImages:
        return open_training_images(source, out_url, augmentation)

    group = group_of_all(_DECODING)
    if group is not None:
        on_each(group, lambda: opened().digest if is_first_of_machine() else "")
    return opened()


def image_file(out_url: str) -> str:
    """Path of the file of images of a training, which is on a disk of this machine."""
    if files.is_local(out_url):
        return out_url + SUFFIX
    return str(Path(tempfile.gettempdir(), f"dalle-{files.sha256(out_url.encode())[:16]}{SUFFIX}"))


def remove_images(out_url: str) -> None:
    """Delete the file, which a finished training does not need; the first of each machine does."""
    if is_first_of_machine():
        files.remove(image_file(out_url))


def _refuse_few(images: ImageFile, num_held_out: int, name: str, side: int) -> None:
    num_train = len(images) - num_held_out
    if num_train and num_held_out:
        return
    small = f", and {images.left_out:,} are below {side} px" if images.left_out else ""
    raise ImagesError(
        f"too few images to train on in {name}: {num_train:,} to train on and {num_held_out:,} "
        f"held out{small}; of a run, `dalle report` shows which stage dropped the others"
    )


@dataclass(frozen=True)
class Images:
    """Distinct images in the order of their names.

    Args:
        names: 24 hex digits each, the image's part of its key.
        rgb: uint8 `(N, side, side, 3)`.
    """

    names: list[str]
    rgb: Rgb


def distinct_images(named: Iterable[tuple[str, Rgb]]) -> Images:
    """Sort images by name and keep each once: of equal pixels, those of the lowest name.

    Args:
        named: names and squares of one size, uint8 `(side, side, 3)`, in any order; of several
            squares with one name, the last one counts.

    Raises:
        ImagesError: there are none.
    """
    by_name = dict(sorted(named, key=lambda pair: pair[0]))
    if not by_name:
        raise ImagesError("there are no images; `dalle run images` makes them")
    by_pixels: dict[bytes, str] = {}
    for name, rgb in by_name.items():
        by_pixels.setdefault(blake2b(rgb.tobytes()).digest(), name)
    names = list(by_pixels.values())
    return Images(names, np.stack([by_name[name] for name in names]))
