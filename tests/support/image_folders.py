"""Small folders of images with captions, as evaluations read them, and features without weights."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dalle_model.evaluate.features import FeatureFacts
from dalle_model.pixels import Rgb, to_png

SIDE = 24


def picture(seed: int, side: int = SIDE) -> Rgb:
    """Four fields of random colours."""
    colours = np.random.default_rng(seed).integers(0, 256, (2, 2, 3), dtype=np.uint8)
    return colours.repeat(side // 2, axis=0).repeat(side // 2, axis=1)


def write_images(folder: Path, captions: Mapping[str, str], first: int = 0) -> Path:
    """A PNG of each name, with its caption beside it where it has one."""
    for place, (name, caption) in enumerate(captions.items()):
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(to_png(picture(first + place)))
        if caption:
            path.with_suffix(".txt").write_text(caption)
    return folder


def write_coco(folder: Path, numbers: Sequence[int], absent: Sequence[int] = ()) -> Path:
    """COCO's validation set, with two captions an image, of which some images are absent."""
    every = [*numbers, *absent]
    named = {number: f"COCO_val2014_{number:012d}.png" for number in every}
    images = [{"id": number, "file_name": name} for number, name in named.items()]
    told = [(n, f"{text} of {n}") for n in every for text in ("a view", "another view")]
    annotations = [{"image_id": number, "caption": text} for number, text in told]
    (folder / "annotations").mkdir(parents=True)
    document = json.dumps({"images": images, "annotations": annotations})
    (folder / "annotations/captions_val2014.json").write_text(document)
    write_images(folder / "val2014", {Path(named[n]).stem: "" for n in numbers}, first=500)
    return folder


class CountedFeatures:
    """Mean colours of the quarters of images, with classes; counts the images that it has seen."""

    def __init__(self) -> None:
        self.seen = 0
        self.shapes: set[tuple[int, ...]] = set()

    @property
    def facts(self) -> FeatureFacts:
        return FeatureFacts("counted", "means of quarters", "0" * 64, 12, (2, 2), "mean")

    def features(self, images: Sequence[Rgb]) -> NDArray[np.float32]:
        self.seen += len(images)
        self.shapes |= {image.shape for image in images}
        return np.stack([self._of(image) for image in images])

    def logits(self, images: Sequence[Rgb]) -> NDArray[np.float32]:
        return self.logits_of(self.features(images))

    def logits_of(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return 8 * features

    def _of(self, image: Rgb) -> NDArray[np.float32]:
        height, width, _ = image.shape
        quarters = image.reshape(2, height // 2, 2, width // 2, 3).mean(axis=(1, 3))
        return (quarters / 255).reshape(-1).astype(np.float32)
