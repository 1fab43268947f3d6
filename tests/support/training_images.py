"""Images as a codec is trained on them: in a file of their pixels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dalle_model.data.augment import Augmentation
from dalle_model.pixels import Rgb
from dalle_model.train.images import ImageSource, TrainingImages, open_training_images


def name_of(number: int) -> str:
    """The image's part of a key; those whose number mod 16 is 15 are held out."""
    return f"{number:024x}"


def source_of(images: Sequence[Rgb] | Rgb, digest: str = "") -> ImageSource:
    """Images named by their numbers."""
    return ImageSource(
        "a folder", digest, lambda: ((name_of(n), rgb) for n, rgb in enumerate(images))
    )


def training_images(
    folder: Path,
    images: Sequence[Rgb] | Rgb,
    augmentation: Augmentation | None = None,
    **changes: Any,
) -> TrainingImages:
    """Images in a file in a folder; by default as they are."""
    used = augmentation or Augmentation("none", len(images[0]), **changes)
    return open_training_images(source_of(images), f"{folder}/codec.safetensors", used)
